//! An imp: follows the foe, and bursts when it is there.

use cuelight::{next_frame, wait_seconds};

use super::walk::go_to;
use crate::body::{Body, Mood};

/// Follows the foe to the end, and bursts.
pub async fn imp(me: &impl Body) {
    me.show(Mood::Curious);
    wait_seconds(0.5).await; // It hatches.
    while me.foe().is_none() {
        next_frame().await;
    }
    me.show(Mood::Angry);
    go_to(me, 150.0, 26.0, || me.foe().unwrap_or(me.post())).await;
    me.show(Mood::Striking);
    wait_seconds(0.25).await;
    me.strike(60.0, 6);
}
