//! A boss in three phases, too big to be stunned. It rages after a minute and a half, whatever phase that is in.

use cuelight::{ScriptFutureExt as _, wait_seconds, wait_until};

use super::stamp::stamp;
use super::summon::summon;
use super::volley::volleys;
use super::walk::look_around;
use crate::body::{Body, Mood};

/// Sleeps until somebody comes, and fights to the end.
pub async fn boss(me: &impl Body) {
    me.show(Mood::Calm);
    let sleep = async {
        loop {
            look_around(me, 3.0).await;
        }
    };
    sleep.until(wait_until(|| me.sees_foe() || me.health() < 1.0).every(0.2)).await;
    me.show(Mood::Angry);
    me.call_others(me.position());
    let phases = async {
        stamp(me).until(health_below(me, 0.66)).await;
        summon(me).until(health_below(me, 0.33)).await;
        volleys(me, 1.0).await;
    };
    phases.until(wait_seconds(90.0)).await;
    volleys(me, 0.5).await;
}

async fn health_below(me: &impl Body, part: f32) {
    wait_until(|| me.health() < part).await;
}
