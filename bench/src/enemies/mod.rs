//! The same enemy three times: it goes its rounds, chases the player when it sees it, and strikes when it can.
//!
//! With cuelight in `scripted.rs`, as a state machine by hand in `state_machine.rs`, and as a GDScript coroutine in
//! `project/enemy.gd`. All three look around ten times a second, make the same engine calls in the same order, and count
//! them and their blows, so that what is compared is known to be the same.

mod scripted;
mod state_machine;

use std::cell::Cell;

use cuelight::{NodeTasks as _, TaskGroup};
use godot::classes::{GDScript, INode2D, Node2D};
use godot::prelude::*;

/// Within this distance the player is struck, and seen.
const REACH: f32 = 40.0;
const SIGHT: f32 = 300.0;

/// How near an enemy comes, to the player and to a corner of its round.
const CLOSE: f32 = 30.0;
const THERE: f32 = 4.0;

/// Pixels a second.
const RUN: f32 = 120.0;
const WALK: f32 = 60.0;

/// The other corner of a round, from the post.
const ROUND: Vector2 = Vector2::new(200.0, 0.0);

/// Seconds between two looks, of a wind-up, between two blows, and at a corner.
const LOOK: f64 = 0.1;
const WIND_UP: f64 = 0.2;
const COOLDOWN: f64 = 1.2;
const REST: f64 = 1.0;

/// The step of a frame: the bench runs with fixed frames.
const FRAME: f64 = 1.0 / 60.0;

/// What rounding leaves of a time that has run out.
const GRACE: f64 = 1e-6;

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { calls: 0, blows: 0 }) };
}

/// What enemies have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Engine calls.
    pub(crate) calls: u64,
    pub(crate) blows: u64,
}

fn count(calls: u64, blows: u64) {
    let counts = COUNTS.get();
    COUNTS.set(Counts { calls: counts.calls + calls, blows: counts.blows + blows });
}

/// Asks the engine where a node is.
fn place_of(node: &Gd<Node2D>) -> Vector2 {
    count(1, 0);
    node.get_position()
}

/// Has the engine move a node.
fn put(node: &mut Gd<Node2D>, at: Vector2) {
    count(1, 0);
    node.set_position(at);
}

/// Strikes. Nobody is hurt.
fn strike() {
    count(0, 1);
}

/// A subject: its name, and how its enemies live.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) start: fn() -> Box<dyn Enemies>,
}

impl Subject {
    pub(crate) const ALL: [Self; 5] = [
        Self { name: "cuelight", start: || Box::new(Scripted) },
        Self { name: "cuelight, one group", start: || Box::<ScriptedInOne>::default() },
        Self { name: "state machine, a list", start: || Box::<StateMachines>::default() },
        Self { name: "state machine, _process", start: || Box::new(Walkers) },
        Self { name: "gdscript", start: || Box::new(Coroutines::new()) },
    ];
}

/// The enemies of a subject.
pub(crate) trait Enemies {
    /// Makes the node of one.
    fn make(&mut self) -> Gd<Node2D> {
        Node2D::new_alloc()
    }

    /// Has one begin at its post.
    fn begin(&mut self, me: &Gd<Node2D>, player: &Gd<Node2D>);

    /// Is called once a frame.
    fn frame(&mut self) {}

    /// Has them end, within so many frames.
    fn end(&mut self) -> usize {
        0
    }

    /// Returns what all of them have done.
    fn counts(&self) -> Counts {
        COUNTS.get()
    }
}

/// A task in the group of each node.
struct Scripted;

impl Enemies for Scripted {
    fn begin(&mut self, me: &Gd<Node2D>, player: &Gd<Node2D>) {
        me.tasks().spawn(scripted::enemy(me.clone(), player.clone())).detach();
    }
}

/// A task each, all in one group: none is frozen, slowed down or ended with its own node.
#[derive(Default)]
struct ScriptedInOne(TaskGroup);

impl Enemies for ScriptedInOne {
    fn begin(&mut self, me: &Gd<Node2D>, player: &Gd<Node2D>) {
        self.0.spawn(scripted::enemy(me.clone(), player.clone())).detach();
    }
}

/// State machines in a list, one step each in each frame: the floor, with neither groups nor clocks, and without the
/// virtual call that a `_process` of their own would cost.
#[derive(Default)]
struct StateMachines(Vec<state_machine::Enemy>);

impl Enemies for StateMachines {
    fn begin(&mut self, me: &Gd<Node2D>, player: &Gd<Node2D>) {
        let mut enemy = state_machine::Enemy::new(me.clone(), player.clone());
        enemy.process(FRAME);
        self.0.push(enemy);
    }

    fn frame(&mut self) {
        for enemy in &mut self.0 {
            enemy.process(FRAME);
        }
    }
}

/// State machines in the `_process` of their nodes.
struct Walkers;

/// A node with a state machine.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
struct Walker {
    enemy: Option<state_machine::Enemy>,
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Walker {
    fn process(&mut self, delta: f64) {
        if let Some(enemy) = &mut self.enemy {
            enemy.process(delta);
        }
    }
}

impl Enemies for Walkers {
    fn make(&mut self) -> Gd<Node2D> {
        let mut walker = Walker::new_alloc();
        // Before the node that measures.
        walker.set_process_priority(-1);
        walker.upcast()
    }

    fn begin(&mut self, me: &Gd<Node2D>, player: &Gd<Node2D>) {
        let enemy = state_machine::Enemy::new(me.clone(), player.clone());
        me.clone().cast::<Walker>().bind_mut().enemy = Some(enemy);
    }
}

/// A script with a coroutine on each node.
struct Coroutines {
    script: Gd<GDScript>,
    one: Option<Gd<Node2D>>,
}

impl Coroutines {
    fn new() -> Self {
        Self { script: load("res://enemy.gd"), one: None }
    }
}

impl Enemies for Coroutines {
    fn begin(&mut self, me: &Gd<Node2D>, player: &Gd<Node2D>) {
        let mut me = me.clone();
        me.set_script(&self.script);
        me.set("running", &true.to_variant());
        me.call("begin", &[player.to_variant()]);
        self.one = Some(me);
    }

    fn end(&mut self) -> usize {
        if let Some(one) = &mut self.one {
            one.set("running", &false.to_variant());
        }
        // The longest is a wind-up, and a look after it.
        20
    }

    fn counts(&self) -> Counts {
        // Static variables, which any of them reads.
        let Some(one) = self.one.as_ref() else { return Counts::default() };
        let read = |name: &str| one.get(name).to::<i64>() as u64;
        Counts { calls: read("calls"), blows: read("blows") }
    }
}
