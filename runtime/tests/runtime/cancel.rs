//! Cancelling: from anywhere, at any time, with the future dropped once and on a clean stack.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use cuelight_runtime::engine::counts;
use cuelight_runtime::{TaskError, TaskHandle, next_frame, spawn, spawn_deferred, wait_seconds};

use crate::common::{Event, Log, OnDrop, World, wake_myself};

/// A place for a task's own handle.
type Own = Rc<RefCell<Option<TaskHandle<()>>>>;

/// Cancels the task whose handle is in its place.
fn cancel(own: &Own) {
    own.borrow().as_ref().expect("the handle is in its place").cancel();
}

/// Spawns a task that waits for ever, with a guard.
fn sleeper(log: &Log, name: &'static str) -> TaskHandle<()> {
    let guard = log.guard(name);
    spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    })
}

#[test]
fn drops_on_a_clean_stack() {
    let (world, log) = (World::start(), Log::new());
    let task = sleeper(&log, "future");
    task.cancel();
    log.push("cancelled");
    assert!(!task.is_finished());
    assert_eq!(task.take(), None);
    assert_eq!(world.calls(), 1);
    world.flush();
    log.check(&["cancelled", "drop future"]);
    assert!(task.is_finished());
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn woken_and_cancelled_is_never_polled() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, wait) = (log.clone(), event.wait());
    let task = spawn(async move {
        wait.await;
        inner.push("polled");
    });
    event.give();
    task.cancel();
    world.flush();
    log.check(&[]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn cancelled_and_woken_is_never_polled() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, wait) = (log.clone(), event.wait());
    let task = spawn(async move {
        wait.await;
        inner.push("polled");
    });
    task.cancel();
    event.give();
    world.flush();
    log.check(&[]);
}

#[test]
fn cancelled_before_its_first_poll() {
    let (world, log) = (World::start(), Log::new());
    let (inner, guard) = (log.clone(), log.guard("future"));
    let task = spawn_deferred(async move {
        inner.push("polled");
        drop(guard);
    });
    task.cancel();
    world.flush();
    log.check(&["drop future"]);
}

