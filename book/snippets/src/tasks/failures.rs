//! Panics and failures.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::DialogueBox;
use crate::keep::{Door, Guard, say};

// ANCHOR: panic
fn post(guard: &Gd<Guard>, shifts: Vec<&'static str>) {
    let me = guard.clone();
    guard.tasks().spawn_named("shift", async move {
        let mut hour = 0;
        loop {
            let name = shifts[hour]; // Panics at the end of the list.
            me.with(|guard| guard.name = name.into());
            wait_seconds(60.0).await;
            hour += 1;
        }
    });
}
// ANCHOR_END: panic

// ANCHOR: fail
fn wait_for_door(guard: &Gd<Guard>, door: Gd<Door>) {
    guard.spawn_task(async move |me| {
        door.signals().opened().wait().await;
        me.with(Guard::strike);
    });
}
// ANCHOR_END: fail

// ANCHOR: try_wait
async fn knock(ui: Gd<DialogueBox>, door: Gd<Door>) {
    match door.signals().opened().try_wait().await {
        Ok(()) => say(&ui, "Come in!").await,
        Err(error) => say(&ui, &format!("No door, no knocking: {error}")).await,
    }
}
// ANCHOR_END: try_wait
