//! How an enemy looks: a body, what it sees, its health, and what it is about.

use std::cell::OnceCell;
use std::f32::consts::{PI, TAU};
use std::rc::Rc;

use cuelight::prelude::*;
use godot::classes::{INode2D, Node2D, ThemeDb};
use godot::global::HorizontalAlignment;
use godot::prelude::*;

use super::enemy_body::SIGHT;
use super::field::Soul;
use crate::body::{Kind, Mood};

/// Half the angle that is seen, a little less than what is felt.
const HALF_VIEW: f32 = 0.86;

/// The rays that a view is drawn with.
const RAYS: usize = 18;

/// How an enemy looks.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Look {
    soul: OnceCell<Rc<Soul>>,
    is_cold: bool,
    /// From 1 to 0 after a blow.
    flash: f32,
    hp: i32,
    base: Base<Node2D>,
}

impl Look {
    pub fn of(soul: &Rc<Soul>) -> Gd<Self> {
        let look = Self::new_alloc();
        let _ = look.bind().soul.set(soul.clone());
        look
    }

    /// Draws it as it is now.
    pub fn show(&mut self, is_cold: bool) {
        self.is_cold = is_cold;
        let hp = self.soul.get().map_or(0, |soul| soul.hp.get());
        if hp < self.hp {
            self.flash_up();
        }
        self.hp = hp;
        self.base_mut().queue_redraw();
    }

    fn flash_up(&mut self) {
        self.spawn_task(async |me: Gd<Self>| {
            me.animate(0.25, Ease::OutQuad, |me, t| {
                me.bind_mut().flash = 1.0 - t;
                me.queue_redraw();
            })
            .await;
        });
    }
}

#[godot_api]
impl INode2D for Look {
    fn draw(&mut self) {
        let Some(soul) = self.soul.get().cloned() else { return };
        let (mood, kind, flash) = (soul.mood.get(), soul.kind.get(), self.flash);
        let mut glow = colour_of(mood);
        if self.is_cold {
            glow = glow.lerp(Color::from_rgb(0.55, 0.85, 1.0), 0.75);
        }
        let size = kind.size();
        let is_chosen =
            (soul.field.chosen.borrow().as_ref()).is_some_and(|chosen| Rc::ptr_eq(chosen, &soul));
        let base = self.base_mut();
        let mut canvas = base.clone();

        if mood != Mood::Dying && kind != Kind::Imp && kind != Kind::Healer {
            view(&mut canvas, &soul, glow, is_chosen);
        }
        let shadow = Color::from_rgba(0.0, 0.0, 0.0, 0.38);
        canvas.draw_circle(Vector2::new(3.0, 6.0), size * 1.08, shadow);

        let facing = soul.facing.get().angle();
        let tilt = if mood == Mood::Dying { 1.2 } else { 0.0 };
        canvas.draw_set_transform_ex(Vector2::ZERO).rotation(facing + tilt).done();
        torso(&mut canvas, kind, size, glow, flash, mood);
        canvas.draw_set_transform(Vector2::ZERO);

        if is_chosen {
            for quarter in 0..4 {
                let from = PI / 4.0 + quarter as f32 * TAU / 4.0 - 0.35;
                let white = Color::from_rgba(1.0, 1.0, 1.0, 0.85);
                arc(&mut canvas, size + 11.0, from, from + 0.7, white, 2.0);
            }
        }
        if mood != Mood::Dying {
            health(&mut canvas, &soul, size);
            glyph(&mut canvas, mood, size, glow);
        }
    }
}

/// Draws what it sees; a pillar throws its shadow on that.
fn view(canvas: &mut Gd<Node2D>, soul: &Soul, glow: Color, is_chosen: bool) {
    let strength = if is_chosen { 0.34 } else { 0.2 };
    let facing = soul.facing.get().angle();
    let reach = if soul.kind.get() == Kind::Boss { SIGHT * 0.8 } else { SIGHT * 0.62 };
    let mut points = PackedVector2Array::new();
    let mut colours = PackedColorArray::new();
    points.push(Vector2::ZERO);
    colours.push(Color { a: strength, ..glow });
    for ray in 0..=RAYS {
        let angle = facing + HALF_VIEW * (ray as f32 / RAYS as f32 * 2.0 - 1.0);
        let way = Vector2::from_angle(angle);
        let sight = soul.field.map.sight(soul.at.get(), way, reach).max(1.0);
        points.push(way * sight);
        colours.push(Color { a: strength * (1.0 - sight / reach), ..glow });
    }
    canvas.draw_polygon(&points, &colours);
}

