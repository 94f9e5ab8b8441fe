//! Arrows.

use std::rc::Rc;

use cuelight::prelude::*;
use godot::classes::{INode2D, Node2D};
use godot::prelude::*;

use super::field::Field;

const SPEED: f32 = 430.0;

/// An arrow in flight.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Arrow {
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Arrow {
    fn draw(&mut self) {
        let shaft = Color::from_rgb(1.0, 0.93, 0.78);
        let mut base = self.base_mut();
        for (from, alpha, width) in [(-34.0, 0.10, 5.0), (-24.0, 0.25, 3.5), (-12.0, 1.0, 2.5)] {
            let colour = Color { a: alpha, ..shaft };
            base.draw_line_ex(Vector2::new(from, 0.0), Vector2::ZERO, colour).width(width).done();
        }
        base.draw_circle(Vector2::ZERO, 3.0, shaft);
    }
}

impl Arrow {
    /// Shoots one. It lives as long as its task: until it hits, or has flown far enough.
    pub fn shoot(field: &Rc<Field>, from: Vector2, way: Vector2) {
        let mut arrow = Self::new_alloc();
        arrow.set_position(from);
        arrow.set_rotation(way.angle());
        field.pool().get_parent().expect("the pool is in the arena").add_child(&arrow);
        let field = field.clone();
        arrow.spawn_task(async move |mut me| {
            let _ = fly(&mut me, &field, way).timeout(1.6).await;
            me.queue_free();
        });
    }
}

async fn fly(me: &mut Gd<Arrow>, field: &Field, way: Vector2) {
    loop {
        next_frame().await;
        let (from, step) = (me.get_position(), way * SPEED * delta() as f32);
        me.set_position(from + step);
        if !field.map.is_clear(from, from + step) {
            return;
        }
        let player = field.player.borrow().clone();
        if let (Some(foe), Some(player)) = (field.foe.get(), player)
            && foe.distance_to(from + step) < 20.0
        {
            player.with(|player| player.hurt(6));
            return;
        }
    }
}
