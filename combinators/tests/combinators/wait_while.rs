//! `wait_while`

use cuelight_combinators::{next_frame, race, wait_while};
use cuelight_runtime::{TaskError, TaskGroup, spawn};

use crate::check::{check, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::{Log, World};

/// A condition that writes its checks into the log, and is false at one of them.
fn condition(log: &Log, false_at: usize) -> impl FnMut() -> bool + use<> {
    let (log, mut checks) = (log.clone(), 0);
    move || {
        checks += 1;
        log.push(format!("check {checks}"));
        checks < false_at
    }
}

#[test]
fn all_ok() {
    check(|log| wait_while(condition(log, 1)), (), &["check 1", "done"]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| wait_while(|| false));
}

#[test]
fn frozen() {
    let mut checks = 0;
    check_frozen(|| {
        wait_while(move || {
            checks += 1;
            checks < 3
        })
    });
}

#[test]
fn pending_then_ready() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(wait_while(condition(&log, 3)));
    log.check(&["check 1"]);
    world.flush();
    log.check(&[]);
    world.ticks(2);
    log.check(&["check 2", "check 3"]);
    assert!(task.is_finished());
}

#[test]
fn every_so_many_seconds() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(wait_while(condition(&log, 3)).every(0.5));
    log.check(&["check 1"]);
    world.step(0.25);
    log.check(&[]);
    world.step(0.25);
    log.check(&["check 2"]);
    world.step(0.5);
    log.check(&["check 3"]);
    assert!(task.is_finished());
}

#[test]
fn panic_in_the_condition_is_the_tasks() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_while(|| panic!("the check")));
    world.check_reports(&["the check"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| race((wait_while(|| true), next_frame())));
    check_leaves_nothing(|| race((wait_while(|| true).every(1.0), next_frame())));
}
