//! A healer: helps its friends, and keeps out of the foe's way.

use cuelight::{during, otherwise, priority, when};

use super::flee::flee;
use super::patrol::patrol;
use super::stun::unless_stunned;
use super::tend::tend;
use crate::body::Body;

/// All that a healer does, the most urgent first.
pub async fn healer(me: &impl Body) {
    // A friend that is not to be helped now is not asked after in each check.
    let rest = me.group().cooldown(0.5);
    let watch = || {
        let acts = (
            during(|| me.gap() < 150.0, || flee(me)),
            when(|| rest.try_start() && me.hurt_friend().is_some(), || tend(me)),
            otherwise(|| patrol(me)),
        );
        priority(acts).every(0.1)
    };
    let live = || priority((during(|| me.is_far(), || patrol(me)), otherwise(&watch))).every(1.0);
    unless_stunned(me, live).await;
}
