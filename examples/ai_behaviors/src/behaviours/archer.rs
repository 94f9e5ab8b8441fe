//! An archer: shoots from afar, and keeps its distance.

use cuelight::{during, otherwise, priority, when};

use super::chase::chase;
use super::flee::{LOW, flee};
use super::patrol::patrol;
use super::search::search;
use super::shoot::{PAUSE, TOO_CLOSE, back_off, shoot};
use super::stun::unless_stunned;
use crate::body::Body;

/// All that an archer does, the most urgent first.
pub async fn archer(me: &impl Body) {
    let bow = me.group().cooldown(PAUSE);
    let call = me.group().cooldown(6.0);
    let watch = || {
        let acts = (
            during(|| me.health() < LOW, || flee(me)),
            when(|| me.sees_foe() && bow.is_ready(), || shoot(me, &bow)),
            during(|| me.gap() < TOO_CLOSE, || back_off(me)),
            when(|| me.sees_foe(), || chase(me, &call, TOO_CLOSE * 1.6)),
            when(|| me.noise().is_some(), || search(me)),
            otherwise(|| patrol(me)),
        );
        priority(acts).every(0.1)
    };
    let live = || priority((during(|| me.is_far(), || patrol(me)), otherwise(&watch))).every(1.0);
    unless_stunned(me, live).await;
}
