//! A first script: a whole small game.

// ANCHOR: library
use cuelight::prelude::*;
use godot::classes::{ISprite2D, InputEvent, Sprite2D};
use godot::prelude::*;

struct KeepExtension;

#[gdextension]
unsafe impl ExtensionLibrary for KeepExtension {}
// ANCHOR_END: library

// ANCHOR: sentry
#[derive(GodotClass)]
#[class(init, base = Sprite2D)]
struct Sentry {
    base: Base<Sprite2D>,
}

#[godot_api]
impl ISprite2D for Sentry {
    fn ready(&mut self) {
        self.spawn_task(duty);
    }

    fn input(&mut self, event: Gd<InputEvent>) {
        if event.is_action_pressed("ui_accept") {
            self.signals().hailed().emit();
        }
    }
}

#[godot_api]
impl Sentry {
    #[signal]
    fn hailed();
}
// ANCHOR_END: sentry

// ANCHOR: patrol
async fn patrol(me: &Gd<Sentry>) {
    loop {
        walk(me, Vector2::RIGHT).until(wait_seconds(2.0)).await;
        godot_print!("All quiet in the east.");
        walk(me, Vector2::LEFT).until(wait_seconds(2.0)).await;
        godot_print!("All quiet in the west.");
    }
}

async fn walk(me: &Gd<Sentry>, way: Vector2) {
    let mut me = me.clone();
    loop {
        me.translate(way * 60.0 * delta() as f32);
        next_frame().await;
    }
}
// ANCHOR_END: patrol

// ANCHOR: duty
async fn duty(me: Gd<Sentry>) {
    loop {
        patrol(&me).until(me.signals().hailed().wait()).await;
        godot_print!("Who goes there?");
        wait_seconds(1.0).await;
    }
}
// ANCHOR_END: duty
