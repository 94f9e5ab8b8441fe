//! Things on the stage that say when something has happened to them: each has a signal, and scripts wait for it.

use std::f32::consts::{PI, TAU};

use cuelight::prelude::*;
use godot::classes::{INode2D, Node2D};
use godot::prelude::*;

use crate::actor::Actor;
use crate::beat::beat;
use crate::moves::{fade, over};

/// A ship's bell on a post.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Bell {
    base: Base<Node2D>,
}

#[godot_api]
impl Bell {
    /// So many strokes have been rung.
    #[signal]
    pub fn rung(strokes: i64);
}

/// Rings a bell.
pub async fn ring(bell: &Gd<Bell>, strokes: i64) {
    let mut swinging = bell.get_node_as::<Node2D>("Swinging");
    for _ in 0..strokes {
        over(0.35, |t| swinging.set_rotation((t * TAU).sin() * 0.5)).await;
    }
    beat(&format!("bell: {strokes} strokes"));
    bell.signals().rung().emit(strokes);
}

/// A lighthouse. When it is dark enough it lights its lamp, and turns it until the scene ends.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Lighthouse {
    /// Seconds from the start of the scene.
    #[export]
    #[init(val = 12.0)]
    dark_after: f64,
    #[init(node = "Lamp")]
    lamp: OnReady<Gd<Node2D>>,
    #[init(node = "Lamp/Beams")]
    beams: OnReady<Gd<Node2D>>,
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Lighthouse {
    // A life of its own: the cutscene only hears of it by the signal.
    fn ready(&mut self) {
        self.lamp.hide();
        self.spawn_task(shine);
    }
}

#[godot_api]
impl Lighthouse {
    /// The lamp shines.
    #[signal]
    pub fn lit();
}

async fn shine(me: Gd<Lighthouse>) {
    let (dark_after, mut lamp, mut beams) =
        me.with(|me| (me.dark_after, me.lamp.clone(), me.beams.clone()));
    wait_seconds(dark_after).await;
    beat("lighthouse: the lamp is lit");
    me.signals().lit().emit();

    let bright = lamp.get_modulate();
    lamp.set_modulate(Color { a: 0.0, ..bright });
    lamp.show();
    branch(async move { fade(&lamp, 1.0, 0.8).await });
    loop {
        // Seen from the side, a beam that turns gets short and long again.
        over(4.0, |t| beams.set_scale(Vector2::new((t * TAU).cos(), 1.0))).await;
    }
}

/// Throws a stone at somebody.
pub async fn throw_stone(scene: &Gd<impl Inherits<Node2D>>, from: &Gd<Actor>, at: &Gd<Actor>) {
    let mut stone = scene.clone().upcast::<Node2D>().get_node_as::<Node2D>("Stone");
    let (from, to) = (from.get_position() + Vector2::new(0.0, -30.0), at.get_position());
    stone.show();
    over(0.45, |t| {
        let arc = Vector2::UP * (t * PI).sin() * 40.0;
        stone.set_position(from.lerp(to, t) + arc);
    })
    .await;
    stone.hide();
}

/// Scatters a gull's feathers.
pub async fn scatter(mut feathers: Gd<Node2D>) {
    let all: Vec<_> =
        feathers.get_children().iter_shared().map(|feather| feather.cast::<Node2D>()).collect();
    feathers.show();
    over(1.6, |t| {
        for (number, feather) in all.iter().enumerate() {
            let direction = Vector2::from_angle(number as f32 / all.len() as f32 * TAU);
            let burst = direction * 46.0 * (1.0 - (1.0 - t).powi(3));
            let sway = Vector2::new((t * 9.0 + number as f32).sin() * 6.0, t * t * 70.0);
            let mut feather = feather.clone();
            feather.set_position(burst + sway);
            feather.rotate(0.03);
        }
        feathers.set_modulate(Color::from_rgba(1.0, 1.0, 1.0, 1.0 - t * t));
    })
    .await;
    // A script may free its own node.
    feathers.queue_free();
}
