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

// ANCHOR: while
async fn catch_breath(me: Gd<Guard>) {
    wait_while(|| me.bind().is_alert).await;
    me.with(|guard| guard.hp += 1);
}
// ANCHOR_END: while

// ANCHOR: changed
async fn wince(me: Gd<Guard>) {
    loop {
        let before = me.bind().hp;
        let hp = wait_changed(|| me.bind().hp).await;
        if hp < before {
            me.with(Guard::block);
        }
    }
}
// ANCHOR_END: changed

// ANCHOR: every
async fn keep_watch(me: Gd<Guard>, hero: Gd<Hero>) {
    let is_near = || me.get_position().distance_to(hero.get_position()) < 200.0;
    wait_until(is_near).every(0.2).await;
    me.with(|guard| guard.is_alert = true);
}
// ANCHOR_END: every