#[test]
fn any_number_of_times() {
    let (world, log) = (World::start(), Log::new());
    let task = sleeper(&log, "future");
    task.cancel();
    task.cancel();
    world.flush();
    task.cancel();
    world.flush();
    log.check(&["drop future"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    assert_eq!(task.take(), None);
}

#[test]
fn of_a_finished_task_keeps_its_result() {
    let world = World::start();
    let task = spawn(async { 7 });
    task.cancel();
    assert_eq!(world.calls(), 0);
    world.flush();
    assert_eq!(task.take(), Some(Ok(7)));
}

#[test]
fn cancel_from_inside() {
    let (world, log, own) = (World::start(), Log::new(), Own::default());
    let (inner, place) = (log.clone(), own.clone());
    *own.borrow_mut() = Some(spawn(async move {
        let _guard = inner.guard("guard");
        next_frame().await;
        cancel(&place);
        inner.push("still in the poll");
        wake_myself().await;
        inner.push("never");
    }));
    world.tick();
    log.check(&["still in the poll", "drop guard"]);
    assert_eq!(own.borrow().as_ref().unwrap().take(), Some(Err(TaskError::Cancelled)));
    world.flush();
    log.check(&[]);
}

#[test]
fn cancel_from_inside_in_the_poll_that_ends_it() {
    let (world, own) = (World::start(), Own::default());
    let place = own.clone();
    *own.borrow_mut() = Some(spawn(async move {
        next_frame().await;
        cancel(&place);
    }));
    world.tick();
    // From the moment that `cancel` returns the result is `Cancelled`.
    assert_eq!(own.borrow().as_ref().unwrap().take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn cancel_from_inside_and_panic() {
    let (world, own) = (World::start(), Own::default());
    let place = own.clone();
    *own.borrow_mut() = Some(spawn(async move {
        next_frame().await;
        cancel(&place);
        panic!("after the cancel");
    }));
    world.tick();
    // A panic is never silent.
    world.check_reports(&["after the cancel"]);
    assert_eq!(own.borrow().as_ref().unwrap().take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn in_the_first_poll_drops_on_a_clean_stack() {
    let (world, log) = (World::start(), Log::new());
    let group = cuelight_runtime::TaskGroup::new();
    let (inner, handle) = (log.clone(), group.handle());
    let task = group.spawn(async move {
        let _guard = inner.guard("guard");
        handle.cancel_all();
        pending::<()>().await;
    });
    // The spawner is on the stack, so nothing has been dropped.
    log.check(&[]);
    assert!(!task.is_finished());
    assert_eq!(counts().tasks, 1);
    world.flush();
    log.check(&["drop guard"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    assert_eq!(counts().tasks, 0);
}

#[test]
fn guard_runs_before_any_other_task() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let victim = sleeper(&log, "victim");
    for name in ["a", "b"] {
        let (inner, wait) = (log.clone(), event.wait());
        let victim = (name == "a").then(|| sleeper(&log, "second victim"));
        spawn(async move {
            wait.await;
            inner.push(format!("{name} starts"));
            if let Some(victim) = victim {
                victim.cancel();
            }
            inner.push(format!("{name} goes on"));
            pending::<()>().await;
        })
        .detach();
    }
    event.give();
    victim.cancel();
    world.flush();
    log.check(&[
        "drop victim",
        "a starts",
        "a goes on",
        "drop second victim",
        "b starts",
        "b goes on",
    ]);
}

#[test]
fn guards_run_in_the_order_of_the_cancels() {
    let (world, log) = (World::start(), Log::new());
    let tasks = ["a", "b", "c"].map(|name| sleeper(&log, name));
    for index in [1, 2, 0] {
        tasks[index].cancel();
    }
    world.flush();
    log.check(&["drop b", "drop c", "drop a"]);
}

#[test]
fn cancel_from_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let (second, third) = (sleeper(&log, "second"), sleeper(&log, "third"));
    let (inner, others) = (log.clone(), [second, third]);
    let task = spawn(async move {
        let _guard = OnDrop(move || {
            inner.push("drop first");
            others.iter().for_each(TaskHandle::cancel);
            inner.push("cancelled");
        });
        pending::<()>().await;
    });
    task.cancel();
    world.flush();
    // No guard runs inside another one.
    log.check(&["drop first", "cancelled", "drop second", "drop third"]);
}

#[test]
fn cancel_of_oneself_from_a_drop() {
    let (world, log, own) = (World::start(), Log::new(), Own::default());
    let (inner, place) = (log.clone(), own.clone());
    *own.borrow_mut() = Some(spawn(async move {
        let _guard = OnDrop(move || {
            cancel(&place);
            inner.push("dropped");
        });
        next_frame().await;
    }));
    world.tick();
    log.check(&["dropped"]);
    // It was ready, and a task that has ended is left alone. But its poll is still on the stack, so
    // the cancel came in time.
    assert_eq!(own.borrow().as_ref().unwrap().take(), Some(Err(TaskError::Cancelled)));
    world.flush();
    log.check(&[]);
}

#[test]
fn spawn_in_a_drop_while_cancelling() {
    let (world, log) = (World::start(), Log::new());
    let group = cuelight_runtime::TaskGroup::new();
    for name in ["a", "b"] {
        let (inner, handle) = (log.clone(), group.handle());
        group
            .spawn(async move {
                let _guard = OnDrop(move || {
                    inner.push(format!("drop {name}"));
                    let log = inner.clone();
                    handle
                        .spawn(async move {
                            log.push(format!("child of {name}"));
                            pending::<()>().await;
                        })
                        .detach();
                });
                pending::<()>().await;
            })
            .detach();
    }
    group.cancel_all();
    world.flush();
    // What is spawned later than the call is not its business.
    log.check(&["drop a", "child of a", "drop b", "child of b"]);
    assert_eq!(group.len(), 2);
}

#[test]
fn a_frozen_task_at_once() {
    let (world, log) = (World::start(), Log::new());
    let group = cuelight_runtime::TaskGroup::new();
    let guard = log.guard("future");
    let task = group.spawn(async move {
        let _guard = guard;
        next_frame().await;
    });
    group.pause();
    task.cancel();
    world.flush();
    log.check(&["drop future"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn a_frozen_task_that_was_woken() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let group = cuelight_runtime::TaskGroup::new();
    let (inner, wait) = (log.clone(), event.wait());
    let task = group.spawn(async move {
        wait.await;
        inner.push("polled");
    });
    group.pause();
    event.give();
    world.flush();
    task.cancel();
    world.flush();
    // Its slot has a new task by the time of the resume, which has not been woken.
    let inner = log.clone();
    group
        .spawn(poll_fn(move |_| {
            inner.push("poll of the next task");
            Poll::<()>::Pending
        }))
        .detach();
    log.check(&["poll of the next task"]);
    group.resume();
    world.flush();
    log.check(&[]);
}

#[test]
fn leaves_no_wait_behind() {
    let world = World::start();
    let task = spawn(cuelight_runtime::wait_seconds(3600.0));
    assert_eq!(counts().waits, 1);
    task.cancel();
    world.flush();
    assert_eq!((counts().tasks, counts().waits), (0, 0));
}

#[test]
fn who_awaits_it_hears_after_the_drop() {
    let (world, log) = (World::start(), Log::new());
    let task = sleeper(&log, "future");
    let canceller = Rc::new(task);
    let (inner, awaited) = (log.clone(), canceller.clone());
    spawn(async move {
        let mut task = awaited;
        let result = poll_fn(move |cx| match Rc::get_mut(&mut task) {
            Some(task) => std::pin::Pin::new(task).poll(cx),
            None => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        inner.push(format!("{result:?}"));
    })
    .detach();
    canceller.cancel();
    drop(canceller);
    world.flush();
    world.flush();
    log.check(&["drop future", "Err(Cancelled)"]);
}

/// A guard is dropped in a drain, and cancels more tasks than a stack has room for.
#[test]
fn a_million_tasks_from_one_drop() {
    const TASKS: usize = 1_000_000;
    let (world, dropped) = (World::start(), Rc::new(Cell::new(0)));
    let tasks: Rc<Vec<_>> = Rc::new(
        (0..TASKS)
            .map(|number| {
                let dropped = dropped.clone();
                let guard = OnDrop(move || dropped.set(dropped.get() + 1));
                spawn(async move {
                    let _guard = guard;
                    match number % 3 {
                        0 => next_frame().await,
                        1 => wait_seconds(number as f64).await,
                        _ => pending().await,
                    }
                })
            })
            .collect(),
    );
    let all = tasks.clone();
    let guard = OnDrop(move || all.iter().for_each(TaskHandle::cancel));
    let last = spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    last.cancel();
    assert_eq!(dropped.get(), 0);
    world.flush();
    assert_eq!(dropped.get(), TASKS);
    assert!(tasks.iter().all(|task| task.take() == Some(Err(TaskError::Cancelled))));
    assert_eq!((counts().tasks, counts().waits), (0, 0));
}
