//! After the foe.

use std::f32::consts::TAU;

use cuelight::{Cooldown, now};
use godot::builtin::Vector2;

use super::walk::stride;
use crate::body::{Body, Mood};

const SPEED: f32 = 128.0;

/// So long a foe that is not seen is still chased.
const PATIENCE: f64 = 1.2;

/// Follows the foe, calls others, and loses it when it has not been seen for a while.
pub async fn chase(me: &impl Body, call: &Cooldown, near: f32) {
    let Some(mut last) = me.foe() else { return };
    me.show(Mood::Angry);
    if call.try_start() {
        me.call_others(last);
    }
    // Not all from one side.
    let side = Vector2::from_angle(me.roll() * TAU) * near * 0.8;
    let mut seen = now();
    while now() - seen < PATIENCE {
        if let Some(foe) = me.foe().filter(|_| me.sees_foe()) {
            (last, seen) = (foe, now());
        }
        let seconds = stride(me).await;
        let aim = last + side;
        let gap = me.position().distance_to(aim);
        if gap > 6.0 {
            me.move_by(me.position().direction_to(aim) * (SPEED * seconds).min(gap));
        } else {
            me.move_by(Vector2::ZERO);
            me.face(me.position().direction_to(last));
        }
    }
    // It was here: that is where the search begins.
    me.set_noise(Some(last));
}
