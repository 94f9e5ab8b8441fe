//! Cancellers: handles that can only cancel and ask.

use std::future::pending;
use std::rc::Rc;

use cuelight_runtime::{TaskError, engine, next_frame, spawn, spawn_deferred};

use crate::common::{Log, OnDrop, World};

#[test]
fn cancels_and_asks() {
    let (world, log) = (World::start(), Log::new());
    let guard = log.guard("task");
    let task = spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    let canceller = task.canceller();
    assert_eq!(canceller.id(), task.id());
    assert!(!canceller.is_finished());
    canceller.clone().cancel();
    // Ended, but its future is dropped on a clean stack only.
    log.check(&[]);
    assert!(!canceller.is_finished());
    world.flush();
    log.check(&["drop task"]);
    assert!(canceller.is_finished());
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    canceller.cancel();
}

#[test]
fn drop_does_nothing() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        next_frame().await;
        inner.push("went on");
    });
    let _ = task.canceller();
    let canceller = task.canceller();
    task.detach();
    world.tick();
    log.check(&["went on"]);
    assert!(canceller.is_finished());
}

#[test]
fn keeps_no_result_alive() {
    let (world, log) = (World::start(), Log::new());
    let output = log.guard("output");
    let task = spawn(async move {
        next_frame().await;
        output
    });
    let canceller = task.canceller();
    world.tick();
    drop(task);
    log.check(&["drop output"]);
    assert!(canceller.is_finished());
}

#[test]
fn does_not_reach_the_next_task_of_the_slot() {
    let world = World::start();
    let stale = spawn(async {}).canceller();
    let fresh = spawn(next_frame());
    stale.cancel();
    world.tick();
    assert_eq!(fresh.take(), Some(Ok(())));
    assert!(stale.is_finished());
}

#[test]
fn from_inside_and_from_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let other = spawn(pending::<()>());
    let place = Rc::new(std::cell::RefCell::new(None));
    let (canceller, inner) = (other.canceller(), place.clone());
    let task = spawn_deferred(async move {
        let own: cuelight_runtime::Canceller = inner.take().unwrap();
        let _guard = OnDrop(move || canceller.cancel());
        own.cancel();
        next_frame().await;
        unreachable!("it was cancelled");
    });
    *place.borrow_mut() = Some(task.canceller());
    let guard = log.guard("bystander");
    spawn(async move {
        next_frame().await;
        drop(guard);
    })
    .detach();
    world.flush();
    assert!(task.is_finished() && other.is_finished());
    world.tick();
    log.check(&["drop bystander"]);
}

#[test]
fn after_the_shutdown_and_across_a_restart() {
    let world = World::start();
    let canceller = spawn(pending::<()>()).canceller();
    engine::shutdown();
    assert!(canceller.is_finished());
    canceller.cancel();
    // A task that never came to be.
    let stillborn = spawn(pending::<()>()).canceller();
    assert!(stillborn.is_finished());
    stillborn.cancel();
    engine::start(world.engine.clone());
    let task = spawn(next_frame());
    canceller.cancel();
    stillborn.cancel();
    world.tick();
    assert_eq!(task.take(), Some(Ok(())));
}
