//! Away from the foe.

use cuelight::now;
use godot::builtin::Vector2;

use super::walk::stride;
use crate::body::{Body, Mood};

const SPEED: f32 = 118.0;

/// Below this health one flees.
pub const LOW: f32 = 0.35;

/// Runs to a healer, or just away, and gets some breath back where the foe is out of sight.
pub async fn flee(me: &impl Body) {
    me.show(Mood::Afraid);
    let mut seen = now();
    loop {
        let seconds = stride(me).await;
        if me.gap() < 320.0 {
            seen = now();
        }
        if now() - seen > 2.5 {
            me.heal(0.12 * seconds);
        }
        me.move_by(way_out(me) * SPEED * seconds);
    }
}

/// Returns the direction to run in.
fn way_out(me: &impl Body) -> Vector2 {
    let at = me.position();
    let away = match me.foe() {
        Some(foe) if me.gap() < 380.0 => foe.direction_to(at),
        _ => Vector2::ZERO,
    };
    let refuge = me.healer().unwrap_or(me.post());
    let there = if at.distance_to(refuge) > 60.0 { at.direction_to(refuge) } else { Vector2::ZERO };
    // The healer is no help if the foe stands in the way.
    let way = away * 1.4 + there;
    if way.length() < 0.1 { Vector2::ZERO } else { way.normalized() }
}
