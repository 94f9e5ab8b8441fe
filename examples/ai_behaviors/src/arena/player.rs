//! The player.

use std::cell::OnceCell;
use std::f32::consts::TAU;
use std::rc::Rc;

use cuelight::prelude::*;
use godot::builtin::Side;
use godot::classes::{Camera2D, INode2D, Input, Node2D};
use godot::global::Key;
use godot::prelude::*;

use super::autoplay::autoplay;
use super::effect::{Effect, Shape};
use super::enemy::Enemy;
use super::field::Field;
use super::frost::frost_bomb;
use super::hit_stop::hit_stop;

pub const HP: i32 = 100;

/// How far the blade reaches.
pub const REACH: f32 = 84.0;

const SPEED: f32 = 190.0;

/// The player, steered by hand or by itself.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Player {
    field: OnceCell<Rc<Field>>,
    pub hp: i32,
    pub facing: Vector2,
    /// Pixels gone since the last step that was heard.
    walked: f32,
    /// From 1 to 0 after a blow.
    flash: f32,
    swing: OnceCell<Cooldown>,
    frost: OnceCell<Cooldown>,
    whistle: OnceCell<Cooldown>,
    /// A later hit-stop takes the place of an earlier one.
    stop: OnceCell<TaskSlot>,
    shake: OnceCell<TaskSlot>,
    base: Base<Node2D>,
}

#[godot_api]
impl Player {
    /// The player's health is gone.
    #[signal]
    pub fn fell();
}

impl Player {
    /// Begins to play.
    pub fn begin(&mut self, field: &Rc<Field>) {
        let group = self.to_gd().tasks();
        let _ = self.field.set(field.clone());
        let _ = self.swing.set(group.cooldown(0.42));
        let _ = self.frost.set(group.cooldown(6.0));
        let _ = self.whistle.set(group.cooldown(1.0));
        let _ = self.stop.set(TaskSlot::new());
        let _ = self.shake.set(TaskSlot::under(&group));
        if let Some(mut camera) = self.base().try_get_node_as::<Camera2D>("Camera") {
            // There is nothing to be seen behind the wall.
            let edge = field.map.half() as i32 + 30;
            for (side, limit) in
                [(Side::LEFT, -edge), (Side::TOP, -edge), (Side::RIGHT, edge), (Side::BOTTOM, edge)]
            {
                camera.set_limit(side, limit);
            }
        }
        self.spawn_task(play);
    }

    pub fn field(&self) -> &Rc<Field> {
        self.field.get().expect("the player has begun")
    }

    pub fn can_strike(&self) -> bool {
        self.swing.get().is_some_and(Cooldown::is_ready)
    }

    pub fn can_freeze(&self) -> bool {
        self.frost.get().is_some_and(Cooldown::is_ready)
    }

    /// Walks in a direction, for a frame. Steps are heard.
    pub fn walk(&mut self, way: Vector2, pace: f32) {
        if way == Vector2::ZERO {
            return;
        }
        let step = way.normalized() * SPEED * pace * delta() as f32;
        let field = self.field().clone();
        let from = self.base().get_position();
        let at = field.map.walk(from, step);
        self.facing = (self.facing * 0.75 + way.normalized() * 0.25).normalized_or_zero();
        self.base_mut().set_position(at);
        field.foe.set(Some(at));
        self.walked += from.distance_to(at);
        if self.walked > 110.0 {
            self.walked = 0.0;
            field.make_noise(at, 190.0);
        }
        self.base_mut().queue_redraw();
    }

    /// Swings the blade, if it is time.
    pub fn strike(&mut self) {
        if !self.swing.get().is_some_and(Cooldown::try_start) {
            return;
        }
        let (field, at, facing) = (self.field().clone(), self.base().get_position(), self.facing);
        Effect::at(&field, at, Shape::Slash { facing, reach: REACH });
        field.make_noise(at, 240.0);
        let in_front = |way: Vector2| way.length() < 34.0 || way.normalized().dot(facing) > 0.1;
        let mut hits = 0;
        for soul in field.within(at, REACH) {
            let way = soul.at.get() - at;
            if in_front(way) {
                hits += 1;
                let pushed = field.map.walk(soul.at.get(), way.normalized_or_zero() * 14.0);
                soul.at.set(pushed);
                soul.node.clone().set_position(pushed);
                Enemy::hit(&soul, 20, 0.35);
            }
        }
        if hits > 0 {
            self.stop.get().map(|slot| slot.replace(hit_stop(3)));
            self.shake(3.0);
        }
        self.base_mut().queue_redraw();
    }

    /// Throws a frost bomb, if there is one.
    pub fn freeze(&mut self) {
        if self.frost.get().is_some_and(Cooldown::try_start) {
            let clock = self.to_gd().tasks().clock();
            frost_bomb(self.field(), self.base().get_position(), &clock);
        }
    }

    /// Whistles: everybody around hears it.
    pub fn whistle(&mut self) {
        if self.whistle.get().is_some_and(Cooldown::try_start) {
            let (field, at) = (self.field(), self.base().get_position());
            Effect::at(field, at, Shape::Ring { radius: 420.0 });
            field.make_noise(at, 420.0);
        }
    }

    /// Takes a blow.
    pub fn hurt(&mut self, damage: i32) {
        if self.hp <= 0 {
            return;
        }
        self.hp -= damage;
        if self.hp <= 0 {
            self.signals().fell().emit();
        }
        if !self.field().options.is_seen {
            return;
        }
        self.shake(6.0);
        self.spawn_task(async |me: Gd<Self>| {
            me.animate(0.3, Ease::OutQuad, |me, t| {
                me.bind_mut().flash = 1.0 - t;
                me.queue_redraw();
            })
            .await;
        });
    }

