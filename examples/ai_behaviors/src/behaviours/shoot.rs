//! The arrow.

use cuelight::{Cooldown, ScriptFutureExt as _, wait_seconds};

use super::walk::stride;
use crate::body::{Body, Mood};

/// Seconds between two arrows.
pub const PAUSE: f64 = 1.7;

/// How close an archer lets the foe come.
pub const TOO_CLOSE: f32 = 190.0;

/// Draws the bow, and lets go.
pub async fn shoot(me: &impl Body, bow: &Cooldown) {
    bow.try_start();
    me.show(Mood::Striking);
    let aim = async {
        while let Some(foe) = me.foe() {
            me.face(me.position().direction_to(foe));
            stride(me).await;
        }
    };
    let _ = aim.timeout(0.45).await;
    if let Some(foe) = me.foe() {
        me.shoot(foe);
    }
    wait_seconds(0.15).await;
    me.show(Mood::Angry);
}

/// Goes backwards, away from the foe.
pub async fn back_off(me: &impl Body) {
    me.show(Mood::Angry);
    loop {
        let seconds = stride(me).await;
        let Some(foe) = me.foe() else { return };
        let away = foe.direction_to(me.position());
        me.move_by(away * 104.0 * seconds);
        me.face(-away);
    }
}
