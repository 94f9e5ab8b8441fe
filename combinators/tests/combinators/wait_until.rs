//! `wait_until`

use std::cell::Cell;
use std::rc::Rc;

use cuelight_combinators::{join, next_frame, race, wait_frames, wait_until};
use cuelight_runtime::{Phase, TaskGroup, spawn};

use crate::check::{check, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::{Event, Log, World, poll_once};

/// A condition that writes its checks into the log, and is true at one of them.
fn condition(log: &Log, true_at: usize) -> impl FnMut() -> bool + use<> {
    let (log, mut checks) = (log.clone(), 0);
    move || {
        checks += 1;
        log.push(format!("check {checks}"));
        checks >= true_at
    }
}

#[test]
fn all_ok() {
    check(|log| wait_until(condition(log, 1)), (), &["check 1", "done"]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| wait_until(|| true));
}

#[test]
fn frozen() {
    let mut checks = 0;
    check_frozen(|| {
        wait_until(move || {
            checks += 1;
            checks == 3
        })
    });
}

#[test]
fn pending_then_ready() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(wait_until(condition(&log, 3)));
    // At once, and then once a tick.
    log.check(&["check 1"]);
    world.flush();
    world.physics_tick();
    log.check(&[]);
    world.tick();
    log.check(&["check 2"]);
    world.tick();
    log.check(&["check 3"]);
    assert!(task.is_finished());
}

#[test]
fn once_a_tick_however_often_it_is_polled() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let others = event.clone();
    spawn(join((wait_until(condition(&log, 9)), async move {
        loop {
            let wait = others.wait();
            wait.await;
        }
    })))
    .detach();
    log.check(&["check 1"]);
    for _ in 0..3 {
        event.give();
        world.flush();
    }
    log.check(&[]);
    world.tick();
    event.give();
    world.flush();
    log.check(&["check 2"]);
}

#[test]
fn sees_what_ran_before_it_in_the_tick() {
    let world = World::start();
    let open = Rc::new(Cell::new(false));
    let (door, seen) = (open.clone(), open.clone());
    let task = spawn(wait_until(move || seen.get()));
    spawn(async move {
        next_frame().await;
        door.set(true);
    })
    .detach();
    // Conditions come after the waits of their clock.
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn in_the_stage_of_its_group() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_phase(Phase::Physics);
    group.spawn(wait_until(condition(&log, 9))).detach();
    log.check(&["check 1"]);
    world.tick();
    log.check(&[]);
    world.physics_tick();
    log.check(&["check 2"]);
}

#[test]
fn alone_it_is_checked_at_its_ticks_too() {
    let (world, log) = (World::start(), Log::new());
    let mut wait = wait_until(condition(&log, 2));
    assert!(poll_once(&mut wait).is_pending());
    assert!(poll_once(&mut wait).is_pending());
    log.check(&["check 1"]);
    world.tick();
    assert!(poll_once(&mut wait).is_ready());
    log.check(&["check 2"]);
}

#[test]
fn panic_in_the_condition_is_the_tasks() {
    let world = World::start();
    let mut checks = 0;
    let task = spawn(wait_until(move || {
        checks += 1;
        assert!(checks < 2, "the second check");
        false
    }));
    let other = spawn(wait_frames(1));
    world.tick();
    world.check_reports(&["the second check"]);
    assert_eq!(task.take(), Some(Err(cuelight_runtime::TaskError::Panicked)));
    assert!(other.is_finished());
    assert_eq!(cuelight_runtime::engine::counts().waits, 0);
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| race((wait_until(|| false), next_frame())));
    check_leaves_nothing(|| {
        let mut checks = 0;
        wait_until(move || {
            checks += 1;
            checks == 3
        })
    });
}

#[test]
fn condition_may_use_the_runtime() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(wait_until(move || {
        let log = inner.clone();
        spawn(async move { log.push("spawned") }).detach();
        cuelight_runtime::engine::flush();
        cuelight_runtime::now() > 0.0
    }))
    .detach();
    world.tick();
    log.check(&["spawned", "spawned"]);
}

#[test]
fn every_so_many_seconds() {
    let (world, log) = (World::start(), Log::new());
    spawn(wait_until(condition(&log, 9)).every(0.5)).detach();
    log.check(&["check 1"]);
    world.step(0.25);
    world.flush();
    log.check(&[]);
    world.step(0.25);
    log.check(&["check 2"]);
    // Late, and once for the two that were due …
    world.step(1.25);
    log.check(&["check 3"]);
    // … and on the beat again.
    world.step(0.25);
    log.check(&["check 4"]);
}

#[test]
fn every_does_not_drift() {
    let world = World::start();
    let checks = Rc::new(Cell::new(0));
    let inner = checks.clone();
    let condition = move || {
        inner.set(inner.get() + 1);
        false
    };
    spawn(wait_until(condition).every(0.1)).detach();
    (0..1_500).for_each(|_| world.step(0.04));
    assert_eq!(checks.get(), 601);
}

#[test]
fn every_is_frozen_with_the_clock() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.spawn(wait_until(condition(&log, 9)).every(0.5)).detach();
    log.check(&["check 1"]);
    world.step(0.25);
    group.pause();
    world.step(10.0);
    group.resume();
    world.flush();
    log.check(&[]);
    group.set_speed(0.0);
    world.step(10.0);
    log.check(&[]);
    group.set_speed(1.0);
    world.step(0.25);
    log.check(&["check 2"]);
}

#[test]
fn every_frozen() {
    // Of the frames of `check_frozen`, each has a check.
    let mut checks = 0;
    check_frozen(|| {
        let condition = move || {
            checks += 1;
            checks == 3
        };
        wait_until(condition).every(1.0 / 60.0)
    });
}

#[test]
fn every_0_or_less_checks_each_tick() {
    for seconds in [0.0, -1.0, f64::NEG_INFINITY] {
        let (world, log) = (World::start(), Log::new());
        spawn(wait_until(condition(&log, 9)).every(seconds)).detach();
        world.ticks(2);
        log.check(&["check 1", "check 2", "check 3"]);
    }
}

#[test]
fn every_infinity_checks_once() {
    let (world, log) = (World::start(), Log::new());
    spawn(wait_until(condition(&log, 9)).every(f64::INFINITY)).detach();
    world.step(1e9);
    log.check(&["check 1"]);
}

#[test]
fn every_nan_panics_at_the_callers_line() {
    let _world = World::start();
    let (message, file) = crate::common::panic_of(|| wait_until(|| true).every(f64::NAN));
    assert!(message.starts_with("every(NaN)"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn every_leaves_nothing() {
    check_leaves_nothing(|| race((wait_until(|| false).every(0.5), next_frame())));
    check_leaves_nothing(|| {
        let mut checks = 0;
        let condition = move || {
            checks += 1;
            checks == 3
        };
        wait_until(condition).every(0.01)
    });
}
