//! What all in the arena share. It is plain Rust: senses ask it, and make no engine call.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cuelight::root_group;
use fastrand::Rng;
use godot::prelude::*;

use super::enemy::Enemy;
use super::options::Options;
use super::player::Player;
use super::spawning::Pool;
use crate::body::{Kind, Mood, PLAYER_SIZE};
use crate::map::Map;

/// What all in the arena share.
pub struct Field {
    pub options: Options,
    pub map: Map,
    pub rng: RefCell<Rng>,
    /// Where the player is, while it lives.
    pub foe: Cell<Option<Vector2>>,
    pub player: RefCell<Option<Gd<Player>>>,
    pub pool: RefCell<Option<Gd<Pool>>>,
    /// Whom the overlay looks into.
    pub chosen: RefCell<Option<Rc<Soul>>>,
    /// All enemies who are in the game, in no order that means anything.
    souls: RefCell<Vec<Rc<Soul>>>,
    /// Where each of them is, side by side: all are asked in each search.
    places: RefCell<Vec<Vector2>>,
    pub tally: Tally,
}

/// What of an enemy its node does not have to be asked for.
pub struct Soul {
    pub number: usize,
    pub node: Gd<Enemy>,
    pub field: Rc<Field>,
    pub kind: Cell<Kind>,
    /// Set by [`move_to`](Self::move_to).
    pub at: Cell<Vector2>,
    pub facing: Cell<Vector2>,
    pub post: Cell<Vector2>,
    pub hp: Cell<i32>,
    pub mood: Cell<Mood>,
    pub noise: Cell<Option<Vector2>>,
    /// Its place in the list of those who are in the game.
    index: Cell<Option<usize>>,
}

/// What has happened.
#[derive(Clone, Default)]
pub struct Tally {
    /// How often tasks of enemies were polled.
    pub polls: Cell<u64>,
    /// How many of those polls were the first of their tasks.
    pub first_polls: Cell<u64>,
    pub spawns: Cell<u64>,
    /// How many of those came out of the pool.
    pub reused: Cell<u64>,
    pub deaths: Cell<u64>,
    /// How many were freed in the middle of whatever they did.
    pub freed: Cell<u64>,
    pub blows: Cell<u64>,
}

/// Adds one.
pub fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

impl Field {
    pub fn new(options: Options) -> Rc<Self> {
        let mut rng = Rng::with_seed(options.seed);
        let map = Map::with_pillars(options.agents, &mut rng);
        Rc::new(Self {
            options,
            map,
            rng: RefCell::new(rng),
            foe: Cell::new(None),
            player: RefCell::default(),
            pool: RefCell::default(),
            chosen: RefCell::default(),
            souls: RefCell::default(),
            places: RefCell::default(),
            tally: Tally::default(),
        })
    }

    /// Returns where enemies are made.
    pub fn pool(&self) -> Gd<Pool> {
        self.pool.borrow().clone().expect("the arena has its pool from the beginning")
    }

    /// Rolls the dice: a number from 0 to 1.
    pub fn roll(&self) -> f32 {
        self.rng.borrow_mut().f32()
    }

    /// Returns a place that somebody can stand at.
    pub fn somewhere(&self) -> Vector2 {
        self.map.somewhere(&mut self.rng.borrow_mut())
    }

    /// Returns the number of enemies who are in the game.
    pub fn len(&self) -> usize {
        self.souls.borrow().len()
    }

    /// Returns one of them by chance.
    pub fn anybody(&self) -> Option<Rc<Soul>> {
        let souls = self.souls.borrow();
        let index = self.rng.borrow_mut().usize(..souls.len().max(1));
        souls.get(index).cloned()
    }

    /// Returns all of them.
    pub fn everybody(&self) -> Vec<Rc<Soul>> {
        self.souls.borrow().clone()
    }

    /// Returns all within a distance of a place.
    pub fn within(&self, at: Vector2, distance: f32) -> Vec<Rc<Soul>> {
        let mut found = Vec::new();
        self.search(at, distance, |soul| {
            if soul.hp.get() > 0 {
                found.push(soul.clone());
            }
        });
        found
    }