fn torso(canvas: &mut Gd<Node2D>, kind: Kind, size: f32, glow: Color, flash: f32, mood: Mood) {
    let white = Color::from_rgb(1.0, 1.0, 1.0);
    let lit = |colour: Color| colour.lerp(white, f64::from(flash) * 0.7);
    let dark = lit(Color::from_rgb(0.10, 0.12, 0.19));
    let cloth = lit(match kind {
        Kind::Guard => Color::from_rgb(0.27, 0.33, 0.46),
        Kind::Archer => Color::from_rgb(0.33, 0.36, 0.26),
        Kind::Healer => Color::from_rgb(0.80, 0.80, 0.76),
        Kind::Boss => Color::from_rgb(0.30, 0.14, 0.20),
        Kind::Imp => Color::from_rgb(0.45, 0.13, 0.16),
    });
    let steel = lit(Color::from_rgb(0.78, 0.82, 0.90));
    let striking = if mood == Mood::Striking { 9.0 } else { 0.0 };
    match kind {
        Kind::Guard => {
            // Shoulders, a shield and a sword.
            ellipse(canvas, Vector2::ZERO, size * 0.72, size * 1.12, dark);
            ellipse(canvas, Vector2::ZERO, size * 0.56, size * 0.96, cloth);
            let hilt = Vector2::new(size * 0.5, size * 0.78);
            let tip = hilt + Vector2::new(size * 1.1 + striking, -striking * 0.8);
            line(canvas, hilt, tip, dark, 5.0);
            line(canvas, hilt, tip, steel, 2.5);
            let from = Vector2::new(size * 0.62, -size * 1.05);
            line(canvas, from, from + Vector2::new(size * 0.2, size * 0.75), steel, 4.0);
        }
        Kind::Archer => {
            ellipse(canvas, Vector2::ZERO, size * 0.66, size * 0.98, dark);
            ellipse(canvas, Vector2::ZERO, size * 0.5, size * 0.82, cloth);
            arc(canvas, size * 1.25, -0.95, 0.95, lit(Color::from_rgb(0.72, 0.5, 0.3)), 3.0);
            let (left, right) = (-0.95_f32, 0.95_f32);
            let nock = Vector2::new(size * 0.72 - striking * 0.7, 0.0);
            for end in [left, right] {
                line(canvas, Vector2::from_angle(end) * size * 1.25, nock, steel, 1.0);
            }
            if mood == Mood::Striking {
                line(canvas, nock, Vector2::new(size * 1.5, 0.0), steel, 2.0);
            }
        }
        Kind::Healer => {
            canvas.draw_circle(Vector2::ZERO, size * 1.5, Color { a: 0.13, ..glow });
            ellipse(canvas, Vector2::ZERO, size * 0.8, size * 1.0, dark);
            ellipse(canvas, Vector2::ZERO, size * 0.66, size * 0.86, cloth);
            let green = lit(Color::from_rgb(0.24, 0.62, 0.36));
            let far = Vector2::new(-size * 0.5, 0.0);
            line(canvas, far - Vector2::new(0.0, 5.0), far + Vector2::new(0.0, 5.0), green, 3.0);
            line(canvas, far - Vector2::new(5.0, 0.0), far + Vector2::new(5.0, 0.0), green, 3.0);
        }
        Kind::Boss => {
            canvas.draw_circle(Vector2::ZERO, size * 1.5, Color { a: 0.12, ..glow });
            spikes(canvas, size * 1.32, 9, 0.68, dark);
            spikes(canvas, size * 1.16, 9, 0.7, cloth);
            canvas.draw_circle(Vector2::ZERO, size * 0.72, dark);
            arc(canvas, size * 0.72, 0.0, TAU, Color { a: 0.8, ..glow }, 2.5);
            for side in [-1.0, 1.0] {
                let hand = Vector2::new(size * 0.8 + striking, side * size * 0.95);
                canvas.draw_circle(hand, size * 0.3, dark);
                canvas.draw_circle(hand, size * 0.22, cloth);
            }
        }
        Kind::Imp => {
            canvas.draw_circle(Vector2::ZERO, size * 2.0, Color { a: 0.14, ..glow });
            spikes(canvas, size * 1.3, 5, 0.5, dark);
            spikes(canvas, size * 1.05, 5, 0.5, cloth);
        }
    }
    // The head, and what it is about, as a rim of light.
    let head = match kind {
        Kind::Boss => 0.42,
        Kind::Imp => 0.36,
        _ => 0.5,
    };
    canvas.draw_circle(Vector2::ZERO, size * head + 2.5, dark);
    canvas.draw_circle(Vector2::ZERO, size * head + 1.2, lit(glow));
    canvas.draw_circle(Vector2::ZERO, size * head - 1.4, lit(glow.darkened(0.62)));
    for side in [-1.0, 1.0] {
        let eye = Vector2::new(size * head * 0.55, side * size * head * 0.42);
        canvas.draw_circle(eye, (size * 0.09).max(1.3), lit(glow.lightened(0.6)));
    }
}

