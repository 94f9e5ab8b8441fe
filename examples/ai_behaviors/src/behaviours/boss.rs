//! A boss in three phases, too big to be stunned. It rages after a minute and a half, whatever phase that is in.

use std::f32::consts::FRAC_PI_6;
use std::future::pending;

use cuelight::{ScriptFutureExt as _, at_exit, every, scope, wait_seconds, wait_until};
use godot::builtin::Vector2;

use super::imp::imp;
use super::walk::{go_to, look_around};
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

/// The first phase: it comes closer, and stamps to a beat, wherever it has got to.
async fn stamp(me: &impl Body) {
    let mut beat = every(1.8);
    loop {
        let approach = go_to(me, 70.0, 60.0, || me.foe().unwrap_or(me.post()));
        let wait_there = async {
            approach.await;
            pending().await
        };
        let _: Option<()> = wait_there.until(beat.next()).await;
        me.show(Mood::Striking);
        wait_seconds(0.4).await;
        me.strike(150.0, 10);
        me.show(Mood::Angry);
    }
}

/// The second phase: imps, which do not outlive it.
async fn summon(me: &impl Body) {
    scope(async |imps| {
        loop {
            for _ in 0..3 {
                let small = me.summon();
                imps.spawn(async move {
                    // However this ends: it is dropped with the phase, too.
                    let _gone = at_exit(|| small.leave());
                    imp(&small).until(small.fallen()).await;
                });
                wait_seconds(0.4).await;
            }
            go_to(me, 60.0, 60.0, || me.post()).timeout(2.6).await.unwrap_or(());
        }
    })
    .await
}

/// The third phase: arrows all around.
async fn volleys(me: &impl Body, pace: f64) {
    let mut turn = 0.0;
    loop {
        me.show(Mood::Striking);
        wait_seconds(0.4 * pace).await;
        for number in 0..12 {
            let way = Vector2::from_angle(number as f32 * FRAC_PI_6 + turn);
            me.shoot(me.position() + way * 100.0);
        }
        turn += 0.26;
        me.show(Mood::Angry);
        let approach = go_to(me, 84.0, 90.0, || me.foe().unwrap_or(me.post()));
        let _ = approach.timeout(1.4 * pace).await;
        wait_seconds(0.4 * pace).await;
    }
}

async fn health_below(me: &impl Body, part: f32) {
    wait_until(|| me.health() < part).await;
}
