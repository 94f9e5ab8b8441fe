//! `wait_real_seconds`: wall time, which goes on by hand here.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cuelight_runtime::{
    TaskGroup, WaitRealSeconds, engine, next_frame, root_group, spawn, wait_real_seconds,
    wait_seconds,
};

use crate::common::{CountedWaker, Log, World, panic_of, poll_once};

/// Spawns a task that writes into the log when its wait is over.
fn note<F: Future + 'static>(log: &Log, name: &'static str, wait: impl FnOnce() -> F + 'static) {
    let log = log.clone();
    spawn(async move {
        wait().await;
        log.push(name);
    })
    .detach();
}

#[test]
fn all_ok() {
    let world = World::start();
    let task = spawn(wait_real_seconds(1.0));
    // Time of the game does nothing.
    world.step(100.0);
    assert!(!task.is_finished());
    world.pass_real(0.5);
    world.tick();
    assert!(!task.is_finished());
    world.pass_real(0.5);
    world.flush();
    assert!(!task.is_finished(), "it is looked at in the ticks");
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn never_early() {
    let world = World::start();
    let task = spawn(wait_real_seconds(1.0));
    world.engine.real.set(Duration::from_nanos(999_999_999));
    world.tick();
    assert!(!task.is_finished());
    world.engine.real.set(Duration::from_nanos(1_000_000_000));
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn physics_ticks_look_too() {
    let world = World::start();
    let task = spawn(wait_real_seconds(1.0));
    world.pass_real(1.0);
    world.physics_tick();
    assert!(task.is_finished());
}

#[test]
fn negative_and_0_are_ready_at_once_and_infinite_never() {
    let world = World::start();
    for seconds in [0.0, -1.0, f64::NEG_INFINITY] {
        assert!(spawn(wait_real_seconds(seconds)).is_finished(), "{seconds}");
    }
    let (long, never) = (spawn(wait_real_seconds(1e300)), spawn(wait_real_seconds(f64::INFINITY)));
    world.engine.real.set(Duration::MAX);
    world.tick();
    assert!(!long.is_finished() && !never.is_finished());
}

#[test]
fn starts_when_it_is_created() {
    let world = World::start();
    let task = spawn(async {
        let wait = wait_real_seconds(1.0);
        next_frame().await;
        wait.await;
    });
    world.pass_real(0.75);
    world.tick();
    world.pass_real(0.25);
    world.tick();
    assert!(task.is_finished());
    // Outside of any task, and over before its first poll, too.
    let wait = wait_real_seconds(1.0);
    world.pass_real(1.0);
    assert!(spawn(wait).is_finished());
}

#[test]
fn no_speed_changes_it() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_speed(0.0);
    root_group().set_speed(100.0);
    let task = group.spawn(wait_real_seconds(1.0));
    world.tick();
    assert!(!task.is_finished());
    world.pass_real(1.0);
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn frozen() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_real_seconds(1.0));
    group.pause();
    world.pass_real(5.0);
    world.tick();
    assert!(!task.is_finished(), "a frozen task is not polled");
    group.resume();
    world.flush();
    assert!(task.is_finished(), "the time went on");
}

#[test]
fn with_the_root_frozen_others_go_on_when_it_thaws() {
    let world = World::start();
    let task = spawn(wait_real_seconds(1.0));
    root_group().pause();
    world.pass_real(1.0);
    world.tick();
    assert!(!task.is_finished());
    root_group().resume();
    world.flush();
    assert!(task.is_finished());
}

#[test]
fn order_is_deadline_then_first_poll() {
    let (world, log) = (World::start(), Log::new());
    note(&log, "late", || wait_real_seconds(3.0));
    note(&log, "first of two", || wait_real_seconds(2.0));
    note(&log, "early", || wait_real_seconds(1.0));
    note(&log, "second of two", || wait_real_seconds(2.0));
    world.pass_real(10.0);
    world.tick();
    log.check(&["early", "first of two", "second of two", "late"]);
}

#[test]
fn comes_after_the_waits_of_the_clocks() {
    let (world, log) = (World::start(), Log::new());
    note(&log, "wall", || wait_real_seconds(0.001));
    note(&log, "clock", || wait_seconds(0.01));
    note(&log, "frame", next_frame);
    world.pass_real(1.0);
    world.tick();
    log.check(&["clock", "frame", "wall"]);
}

