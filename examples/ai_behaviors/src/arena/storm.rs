//! The weather of a crowd, so that there is always somebody who falls: meteors, and enemies who are freed wherever they are
//! and whatever they are in the middle of.

use std::rc::Rc;

use cuelight::prelude::*;

use super::enemy::Enemy;
use super::field::Field;

/// Meteors come down on the crowd, for ever.
pub async fn meteors(field: Rc<Field>) {
    let count = (field.options.agents / 250).max(1);
    let mut beat = every(0.5);
    loop {
        beat.next().await;
        for _ in 0..count {
            let Some(target) = field.anybody() else { continue };
            let at = target.at.get();
            for soul in field.within(at, 140.0) {
                Enemy::hit(&soul, 45, 0.8);
            }
            field.make_noise(at, 500.0);
        }
    }
}

/// Frees enemies at once, with all that they do, for ever.
pub async fn vanish(field: Rc<Field>) {
    let count = (field.options.agents / 500).max(1);
    let mut beat = every(0.5);
    loop {
        beat.next().await;
        for _ in 0..count {
            if let Some(soul) = field.anybody() {
                soul.node.clone().free();
            }
        }
    }
}
