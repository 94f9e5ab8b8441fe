//! `wait_changed`

use std::cell::Cell;
use std::rc::Rc;

use cuelight_combinators::{join, next_frame, race, wait_changed, wait_frames};
use cuelight_runtime::{TaskError, TaskGroup, engine, spawn};

use crate::check::{check, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::{Log, World, panic_of};

/// A value that another hand changes.
fn value<T: Copy>(start: T) -> (Rc<Cell<T>>, impl FnMut() -> T) {
    let cell = Rc::new(Cell::new(start));
    let inner = cell.clone();
    (cell, move || inner.get())
}

/// A counter that is read.
fn counter(log: &Log) -> impl FnMut() -> usize + use<> {
    let (log, mut reads) = (log.clone(), 0);
    move || {
        reads += 1;
        log.push(format!("read {reads}"));
        reads
    }
}

#[test]
fn all_ok() {
    // Read when it is made, and differs in its first poll.
    check(|log| wait_changed(counter(log)), 2, &["read 1", "read 2", "done"]);
}

#[test]
fn panic_after_done() {
    let (value, read) = value(1);
    check_panic_after_done(move || {
        let wait = wait_changed(read);
        value.set(2);
        wait
    });
}

#[test]
fn frozen() {
    let mut reads = 0;
    check_frozen(|| {
        wait_changed(move || {
            reads += 1;
            reads > 3
        })
    });
}

#[test]
fn pending_then_ready() {
    let world = World::start();
    let (value, read) = value(1);
    let task = spawn(wait_changed(read));
    world.ticks(3);
    value.set(5);
    world.flush();
    assert!(!task.is_finished(), "it is read once a tick");
    world.tick();
    assert_eq!(task.take(), Some(Ok(5)));
}

#[test]
fn what_it_was_is_read_when_it_is_made() {
    let world = World::start();
    let (value, read) = value(1);
    let inner = value.clone();
    let task = spawn(async move {
        let changed = wait_changed(read);
        wait_frames(2).await;
        assert_eq!(inner.get(), 2);
        changed.await
    });
    world.tick();
    value.set(2);
    world.tick();
    assert_eq!(task.take(), Some(Ok(2)));
    // Outside of any task too.
    let wait = wait_changed({
        let value = value.clone();
        move || value.get()
    });
    value.set(3);
    assert_eq!(spawn(wait).take(), Some(Ok(3)));
}

#[test]
fn a_change_that_is_taken_back_is_not_seen() {
    let world = World::start();
    let (value, read) = value(1);
    let task = spawn(wait_changed(read));
    value.set(2);
    value.set(1);
    world.tick();
    assert!(!task.is_finished());
}

#[test]
fn nan_always_differs() {
    let _world = World::start();
    let task = spawn(wait_changed(|| f64::NAN));
    assert!(task.take().unwrap().unwrap().is_nan());
}

#[test]
fn every_so_many_seconds() {
    let (world, log) = (World::start(), Log::new());
    let mut reads = 0;
    let inner = log.clone();
    let task = spawn(
        wait_changed(move || {
            reads += 1;
            inner.push(format!("read {reads}"));
            reads == 4
        })
        .every(0.5),
    );
    log.check(&["read 1", "read 2"]); // When it is made, and at its first poll.
    world.step(0.25);
    log.check(&[]);
    world.step(0.25);
    log.check(&["read 3"]);
    // Two checks that are due together are one.
    world.step(1.0);
    log.check(&["read 4"]);
    assert_eq!(task.take(), Some(Ok(true)));
}

#[test]
fn panic_when_it_is_made_is_the_callers() {
    let _world = World::start();
    let (message, _) = panic_of(|| wait_changed(|| -> u8 { panic!("the first read") }));
    assert_eq!(message, "the first read");
}

#[test]
fn panic_in_the_function_is_the_tasks() {
    let world = World::start();
    let mut reads = 0;
    let task = spawn(wait_changed(move || {
        reads += 1;
        assert!(reads < 3, "the third read");
        false
    }));
    world.tick();
    world.check_reports(&["the third read"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
    assert_eq!(engine::counts().waits, 0);
}

#[test]
fn function_may_use_the_runtime() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(wait_changed(move || {
        let log = inner.clone();
        spawn(async move { log.push("spawned") }).detach();
        engine::flush();
        cuelight_runtime::now() > 0.0
    }));
    world.tick();
    log.check(&["spawned", "spawned", "spawned"]);
    assert!(task.is_finished());
}

#[test]
fn value_may_use_the_runtime_when_it_is_compared_and_dropped() {
    struct Odd;
    impl PartialEq for Odd {
        fn eq(&self, _other: &Self) -> bool {
            spawn(async {}).detach();
            cuelight_runtime::now() == 0.0
        }
    }
    impl Drop for Odd {
        fn drop(&mut self) {
            spawn(async {}).detach();
        }
    }
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(join((wait_changed(|| Odd), wait_changed(|| Odd).every(0.01))));
    world.ticks(2);
    assert!(task.is_finished());
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| {
        race((wait_changed(|| 1), async {
            next_frame().await;
            2
        }))
    });
    check_leaves_nothing(|| {
        race((wait_changed(|| 1).every(1.0), async {
            next_frame().await;
            2
        }))
    });
}
