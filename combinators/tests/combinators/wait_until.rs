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
