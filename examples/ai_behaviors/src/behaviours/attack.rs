//! The blow.

use cuelight::{Cooldown, wait_seconds};

use crate::body::{Body, Mood};

/// How near the foe has to be.
pub const REACH: f32 = 46.0;

/// Seconds between two blows.
pub const PAUSE: f64 = 1.2;

// ANCHOR: attack
/// Winds up and strikes. The cooldown begins with the wind-up, so that who interrupts it has won the whole pause.
pub async fn attack(me: &impl Body, swing: &Cooldown) {
    swing.try_start();
    me.show(Mood::Striking);
    if let Some(foe) = me.foe() {
        me.face(me.position().direction_to(foe));
    }
    wait_seconds(0.3).await;
    me.strike(REACH, 8);
    me.set_noise(me.foe()); // Where to look for a foe who is not seen afterwards.
    wait_seconds(0.2).await;
    me.show(Mood::Angry);
}
// ANCHOR_END: attack
