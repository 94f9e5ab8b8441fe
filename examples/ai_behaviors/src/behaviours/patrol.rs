//! The rounds.

use std::f32::consts::TAU;

use cuelight::ScriptFutureExt as _;
use godot::builtin::Vector2;

use super::walk::{go_to, look_around};
use crate::body::{Body, Mood};

const SPEED: f32 = 62.0;

/// How far from the post the corners of a round are.
const WIDE: f32 = 120.0;

/// The corners of a round.
const CORNERS: usize = 4;

/// Goes around the post, for ever, from the corner on that is nearest.
pub async fn patrol(me: &impl Body) {
    me.show(Mood::Calm);
    let post = me.post();
    // Every post is another place, and so is every round.
    let turn = post.x * 0.013 + post.y * 0.007;
    let corner = |number: usize| {
        let angle = turn + TAU / CORNERS as f32 * number as f32;
        post + Vector2::from_angle(angle) * WIDE
    };
    let gap = |&number: &usize| me.position().distance_squared_to(corner(number));
    let first = (0..CORNERS).min_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap_or(0);
    for number in (0..CORNERS).cycle().skip(first) {
        // A corner inside a pillar is reached from its side; one behind the wall never.
        let _ = go_to(me, SPEED, 34.0, || corner(number)).timeout(6.0).await;
        look_around(me, 0.8 + f64::from(me.roll())).await;
    }
}
