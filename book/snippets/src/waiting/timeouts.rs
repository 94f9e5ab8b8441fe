//! Timeouts.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, say, walk_to};

// ANCHOR: choice
async fn gatekeeper(ui: Gd<DialogueBox>) -> bool {
    say(&ui, "A friend, or not?").await;
    match ui.signals().chosen().wait().timeout(5.0).await {
        Ok((0,)) => true,
        Ok(_) => false,
        Err(Elapsed) => {
            say(&ui, "Lost your tongue?").await;
            false
        }
    }
}
// ANCHOR_END: choice

// ANCHOR: script
async fn reach_the_gate(me: Gd<Guard>, gate: Vector2) {
    if walk_to(&me, gate).timeout(10.0).await.is_err() {
        let mut me = me;
        me.set_position(gate); // He was stuck behind a crate.
    }
}
// ANCHOR_END: script

// ANCHOR: other
async fn parley(ui: Gd<DialogueBox>, me: Gd<Guard>) {
    let talk = say(&ui, "We might come to terms …");
    let interrupted = talk.until(me.signals().alerted().wait()).await.is_none();
    godot_print!("interrupted: {interrupted}");
}
// ANCHOR_END: other
