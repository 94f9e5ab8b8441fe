//! From GDScript.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, say, walk_to};

// ANCHOR: choice
async fn ask(ui: &Gd<DialogueBox>) -> Option<i64> {
    match ui.signals().chosen().wait().timeout(5.0).await {
        Ok((index,)) => Some(index),
        Err(Elapsed) => None,
    }
}
// ANCHOR_END: choice

// ANCHOR: both
async fn arrive(mara: &Gd<Guard>, finn: &Gd<Guard>, ui: &Gd<DialogueBox>) {
    join((walk_to(mara, Vector2::ZERO), walk_to(finn, Vector2::new(24.0, 0.0)))).await;
    say(ui, "The bridge. At last.").await;
}
// ANCHOR_END: both

// ANCHOR: bridge
#[derive(GodotClass)]
#[class(init, base = Node2D)]
struct Escort {
    base: Base<Node2D>,
}

#[godot_api]
impl Escort {
    #[signal]
    fn arrived();

    #[func]
    fn begin(&mut self) {
        self.spawn_task(async |mut me| {
            wait_seconds(2.0).await;
            me.set_position(Vector2::ZERO);
            me.signals().arrived().emit();
        });
    }
}
// ANCHOR_END: bridge
