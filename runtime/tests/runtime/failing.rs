//! Tasks that wait for what can never come.

use std::future::{pending, poll_fn};
use std::task::Poll;

use cuelight_runtime::{TaskError, TaskGroup, fail_task, next_frame, spawn, spawn_named};

use crate::common::{Log, OnDrop, World, poll_once, wake_myself};

#[test]
fn ends_as_failed_and_is_reported_once() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn_named("waiter", async move {
        let _guard = inner.guard("guard");
        next_frame().await;
        assert!(fail_task("its emitter was freed"));
        inner.push("still in the poll");
        wake_myself().await;
        inner.push("never");
    });
    world.tick();
    log.check(&["still in the poll", "drop guard"]);
    let reports = world.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].id, task.id());
    assert_eq!(reports[0].name.as_deref(), Some("waiter"));
    assert_eq!(reports[0].location.file(), file!());
    assert_eq!(reports[0].message, "its emitter was freed");
    let text = reports[0].to_string();
    let expected = format!("task {} \"waiter\" ({})", task.id(), reports[0].location);
    assert_eq!(text, format!("{expected} failed: its emitter was freed"));
    let error = TaskError::Failed("its emitter was freed".into());
    assert_eq!(reports[0].error, error);
    assert_eq!(task.take(), Some(Err(error)));
    world.ticks(3);
    log.check(&[]);
}

#[test]
fn in_the_first_poll_drops_on_a_clean_stack() {
    let (world, log) = (World::start(), Log::new());
    let guard = log.guard("guard");
    let task = spawn(async move {
        let _guard = guard;
        fail_task("no");
        pending::<()>().await;
    });
    world.check_reports(&["no"]);
    log.check(&[]);
    world.flush();
    log.check(&["drop guard"]);
    assert_eq!(task.take(), Some(Err(TaskError::Failed("no".into()))));
}

#[test]
fn outside_of_any_task_is_refused() {
    assert!(!fail_task("there is not even a runtime"));
    let _world = World::start();
    assert!(!fail_task("there is no task"));
    assert_eq!(
        poll_once(&mut poll_fn(|_| Poll::Ready(fail_task("a foreign poll")))),
        Poll::Ready(false)
    );
}

#[test]
fn in_a_drop_outside_of_a_poll_is_refused() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        let _guard = OnDrop(|| inner.push(fail_task("no")));
        pending::<()>().await;
    });
    task.cancel();
    world.flush();
    log.check(&["false"]);
}

#[test]
fn first_reason_counts() {
    let world = World::start();
    let task = spawn(async {
        fail_task("first");
        fail_task("second");
        pending::<()>().await;
    });
    world.flush();
    world.check_reports(&["first"]);
    assert_eq!(task.take(), Some(Err(TaskError::Failed("first".into()))));
}

#[test]
fn ready_in_the_same_poll_is_failed_all_the_same() {
    let (world, log) = (World::start(), Log::new());
    let output = log.guard("output");
    let task = spawn(async move {
        next_frame().await;
        fail_task("no");
        output
    });
    world.tick();
    world.check_reports(&["no"]);
    log.check(&["drop output"]);
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
}

#[test]
fn panic_in_the_same_poll_is_one_report() {
    let world = World::start();
    let task = spawn(async {
        next_frame().await;
        fail_task("failed");
        panic!("panicked");
    });
    world.tick();
    world.check_reports(&["panicked"]);
    assert!(matches!(task.take(), Some(Err::<(), _>(TaskError::Panicked))));
}

#[test]
fn cancelled_in_the_same_poll_is_cancelled() {
    let world = World::start();
    let group = TaskGroup::new();
    for cancel_first in [true, false] {
        let handle = group.handle();
        let task = group.spawn(async move {
            next_frame().await;
            if cancel_first {
                handle.cancel_all();
            }
            fail_task("no");
            if !cancel_first {
                handle.cancel_all();
            }
            pending::<()>().await;
        });
        world.tick();
        assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
        world.check_reports(&[]);
    }
}

#[test]
fn nested_in_another_poll_fails_the_inner_task() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let outer = spawn(async move {
        next_frame().await;
        let nested = spawn(async {
            fail_task("inner");
            pending::<()>().await;
        });
        inner.push(format!("{:?}", nested.await));
    });
    world.ticks(2);
    world.check_reports(&["inner"]);
    log.check(&["Err(Failed(\"inner\"))"]);
    assert_eq!(outer.take(), Some(Ok(())));
}

#[test]
fn after_a_nested_spawn_fails_the_outer_task() {
    let world = World::start();
    let outer = spawn(async move {
        next_frame().await;
        let nested = spawn(async { 7 });
        fail_task("outer");
        assert_eq!(nested.take(), Some(Ok(7)));
        pending::<()>().await;
    });
    world.tick();
    world.check_reports(&["outer"]);
    assert_eq!(outer.take(), Some(Err(TaskError::Failed("outer".into()))));
}
