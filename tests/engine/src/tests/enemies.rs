//! Enemies: behaviours chosen by `priority`, on nodes that come and go by the hundred.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cuelight::engine;
use cuelight::prelude::*;
use fastrand::Rng;
use godot::classes::Performance;
use godot::classes::performance::Monitor;
use godot::prelude::*;

use super::allocations;
use super::stage::*;
use crate::Setup;
use crate::inside::Context;

/// What the enemies of a test share.
#[derive(Clone)]
struct Arena {
    /// Where the player is, on a line.
    player: Rc<Cell<f64>>,
    /// The frame of the test.
    frame: Rc<Cell<usize>>,
    log: Trail,
}

/// What was done; nothing, if nobody wants to know.
#[derive(Clone, Default)]
struct Trail(Option<Rc<RefCell<Vec<String>>>>);

impl Arena {
    fn new(log: Trail) -> Self {
        Self { player: Rc::default(), frame: Rc::default(), log }
    }

    fn note(&self, who: usize, what: &str) {
        if let Some(log) = &self.log.0 {
            log.borrow_mut().push(format!("{} {who} {what}", self.frame.get()));
        }
    }
}

/// All of an enemy: it patrols, chases, strikes and flees, and is stunned by blows.
async fn enemy(me: Gd<Actor>, who: usize, arena: Arena) {
    let place = Cell::new((who % 40) as f64 * 10.0);
    let gap = || (arena.player.get() - place.get()).abs();
    let swing = me.tasks().cooldown(0.5);
    let step = async |speed: f64| {
        let way = (arena.player.get() - place.get()).signum();
        place.set(place.get() + way * speed * delta());
        next_frame().await;
    };
    let patrol = async || {
        arena.note(who, "patrols");
        loop {
            step(-20.0).await;
            wait_seconds(0.1).await;
        }
    };
    let chase = async || {
        arena.note(who, "chases");
        loop {
            step(60.0).await;
        }
    };
    let strike = async || {
        swing.try_start();
        arena.note(who, "winds up");
        wait_seconds(0.2).await;
        arena.note(who, "strikes");
    };
    let flee = async || {
        arena.note(who, "flees");
        step(-90.0).await;
        wait_seconds(0.3).await;
        me.with(|me| me.hp = 0);
    };
    loop {
        let hit = me.signals().hit().wait();
        let acts = priority((
            when(|| me.bind().hp > 3, flee),
            when(|| gap() < 15.0 && swing.is_ready(), strike),
            during(|| gap() < 120.0, chase),
            otherwise(patrol),
        ));
        if let Select2::Second((amount,)) = select((acts.every(0.1), hit)).await {
            arena.note(who, "is stunned");
            me.with(|me| me.hp += amount);
            wait_seconds(0.1 * amount as f64).await;
        }
    }
}

/// Returns the bytes that Godot has allocated, and Rust.
fn memory() -> (f64, f64) {
    let godot = Performance::singleton().get_monitor(Monitor::MEMORY_STATIC);
    (godot, allocations::live_bytes() as f64)
}

const FRAMES: usize = 1200;

