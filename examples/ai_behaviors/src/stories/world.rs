//! A small world without an engine: a ground, a foe, some figures and a log.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::rc::Rc;

use cuelight::{Cue, GroupHandle, TaskGroup, root_group};
use fastrand::Rng;
use godot::builtin::Vector2;

use crate::behaviours::life::life;
use crate::body::{Body, Kind, Mood, PLAYER_SIZE};
use crate::map::Map;

/// The world. A clone is the same world.
#[derive(Clone)]
pub struct World(Rc<Inner>);

struct Inner {
    map: Map,
    rng: RefCell<Rng>,
    foe: Cell<Option<Vector2>>,
    foe_hp: Cell<i32>,
    figures: RefCell<Vec<Figure>>,
    log: RefCell<Vec<String>>,
}

/// Somebody in the world.
#[derive(Clone)]
pub struct Figure(Rc<Parts>);

struct Parts {
    world: World,
    name: String,
    kind: Kind,
    at: Cell<Vector2>,
    facing: Cell<Vector2>,
    post: Vector2,
    hp: Cell<f32>,
    mood: Cell<Option<Mood>>,
    noise: Cell<Option<Vector2>>,
    stunned: Cue<f64>,
    fallen: Cue<()>,
    /// Closed when it leaves.
    tasks: RefCell<Option<TaskGroup>>,
    group: GroupHandle,
}

impl World {
    pub fn new(seed: u64, map: Map) -> Self {
        Self(Rc::new(Inner {
            map,
            rng: RefCell::new(Rng::with_seed(seed)),
            foe: Cell::new(None),
            foe_hp: Cell::new(1000),
            figures: RefCell::default(),
            log: RefCell::default(),
        }))
    }

    /// Puts somebody into the world, who is not awake.
    pub fn put(&self, kind: Kind, at: Vector2) -> Figure {
        let number = self.0.figures.borrow().len();
        let tasks = TaskGroup::new();
        let figure = Figure(Rc::new(Parts {
            world: self.clone(),
            name: format!("{} {number}", kind.name()),
            kind,
            at: Cell::new(at),
            facing: Cell::new(Vector2::RIGHT),
            post: at,
            hp: Cell::new(kind.hp() as f32),
            mood: Cell::default(),
            noise: Cell::default(),
            stunned: Cue::new(),
            fallen: Cue::new(),
            group: tasks.handle(),
            tasks: RefCell::new(Some(tasks)),
        }));
        self.0.figures.borrow_mut().push(figure.clone());
        figure
    }

    /// Puts somebody into the world, who lives.
    pub fn wake(&self, kind: Kind, at: Vector2) -> Figure {
        let figure = self.put(kind, at);
        figure.0.group.spawn(life(figure.clone(), kind)).detach();
        figure
    }

    pub fn set_foe(&self, at: Option<Vector2>) {
        self.0.foe.set(at);
    }

    /// Has all within a distance of a place hear something.
    pub fn make_noise(&self, at: Vector2, distance: f32) {
        for figure in self.0.figures.borrow().iter() {
            if figure.position().distance_to(at) < distance {
                figure.set_noise(Some(at));
            }
        }
    }

    /// Writes something into the log, with the time.
    pub fn log(&self, what: impl Display) {
        let now = root_group().clock().now();
        self.0.log.borrow_mut().push(format!("{now:.2} {what}"));
    }

    /// Returns all that was written since the last time.
    pub fn take_log(&self) -> Vec<String> {
        self.0.log.take()
    }

    /// Compares all that was written since the last time.
    #[track_caller]
    pub fn check_log(&self, expected: &[&str]) {
        assert_eq!(self.take_log(), expected);
    }

    pub fn somewhere(&self) -> Vector2 {
        self.0.map.somewhere(&mut self.0.rng.borrow_mut())
    }

    pub fn roll(&self) -> f32 {
        self.0.rng.borrow_mut().f32()
    }

    pub fn everybody(&self) -> Vec<Figure> {
        self.0.figures.borrow().clone()
    }

    fn nearest(&self, to: &Figure, is_meant: impl Fn(&Figure) -> bool) -> Option<Figure> {
        let figures = self.0.figures.borrow();
        let others = figures.iter().filter(|other| !Rc::ptr_eq(&other.0, &to.0) && is_meant(other));
        let gap = |other: &&Figure| other.position().distance_to(to.position());
        others.min_by(|a, b| gap(a).total_cmp(&gap(b))).cloned()
    }
}

