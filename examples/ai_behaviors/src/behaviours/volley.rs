//! A boss's third phase.

use std::f32::consts::FRAC_PI_6;

use cuelight::{ScriptFutureExt as _, wait_seconds};
use godot::builtin::Vector2;

use super::walk::go_to;
use crate::body::{Body, Mood};

/// Shoots arrows all around, for ever.
pub async fn volleys(me: &impl Body, pace: f64) {
    let mut turn = 0.0;
    loop {
        me.show(Mood::Striking);
        wait_seconds(0.4 * pace).await;
        for number in 0..12 {
            let way = Vector2::from_angle(number as f32 * FRAC_PI_6 + turn);
            me.shoot(me.position() + way * 100.0);
        }
        turn += 0.26;
        me.show(Mood::Angry);
        let approach = go_to(me, 84.0, 90.0, || me.foe().unwrap_or(me.post()));
        let _ = approach.timeout(1.4 * pace).await;
        wait_seconds(0.4 * pace).await;
    }
}