fn health(canvas: &mut Gd<Node2D>, soul: &Soul, size: f32) {
    let part = soul.health();
    if part >= 1.0 {
        return;
    }
    let (wide, top) = (size * 2.0, size + 9.0);
    let corner = Vector2::new(-wide / 2.0, top);
    let back = Rect2::new(corner - Vector2::ONE, Vector2::new(wide + 2.0, 6.0));
    canvas.draw_rect(back, Color::from_rgba(0.0, 0.0, 0.0, 0.65));
    let colour =
        Color::from_rgb(0.95, 0.30, 0.28).lerp(Color::from_rgb(0.45, 0.9, 0.5), part.into());
    canvas.draw_rect(Rect2::new(corner, Vector2::new(wide * part, 4.0)), colour);
}

/// Draws the sign of what it is about, over its head.
fn glyph(canvas: &mut Gd<Node2D>, mood: Mood, size: f32, glow: Color) {
    let sign = match mood {
        Mood::Curious => "?",
        Mood::Angry | Mood::Striking => "!",
        Mood::Afraid => "~",
        Mood::Helping => "+",
        Mood::Stunned => "* *",
        Mood::Calm | Mood::Dying => return,
    };
    let Some(font) = ThemeDb::singleton().get_fallback_font() else { return };
    let at = Vector2::new(-30.0, -size - 7.0);
    let shade = Color::from_rgba(0.0, 0.0, 0.0, 0.8);
    for (shift, colour) in [(Vector2::new(1.0, 2.0), shade), (Vector2::ZERO, glow.lightened(0.3))] {
        canvas
            .draw_string_ex(&font, at + shift, sign)
            .alignment(HorizontalAlignment::CENTER)
            .width(60.0)
            .font_size(22)
            .modulate(colour)
            .done();
    }
}

/// Returns the colour of a mood.
pub fn colour_of(mood: Mood) -> Color {
    match mood {
        Mood::Calm => Color::from_rgb(0.33, 0.80, 0.74),
        Mood::Curious => Color::from_rgb(1.0, 0.80, 0.34),
        Mood::Angry => Color::from_rgb(1.0, 0.38, 0.30),
        Mood::Striking => Color::from_rgb(1.0, 0.62, 0.40),
        Mood::Afraid => Color::from_rgb(0.75, 0.58, 1.0),
        Mood::Helping => Color::from_rgb(0.56, 0.94, 0.52),
        Mood::Stunned => Color::from_rgb(0.72, 0.76, 0.86),
        Mood::Dying => Color::from_rgb(0.35, 0.30, 0.34),
    }
}

fn line(canvas: &mut Gd<Node2D>, from: Vector2, to: Vector2, colour: Color, width: f32) {
    canvas.draw_line_ex(from, to, colour).width(width).antialiased(true).done();
}

fn arc(canvas: &mut Gd<Node2D>, radius: f32, from: f32, to: f32, colour: Color, width: f32) {
    canvas
        .draw_arc_ex(Vector2::ZERO, radius, from, to, 24, colour)
        .width(width)
        .antialiased(true)
        .done();
}

fn ellipse(canvas: &mut Gd<Node2D>, at: Vector2, along: f32, aside: f32, colour: Color) {
    let points = (0..20).map(|corner| {
        let way = Vector2::from_angle(corner as f32 / 20.0 * TAU);
        at + Vector2::new(way.x * along, way.y * aside)
    });
    canvas.draw_colored_polygon(&points.collect::<PackedVector2Array>(), colour);
}

fn spikes(canvas: &mut Gd<Node2D>, size: f32, count: usize, inner: f32, colour: Color) {
    let points = (0..count * 2).map(|corner| {
        let reach = if corner % 2 == 0 { size } else { size * inner };
        Vector2::from_angle(corner as f32 / (count * 2) as f32 * TAU) * reach
    });
    canvas.draw_colored_polygon(&points.collect::<PackedVector2Array>(), colour);
}