    fn shake(&mut self, strength: f32) {
        let Some(camera) = self.base().try_get_node_as::<Camera2D>("Camera") else { return };
        self.shake.get().map(|slot| slot.replace(shake(camera, strength)));
    }

    fn rise(&mut self) {
        self.hp = HP;
        let field = self.field().clone();
        field.foe.set(Some(Vector2::ZERO));
        self.base_mut().set_position(Vector2::ZERO);
        self.facing = Vector2::RIGHT;
        self.base_mut().show();
        self.base_mut().queue_redraw();
    }

    fn fall(&mut self) {
        let field = self.field().clone();
        field.foe.set(None);
        Effect::at(&field, self.base().get_position(), Shape::Burst);
        self.base_mut().hide();
    }
}

#[godot_api]
impl INode2D for Player {
    fn draw(&mut self) {
        let (facing, flash) = (self.facing.angle(), self.flash);
        let health = self.hp.max(0) as f32 / HP as f32;
        let is_swinging = !self.can_strike();
        let mut canvas = self.base_mut();
        let lit = |colour: Color| colour.lerp(Color::from_rgb(1.0, 0.35, 0.3), flash.into());
        canvas.draw_circle(Vector2::new(3.0, 6.0), 18.0, Color::from_rgba(0.0, 0.0, 0.0, 0.4));
        canvas.draw_circle(Vector2::ZERO, 26.0, Color::from_rgba(1.0, 0.9, 0.65, 0.10));
        canvas.draw_set_transform_ex(Vector2::ZERO).rotation(facing).done();
        // A cloak, a blade, and a hood.
        let cloak =
            [(-22.0, -8.0), (-26.0, 0.0), (-22.0, 8.0), (2.0, 17.0), (9.0, 0.0), (2.0, -17.0)];
        let cloak = cloak.into_iter().map(|(x, y)| Vector2::new(x, y));
        let cloak: PackedVector2Array = cloak.collect();
        canvas.draw_colored_polygon(&cloak, lit(Color::from_rgb(0.16, 0.25, 0.45)));
        canvas
            .draw_polyline_ex(&cloak, lit(Color::from_rgb(0.42, 0.58, 0.95)))
            .width(2.0)
            .antialiased(true)
            .done();
        let turn = if is_swinging { -0.9 } else { 0.45 };
        let (hilt, tip) = (Vector2::new(8.0, 12.0), Vector2::from_angle(turn) * 30.0);
        canvas.draw_line_ex(hilt, hilt + tip, Color::from_rgb(0.1, 0.12, 0.2)).width(6.0).done();
        canvas.draw_line_ex(hilt, hilt + tip, Color::from_rgb(0.95, 0.97, 1.0)).width(3.0).done();
        canvas.draw_circle(Vector2::ZERO, 11.0, lit(Color::from_rgb(0.10, 0.13, 0.22)));
        canvas.draw_circle(Vector2::ZERO, 9.0, lit(Color::from_rgb(0.36, 0.52, 0.92)));
        canvas.draw_circle(Vector2::new(3.0, 0.0), 5.0, lit(Color::from_rgb(0.98, 0.9, 0.74)));
        canvas.draw_set_transform(Vector2::ZERO);
        let around =
            Color::from_rgb(0.95, 0.35, 0.30).lerp(Color::from_rgb(0.55, 0.85, 1.0), health.into());
        canvas
            .draw_arc_ex(Vector2::ZERO, 25.0, -TAU / 4.0, TAU * (health - 0.25), 40, around)
            .width(3.0)
            .antialiased(true)
            .done();
    }
}

/// Falls and rises again, for ever.
async fn play(me: Gd<Player>) {
    let is_by_hand = !me.bind().field().options.autoplay;
    loop {
        me.with(Player::rise);
        let fell = me.signals().fell().wait();
        let steer = async { if is_by_hand { by_hand(&me).await } else { autoplay(&me).await } };
        steer.until(race((fell.map(|()| ()), recover(&me)))).await;
        me.with(Player::fall);
        wait_seconds(2.0).await;
    }
}

/// Gets some breath back, for ever.
async fn recover(me: &Gd<Player>) {
    let mut beat = every(0.25);
    loop {
        beat.next().await;
        me.with(|me| me.hp = (me.hp + 2).min(HP));
    }
}

/// Does what the keys say.
async fn by_hand(me: &Gd<Player>) {
    loop {
        next_frame().await;
        let input = Input::singleton();
        let is_down = |keys: [Key; 2]| keys.iter().any(|&key| input.is_physical_key_pressed(key));
        let along =
            |less, more| f32::from(u8::from(is_down(more))) - f32::from(u8::from(is_down(less)));
        let way = Vector2::new(
            along([Key::LEFT, Key::A], [Key::RIGHT, Key::D]),
            along([Key::UP, Key::W], [Key::DOWN, Key::S]),
        );
        me.with(|me| {
            me.walk(way, 1.0);
            if is_down([Key::SPACE, Key::ENTER]) {
                me.strike();
            }
            if is_down([Key::F, Key::E]) {
                me.freeze();
            }
            if is_down([Key::Q, Key::R]) {
                me.whistle();
            }
        });
    }
}

/// Shakes the camera.
async fn shake(mut camera: Gd<Camera2D>, strength: f32) {
    let rest = camera.clone();
    let _rest = rest.at_exit(|camera| camera.set_offset(Vector2::ZERO));
    for step in 0..9_u8 {
        let fade = strength * (1.0 - f32::from(step) / 9.0);
        camera.set_offset(Vector2::from_angle(f32::from(step) * 2.4) * fade);
        next_frame().await;
    }
}
