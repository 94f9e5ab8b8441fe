//! `on_cancel`

use std::future::{pending, poll_fn, ready};

use cuelight_combinators::{OnCancel, ScriptFutureExt, wait_frames};
use cuelight_runtime::{TaskError, engine, spawn};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::{Log, OnDrop, Part, World, panic_of};

/// A future that writes into the log when it is cut off.
fn noted<F: Future>(log: &Log, future: F) -> OnCancel<F, impl FnOnce() + use<F>> {
    let log = log.clone();
    future.on_cancel(move || log.push("cancelled"))
}

#[test]
fn all_ok() {
    let make = |log: &Log| noted(log, Part::new(log, "a", 1, 7));
    check(make, 7, &["poll a", "drop a", "done"]);
}

#[test]
fn pending_then_ready() {
    let make = |log: &Log| noted(log, Part::new(log, "a", 2, 7));
    check(make, 7, &["poll a", "poll a", "drop a", "done"]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| ready(1).on_cancel(|| {}));
}

#[test]
fn drop_order() {
    let make = |log: &Log| noted(log, Part::new(log, "a", 9, ()));
    check_drop(make, &["poll a", "dropped", "drop a", "cancelled"]);
}

#[test]
fn unpolled_it_runs_too() {
    let log = Log::new();
    drop(noted(&log, pending::<()>()));
    log.check(&["cancelled"]);
}

#[test]
fn runs_at_the_shutdown() {
    let (_world, log) = (World::start(), Log::new());
    spawn(noted(&log, pending::<()>())).detach();
    engine::shutdown();
    log.check(&["cancelled"]);
}

#[test]
fn runs_when_the_future_panics() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(noted(&log, async { panic!("boo") }));
    log.check(&["cancelled"]);
    world.check_reports(&["boo"]);
    assert_eq!(task.take(), Some(Err::<(), _>(TaskError::Panicked)));
}

#[test]
fn runs_when_dropping_the_future_panics() {
    let (world, log) = (World::start(), Log::new());
    let bomb = OnDrop(|| panic!("the drop"));
    let task = spawn(noted(&log, async move {
        let _bomb = bomb;
        pending::<()>().await;
    }));
    task.cancel();
    world.flush();
    log.check(&["cancelled"]);
    world.check_reports(&["in a destructor: the drop"]);
}

#[test]
fn two_that_panic_do_not_abort() {
    let (world, log) = (World::start(), Log::new());
    let first = pending::<()>().on_cancel(|| panic!("the first"));
    let second = first.on_cancel(|| panic!("the second"));
    let task = spawn(noted(&log, second));
    task.cancel();
    world.flush();
    log.check(&["cancelled"]);
    world.check_reports(&["in a destructor: the first"]);
}

#[test]
fn a_drop_that_panics_when_it_is_ready_is_no_cancel() {
    let log = Log::new();
    let mut bomb = Some(OnDrop(|| panic!("the drop")));
    let mut future = Box::pin(noted(&log, {
        poll_fn(move |_| {
            let _keeps_it = &mut bomb;
            std::task::Poll::Ready(7)
        })
    }));
    let (message, _) = panic_of(|| crate::common::poll_once(&mut future));
    assert_eq!(message, "the drop");
    drop(future);
    log.check(&[]);
}

#[test]
fn frozen() {
    check_frozen(|| wait_frames(2).on_cancel(|| {}));
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| wait_frames(2).on_cancel(|| {}));
}