#[test]
fn costs_nothing_while_nobody_waits() {
    let world = World::start();
    spawn(wait_seconds(100.0)).detach();
    world.ticks(10);
    assert_eq!(world.engine.real_asked.take(), 0);
    let task = spawn(wait_real_seconds(1.0));
    world.engine.real_asked.take();
    world.tick();
    world.physics_tick();
    assert_eq!(world.engine.real_asked.take(), 2, "once in each tick");
    task.cancel();
    world.flush();
    world.ticks(10);
    assert_eq!(world.engine.real_asked.take(), 0);
}

#[test]
fn leaves_nothing() {
    let world = World::start();
    let tasks: Vec<_> =
        [3.0, 1.0, 2.0].into_iter().map(|time| spawn(wait_real_seconds(time))).collect();
    drop(wait_real_seconds(1.0));
    assert_eq!(engine::counts().waits, 3);
    tasks[1].cancel();
    world.flush();
    assert_eq!(engine::counts().waits, 2);
    world.pass_real(3.0);
    world.tick();
    assert!(tasks.iter().all(cuelight_runtime::TaskHandle::is_finished));
    assert_eq!(engine::counts().waits, 0);
    // Due, and then dropped without a poll.
    let mut wait = wait_real_seconds(1.0);
    assert!(poll_once(&mut wait).is_pending());
    world.pass_real(1.0);
    world.tick();
    drop(wait);
    assert_eq!(engine::counts().waits, 0);
}

#[test]
fn wakes_who_polled_last() {
    let world = World::start();
    let mut wait = wait_real_seconds(1.0);
    let (first, waker) = CountedWaker::new();
    let mut poll = |waker: &std::task::Waker| {
        std::pin::Pin::new(&mut wait).poll(&mut std::task::Context::from_waker(waker))
    };
    assert!(poll(&waker).is_pending());
    let (second, waker) = CountedWaker::new();
    assert!(poll(&waker).is_pending());
    world.pass_real(1.0);
    world.tick();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert!(poll(&waker).is_ready());
}

#[test]
fn panic_after_done() {
    let _world = World::start();
    let mut wait = wait_real_seconds(0.0);
    assert!(poll_once(&mut wait).is_ready());
    let (message, _) = panic_of(|| poll_once(&mut wait));
    assert_eq!(message, "a future was polled after it was ready");
}

#[test]
fn outlives_the_group_that_it_was_made_in() {
    let world = World::start();
    let group = TaskGroup::new();
    let place: Rc<RefCell<Option<WaitRealSeconds>>> = Rc::default();
    let inner = place.clone();
    group
        .spawn(async move {
            let mut wait = wait_real_seconds(1.0);
            assert!(poll_once(&mut wait).is_pending());
            *inner.borrow_mut() = Some(wait);
        })
        .detach();
    drop(group);
    let task = spawn(place.take().expect("it was made"));
    world.pass_real(1.0);
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn engine_may_use_the_runtime() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    *world.engine.on_real.borrow_mut() = Some(Box::new(move || {
        let log = inner.clone();
        spawn(async move { log.push("spawned by the engine") }).detach();
    }));
    let task = spawn(wait_real_seconds(1.0));
    log.check(&["spawned by the engine"; 2]); // When it is made, and at its first poll.
    world.pass_real(1.0);
    world.tick();
    log.check(&["spawned by the engine"]);
    assert!(task.is_finished());
    world.engine.on_real.take();
}

#[test]
fn panic_of_the_engine_is_reported_and_the_time_stands_still() {
    let world = World::start();
    let task = spawn(wait_real_seconds(1.0));
    *world.engine.on_real.borrow_mut() = Some(Box::new(|| panic!("no time")));
    world.pass_real(1.0);
    world.tick();
    assert!(!task.is_finished());
    assert_eq!(world.errors(), ["asking for the real time panicked: no time"]);
    world.engine.on_real.take();
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn after_the_shutdown_it_does_nothing() {
    let (_world, log) = (World::start(), Log::new());
    let guard = log.guard("wait");
    spawn(async move {
        let _guard = guard;
        wait_real_seconds(1.0).await;
    })
    .detach();
    engine::shutdown();
    log.check(&["drop wait"]);
    assert_eq!(engine::counts().waits, 0);
    drop(wait_real_seconds(1.0));
}

#[test]
fn made_without_an_engine_it_starts_at_its_first_poll() {
    let wait = wait_real_seconds(1.0);
    let world = World::start();
    world.pass_real(100.0);
    let task = spawn(wait);
    assert!(!task.is_finished());
    world.pass_real(1.0);
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn the_engines_time_can_be_asked_for() {
    let world = World::start();
    world.pass_real(1.5);
    assert_eq!(engine::real_time(), Duration::from_millis(1_500));
}
