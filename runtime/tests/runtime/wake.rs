//! What wakes a task, and what does not.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use cuelight_runtime::{TaskGroup, next_frame, spawn};

use crate::common::{Event, Log, OnDrop, World, my_waker, wake_myself};

/// Spawns a task that pushes a line at each of its polls, and returns its waker.
fn spawn_poll_logger(log: &Log) -> Waker {
    let (log, kept) = (log.clone(), Rc::new(RefCell::new(None)));
    let inner = kept.clone();
    spawn(poll_fn(move |cx| {
        log.push("poll");
        *inner.borrow_mut() = Some(cx.waker().clone());
        Poll::<()>::Pending
    }))
    .detach();
    kept.take().expect("the first poll has run")
}

#[test]
fn woken_twice_polled_once() {
    let (world, log) = (World::start(), Log::new());
    let waker = spawn_poll_logger(&log);
    log.check(&["poll"]);
    let clone = waker.clone();
    waker.wake_by_ref();
    clone.wake();
    world.flush();
    log.check(&["poll"]);
    world.flush();
    log.check(&[]);
}

#[test]
fn never_polls_on_the_stack_of_the_wake() {
    let (world, log) = (World::start(), Log::new());
    let waker = spawn_poll_logger(&log);
    log.check(&["poll"]);
    waker.wake();
    log.push("woken");
    world.flush();
    log.check(&["woken", "poll"]);
}

#[test]
fn asks_for_one_flush() {
    let (world, log) = (World::start(), Log::new());
    let (a, b) = (spawn_poll_logger(&log), spawn_poll_logger(&log));
    assert_eq!(world.calls(), 0);
    a.wake_by_ref();
    b.wake_by_ref();
    assert_eq!(world.calls(), 1);
    // A tick that comes first leaves the flush on its way.
    world.tick();
    a.wake_by_ref();
    assert_eq!(world.calls(), 0);
    world.flush();
    a.wake_by_ref();
    assert_eq!(world.calls(), 1);
}

#[test]
fn inside_a_drain_asks_for_no_flush() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let waker = spawn_poll_logger(&log);
    let wait = event.wait();
    spawn(async move {
        wait.await;
        waker.wake();
        wake_myself().await;
    })
    .detach();
    event.give();
    assert_eq!(world.calls(), 1);
    world.flush();
    // The engine ticks anyway; a flush that asks for a flush would never end.
    assert_eq!(world.calls(), 0);
    log.check(&["poll", "poll"]);
}

#[test]
fn wake_myself_waits_for_the_next_drain() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        for round in 0..3 {
            inner.push(round);
            wake_myself().await;
        }
        inner.push("end");
    })
    .detach();
    log.check(&["0"]);
    for expected in ["1", "2", "end"] {
        world.flush();
        log.check(&[expected]);
    }
}

#[test]
fn after_the_end_does_nothing() {
    let (world, log) = (World::start(), Log::new());
    let waker = spawn(my_waker()).take().unwrap().unwrap();
    waker.wake_by_ref();
    waker.wake();
    assert_eq!(world.calls(), 0);
    world.flush();
    log.check(&[]);
}

#[test]
fn stale_waker_does_not_reach_the_next_task_of_the_slot() {
    let (world, log) = (World::start(), Log::new());
    let stale = spawn(my_waker()).take().unwrap().unwrap();
    // The one slot that there is has been emptied, so this task lives in it.
    let fresh = spawn_poll_logger(&log);
    assert_ne!(stale.data(), fresh.data());
    log.check(&["poll"]);
    stale.wake_by_ref();
    world.flush();
    log.check(&[]);
    fresh.wake_by_ref();
    world.flush();
    log.check(&["poll"]);
}

#[test]
fn wakers_of_one_task_are_equal() {
    let world = World::start();
    let task = spawn(async {
        let first = my_waker().await;
        next_frame().await;
        let second = my_waker().await;
        assert!(first.will_wake(&second));
        assert!(first.clone().will_wake(&first));
        first
    });
    let other = spawn(my_waker()).take().unwrap().unwrap();
    world.tick();
    let waker = task.take().unwrap().unwrap();
    assert!(!waker.will_wake(&other));
    assert!(!waker.will_wake(Waker::noop()));
}

#[test]
fn the_next_poll_has_an_equal_waker() {
    let world = World::start();
    let mut first: Option<Waker> = None;
    let task = spawn(poll_fn(move |cx| match &first {
        // Who keeps a waker and asks whether it is still the right one has not to clone another.
        Some(first) => Poll::Ready(first.will_wake(cx.waker()) && cx.waker().will_wake(first)),
        None => {
            first = Some(cx.waker().clone());
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }));
    world.flush();
    assert_eq!(task.take(), Some(Ok(true)));
}

#[test]
fn wakers_outlive_their_task_and_its_runtime() {
    let world = World::start();
    let waker = spawn(my_waker()).take().unwrap().unwrap();
    let clones = vec![waker.clone(); 3];
    clones.iter().for_each(Waker::wake_by_ref);
    drop(world);
    let late = clones[0].clone();
    assert!(late.will_wake(&waker));
    drop(clones);
    late.wake();
    waker.wake();
}

#[test]
fn wake_in_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let waker = spawn_poll_logger(&log);
    log.check(&["poll"]);
    let task = spawn(async move {
        let _guard = OnDrop(|| waker.wake_by_ref());
        pending::<()>().await;
    });
    task.cancel();
    world.flush();
    // The guard ran before the first round, in the same drain.
    log.check(&["poll"]);
}

#[test]
fn wake_of_who_is_polling_further_up_the_stack() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let mut polls = 0;
    spawn(poll_fn(move |cx| {
        polls += 1;
        inner.push(format!("outer {polls}"));
        if polls == 1 {
            let waker = cx.waker().clone();
            spawn(async move { waker.wake() }).detach();
        }
        Poll::<()>::Pending
    }))
    .detach();
    log.check(&["outer 1"]);
    world.flush();
    log.check(&["outer 2"]);
    world.flush();
    log.check(&[]);
}

#[test]
fn while_frozen_is_kept_for_the_resume() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let group = TaskGroup::new();
    for name in ["a", "b"] {
        let (inner, wait) = (log.clone(), event.wait());
        group
            .spawn(async move {
                wait.await;
                inner.push(name);
            })
            .detach();
    }
    group.pause();
    event.give();
    world.ticks(3);
    world.flush();
    log.check(&[]);
    world.calls();
    group.resume();
    assert_eq!(world.calls(), 1);
    world.flush();
    log.check(&["a", "b"]);
}

#[test]
fn woken_and_then_frozen_is_not_polled() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let group = TaskGroup::new();
    let (inner, wait) = (log.clone(), event.wait());
    group
        .spawn(async move {
            wait.await;
            inner.push("resumed");
        })
        .detach();
    event.give();
    // Whether a task is frozen is decided at the moment of its poll.
    group.pause();
    world.flush();
    log.check(&[]);
    group.resume();
    world.flush();
    log.check(&["resumed"]);
}

#[test]
fn frozen_and_thawed_before_the_drain_is_polled_once_in_its_place() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let group = TaskGroup::new();
    for (name, handle) in [("in", group.handle()), ("out", cuelight_runtime::root_group())] {
        let (inner, wait) = (log.clone(), event.wait());
        handle
            .spawn(async move {
                wait.await;
                inner.push(name);
            })
            .detach();
    }
    event.give();
    group.pause();
    group.resume();
    world.flush();
    log.check(&["in", "out"]);
}
