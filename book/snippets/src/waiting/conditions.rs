//! Conditions.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{Door, Guard, Hero};

// ANCHOR: until
async fn ambush(me: Gd<Guard>, hero: Gd<Hero>) {
    wait_until(|| me.get_position().distance_to(hero.get_position()) < 40.0).await;
    me.with(Guard::strike);
}
// ANCHOR_END: until

// ANCHOR: state
async fn go_through(me: Gd<Guard>, door: Gd<Door>) {
    wait_until(|| door.bind().is_open).await; // At once, if it stands open.
    me.with(|guard| guard.is_alert = true);
}
// ANCHOR_END: state

// ANCHOR: alive
async fn mourn(me: Gd<Guard>, hero: Gd<Hero>) {
    let is_down = wait_until(|| hero.bind().hp <= 0);
    if is_down.while_alive(&hero).await.is_some() {
        me.with(|guard| guard.is_alert = false);
    }
}
// ANCHOR_END: alive
