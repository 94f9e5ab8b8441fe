//! The ground that one sees.

use std::cell::OnceCell;
use std::f32::consts::TAU;
use std::rc::Rc;

use godot::classes::{INode2D, LightOccluder2D, Node2D, OccluderPolygon2D};
use godot::prelude::*;

use super::field::Field;

/// The side of a slab.
const SLAB: f32 = 65.0;

/// The ground, with its pillars.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Floor {
    field: OnceCell<Rc<Field>>,
    base: Base<Node2D>,
}

impl Floor {
    /// Draws the ground of a field.
    pub fn lay(&mut self, field: &Rc<Field>) {
        if !field.options.is_seen {
            return;
        }
        for pillar in field.map.pillars() {
            let corners = (0..14).map(|corner| {
                Vector2::from_angle(corner as f32 / 14.0 * TAU) * pillar.radius * 0.92
            });
            let mut shape = OccluderPolygon2D::new_gd();
            shape.set_polygon(&corners.collect::<PackedVector2Array>());
            let mut occluder = LightOccluder2D::new_alloc();
            occluder.set_position(pillar.at);
            occluder.set_occluder_polygon(&shape);
            self.base_mut().add_child(&occluder);
        }
        let _ = self.field.set(field.clone());
        self.base_mut().queue_redraw();
    }
}

#[godot_api]
impl INode2D for Floor {
    fn draw(&mut self) {
        let Some(field) = self.field.get().cloned() else { return };
        let half = field.map.half();
        let mut canvas = self.base_mut();
        let all = Rect2::new(Vector2::splat(-half), Vector2::splat(half * 2.0));
        canvas.draw_rect(all.grow(400.0), Color::from_rgb(0.045, 0.05, 0.085));
        canvas.draw_rect(all, Color::from_rgb(0.15, 0.165, 0.235));

        // Slabs, each a little different, in every other row shifted by a half.
        let rows = (half * 2.0 / SLAB) as i32;
        for row in 0..rows {
            for column in 0..rows {
                let shift = if row % 2 == 0 { 0.0 } else { SLAB / 2.0 };
                let corner = Vector2::new(column as f32 * SLAB + shift, row as f32 * SLAB);
                let slab = Rect2::new(corner - Vector2::splat(half), Vector2::splat(SLAB));
                let slab = slab.grow(-1.5).intersect(all).unwrap_or_default();
                let shade = grain(row * 7919 + column * 104_729) * 0.035;
                let colour = Color::from_rgb(0.17 + shade, 0.187 + shade, 0.262 + shade * 1.2);
                canvas.draw_rect(slab, colour);
            }
        }
        // A circle in the middle, where the player comes in.
        for (radius, alpha) in [(150.0, 0.5), (140.0, 0.2), (70.0, 0.35)] {
            let colour = Color::from_rgba(0.52, 0.60, 0.85, alpha * 0.6);
            canvas
                .draw_arc_ex(Vector2::ZERO, radius, 0.0, TAU, 96, colour)
                .width(2.0)
                .antialiased(true)
                .done();
        }
        for number in 0..8 {
            let way = Vector2::from_angle(number as f32 / 8.0 * TAU);
            let colour = Color::from_rgba(0.52, 0.60, 0.85, 0.25);
            canvas.draw_line_ex(way * 74.0, way * 138.0, colour).width(2.0).done();
        }
        // The wall.
        for (grow, colour) in
            [(14.0, Color::from_rgb(0.09, 0.095, 0.15)), (5.0, Color::from_rgb(0.34, 0.38, 0.52))]
        {
            canvas.draw_rect_ex(all.grow(grow), colour).filled(false).width(grow * 2.0).done();
        }
        for pillar in field.map.pillars() {
            let (at, radius) = (pillar.at, pillar.radius);
            let shadow = Color::from_rgba(0.0, 0.0, 0.0, 0.16);
            for step in 1..4 {
                let shift = Vector2::new(5.0, 9.0) * step as f32;
                canvas.draw_circle(at + shift, radius * 1.03, shadow);
            }
            canvas.draw_circle(at, radius, Color::from_rgb(0.20, 0.22, 0.32));
            canvas.draw_circle(at, radius * 0.93, Color::from_rgb(0.36, 0.40, 0.54));
            let top = Color::from_rgb(0.44, 0.48, 0.63);
            canvas.draw_circle(at - Vector2::new(1.5, 2.5), radius * 0.8, top);
            let light = Color::from_rgba(0.80, 0.86, 1.0, 0.55);
            canvas
                .draw_arc_ex(at, radius * 0.9, 2.6, 5.2, 24, light)
                .width(2.0)
                .antialiased(true)
                .done();
            let inlay = Color::from_rgb(0.34, 0.38, 0.52);
            canvas.draw_arc_ex(at, radius * 0.5, 0.0, TAU, 32, inlay).width(2.0).done();
        }
    }
}

/// Returns a number from 0 to 1 that looks like chance.
fn grain(seed: i32) -> f32 {
    let mixed = (seed as u32).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(40_503);
    (mixed >> 8) as f32 / (1_u32 << 24) as f32
}
