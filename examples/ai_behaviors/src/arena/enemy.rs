//! An enemy's node. It has no `_process`: all that it does is in the tasks of its group.

use std::cell::OnceCell;
use std::f32::consts::TAU;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::classes::{INode2D, Node2D};
use godot::prelude::*;

use super::effect::{Effect, Shape};
use super::enemy_body::EnemyBody;
use super::field::{Field, Soul, count};
use super::look::Look;
use crate::behaviours::life::life;
use crate::body::{Kind, Mood};

/// An enemy. It comes out of a pool, and goes back there.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Enemy {
    soul: OnceCell<Rc<Soul>>,
    /// How it looks, where it is seen.
    look: Option<Gd<Look>>,
    /// How many frosts slow it.
    frosts: i32,
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Enemy {
    fn ready(&mut self) {
        // Whatever it is in the middle of ends when it goes back to the pool; the group stays usable.
        self.to_gd().tasks().cancel_on(CancelOn::DISABLED);
    }
}

#[godot_api]
impl Enemy {
    /// It has been hit so hard that it can do nothing for so many seconds.
    #[signal]
    pub fn stunned(seconds: f64);

    /// Its health is gone.
    #[signal]
    pub fn fallen();
}

impl Enemy {
    /// Makes one, under a parent.
    pub fn make(number: usize, field: &Rc<Field>, parent: &Gd<Node2D>) -> EnemyBody {
        let mut node = Self::new_alloc();
        node.set_name(&format!("Enemy{number}"));
        let soul = Rc::new(Soul::new(number, node.clone(), field.clone()));
        let is_seen = field.options.is_seen;
        {
            let mut enemy = node.bind_mut();
            let _ = enemy.soul.set(soul.clone());
            if is_seen {
                let look = Look::of(&soul);
                enemy.base_mut().add_child(&look);
                enemy.look = Some(look);
            }
        }
        parent.clone().add_child(&node);
        EnemyBody(soul)
    }

    /// Puts one into the game at a place.
    pub fn enter(body: &EnemyBody, kind: Kind, at: Vector2) {
        let soul = &body.0;
        let at = soul.field.map.room_at(at);
        soul.kind.set(kind);
        soul.hp.set(kind.hp());
        soul.at.set(at);
        soul.post.set(at);
        soul.noise.set(None);
        soul.mood.set(Mood::Calm);
        soul.facing.set(Vector2::from_angle(soul.field.roll() * TAU));
        soul.field.enter(soul);
        count(&soul.field.tally.spawns);
        let mut node = soul.node.clone();
        node.set_position(at);
        node.set_process_mode(ProcessMode::INHERIT);
        node.show();
        body.redraw();
    }

    /// Has one live on its own.
    pub fn wake(body: &EnemyBody) {
        let (soul, body) = (&body.0, body.clone());
        let (kind, field) = (soul.kind.get(), soul.field.clone());
        let task = soul.node.tasks().spawn_named("life", counted(life(body, kind), field));
        task.detach();
    }

    /// Slows one, all its waits and steps and cooldowns, until something on another clock is over.
    pub fn chill(soul: &Soul, factor: f64, over: impl Future<Output = ()> + 'static) {
        let me = soul.node.clone();
        let thaw = async move {
            // Several multiply. This ends with the task: when it has thawed, and when the enemy leaves before that.
            let _cold = me.tasks().clock().slow(factor);
            me.with(|enemy| enemy.count_frost(1));
            let _warm = me.at_exit(|me| me.with(|enemy| enemy.count_frost(-1)));
            over.await;
        };
        soul.node.tasks().spawn_named("thaw", thaw).detach();
    }

    fn count_frost(&mut self, more: i32) {
        self.frosts += more;
        self.redraw();
    }

    /// Hits one.
    pub fn hit(soul: &Rc<Soul>, damage: i32, stun: f64) {
        let before = soul.hp.get();
        if before <= 0 || !soul.is_in() {
            return;
        }
        count(&soul.field.tally.blows);
        soul.hp.set(before - damage);
        if before <= damage {
            count(&soul.field.tally.deaths);
            soul.node.signals().fallen().emit();
            Effect::at(&soul.field, soul.at.get(), Shape::Burst);
        } else if stun > 0.0 {
            soul.node.signals().stunned().emit(stun);
        }
        EnemyBody(soul.clone()).redraw();
    }

    /// Takes it out of the game, into the pool.
    pub fn put_away(&mut self) {
        self.base_mut().hide();
        self.base_mut().set_process_mode(ProcessMode::DISABLED); // Here its tasks end.
    }

    /// Has it drawn anew.
    pub fn redraw(&mut self) {
        let is_cold = self.frosts > 0;
        if let Some(look) = &self.look {
            look.with(|look| look.show(is_cold));
        }
    }
}

impl Drop for Enemy {
    fn drop(&mut self) {
        // Freed in the middle of anything: its tasks end with the node, and those who think of it see that it is gone.
        if let Some(soul) = self.soul.get()
            && soul.field.exit(soul)
        {
            soul.hp.set(0);
            count(&soul.field.tally.freed);
        }
    }
}

/// Counts how often a task is polled.
async fn counted(script: impl Future<Output = ()>, field: Rc<Field>) {
    let mut script = pin!(script);
    count(&field.tally.first_polls);
    poll_fn(|cx| {
        count(&field.tally.polls);
        script.as_mut().poll(cx)
    })
    .await;
}
