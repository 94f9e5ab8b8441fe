//! What moves by itself, as long as it is there: each in a task of its own node. Nobody has to stop them: they end when
//! their nodes are freed, and stand still while the tree is paused.

use std::f32::consts::TAU;

use cuelight::prelude::*;
use godot::classes::Node2D;
use godot::prelude::*;

use crate::actor::Actor;
use crate::beat::beat;
use crate::moves::{glide, over, smooth};

/// A gull stays in the air.
pub async fn hover(gull: Gd<Actor>) {
    // Runs when the task ends. Nobody cancels it: it ends with its gull.
    let _end = at_exit(|| beat("gull: (freed, and its own task with it)"));
    let mut body = gull.get_node_as::<Node2D>("Body");
    let mut left = gull.get_node_as::<Node2D>("Body/WingLeft");
    let mut right = gull.get_node_as::<Node2D>("Body/WingRight");
    loop {
        over(0.6, |t| {
            let flap = (t * TAU).sin();
            left.set_rotation(flap * 0.6);
            right.set_rotation(-flap * 0.6);
            body.set_position(Vector2::new(0.0, flap * 4.0));
        })
        .await;
    }
}

/// The sun sets, while the scene plays.
pub async fn set(sun: Gd<Node2D>) {
    glide(&sun, sun.get_position() + Vector2::new(0.0, 90.0), 19.0).await;
}

/// A boat rocks on the waves.
pub async fn rock(boat: Gd<Node2D>) {
    let mut hull = boat.get_node_as::<Node2D>("Hull");
    loop {
        over(3.2, |t| {
            hull.set_rotation((t * TAU).sin() * 0.012);
            hull.set_position(Vector2::new(0.0, (t * TAU).cos() * 2.0));
        })
        .await;
    }
}

/// The sun's reflection glitters: every other of its streaks gets longer while its neighbours get shorter.
pub async fn glitter(water: Gd<Node2D>) {
    let streaks: Vec<_> =
        water.get_children().iter_shared().map(|streak| streak.cast::<Node2D>()).collect();
    let mut side = 1.0;
    loop {
        over(1.6, |t| {
            let swing = side * (1.0 - 2.0 * smooth(t)) * 0.16;
            for (streak, sign) in streaks.iter().zip([1.0, -1.0].into_iter().cycle()) {
                streak.clone().set_scale(Vector2::new(1.0 + sign * swing, 1.0));
            }
        })
        .await;
        side = -side;
    }
}

/// A lantern flickers.
pub async fn flicker(lantern: Gd<Node2D>) {
    let mut glow = lantern.get_node_as::<Node2D>("Glow");
    for strength in [1.0, 0.9, 0.97, 0.85, 0.94, 0.88].into_iter().cycle() {
        glow.set_modulate(Color::from_rgba(1.0, 1.0, 1.0, strength));
        wait_seconds(0.12).await;
    }
}
