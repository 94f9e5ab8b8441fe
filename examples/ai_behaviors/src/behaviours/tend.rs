//! Help for a friend.

use cuelight::{ScriptFutureExt as _, wait_seconds, wait_until};

use super::walk::go_to;
use crate::body::{Body, Mood};

/// How near one has to be to heal.
const NEAR: f32 = 120.0;

/// Goes to the nearest friend who is hurt, and heals it. It is given up when that takes too long.
pub async fn tend(me: &impl Body) {
    let Some(friend) = me.hurt_friend() else { return };
    me.show(Mood::Helping);
    let help = async {
        go_to(me, 110.0, NEAR, || friend.position()).await;
        for _ in 0..3 {
            me.face(me.position().direction_to(friend.position()));
            me.beam(&friend, 0.6);
            wait_seconds(0.6).await;
            friend.heal(0.2);
        }
    };
    // The friend may be well again before that, or run off, or fall.
    let is_over = || friend.health() <= 0.0 || friend.health() >= 0.95;
    let _ = help.until(wait_until(is_over).every(0.1)).timeout(6.0).await;
}
