//! Ending tasks.

use cuelight::prelude::*;
use godot::classes::{CharacterBody2D, PointLight2D};
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, Hero, say};

// ANCHOR: guard
async fn search(me: Gd<Guard>, lamp: Gd<PointLight2D>) {
    let mut lit = lamp.clone();
    lit.set_enabled(true);
    let _lamp = at_exit(move || {
        if lit.is_instance_valid() {
            lit.set_enabled(false);
        }
    });
    wait_seconds(20.0).await;
    me.with(|guard| guard.is_alert = false);
}
// ANCHOR_END: guard

// ANCHOR: keep
async fn open_for_good(ui: Gd<DialogueBox>, mut door: Gd<Node2D>) {
    door.hide();
    let shut = at_exit(move || {
        if door.is_instance_valid() {
            door.show();
        }
    });
    say(&ui, "Shall it stay open?").await;
    shut.keep();
}
// ANCHOR_END: keep

// ANCHOR: handle
#[derive(GodotClass)]
#[class(init, base = CharacterBody2D)]
struct Runner {
    dash: Option<TaskHandle<()>>,
    is_dashing: bool,
    base: Base<CharacterBody2D>,
}

impl Runner {
    fn stop_dash(&mut self) {
        if let Some(dash) = self.dash.take() {
            dash.cancel();
        }
    }
}
// ANCHOR_END: handle

// ANCHOR: restart
impl Runner {
    fn start_dash(&mut self) {
        self.stop_dash();
        let me = self.to_gd();
        self.dash = Some(me.tasks().spawn_deferred(dash(me)));
    }
}

async fn dash(me: Gd<Runner>) {
    me.with(|runner| runner.is_dashing = true);
    let runner = me.clone();
    let _end = at_exit(move || {
        if runner.is_instance_valid() {
            runner.with(|runner| runner.is_dashing = false);
        }
    });
    wait_seconds(0.25).await;
}
// ANCHOR_END: restart

// ANCHOR: many
fn calm_down(guard: &Gd<Guard>) {
    guard.tasks().cancel_all(); // Ends what is alive now; new tasks are welcome.
}

async fn stop_the_hunt(hunters: TaskGroup, hero: Gd<Hero>) {
    hero.signals().hidden().wait().await;
    drop(hunters); // Ends all that was spawned in it, and what is below it.
}
// ANCHOR_END: many

// ANCHOR: canceller
struct Alarm {
    /// Whatever the alarm has started, and whatever that returns.
    started: Vec<Canceller>,
}

impl Alarm {
    fn call(&mut self, guard: &Gd<Guard>, ui: Gd<DialogueBox>) {
        let cry = guard.spawn_task(async move |_me| say(&ui, "To arms!").await);
        self.started.push(cry.canceller());
    }

    fn all_clear(&mut self) {
        self.started.drain(..).for_each(|task| task.cancel());
    }
}
// ANCHOR_END: canceller
