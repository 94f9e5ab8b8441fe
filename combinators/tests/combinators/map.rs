//! `map`

use std::future::{pending, ready};

use cuelight_combinators::{BoxFuture, ScriptFutureExt, race, wait_frames};
use cuelight_runtime::{TaskError, spawn};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::{Log, Part, World};

#[test]
fn all_ok() {
    let make = |log: &Log| {
        let inner = log.clone();
        Part::new(log, "a", 1, 1).map(move |output| {
            inner.push("map");
            output + 1
        })
    };
    // The future is gone before the function runs.
    check(make, 2, &["poll a", "drop a", "map", "done"]);
}

#[test]
fn pending_then_ready() {
    let make = |log: &Log| Part::new(log, "a", 3, 1).map(|output| output * 2);
    check(make, 2, &["poll a", "poll a", "poll a", "drop a", "done"]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| ready(1).map(|output| output));
}

#[test]
fn drop_order() {
    let make = |log: &Log| {
        let guard = log.guard("function");
        Part::new(log, "a", 9, ()).map(move |()| drop(guard))
    };
    check_drop(make, &["poll a", "dropped", "drop a", "drop function"]);
}

#[test]
fn frozen() {
    check_frozen(|| wait_frames(2).map(|()| 1));
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| wait_frames(2).map(|()| 1));
}

#[test]
fn a_panic_in_the_function_is_the_tasks() {
    let world = World::start();
    let task = spawn(ready(()).map(|()| -> u8 { panic!("boo") }));
    world.check_reports(&["boo"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

#[test]
fn boxed_futures_go_into_one_list() {
    let _world = World::start();
    let value = 3;
    let both: [BoxFuture<'_, i32>; 2] =
        [Box::pin(pending()), Box::pin(ready(1).map(|one| one + value))];
    let [a, b] = both;
    let mut first = race((a, b));
    assert_eq!(crate::common::poll_once(&mut first), std::task::Poll::Ready(4));
}
