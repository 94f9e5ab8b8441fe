//! A guard: patrols, hears, searches, chases, strikes, flees, calls others and gives up.

use cuelight::{during, otherwise, priority, when};

use super::attack::{PAUSE, REACH, attack};
use super::chase::chase;
use super::flee::{LOW, flee};
use super::patrol::patrol;
use super::search::search;
use super::stun::unless_stunned;
use crate::body::Body;

// ANCHOR: guard
/// All that a guard does, the most urgent first.
pub async fn guard(me: &impl Body) {
    // They run on, whatever interrupts what has started them.
    let swing = me.group().cooldown(PAUSE);
    let call = me.group().cooldown(4.0);
    let watch = || {
        let acts = (
            during(|| me.health() < LOW, || flee(me)),
            when(|| me.gap() < REACH && swing.is_ready(), || attack(me, &swing)),
            when(|| me.sees_foe(), || chase(me, &call, REACH)),
            when(|| me.noise().is_some(), || search(me)),
            otherwise(|| patrol(me)),
        );
        priority(acts).every(0.1)
    };
    // Where nobody looks closely there is nothing to watch for: the rounds in long strides, and a thought each second.
    let live = || priority((during(|| me.is_far(), || patrol(me)), otherwise(&watch))).every(1.0);
    unless_stunned(me, live).await;
}
// ANCHOR_END: guard
