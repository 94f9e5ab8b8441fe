//! The weather of a crowd, so that there is always somebody who falls: meteors, and enemies who are freed wherever they are
//! and whatever they are in the middle of.

use std::rc::Rc;

use cuelight::prelude::*;

use super::enemy::Enemy;
use super::field::Field;

/// Meteors come down on the crowd, for ever.
pub async fn meteors(field: Rc<Field>) {
    let mut beat = every(125.0 / field.options.agents as f64);
    loop {
        // Several in a frame, where they are that many.
        for _ in 0..beat.next().await {
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
    let mut beat = every(250.0 / field.options.agents as f64);
    loop {
        for _ in 0..beat.next().await {
            if let Some(soul) = field.anybody() {
                soul.node.clone().free();
            }
        }
    }
}
