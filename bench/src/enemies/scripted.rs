//! The enemy with cuelight.

use cuelight::prelude::*;
use godot::prelude::*;

use super::{
    CLOSE, COOLDOWN, LOOK, REACH, REST, ROUND, RUN, SIGHT, THERE, WALK, WIND_UP, place_of, put,
    strike,
};

// ANCHOR: enemy
pub(super) async fn enemy(me: Gd<Node2D>, player: Gd<Node2D>) {
    let post = place_of(&me);
    let swing = current_group().cooldown(COOLDOWN);
    let gap = || place_of(&me).distance_to(place_of(&player));
    let acts = (
        when(|| gap() < REACH && swing.is_ready(), || attack(&swing)),
        during(|| gap() < SIGHT, || chase(me.clone(), &player)),
        otherwise(|| patrol(me.clone(), post)),
    );
    priority(acts).every(LOOK).await;
}

async fn attack(swing: &Cooldown) {
    swing.try_start();
    wait_seconds(WIND_UP).await;
    strike();
}

async fn chase(mut me: Gd<Node2D>, player: &Gd<Node2D>) {
    loop {
        go(&mut me, place_of(player), RUN, CLOSE);
        next_frame().await;
    }
}

async fn patrol(mut me: Gd<Node2D>, post: Vector2) {
    loop {
        for corner in [post + ROUND, post] {
            while go(&mut me, corner, WALK, THERE) {
                next_frame().await;
            }
            wait_seconds(REST).await;
        }
    }
}

/// Makes a step, unless it is there.
fn go(me: &mut Gd<Node2D>, to: Vector2, speed: f32, near: f32) -> bool {
    let at = place_of(me);
    let is_away = at.distance_to(to) > near;
    if is_away {
        put(me, at + at.direction_to(to) * speed * delta() as f32);
    }
    is_away
}
// ANCHOR_END: enemy
