//! Actors, and how they walk.

use std::f32::consts::TAU;

use cuelight::prelude::*;
use godot::classes::{INode2D, Node2D};
use godot::prelude::*;

/// Pixels in which an actor makes two steps, for each pixel of its legs' length.
const STRIDE: f32 = 2.6;

/// Somebody who walks and talks. Its drawing is below the node `Body`, with the legs (if it has any) in `Body/Legs`.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Actor {
    /// In pixels a second.
    #[export]
    #[init(val = 120.0)]
    speed: f32,
    /// How long the legs are, in pixels.
    #[export]
    #[init(val = 20.0)]
    legs: f32,
    /// Of the name, in the dialogue box.
    #[export]
    #[init(val = Color::WHITE)]
    colour: Color,
    #[init(node = "Body")]
    body: OnReady<Gd<Node2D>>,
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Actor {}

impl Actor {
    /// Returns the name in the dialogue box: that of the node.
    pub fn name(&self) -> String {
        self.base().get_name().to_string().to_lowercase()
    }

    /// Returns the name's colour.
    pub fn colour(&self) -> Color {
        self.colour
    }

    /// Looks to the right (1) or to the left (-1).
    pub fn face(&mut self, direction: f32) {
        self.body.set_scale(Vector2::new(direction.signum(), 1.0));
    }

    /// Takes the pose of somebody who has walked so many pixels.
    fn stride(&mut self, walked: f32) {
        let swing = (walked / (STRIDE * self.legs) * TAU).sin();
        self.body.set_position(Vector2::new(0.0, -swing.abs() * self.legs * 0.14));
        self.body.set_rotation(swing * 0.03);
        let Some(legs) = self.body.try_get_node_as::<Node2D>("Legs") else {
            return;
        };
        for (leg, side) in legs.get_children().iter_shared().zip([1.0, -1.0]) {
            leg.cast::<Node2D>().set_rotation(side * swing * 0.5);
        }
    }
}

/// Turns an actor to somebody.
pub fn look_at(actor: &Gd<Actor>, other: &Gd<impl Inherits<Node2D>>) {
    let other = other.clone().upcast::<Node2D>();
    let direction = other.get_global_position().x - actor.get_global_position().x;
    actor.with(|actor| actor.face(direction));
}

/// Walks to a place.
pub async fn walk_to(actor: &Gd<Actor>, x: f32) {
    let mut actor = actor.clone();
    let (speed, from) = (actor.bind().speed, actor.get_position());
    let direction = (x - from.x).signum();
    actor.with(|actor| actor.face(direction));

    // A walk may end half-way: it loses a race, its task is cancelled. The actor then stands on both feet all the same,
    // if it has not been freed.
    let _stand = at_exit({
        let actor = actor.clone();
        move || {
            if actor.is_instance_valid() {
                actor.with(|actor| actor.stride(0.0));
            }
        }
    });
    let distance = (x - from.x).abs();
    let mut walked = 0.0;
    while walked < distance {
        next_frame().await;
        walked = (walked + speed * delta() as f32).min(distance);
        actor.set_position(Vector2::new(from.x + direction * walked, from.y));
        actor.with(|actor| actor.stride(walked));
    }
}