    /// Returns the nearest to a place, within a distance, of whom something is true.
    pub fn nearest(
        &self,
        at: Vector2,
        distance: f32,
        is_meant: impl Fn(&Soul) -> bool,
    ) -> Option<Rc<Soul>> {
        let mut nearest = None;
        let mut least = f32::INFINITY;
        self.search(at, distance, |soul| {
            let gap = soul.at.get().distance_squared_to(at);
            if gap < least && is_meant(soul) {
                least = gap;
                nearest = Some(soul.clone());
            }
        });
        nearest
    }

    /// Returns those who may stand in somebody's way, as [`Map::walk_among`] asks for them. In a crowd nobody minds.
    pub fn neighbours(&self, who: &Soul) -> Vec<(Vector2, f32)> {
        let mut found = Vec::new();
        if !self.options.is_crowd() {
            found.extend(self.foe.get().map(|foe| (foe, PLAYER_SIZE)));
            let most = who.kind.get().size() + Kind::Boss.size();
            self.search(who.at.get(), most, |soul| {
                if soul.number != who.number && soul.hp.get() > 0 {
                    found.push((soul.at.get(), soul.kind.get().size()));
                }
            });
        }
        found
    }

    /// Has all within a distance hear something.
    pub fn make_noise(&self, at: Vector2, distance: f32) {
        self.search(at, distance, |soul| soul.noise.set(Some(at)));
    }

    /// Calls a function for each within a distance of a place. It lets nobody in or out.
    fn search(&self, at: Vector2, distance: f32, mut found: impl FnMut(&Rc<Soul>)) {
        let (souls, places) = (self.souls.borrow(), self.places.borrow());
        for (soul, place) in souls.iter().zip(&*places) {
            if place.distance_squared_to(at) < distance * distance {
                found(soul);
            }
        }
    }

    /// Takes somebody into the game.
    pub fn enter(&self, soul: &Rc<Soul>) {
        let mut souls = self.souls.borrow_mut();
        soul.index.set(Some(souls.len()));
        souls.push(soul.clone());
        self.places.borrow_mut().push(soul.at.get());
    }

    /// Takes somebody out of the game, and returns whether it was in.
    pub fn exit(&self, soul: &Soul) -> bool {
        let Some(index) = soul.index.take() else { return false };
        let mut souls = self.souls.borrow_mut();
        souls.swap_remove(index);
        self.places.borrow_mut().swap_remove(index);
        if let Some(moved) = souls.get(index) {
            moved.index.set(Some(index));
        }
        true
    }

    /// Prints what happens, where it is read: without a window, and not of a crowd.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if !self.options.is_seen && !self.options.is_crowd() {
            godot_print!("{:>6.2} s  {}", root_group().clock().now(), what());
        }
    }
}

impl Soul {
    pub fn new(number: usize, node: Gd<Enemy>, field: Rc<Field>) -> Self {
        Self {
            number,
            node,
            field,
            kind: Cell::new(Kind::Guard),
            at: Cell::default(),
            facing: Cell::new(Vector2::RIGHT),
            post: Cell::default(),
            hp: Cell::new(0),
            mood: Cell::default(),
            noise: Cell::default(),
            index: Cell::default(),
        }
    }

    /// Returns its health, from 0 to 1.
    pub fn health(&self) -> f32 {
        self.hp.get().max(0) as f32 / self.kind.get().hp() as f32
    }

    /// Puts it at a place.
    pub fn move_to(&self, at: Vector2) {
        self.at.set(at);
        if let Some(index) = self.index.get() {
            self.field.places.borrow_mut()[index] = at;
        }
        let mut node = self.node.clone();
        node.set_position(at);
    }

    /// Returns whether it is in the game.
    pub fn is_in(&self) -> bool {
        self.index.get().is_some()
    }

    /// Returns its name, for the log and the overlay.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind.get().name(), self.number)
    }
}
