//! A boss's first phase.

use std::future::pending;

use cuelight::{ScriptFutureExt as _, every, wait_seconds};

use super::walk::go_to;
use crate::body::{Body, Mood};

/// Comes closer, and stamps to a beat, wherever it has got to, for ever.
pub async fn stamp(me: &impl Body) {
    let mut beat = every(1.8);
    loop {
        let approach = go_to(me, 70.0, 60.0, || me.foe().unwrap_or(me.post()));
        let wait_there = async {
            approach.await;
            pending().await
        };
        let _: Option<()> = wait_there.until(beat.next()).await;
        me.show(Mood::Striking);
        wait_seconds(0.4).await;
        me.strike(150.0, 10);
        me.show(Mood::Angry);
    }
}
