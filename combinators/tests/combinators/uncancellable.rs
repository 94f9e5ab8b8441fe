//! `uncancellable`

use std::future::ready;

use cuelight_combinators::{ScriptFutureExt, next_frame, uncancellable, wait_frames, wait_seconds};
use cuelight_runtime::{TaskError, TaskGroup, engine, root_group, spawn};

use crate::check::{check, check_frozen, check_panic_after_done};
use crate::common::{Log, OnDrop, Part, World, panic_of, poll_once};

/// Two halves, with a frame between them.
fn halves(log: &Log) -> impl Future<Output = ()> + use<> {
    let log = log.clone();
    let guard = log.guard("work");
    async move {
        let _guard = guard;
        log.push("first half");
        next_frame().await;
        log.push("second half");
    }
}

#[test]
fn all_ok() {
    check(|log| uncancellable(Part::new(log, "a", 1, 7)), 7, &["poll a", "drop a", "done"]);
}

#[test]
fn pending_then_ready() {
    let make = |log: &Log| uncancellable(Part::new(log, "a", 3, 7));
    check(make, 7, &["poll a", "poll a", "poll a", "drop a", "done"]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| uncancellable(ready(1)));
}

#[test]
fn frozen() {
    check_frozen(|| uncancellable(wait_frames(2)));
}

#[test]
fn leaves_nothing() {
    let world = World::start();
    spawn(uncancellable(wait_frames(2))).detach();
    // One that is dropped half-way leaves its rest, until that is over.
    spawn(uncancellable(wait_frames(3)).until(wait_frames(1))).detach();
    world.tick();
    assert_eq!((engine::counts().tasks, engine::counts().waits), (2, 2));
    world.ticks(2);
    assert_eq!((engine::counts().tasks, engine::counts().waits), (0, 0));
}

#[test]
fn dropped_half_way_the_rest_goes_on() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let task = group.spawn(uncancellable(halves(&log)));
    log.check(&["first half"]);
    drop(group);
    world.flush();
    log.check(&[]);
    assert_eq!((task.take(), root_group().len()), (Some(Err(TaskError::Cancelled)), 1));
    world.tick();
    log.check(&["second half", "drop work"]);
    assert_eq!(engine::counts().tasks, 0);
}

#[test]
fn the_loser_of_a_race_goes_on() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let script = uncancellable(halves(&log)).until(ready(()));
    spawn(async move {
        assert_eq!(script.await, None);
        inner.push("stopped");
    })
    .detach();
    world.tick();
    log.check(&["first half", "stopped", "second half", "drop work"]);
}

#[test]
fn dropped_before_its_first_poll_it_is_just_dropped() {
    let (world, log) = (World::start(), Log::new());
    drop(uncancellable(halves(&log)));
    world.tick();
    log.check(&["drop work"]);
    assert_eq!(engine::counts().tasks, 0);
}

#[test]
fn dropped_when_it_was_ready_nothing_is_left() {
    let world = World::start();
    let mut future = uncancellable(ready(1));
    assert!(poll_once(&mut future).is_ready());
    drop(future);
    world.flush();
    assert_eq!(engine::counts().tasks, 0);
}

#[test]
fn never_runs_on_the_stack_of_the_drop() {
    let (world, log) = (World::start(), Log::new());
    let mut future = uncancellable(Part::new(&log, "a", 2, ()));
    assert!(poll_once(&mut future).is_pending());
    drop(future);
    log.check(&["poll a"]);
    world.flush();
    log.check(&["poll a", "drop a"]);
}

#[test]
fn the_wait_that_it_is_in_keeps_its_clock_and_the_next_is_the_roots() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_speed(0.5);
    let inner = log.clone();
    let task = group.spawn(uncancellable(async move {
        wait_seconds(1.0).await;
        inner.push("its own clock");
        wait_seconds(1.0).await;
        inner.push("the root's");
    }));
    task.cancel();
    world.step(1.0);
    log.check(&[]);
    world.step(1.0);
    log.check(&["its own clock"]);
    world.step(1.0);
    log.check(&["the root's"]);
}

#[test]
fn dropped_at_the_shutdown() {
    let (_world, log) = (World::start(), Log::new());
    spawn(uncancellable(halves(&log))).detach();
    engine::shutdown();
    log.check(&["first half", "drop work"]);
    assert_eq!(engine::counts(), engine::Counts { groups: 1, ..Default::default() });
}

#[test]
fn dropped_without_a_runtime() {
    let log = Log::new();
    let mut future = uncancellable(Part::new(&log, "a", 2, ()));
    assert!(poll_once(&mut future).is_pending());
    drop(future);
    log.check(&["poll a", "drop a"]);
}

#[test]
fn one_that_panics_is_not_polled_again() {
    let world = World::start();
    let task = spawn(uncancellable(async {
        next_frame().await;
        panic!("boo");
    }));
    world.ticks(3);
    world.check_reports(&["boo"]);
    assert_eq!(task.take(), Some(Err::<(), _>(TaskError::Panicked)));
    assert_eq!(engine::counts().tasks, 0);
    let (message, _) = panic_of(|| {
        let mut future = uncancellable(async { panic!("boo") });
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(&mut future)));
        let polled: std::task::Poll<()> = poll_once(&mut future);
        polled
    });
    assert_eq!(message, "a future was polled after it was ready");
}

#[test]
fn goes_on_when_the_script_around_it_panics() {
    let (world, log) = (World::start(), Log::new());
    let mut work = uncancellable(halves(&log));
    spawn(async move {
        assert!(poll_once(&mut work).is_pending());
        panic!("boo");
    })
    .detach();
    world.check_reports(&["boo"]);
    world.flush();
    world.tick();
    log.check(&["first half", "second half", "drop work"]);
}

#[test]
fn the_rest_is_reported_with_the_line_of_the_call() {
    let world = World::start();
    let future = uncancellable(async {
        next_frame().await;
        panic!("the rest");
    });
    let line = line!() - 4;
    let task = spawn(async move {
        let nothing: Option<()> = future.until(ready(())).await;
        nothing
    });
    assert_eq!(task.take(), Some(Ok(None)));
    world.ticks(2);
    let reports = world.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].message, "the rest");
    assert_eq!((reports[0].location.file(), reports[0].location.line()), (file!(), line));
}

#[test]
fn an_output_whose_drop_panics_is_reported() {
    let world = World::start();
    let mut future = uncancellable(async {
        next_frame().await;
        OnDrop(|| panic!("the output"))
    });
    spawn(async move {
        assert!(poll_once(&mut future).is_pending());
    })
    .detach();
    world.ticks(2);
    world.check_reports(&["the output"]);
}

#[test]
fn the_rest_is_a_task_like_any_other() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(uncancellable(halves(&log)));
    task.cancel();
    world.flush();
    log.check(&["first half"]);
    root_group().cancel_all();
    world.flush();
    log.check(&["drop work"]);
}
