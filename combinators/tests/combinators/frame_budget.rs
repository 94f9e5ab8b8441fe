//! `FrameBudget`

use std::pin::pin;

use cuelight_combinators::{FrameBudget, next_frame, race};
use cuelight_runtime::{TaskGroup, engine, spawn};

use crate::check::{check_leaves_nothing, check_panic_after_done};
use crate::common::{Log, TestEngine, World, panic_of, poll_once};

/// Does pieces of work for ever, each so many milliseconds long, and writes them into the log.
fn work(log: &Log, engine: &TestEngine, budget: f64, piece: f64) -> impl Future + use<> {
    let (log, real) = (log.clone(), engine.real.clone());
    async move {
        let mut budget = FrameBudget::new(budget);
        for number in 1.. {
            budget.tick().await;
            log.push(number);
            real.set(real.get() + std::time::Duration::from_secs_f64(piece / 1e3));
        }
    }
}

#[test]
fn all_ok() {
    let (world, log) = (World::start(), Log::new());
    spawn(work(&log, &world.engine, 5.0, 2.0)).detach();
    log.check(&["1", "2", "3"]); // After 0, 2 and 4 ms.
    world.tick();
    log.check(&["4", "5", "6"]);
    world.flush();
    log.check(&[]);
}

#[test]
fn a_budget_that_is_used_up_exactly_is_spent() {
    let (world, log) = (World::start(), Log::new());
    spawn(work(&log, &world.engine, 4.0, 2.0)).detach();
    log.check(&["1", "2"]);
}

#[test]
fn a_piece_that_is_too_long_is_one_a_frame() {
    let (world, log) = (World::start(), Log::new());
    spawn(work(&log, &world.engine, 5.0, 200.0)).detach();
    log.check(&["1"]);
    world.ticks(2);
    log.check(&["2", "3"]);
}

#[test]
fn negative_and_0_are_one_piece_a_frame() {
    for budget in [0.0, -1.0, f64::NEG_INFINITY] {
        let (world, log) = (World::start(), Log::new());
        // Even of pieces that take no time.
        spawn(work(&log, &world.engine, budget, 0.0)).detach();
        log.check(&["1"]);
        world.ticks(2);
        log.check(&["2", "3"]);
    }
}

#[test]
fn infinity_never_waits() {
    let world = World::start();
    let real = world.engine.real.clone();
    let task = spawn(async move {
        let mut budget = FrameBudget::new(f64::INFINITY);
        for _ in 0..1_000 {
            budget.tick().await;
            real.set(real.get() + std::time::Duration::from_secs(1));
        }
    });
    assert!(task.is_finished());
}

#[test]
fn nan_panics_at_the_callers_line() {
    let (message, file) = panic_of(|| FrameBudget::new(f64::NAN));
    assert!(message.starts_with("FrameBudget::new(NaN)"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn counts_from_the_first_tick_in_a_frame() {
    let (world, log) = (World::start(), Log::new());
    let (inner, real) = (log.clone(), world.engine.real.clone());
    let work = move |milliseconds| {
        real.set(real.get() + std::time::Duration::from_millis(milliseconds));
    };
    spawn(async move {
        let mut budget = FrameBudget::new(5.0);
        work(100); // Before the first tick: not counted.
        budget.tick().await;
        inner.push("first");
        work(3);
        budget.tick().await;
        inner.push("second");
        next_frame().await;
        work(100);
        budget.tick().await;
        inner.push("third");
    })
    .detach();
    world.pass_real(10.0);
    log.check(&["first", "second"]);
    world.tick();
    log.check(&["third"]);
}

#[test]
fn frozen() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.spawn(work(&log, &world.engine, 0.0, 1.0)).detach();
    log.check(&["1"]);
    group.pause();
    world.ticks(3);
    log.check(&[]);
    group.resume();
    world.tick();
    log.check(&["2"]);
}

#[test]
fn physics_ticks_make_no_frame() {
    let (world, log) = (World::start(), Log::new());
    spawn(work(&log, &world.engine, 0.0, 1.0)).detach();
    world.physics_tick();
    log.check(&["1"]);
}

#[test]
fn dropped_tick_leaves_the_budget_as_it_is() {
    let world = World::start();
    let mut budget = FrameBudget::new(0.0);
    assert!(poll_once(&mut budget.tick()).is_ready());
    assert!(poll_once(&mut budget.tick()).is_pending());
    assert!(poll_once(&mut budget.tick()).is_pending());
    assert_eq!(engine::counts().waits, 0);
    world.tick();
    assert!(poll_once(&mut budget.tick()).is_ready());
}

#[test]
fn panic_after_done() {
    let mut budget = FrameBudget::new(1.0);
    check_panic_after_done(|| budget.tick());
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| async {
        let mut budget = FrameBudget::new(0.0);
        budget.tick().await;
        let mut tick = pin!(budget.tick());
        race((tick.as_mut(), next_frame())).await;
    });
}
