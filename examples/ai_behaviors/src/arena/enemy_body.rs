//! What behaviours see of an enemy's node.

use std::f32::consts::TAU;
use std::rc::Rc;

use cuelight::prelude::*;
use godot::prelude::*;

use super::arrow::Arrow;
use super::effect::{Effect, Shape};
use super::field::Soul;
use super::spawning;
use crate::body::{Body, Kind, Mood};

/// From how far the foe is seen in front, and how far all around.
pub const SIGHT: f32 = 300.0;
const FEEL: f32 = 70.0;

/// The cosine of half the angle that is seen.
const CONE: f32 = 0.64;

/// An enemy, as its behaviours see it.
#[derive(Clone)]
pub struct EnemyBody(pub Rc<Soul>);

impl EnemyBody {
    /// Has it drawn anew, where it is seen.
    pub fn redraw(&self) {
        if self.0.field.options.is_seen && self.0.node.is_instance_valid() {
            self.0.node.with(|enemy| enemy.redraw());
        }
    }

    /// Shows something around it, where it is seen.
    fn effect(&self, shape: Shape) {
        Effect::at(&self.0.field, self.position(), shape);
    }
}

impl Body for EnemyBody {
    fn position(&self) -> Vector2 {
        self.0.at.get()
    }

    fn post(&self) -> Vector2 {
        self.0.post.get()
    }

    fn move_by(&self, way: Vector2) {
        let (field, size) = (&self.0.field, self.0.kind.get().size());
        let at = field.map.walk_among(self.position(), size, way, field.neighbours(&self.0));
        if at != self.position() {
            self.0.move_to(at);
        }
        if way.length_squared() > 0.01 {
            self.face(way);
        }
    }

    fn face(&self, direction: Vector2) {
        // It turns over some frames, not at once.
        let facing = self.facing() * 0.82 + direction.normalized_or_zero() * 0.18;
        if facing.length_squared() > 1e-4 {
            self.0.facing.set(facing.normalized());
        }
        self.redraw();
    }

    fn facing(&self) -> Vector2 {
        self.0.facing.get()
    }

    fn foe(&self) -> Option<Vector2> {
        self.0.field.foe.get()
    }

    fn sees_foe(&self) -> bool {
        let Some(foe) = self.foe() else { return false };
        let way = foe - self.position();
        let gap = way.length();
        let is_in_view = gap < FEEL || (gap < SIGHT && way.dot(self.facing()) > gap * CONE);
        is_in_view && self.0.field.map.is_clear(self.position(), foe)
    }

    fn noise(&self) -> Option<Vector2> {
        self.0.noise.get()
    }

    fn set_noise(&self, noise: Option<Vector2>) {
        self.0.noise.set(noise);
    }

    fn health(&self) -> f32 {
        self.0.health()
    }

    fn hurt_friend(&self) -> Option<Self> {
        let is_hurt =
            |soul: &Soul| soul.hp.get() > 0 && soul.health() < 0.7 && soul.kind.get() != Kind::Imp;
        let is_hurt = |soul: &Soul| soul.number != self.0.number && is_hurt(soul);
        self.0.field.nearest(self.position(), 420.0, is_hurt).map(Self)
    }

    fn healer(&self) -> Option<Vector2> {
        let is_healer = |soul: &Soul| soul.kind.get() == Kind::Healer && soul.hp.get() > 0;
        let healer = self.0.field.nearest(self.position(), 700.0, is_healer)?;
        (healer.number != self.0.number).then(|| healer.at.get())
    }

    fn stunned(&self) -> impl Future<Output = f64> {
        self.0.node.signals().stunned().wait().map(|(seconds,)| seconds)
    }

    fn fallen(&self) -> impl Future<Output = ()> {
        self.0.node.signals().fallen().wait().map(|()| ())
    }

    fn show(&self, mood: Mood) {
        if self.0.mood.replace(mood) == mood {
            return;
        }
        self.0.field.tell(|| format!("{} {}", self.0.name(), mood.verb()));
        if mood == Mood::Curious || mood == Mood::Angry {
            self.effect(Shape::Ring { radius: 30.0 });
        }
        self.redraw();
    }

    fn strike(&self, reach: f32, damage: i32) {
        self.effect(Shape::Slash { facing: self.facing(), reach });
        let player = self.0.field.player.borrow().clone();
        if self.gap() < reach * 1.15
            && let Some(player) = player
        {
            player.with(|player| player.hurt(damage));
        }
    }

    fn shoot(&self, at: Vector2) {
        Arrow::shoot(&self.0.field, self.position(), self.position().direction_to(at));
    }

    fn call_others(&self, about: Vector2) {
        self.effect(Shape::Ring { radius: 260.0 });
        let is_new = self.noise().is_none();
        for friend in self.0.field.within(self.position(), 260.0) {
            friend.noise.set(Some(about));
        }
        // Who calls knows already.
        if is_new {
            self.set_noise(None);
        }
    }

    fn heal(&self, part: f32) {
        let soul = &self.0;
        if soul.hp.get() > 0 {
            // The dice have the last word on what is less than a point.
            let points = part * soul.kind.get().hp() as f32;
            let extra = i32::from(soul.field.roll() < points.fract());
            soul.hp.set((soul.hp.get() + points as i32 + extra).min(soul.kind.get().hp()));
            self.redraw();
        }
    }

    fn beam(&self, friend: &Self, seconds: f64) {
        let way = friend.position() - self.position();
        self.effect(Shape::Beam { way, seconds });
    }

    fn summon(&self) -> Self {
        let at = self.position() + Vector2::from_angle(self.0.field.roll() * TAU) * 70.0;
        self.effect(Shape::Ring { radius: 80.0 });
        spawning::spawn(&self.0.field, Kind::Imp, at)
    }

    fn leave(&self) {
        spawning::retire(&self.0);
    }

    fn group(&self) -> GroupHandle {
        self.0.node.tasks()
    }

    fn roll(&self) -> f32 {
        self.0.field.roll()
    }
}
