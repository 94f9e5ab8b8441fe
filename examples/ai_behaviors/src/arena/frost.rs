//! The frost bomb: slow motion for all around, and for nobody else.

use cuelight::prelude::*;
use godot::prelude::*;

use super::effect::{Effect, Shape};
use super::enemy::Enemy;
use super::field::Field;

const RADIUS: f32 = 230.0;
const SECONDS: f64 = 3.0;

/// Sets off a frost bomb; it thaws on the clock of whoever throws it.
pub fn frost_bomb(field: &Field, at: Vector2, clock: &Clock) {
    Effect::at(field, at, Shape::Frost { radius: RADIUS });
    for soul in field.within(at, RADIUS) {
        Enemy::chill(&soul, 0.25, clock.wait_seconds(SECONDS));
    }
}
