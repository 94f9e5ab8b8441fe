//! Cues and flags.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, Hero, say, walk_to};

// ANCHOR: cue
#[derive(Clone)]
struct Watch {
    alarm: Cue<Vector2>,
}

async fn stand_guard(me: Gd<Guard>, watch: Watch) {
    loop {
        let place = watch.alarm.wait().await;
        walk_to(&me, place).await;
    }
}

async fn keep_lookout(me: Gd<Guard>, hero: Gd<Hero>, watch: Watch) {
    wait_until(|| me.get_position().distance_to(hero.get_position()) < 300.0).await;
    watch.alarm.give(hero.get_position()); // Every guard who waits hears it.
}
// ANCHOR_END: cue

// ANCHOR: before
async fn call_and_response(me: Gd<Guard>, watch: Watch) {
    let answer = watch.alarm.wait(); // Listens from here.
    me.with(Guard::strike);
    wait_seconds(1.0).await;
    let place = answer.await; // An alarm in that second is not lost.
    walk_to(&me, place).await;
}
// ANCHOR_END: before

// ANCHOR: flag
async fn night(gate_shut: Flag) {
    loop {
        wait_seconds(120.0).await;
        gate_shut.set();
        wait_seconds(60.0).await;
        gate_shut.clear();
    }
}

async fn last_call(ui: Gd<DialogueBox>, gate_shut: Flag) {
    gate_shut.wait_set().await; // At once, if it is shut.
    say(&ui, "Too late for today.").await;
}
// ANCHOR_END: flag
