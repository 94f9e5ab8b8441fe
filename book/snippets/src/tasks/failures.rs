//! Panics and failures.

use cuelight::prelude::*;
use godot::classes::{ILabel, Label};
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

// ANCHOR: hook
#[derive(GodotClass)]
#[class(init, base = Label)]
struct ErrorOverlay {
    base: Base<Label>,
}

#[godot_api]
impl ILabel for ErrorOverlay {
    fn ready(&mut self) {
        let overlay = self.to_gd();
        on_task_panic(move |report| {
            if overlay.is_instance_valid() {
                overlay.clone().set_text(&report.to_string());
            }
        });
    }
}
// ANCHOR_END: hook
