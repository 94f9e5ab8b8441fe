//! Going somewhere: what most behaviours are made of.

use cuelight::{ScriptFutureExt as _, next_frame, now, wait_seconds};
use godot::builtin::Vector2;

use crate::body::Body;

/// Seconds from step to step where nobody looks closely.
const LONG_STRIDE: f64 = 0.25;

/// Goes to a place, at so many pixels a second; a place that moves is followed.
pub async fn go_to(me: &impl Body, speed: f32, near: f32, place: impl Fn() -> Vector2) {
    loop {
        let place = place();
        let gap = me.position().distance_to(place);
        if gap <= near {
            return;
        }
        let seconds = stride(me).await;
        let way = me.position().direction_to(place) * (speed * seconds).min(gap);
        me.move_by(way);
    }
}

/// Waits for the next step, and returns how many seconds it takes: a frame, or more of them far away.
pub async fn stride(me: &impl Body) -> f32 {
    let begun = now();
    if me.is_far() {
        wait_seconds(LONG_STRIDE).await;
    } else {
        next_frame().await;
    }
    (now() - begun) as f32
}

/// Looks around for so many seconds.
pub async fn look_around(me: &impl Body, seconds: f64) {
    let (start, facing, side) = (now(), me.facing(), if me.roll() < 0.5 { -1.0 } else { 1.0 });
    let turn = async {
        loop {
            let angle = ((now() - start) * 2.6).sin() as f32 * 1.1 * side;
            me.face(facing.rotated(angle));
            stride(me).await;
        }
    };
    let _ = turn.timeout(seconds).await;
}
