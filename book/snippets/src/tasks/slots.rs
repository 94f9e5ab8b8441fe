//! One action at a time.

use cuelight::prelude::*;
use godot::classes::CharacterBody2D;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, say};

// ANCHOR: slot
#[derive(GodotClass)]
#[class(init, base = CharacterBody2D)]
struct Squire {
    #[init(val = OnReady::from_base_fn(|me| TaskSlot::under(&me.tasks())))]
    action: OnReady<TaskSlot>,
    is_dashing: bool,
    base: Base<CharacterBody2D>,
}

impl Squire {
    fn press_dash(&mut self) {
        let me = self.to_gd();
        self.action.replace(dash(me)); // Ends whatever he is doing, and then begins.
    }

    fn press_wave(&mut self) {
        let me = self.to_gd();
        self.action.start_if_idle(wave(me)); // Only if he has nothing better to do.
    }
}

async fn dash(me: Gd<Squire>) {
    me.with(|squire| squire.is_dashing = true);
    let squire = me.clone();
    let _end = at_exit(move || {
        if squire.is_instance_valid() {
            squire.with(|squire| squire.is_dashing = false);
        }
    });
    wait_seconds(0.25).await;
}
// ANCHOR_END: slot

async fn wave(mut me: Gd<Squire>) {
    for _turn in 0..4 {
        me.rotate(0.2);
        wait_seconds(0.2).await;
    }
}

// ANCHOR: enqueue
struct Herald {
    speech: TaskSlot,
    ui: Gd<DialogueBox>,
}

impl Herald {
    fn announce(&self, text: &'static str) {
        let ui = self.ui.clone();
        self.speech.enqueue(async move { say(&ui, text).await });
    }

    fn hush(&self) {
        self.speech.cancel(); // This line, and all that were to come.
    }
}
// ANCHOR_END: enqueue

// ANCHOR: inside
async fn drill(me: Gd<Guard>, action: std::rc::Rc<TaskSlot>) {
    for _blow in 0..10 {
        me.with(Guard::strike);
        wait_seconds(0.5).await;
    }
    action.enqueue(rest(me)); // Begins when this script and its guards are done.
}
// ANCHOR_END: inside

async fn rest(_me: Gd<Guard>) {
    wait_seconds(5.0).await;
}
