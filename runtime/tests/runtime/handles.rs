//! Handles: results, awaiting, detaching, and slots that are used again.

use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;

use cuelight_runtime::{TaskError, next_frame, spawn};

use crate::common::{CountedWaker, Log, World, panic_of, poll_once};

#[test]
fn take_gives_the_result_once() {
    let world = World::start();
    let task = spawn(async {
        next_frame().await;
        String::from("done")
    });
    assert_eq!(task.take(), None);
    world.tick();
    assert_eq!(task.take(), Some(Ok("done".into())));
    assert_eq!(task.take(), None);
    assert!(task.is_finished());
}

#[test]
fn awaiting_gives_the_result() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(async {
        next_frame().await;
        7
    });
    let inner = log.clone();
    spawn(async move { inner.push(format!("{:?}", task.await)) }).detach();
    world.tick();
    // The task that ended woke the other, which runs in the next round of the same drain.
    log.check(&["Ok(7)"]);
}

#[test]
fn awaiting_a_finished_task_is_ready_at_once() {
    let _world = World::start();
    let mut task = spawn(async { 7 });
    assert_eq!(poll_once(&mut task), std::task::Poll::Ready(Ok(7)));
}

#[test]
fn awaiting_a_cancelled_task() {
    let (world, log) = (World::start(), Log::new());
    let group = cuelight_runtime::TaskGroup::new();
    let task = group.spawn(std::future::pending::<()>());
    let inner = log.clone();
    spawn(async move { inner.push(format!("{:?}", task.await)) }).detach();
    group.cancel_all();
    world.flush();
    log.check(&["Err(Cancelled)"]);
}

#[test]
fn awaiting_a_task_that_panics() {
    let (world, log) = (World::start(), Log::new());
    let mut is_broken = true;
    let task = spawn(async move {
        next_frame().await;
        assert!(!std::mem::take(&mut is_broken), "boo");
    });
    let inner = log.clone();
    spawn(async move { inner.push(format!("{:?}", task.await)) }).detach();
    world.tick();
    log.check(&["Err(Panicked)"]);
    world.check_reports(&["boo"]);
}

#[test]
fn awaiting_what_was_taken_panics() {
    let _world = World::start();
    let mut task = spawn(async { 7 });
    assert_eq!(task.take(), Some(Ok(7)));
    let (message, _) = panic_of(|| poll_once(&mut task));
    assert!(message.contains("polled after it was ready"), "{message}");
}

#[test]
fn awaiting_in_somebody_elses_executor() {
    let world = World::start();
    let mut task = spawn(next_frame());
    let (first, first_waker) = CountedWaker::new();
    let (second, second_waker) = CountedWaker::new();
    for waker in [&first_waker, &second_waker] {
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(waker)).is_pending());
    }
    world.tick();
    // The waker of the last poll counts.
    assert_eq!((first.count(), second.count()), (0, 1));
    assert!(poll_once(&mut task).is_ready());
}

#[test]
fn drop_detaches() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    drop(spawn(async move {
        next_frame().await;
        inner.push("went on");
    }));
    world.tick();
    log.check(&["went on"]);
}

#[test]
fn dropped_while_awaited_leaves_the_task_alone() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        next_frame().await;
        inner.push("went on");
    });
    let awaiting = spawn(task);
    awaiting.cancel();
    world.flush();
    assert!(awaiting.is_finished());
    world.tick();
    log.check(&["went on"]);
}

#[test]
fn output_that_nobody_takes_is_dropped_at_the_end() {
    let (world, log) = (World::start(), Log::new());
    let output = log.guard("output");
    spawn(async move {
        next_frame().await;
        output
    })
    .detach();
    log.check(&[]);
    world.tick();
    log.check(&["drop output"]);
}

#[test]
fn output_lives_as_long_as_its_handle() {
    let (world, log) = (World::start(), Log::new());
    let output = log.guard("output");
    let task = spawn(async move {
        next_frame().await;
        output
    });
    world.ticks(2);
    log.check(&[]);
    drop(task);
    log.check(&["drop output"]);
}

#[test]
fn finished_only_when_the_future_is_dropped() {
    let (world, log) = (World::start(), Log::new());
    let task = Rc::new(spawn(std::future::pending::<()>()));
    // The guard of the second task is dropped with it, and asks for the first one's state.
    let (inner, first) = (log.clone(), task.clone());
    let second = spawn(async move {
        let _guard = crate::common::OnDrop(move || inner.push(first.is_finished()));
        std::future::pending::<()>().await;
    });
    second.cancel();
    task.cancel();
    world.flush();
    log.check(&["false"]);
    assert!(task.is_finished() && second.is_finished());
}

#[test]
fn stale_handle_does_not_reach_the_next_task_of_the_slot() {
    let (world, log) = (World::start(), Log::new());
    let stale = spawn(async {});
    let inner = log.clone();
    let fresh = spawn(async move {
        next_frame().await;
        inner.push("went on");
    });
    stale.cancel();
    world.tick();
    log.check(&["went on"]);
    assert_eq!(fresh.take(), Some(Ok(())));
    assert_eq!(stale.take(), Some(Ok(())));
}

#[test]
fn slots_are_used_again_under_a_new_generation() {
    let (world, log) = (World::start(), Log::new());
    let mut stale = Vec::new();
    for _ in 0..100 {
        stale.push(spawn(async {}));
    }
    let guard = log.guard("fresh");
    let fresh = spawn(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    for task in &stale {
        task.cancel();
        assert_eq!(task.take(), Some(Ok(())));
    }
    world.flush();
    log.check(&[]);
    assert!(!fresh.is_finished());
    fresh.cancel();
    world.flush();
    assert_eq!(fresh.take(), Some(Err(TaskError::Cancelled)));
    log.check(&["drop fresh"]);
}

#[test]
fn two_tasks_that_await_each_other_can_be_cancelled() {
    let world = World::start();
    let place = Rc::new(std::cell::RefCell::new(None));
    let second_handle = place.clone();
    let first = spawn(async move {
        next_frame().await;
        let second: cuelight_runtime::TaskHandle<()> = second_handle.take().unwrap();
        let _ = second.await;
    });
    let group = cuelight_runtime::TaskGroup::new();
    *place.borrow_mut() = Some(group.spawn(async move {
        let _ = first.await;
    }));
    world.ticks(3);
    assert_eq!(cuelight_runtime::engine::counts().tasks, 2);
    group.cancel_all();
    world.flush();
    assert_eq!(cuelight_runtime::engine::counts().tasks, 0);
}