impl Figure {
    /// Hits it.
    pub fn hit(&self, damage: f32, stun: f64) {
        let before = self.0.hp.get();
        self.0.hp.set(before - damage);
        if before > 0.0 && before <= damage {
            self.0.fallen.give(());
        } else if stun > 0.0 {
            self.0.stunned.give(stun);
        }
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn mood(&self) -> Mood {
        self.0.mood.get().unwrap_or_default()
    }

    fn log(&self, what: impl Display) {
        self.0.world.log(format_args!("{} {what}", self.0.name));
    }
}

impl Body for Figure {
    fn position(&self) -> Vector2 {
        self.0.at.get()
    }

    fn post(&self) -> Vector2 {
        self.0.post
    }

    fn move_by(&self, way: Vector2) {
        let world = &self.0.world.0;
        let figures = world.figures.borrow();
        let friends = figures.iter().filter(|other| !Rc::ptr_eq(&other.0, &self.0));
        let friends = friends.map(|other| (other.position(), other.0.kind.size()));
        let others = friends.chain(world.foe.get().map(|foe| (foe, PLAYER_SIZE)));
        self.0.at.set(world.map.walk_among(self.position(), self.0.kind.size(), way, others));
        self.face(way);
    }

    fn face(&self, direction: Vector2) {
        if direction != Vector2::ZERO {
            self.0.facing.set(direction.normalized());
        }
    }

    fn facing(&self) -> Vector2 {
        self.0.facing.get()
    }

    fn foe(&self) -> Option<Vector2> {
        self.0.world.0.foe.get()
    }

    fn sees_foe(&self) -> bool {
        let Some(foe) = self.foe() else { return false };
        let way = foe - self.position();
        let is_in_view = way.length() < 300.0 && way.dot(self.facing()) > way.length() * 0.64;
        is_in_view && self.0.world.0.map.is_clear(self.position(), foe)
    }

    fn noise(&self) -> Option<Vector2> {
        self.0.noise.get()
    }

    fn set_noise(&self, noise: Option<Vector2>) {
        self.0.noise.set(noise);
    }

    fn health(&self) -> f32 {
        self.0.hp.get() / self.0.kind.hp() as f32
    }

    fn hurt_friend(&self) -> Option<Self> {
        let is_hurt = |other: &Self| other.health() > 0.0 && other.health() < 0.7;
        self.0.world.nearest(self, is_hurt)
    }

    fn healer(&self) -> Option<Vector2> {
        let healer = self.0.world.nearest(self, |other| other.0.kind == Kind::Healer);
        healer.map(|healer| healer.position())
    }

    fn stunned(&self) -> impl Future<Output = f64> {
        self.0.stunned.wait()
    }

    fn fallen(&self) -> impl Future<Output = ()> {
        self.0.fallen.wait()
    }

    fn show(&self, mood: Mood) {
        if self.0.mood.replace(Some(mood)) != Some(mood) {
            self.log(mood.verb());
        }
    }

    fn strike(&self, reach: f32, damage: i32) {
        if self.gap() < reach * 1.15 {
            self.0.world.0.foe_hp.set(self.0.world.0.foe_hp.get() - damage);
            self.log("hits");
        } else {
            self.log("misses");
        }
    }

    fn shoot(&self, _at: Vector2) {
        self.log("shoots");
    }

    fn call_others(&self, about: Vector2) {
        self.log("calls");
        for friend in self.0.world.everybody() {
            let is_near = friend.position().distance_to(self.position()) < 260.0;
            if is_near && !Rc::ptr_eq(&friend.0, &self.0) {
                friend.set_noise(Some(about));
            }
        }
    }

    fn heal(&self, part: f32) {
        let most = self.0.kind.hp() as f32;
        self.0.hp.set((self.0.hp.get() + part * most).min(most));
    }

    fn beam(&self, friend: &Self, _seconds: f64) {
        self.log(format_args!("helps {}", friend.0.name));
    }

    fn summon(&self) -> Self {
        self.log("summons");
        self.0.world.put(Kind::Imp, self.position() + Vector2::new(0.0, 60.0))
    }

    fn leave(&self) {
        let mut figures = self.0.world.0.figures.borrow_mut();
        if let Some(index) = figures.iter().position(|other| Rc::ptr_eq(&other.0, &self.0)) {
            figures.remove(index);
            drop(figures);
            self.log("leaves");
            // Dropping it ends the task that this is called by, too.
            self.0.tasks.take();
        }
    }

    fn group(&self) -> GroupHandle {
        self.0.group.clone()
    }

    fn roll(&self) -> f32 {
        self.0.world.roll()
    }
}
