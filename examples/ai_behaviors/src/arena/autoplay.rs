//! The player that steers itself: a `priority`, too.

use std::f32::consts::TAU;

use cuelight::prelude::*;
use godot::prelude::*;

use super::field::Soul;
use super::player::{Player, REACH};

/// Plays by itself, for ever.
pub async fn autoplay(me: &Gd<Player>) {
    let field = me.bind().field().clone();
    let near = |distance| field.nearest(me.get_position(), distance, is_up);
    let is_low = || me.bind().hp < 35;
    let acts = (
        when(|| me.bind().can_freeze() && is_surrounded(me), || async { me.with(Player::freeze) }),
        when(|| near(REACH * 0.8).is_some() && me.bind().can_strike(), || strike(me)),
        during(is_low, || run(me)),
        during(|| near(REACH * 0.5).is_some(), || run(me)),
        during(|| near(430.0).is_some(), || close_in(me)),
        otherwise(|| wander(me)),
    );
    priority(acts).await;
}

fn is_up(soul: &Soul) -> bool {
    soul.hp.get() > 0
}

fn is_surrounded(me: &Gd<Player>) -> bool {
    me.bind().field().within(me.get_position(), 170.0).len() >= 4
}

/// Turns to the nearest, and strikes.
async fn strike(me: &Gd<Player>) {
    let near = me.bind().field().nearest(me.get_position(), REACH, is_up);
    if let Some(near) = near {
        let way = me.get_position().direction_to(near.at.get());
        me.with(|me| {
            me.facing = way;
            me.strike();
        });
    }
}

/// Goes to the nearest.
async fn close_in(me: &Gd<Player>) {
    loop {
        let near = me.bind().field().nearest(me.get_position(), 500.0, is_up);
        if let Some(near) = near {
            let way = me.get_position().direction_to(near.at.get());
            me.with(|me| me.walk(way, 0.85));
        }
        next_frame().await;
    }
}

/// Runs from all who are near.
async fn run(me: &Gd<Player>) {
    let field = me.bind().field().clone();
    loop {
        let at = me.get_position();
        let mut way = -at / field.map.half();
        for soul in field.within(at, 260.0) {
            let gap = at.distance_to(soul.at.get()).max(10.0);
            way += soul.at.get().direction_to(at) * 80.0 / gap;
        }
        me.with(|me| me.walk(way, 1.0));
        next_frame().await;
    }
}

/// Goes here and there, and whistles at times.
async fn wander(me: &Gd<Player>) {
    let field = me.bind().field().clone();
    loop {
        let goal =
            field.map.room_at(me.get_position() + Vector2::from_angle(field.roll() * TAU) * 500.0);
        let walk = async {
            while me.get_position().distance_to(goal) > 30.0 {
                let way = me.get_position().direction_to(goal);
                me.with(|me| me.walk(way, 0.8));
                next_frame().await;
            }
        };
        let _ = walk.timeout(4.0).await;
        me.with(Player::whistle);
        wait_seconds(0.4).await;
    }
}
