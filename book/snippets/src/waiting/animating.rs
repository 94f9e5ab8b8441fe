//! Values that change over time.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{Guard, Hero};

// ANCHOR: fade
async fn fade_in(mut curtain: Gd<Node2D>) {
    animate(0.5, Ease::OutQuad, |t| {
        curtain.set_modulate(Color::from_rgba(1.0, 1.0, 1.0, t as f32));
    })
    .await;
}
// ANCHOR_END: fade

// ANCHOR: move
async fn jump_to(me: Gd<Guard>, place: Vector2) {
    let mut me = me;
    let start = me.get_position();
    animate(0.8, Ease::InOutSine, |t| {
        let height = 60.0 * (t * std::f64::consts::PI).sin();
        me.set_position(start.lerp(place, t as f32) - Vector2::new(0.0, height as f32));
    })
    .await;
}
// ANCHOR_END: move

// ANCHOR: node
async fn settle(me: Gd<Guard>) {
    let sink = me.animate(0.5, Ease::OutBounce, |me, t| me.set_scale(Vector2::new(1.0, 2.0 - t)));
    let turn = me.animate(0.5, Ease::OutQuad, |me, t| me.set_rotation(1.0 - t));
    join((sink, turn)).await;
}
// ANCHOR_END: node

// ANCHOR: both
async fn vanish(me: Gd<Guard>, hero: Gd<Hero>) {
    let fade = me.animate(1.0, Ease::Linear, |me, t| {
        me.set_modulate(Color::from_rgba(1.0, 1.0, 1.0, 1.0 - t));
    });
    let shrink = me.animate(1.0, Ease::InBack, |me, t| {
        me.set_scale(Vector2::ONE * (1.0 - 0.9 * t));
    });
    let caught = join((fade, shrink)).until(hero.signals().hit().wait()).await.is_none();
    godot_print!("caught: {caught}");
}
// ANCHOR_END: both

// ANCHOR: pulse
async fn pulse(me: Gd<Guard>) {
    let mut me = me;
    animate(0.3, Ease::Linear, |t| {
        let there_and_back = (t * std::f64::consts::PI).sin();
        me.set_scale(Vector2::ONE * (1.0 + 0.2 * there_and_back as f32));
    })
    .await;
}
// ANCHOR_END: pulse
