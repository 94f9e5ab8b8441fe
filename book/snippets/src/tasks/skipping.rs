//! Skipping, checkpoints.

use cuelight::prelude::*;
use godot::classes::{CharacterBody2D, Input};
use godot::prelude::*;

// ANCHOR: scene
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct BridgeScene {
    #[export]
    hero: OnEditor<Gd<CharacterBody2D>>,
    base: Base<Node2D>,
}

#[godot_api]
impl BridgeScene {
    #[signal]
    pub fn skip_pressed();

    #[signal]
    pub fn key_pressed();

    #[func]
    pub fn play(&mut self) {
        self.spawn_task(|me| async move {
            let skip = me.signals().skip_pressed().wait();
            skippable(bridge(me), skip).await;
        });
    }
}

async fn bridge(me: Gd<BridgeScene>) {
    let hero = me.bind().hero.clone();
    let (from, to) = (hero.get_position(), Vector2::new(400.0, 0.0));
    hero.animate(3.0, Ease::InOutSine, |hero, t| hero.set_position(from.lerp(to, t))).await;
    me.signals().key_pressed().wait().or_skip(()).await;
    if !is_skipping() {
        Input::singleton().vibrate_handheld();
    }
    wait_seconds(1.0).await;
}
// ANCHOR_END: scene

// ANCHOR: choice
async fn ask(me: &Gd<BridgeScene>) -> bool {
    let answer = me.signals().key_pressed().wait().timeout(5.0);
    unskippable(answer).await.is_ok()
}
// ANCHOR_END: choice

// ANCHOR: checkpoints
async fn story() {
    wait_seconds(60.0).await; // Scene 1.
    checkpoint("bridge");
    wait_seconds(60.0).await; // Scene 2.
    checkpoint("castle");
    wait_seconds(60.0).await; // Scene 3.
}

fn load_game(scene: &Gd<BridgeScene>, saved_at: GString) {
    scene.spawn_task(|_| play_from(saved_at, story()));
}
// ANCHOR_END: checkpoints

// ANCHOR: group
fn hurry(scene: &Gd<BridgeScene>) {
    scene.tasks().skip();
}
// ANCHOR_END: group
