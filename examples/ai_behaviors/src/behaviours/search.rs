//! Looking after a noise.

use cuelight::wait_seconds;

use super::walk::{go_to, look_around};
use crate::body::{Body, Mood};

const SPEED: f32 = 96.0;

/// Goes to where the last noise came from, looks around, and gives up.
pub async fn search(me: &impl Body) {
    let Some(mut place) = me.noise() else { return };
    me.show(Mood::Curious);
    me.face(me.position().direction_to(place));
    wait_seconds(0.35).await; // What was that?
    while let Some(noise) = me.noise() {
        place = noise;
        me.set_noise(None);
        go_to(me, SPEED, 30.0, || me.noise().unwrap_or(place)).await;
        look_around(me, 2.0).await;
        // A new noise meanwhile is looked after, too.
    }
}
