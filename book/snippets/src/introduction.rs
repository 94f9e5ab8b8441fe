//! The first page: one script, whole.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, Hero, say, walk_to};

// ANCHOR: ambush
async fn ambush(me: Gd<Guard>, hero: Gd<Hero>, ui: Gd<DialogueBox>) {
    me.signals().alerted().wait().await;
    let cooldown = wait_seconds(3.0); // Counts from here.

    join((walk_to(&me, hero.get_position()), say(&ui, "You there! Stop!"))).await;
    me.with(Guard::strike);

    match hero.signals().hit().wait().timeout(1.0).await {
        Ok((damage,)) => say(&ui, &format!("{damage} for you.")).await,
        Err(Elapsed) => say(&ui, "Come out and fight!").await,
    }
    cooldown.await;
}
// ANCHOR_END: ambush
