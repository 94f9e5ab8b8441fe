//! Pools.

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::prelude::*;

use crate::keep::Guard;

// ANCHOR: arrow
#[derive(GodotClass)]
#[class(init, base = Node2D)]
struct Arrow {
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Arrow {
    fn ready(&mut self) {
        self.to_gd().tasks().cancel_on(CancelOn::DISABLED);
        self.put_away();
    }
}

impl Arrow {
    fn shoot(&mut self) {
        self.base_mut().set_process_mode(ProcessMode::INHERIT);
        self.base_mut().show();
        self.spawn_task(fly);
    }

    fn put_away(&mut self) {
        self.base_mut().hide();
        self.base_mut().set_process_mode(ProcessMode::DISABLED); // Here its scripts end.
    }
}

async fn fly(mut me: Gd<Arrow>) {
    let flight = async {
        loop {
            me.translate(Vector2::RIGHT * 400.0 * delta() as f32);
            next_frame().await;
        }
    };
    let _ = flight.timeout(3.0).await;
    me.with(Arrow::put_away);
}
// ANCHOR_END: arrow

// ANCHOR: part
fn on_stage(me: &Gd<Guard>) {
    let lines = me.tasks().child();
    lines.cancel_on(CancelOn::EXIT_TREE);
    lines.spawn(mutter()); // Ends when he goes off; his other scripts are frozen.
}
// ANCHOR_END: part

async fn mutter() {}
