//! Pause, process mode, slow motion.

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::classes::{Control, IControl};
use godot::prelude::*;

use crate::keep::{Guard, Hero};

// ANCHOR: menu
#[derive(GodotClass)]
#[class(init, base = Control)]
struct PauseMenu {
    base: Base<Control>,
}

#[godot_api]
impl PauseMenu {
    #[signal]
    fn closed();
}

#[godot_api]
impl IControl for PauseMenu {
    fn ready(&mut self) {
        self.base_mut().set_process_mode(ProcessMode::ALWAYS);
        self.spawn_task(run);
    }
}

async fn run(me: Gd<PauseMenu>) {
    let mut tree = me.get_tree();
    tree.set_pause(true);
    let _paused = at_exit(move || {
        if tree.is_instance_valid() {
            tree.set_pause(false);
        }
    });
    me.signals().closed().wait().await;
}
// ANCHOR_END: menu

// ANCHOR: speed
fn slow_down(guard: &Gd<Guard>) {
    guard.tasks().set_speed(0.5);
}
// ANCHOR_END: speed

// ANCHOR: slow
async fn frostbite(guard: Gd<Guard>, hero: Gd<Hero>) {
    let two_seconds = hero.tasks().clock().wait_seconds(2.0); // The hero's seconds.
    let _slow = guard.tasks().clock().slow(0.3);
    two_seconds.await; // Then the guard is dropped, and the speed is as before.
}
// ANCHOR_END: slow

// ANCHOR: some
async fn guard_duty(me: Gd<Guard>) {
    let thoughts = me.tasks().child();
    thoughts.spawn(patrol(me.clone()));
    loop {
        let (seconds,) = me.signals().stunned().wait().await;
        thoughts.pause();
        wait_seconds(seconds).await;
        thoughts.resume();
    }
}
// ANCHOR_END: some

async fn patrol(me: Gd<Guard>) {
    loop {
        me.with(Guard::block);
        next_frame().await;
    }
}

// ANCHOR: physics
fn start_in_physics(guard: &Gd<Guard>) {
    guard.tasks().set_phase(Phase::Physics);
    guard.spawn_task(march);
}

async fn march(mut me: Gd<Guard>) {
    loop {
        me.move_and_collide(Vector2::RIGHT * 60.0 * delta() as f32);
        wait_physics_frames(1).await;
    }
}
// ANCHOR_END: physics
