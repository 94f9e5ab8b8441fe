//! What flashes up: rings, slashes, bursts, beams. Each is a node that draws itself for a moment, and is gone.

use std::f32::consts::TAU;

use cuelight::prelude::*;
use godot::classes::canvas_item_material::{BlendMode, LightMode};
use godot::classes::{CanvasItemMaterial, INode2D, Node2D};
use godot::prelude::*;

use super::field::Field;

/// What flashes up.
#[derive(Clone, Copy, Debug, Default)]
pub enum Shape {
    /// Something is heard this far.
    Ring { radius: f32 },
    /// A blow.
    Slash { facing: Vector2, reach: f32 },
    /// Somebody falls.
    #[default]
    Burst,
    /// Healing.
    Beam { way: Vector2, seconds: f64 },
    /// A frost bomb.
    Frost { radius: f32 },
}

/// One of them.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Effect {
    shape: Shape,
    /// From 0 to 1.
    progress: f32,
    base: Base<Node2D>,
}

impl Effect {
    /// Shows one at a place, where it is seen.
    pub fn at(field: &Field, at: Vector2, shape: Shape) {
        if !field.options.is_seen {
            return;
        }
        let mut effect = Self::new_alloc();
        effect.bind_mut().shape = shape;
        effect.set_position(at);
        let mut glow = CanvasItemMaterial::new_gd();
        glow.set_blend_mode(BlendMode::ADD);
        glow.set_light_mode(LightMode::UNSHADED);
        effect.set_material(&glow);
        field.pool().get_parent().expect("the pool is in the arena").add_child(&effect);
        let seconds = match shape {
            Shape::Ring { .. } => 0.7,
            Shape::Slash { .. } => 0.22,
            Shape::Burst => 0.7,
            Shape::Beam { seconds, .. } => seconds,
            Shape::Frost { .. } => 1.1,
        };
        effect.spawn_task(async move |mut me| {
            me.animate(seconds, Ease::OutQuad, |me, t| {
                me.bind_mut().progress = t;
                me.queue_redraw();
            })
            .await;
            me.queue_free();
        });
    }
}

#[godot_api]
impl INode2D for Effect {
    fn draw(&mut self) {
        let (t, shape) = (self.progress, self.shape);
        let fade = 1.0 - t;
        let mut base = self.base_mut();
        match shape {
            Shape::Ring { radius } => {
                let colour = Color::from_rgba(1.0, 0.82, 0.45, 0.5 * fade);
                ring(&mut base, radius * t, colour, 1.0 + 2.0 * fade);
                ring(&mut base, radius * t * 0.8, Color { a: 0.25 * fade, ..colour }, 1.0);
            }
            Shape::Slash { facing, reach } => {
                let (middle, half) = (facing.angle(), 1.1);
                let from = middle - half + t * 0.8;
                for (inner, alpha) in [(0.95, 0.9), (0.8, 0.5), (0.62, 0.25)] {
                    let colour = Color::from_rgba(1.0, 0.9, 0.75, alpha * fade);
                    base.draw_arc_ex(Vector2::ZERO, reach * inner, from, middle + half, 20, colour)
                        .width(7.0 * fade)
                        .antialiased(true)
                        .done();
                }
            }
            Shape::Burst => {
                for number in 0..14 {
                    let spread = (number as f32 * 2.399).fract();
                    let way = Vector2::from_angle(number as f32 / 14.0 * TAU + spread);
                    let reach = (24.0 + 46.0 * spread) * t;
                    let colour = Color::from_rgba(1.0, 0.55 + 0.3 * spread, 0.3, fade);
                    base.draw_circle(way * reach, 5.0 * fade * (0.4 + spread), colour);
                }
                ring(&mut base, 52.0 * t, Color::from_rgba(1.0, 0.6, 0.4, 0.6 * fade), 3.0 * fade);
            }
            Shape::Beam { way, .. } => {
                let strength = (t * std::f32::consts::PI).sin();
                for (width, alpha) in [(12.0, 0.12), (6.0, 0.25), (2.0, 0.8)] {
                    let colour = Color::from_rgba(0.5, 1.0, 0.55, alpha * strength);
                    base.draw_line_ex(Vector2::ZERO, way, colour).width(width).done();
                }
                for number in 0..3 {
                    let along = (t * 1.5 + number as f32 / 3.0).fract();
                    base.draw_circle(way * along, 3.0, Color::from_rgba(0.8, 1.0, 0.8, strength));
                }
            }
            Shape::Frost { radius } => {
                let grown = radius * (1.0 - (1.0 - t).powi(3));
                let ice = Color::from_rgba(0.45, 0.75, 1.0, 0.16 * fade);
                base.draw_circle(Vector2::ZERO, grown, ice);
                ring(&mut base, grown, Color { a: 0.9 * fade, ..ice }, 4.0 * fade);
                for number in 0..12 {
                    let way = Vector2::from_angle(number as f32 / 12.0 * TAU);
                    let colour = Color { a: 0.5 * fade, ..ice };
                    base.draw_line_ex(way * grown * 0.55, way * grown * 0.95, colour)
                        .width(2.0)
                        .done();
                    for side in [-0.4, 0.4] {
                        let tip = way * grown * 0.75;
                        let twig = tip + way.rotated(side) * grown * 0.14;
                        base.draw_line_ex(tip, twig, colour).width(1.5).done();
                    }
                }
            }
        }
    }
}

fn ring(base: &mut Gd<Node2D>, radius: f32, colour: Color, width: f32) {
    base.draw_arc_ex(Vector2::ZERO, radius.max(0.5), 0.0, TAU, 64, colour)
        .width(width)
        .antialiased(true)
        .done();
}
