//! The root of the project: it brings the arena in, and takes it away at the end.

use std::rc::Rc;
use std::time::Duration;

use cuelight::engine::{self, Counts};
use cuelight::prelude::*;
use godot::classes::{INode2D, Label, Node2D, PackedScene};
use godot::prelude::*;

use super::field::{Field, Tally};
use super::floor::Floor;
use super::herald::announce;
use super::options::Options;
use super::overlay::Overlay;
use super::player::Player;
use super::report;
use super::spawning::{Pool, keep_full};
use super::storm::{meteors, vanish};

/// The first frames, in which the crowd comes in, are not measured.
const WARM_UP: usize = 90;

/// After the end of the arena, the frames until its tasks are counted.
const AFTERMATH: u32 = 3;

/// The root of the project. It is no part of the game, and has no script: it watches what the scripts cost.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
struct Stage {
    arena: Option<Gd<Arena>>,
    field: Option<Rc<Field>>,
    /// What was alive before the arena was.
    before: Counts,
    elapsed: f64,
    times: Vec<Duration>,
    /// What has happened until the end of the arena.
    tally: Tally,
    /// Frames since the end of the arena.
    over: u32,
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Stage {
    fn ready(&mut self) {
        self.before = engine::counts();
        let field = Field::new(Options::read());
        let mut arena = load::<PackedScene>("res://arena.tscn").instantiate_as::<Arena>();
        arena.bind_mut().field = Some(field.clone());
        self.base_mut().add_child(&arena);
        (self.arena, self.field) = (Some(arena), Some(field));
    }

    fn process(&mut self, delta: f64) {
        self.times.extend(report::script_time());
        self.elapsed += delta;
        let Some(field) = self.field.clone() else { return };
        let Some(end) = field.options.seconds else { return };
        if let Some(arena) = &self.arena {
            if self.elapsed > end {
                self.tally = field.tally.clone();
                arena.clone().free();
                self.arena = None;
                // Who looked into somebody looks into nobody now.
                field.chosen.take();
            }
            return;
        }
        self.over += 1;
        if self.over == AFTERMATH {
            self.times.drain(..WARM_UP.min(self.times.len()));
            let times = std::mem::take(&mut self.times);
            let is_clean = report::print(&field.options, &self.tally, times, self.before);
            let exit_code = i32::from(!is_clean);
            self.base().get_tree().quit_ex().exit_code(exit_code).done();
        }
    }
}

/// The root of `arena.tscn`.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
struct Arena {
    field: Option<Rc<Field>>,
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Arena {
    fn ready(&mut self) {
        self.spawn_task(begin);
    }
}

/// Begins the game.
async fn begin(me: Gd<Arena>) {
    let Some(field) = me.bind().field.clone() else { return };
    let player = me.get_node_as::<Player>("Player");
    let pool = me.get_node_as::<Pool>("Pool");
    let overlay = me.get_node_as::<Overlay>("Overlay");
    *field.player.borrow_mut() = Some(player.clone());
    *field.pool.borrow_mut() = Some(pool);
    me.get_node_as::<Floor>("Floor").with(|floor| floor.lay(&field));
    player.with(|player| player.begin(&field));
    overlay.with(|overlay| overlay.begin(&field));

    // Each ends with the arena, whatever it is in the middle of.
    branch(keep_full(field.clone()));
    if field.options.is_crowd() {
        branch(meteors(field.clone()));
        branch(vanish(field.clone()));
    }
    if let Some(boss) = field.everybody().first() {
        let banner = overlay.get_node_as::<Label>("Banner");
        announce(banner, field.clone(), player, boss.node.clone()).await;
    }
}