engine_test!(five_hundred_enemies_a_second, Setup::own_game().frames(3000).seconds(240));
async fn five_hundred_enemies_a_second(ctx: Context) {
    ctx.allow_cached_objects(1);
    let before = engine::counts();
    let arena = Arena::new(Trail::default());
    let mut rng = Rng::with_seed(11);
    let mut alive: Vec<Gd<Actor>> = Vec::new();
    let (mut born, mut freed) = (0, 0);
    let mut measured = Vec::with_capacity(FRAMES);
    for frame in 0..FRAMES {
        arena.frame.set(frame);
        arena.player.set(200.0 + 200.0 * (frame as f64 * 0.02).sin());
        while born < 500 * (frame + 1) / 60 {
            let me = actor(&ctx.root());
            let (arena, who) = (arena.clone(), born);
            me.spawn_task(|me| enemy(me, who, arena));
            alive.push(me);
            born += 1;
        }
        for _ in 0..4 {
            let victim = &alive[rng.usize(..alive.len())];
            victim.signals().hit().emit(rng.i64(1..3));
        }
        // Half a second of life for each, whatever it is in the middle of; half of them go at once, half at the end of
        // the frame.
        while alive.len() > 250 {
            let mut me = alive.swap_remove(rng.usize(..alive.len()));
            if freed % 2 == 0 {
                me.free()
            } else {
                me.queue_free()
            }
            freed += 1;
        }
        ctx.frame().await;
        measured.push(memory());
    }
    let (early, later, end) = (measured[300], measured[600], measured[FRAMES - 1]);
    godot_print!("{born} born, {freed} freed; bytes at frame 300 {early:?}, at the end {end:?}");
    let most = early.0 + early.1;
    assert!(end.0 + end.1 <= most * 1.01, "all memory: {early:?}, {end:?}");
    // By itself Rust's is so little that the last doubling of a list shows. After that it stands still.
    assert!(end.1 <= later.1 * 1.01, "Rust's memory: {later:?}, {end:?}");
    for me in alive {
        me.free();
    }
    ctx.frames(2).await;
    assert_eq!(engine::counts(), before, "nothing is left");
}

/// Plays five seconds of a seed, and returns the log.
async fn play(ctx: &Context, seed: u64) -> Vec<String> {
    let log = Rc::<RefCell<Vec<String>>>::default();
    let arena = Arena::new(Trail(Some(log.clone())));
    let mut rng = Rng::with_seed(seed);
    let mut alive: Vec<Gd<Actor>> = Vec::new();
    for who in 0..30 {
        let me = actor(&ctx.root());
        let arena = arena.clone();
        me.spawn_task(|me| enemy(me, who, arena));
        alive.push(me);
    }
    for frame in 0..300 {
        arena.frame.set(frame);
        arena.player.set(rng.f64() * 20.0 + (frame % 200) as f64 * 2.0);
        let someone = &alive[rng.usize(..alive.len())];
        match rng.u8(..12) {
            0 => someone.signals().hit().emit(rng.i64(1..5)),
            1 => someone.tasks().set_speed(rng.f64() * 2.0),
            2 if alive.len() > 5 => {
                let me = alive.swap_remove(rng.usize(..alive.len()));
                me.free();
            }
            _ => {}
        }
        ctx.frame().await;
    }
    for me in alive {
        me.free();
    }
    ctx.frames(2).await;
    log.take()
}

engine_test!(the_same_seed_is_the_same_log, Setup::shared().frames(2000));
async fn the_same_seed_is_the_same_log(ctx: Context) {
    let log = play(&ctx, 3).await;
    for what in ["patrols", "chases", "winds up", "strikes", "flees", "is stunned"] {
        assert!(log.iter().any(|line| line.ends_with(what)), "nobody {what}");
    }
    assert_eq!(log, play(&ctx, 3).await);
    assert_ne!(log, play(&ctx, 4).await);
}

engine_test!(a_cooldown_is_right_after_a_stun);
async fn a_cooldown_is_right_after_a_stun(ctx: Context) {
    let log = Rc::<RefCell<Vec<String>>>::default();
    let arena = Arena::new(Trail(Some(log.clone())));
    let me = actor(&ctx.root());
    let its_arena = arena.clone();
    me.spawn_task(|me| enemy(me, 0, its_arena));
    for frame in 0..45 {
        arena.frame.set(frame);
        if frame == 6 {
            me.signals().hit().emit(1);
        }
        ctx.frame().await;
    }
    // Half a second after the wind-up that was interrupted, and no earlier. That was before the tick of frame 0, and so the
    // thirtieth tick is that of frame 29.
    let expected =
        ["0 0 winds up", "6 0 is stunned", "11 0 chases", "29 0 winds up", "41 0 strikes"];
    assert_eq!(log.take(), expected);
    me.free();
    ctx.frame().await;
}
