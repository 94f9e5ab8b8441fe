//! Borrowing without tears.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, say, walk_to};

#[expect(clippy::await_holding_invalid_type, reason = "this is what it looks like")]
// ANCHOR: trap
async fn wrong(mut me: Gd<Guard>) {
    let mut guard = me.bind_mut();
    guard.is_alert = true;
    wait_seconds(1.0).await; // The guard is bound for a second.
    guard.is_alert = false;
}
// ANCHOR_END: trap

#[expect(clippy::await_holding_invalid_type, reason = "this is what it looks like")]
// ANCHOR: hidden
async fn wrong_too(me: Gd<Guard>, ui: Gd<DialogueBox>) {
    say(&ui, &me.bind().name.to_string()).await; // Bound to the end of the statement.

    if let Some(target) = &me.bind().target {
        walk_to(&me, target.get_position()).await; // Bound to the end of the block.
    }
}
// ANCHOR_END: hidden

// ANCHOR: right
async fn right(me: Gd<Guard>, ui: Gd<DialogueBox>) {
    me.with(|guard| guard.is_alert = true);
    wait_seconds(1.0).await;
    me.with(|guard| guard.is_alert = false);

    let name = me.bind().name.to_string();
    say(&ui, &name).await;

    let target = me.bind().target.clone();
    if let Some(target) = target {
        walk_to(&me, target.get_position()).await;
    }
}
// ANCHOR_END: right

// ANCHOR: lend
#[derive(GodotClass)]
#[class(init, base = Node)]
struct Barracks {
    guards: Vec<Gd<Guard>>,
    roll_call: i64,
    base: Base<Node>,
}

#[godot_api]
impl Barracks {
    #[signal]
    fn alarm();

    fn ring_the_bell(&mut self) {
        self.roll_call = 0;
        // Whoever hears the alarm may bind the barracks.
        self.lend(|me| me.signals().alarm().emit());
        godot_print!("{} are here", self.roll_call);
    }
}
// ANCHOR_END: lend
