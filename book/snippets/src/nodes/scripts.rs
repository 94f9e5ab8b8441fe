//! Scripts on a node.

use cuelight::prelude::*;
use godot::classes::{CharacterBody2D, ICharacterBody2D};
use godot::prelude::*;

// ANCHOR: boss
#[derive(GodotClass)]
#[class(init, base = CharacterBody2D)]
struct Boss {
    #[init(val = 300)]
    hp: i64,
    base: Base<CharacterBody2D>,
}

#[godot_api]
impl ICharacterBody2D for Boss {
    fn ready(&mut self) {
        self.spawn_task(fight);
    }
}

async fn fight(mut me: Gd<Boss>) {
    let rage = async {
        loop {
            me.with(Boss::slam);
            wait_seconds(1.5).await;
        }
    };
    rage.until(wait_until(|| me.bind().hp <= 0)).await;
    me.queue_free();
}
// ANCHOR_END: boss

// ANCHOR: arguments
#[godot_api]
impl Boss {
    #[func]
    fn taunt(&mut self, times: i64) {
        self.spawn_task(async move |me| {
            for _time in 0..times {
                me.with(Boss::roar);
                wait_seconds(0.8).await;
            }
        });
    }
}
// ANCHOR_END: arguments

impl Boss {
    fn slam(&mut self) {}

    fn roar(&mut self) {}
}

// ANCHOR: engine
fn blink(lamp: &Gd<godot::classes::PointLight2D>) {
    lamp.spawn_task(async |mut lamp| {
        loop {
            let is_lit = lamp.is_enabled();
            lamp.set_enabled(!is_lit);
            wait_seconds(0.5).await;
        }
    });
}
// ANCHOR_END: engine

// ANCHOR: slow
fn hit_by_frost(enemy: &Gd<Boss>) {
    enemy.tasks().set_speed(0.3);
}
// ANCHOR_END: slow

// ANCHOR: delta
async fn charge(mut me: Gd<Boss>) {
    loop {
        me.translate(Vector2::RIGHT * 200.0 * delta() as f32);
        next_frame().await;
    }
}
// ANCHOR_END: delta
