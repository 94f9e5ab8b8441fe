//! A task that several events have woken has one turn, at the place of the first.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use cuelight_runtime::{
    TaskGroup, TaskHandle, TaskState, TickWatch, engine, inspect, next_frame, spawn, wait_frames,
    wait_seconds,
};

use crate::common::{Event, Log, World, wake_myself};

/// Waits for the next frame twice at once, and then for nothing; pushes a line at each poll.
async fn poll_twice(log: Log) {
    let mut waits = vec![Box::pin(next_frame()), Box::pin(next_frame())];
    poll_fn(|cx| {
        log.push("poll");
        waits.retain_mut(|wait| wait.as_mut().poll(cx).is_pending());
        Poll::Pending
    })
    .await
}

/// Waits for the next frame and for something else, and pushes a line at each poll.
async fn frame_and(other: impl Future<Output = ()>, log: &Log) {
    let (mut frame, mut other) = (pin!(next_frame()), pin!(other));
    let mut is_over = [false; 2];
    poll_fn(|cx| {
        log.push("poll");
        is_over[0] = is_over[0] || frame.as_mut().poll(cx).is_ready();
        is_over[1] = is_over[1] || other.as_mut().poll(cx).is_ready();
        if is_over == [true; 2] { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn two_waits_for_the_next_frame() {
    let (world, log) = (World::start(), Log::new());
    spawn(poll_twice(log.clone())).detach();
    log.check(&["poll"]);
    world.tick();
    log.check(&["poll"]);
    world.tick();
    log.check(&[]);
}

#[test]
fn a_time_a_frame_and_a_condition_in_one_tick() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let (mut watch, mut time) = (TickWatch::new(), pin!(wait_seconds(0.01)));
        let rest = poll_fn(move |cx| match (watch.poll_tick(cx), time.as_mut().poll(cx)) {
            (_, Poll::Pending) => Poll::Pending,
            (ticked, Poll::Ready(())) => {
                assert!(ticked.is_ready());
                Poll::Ready(())
            }
        });
        frame_and(rest, &inner).await;
        inner.push("all");
        pending::<()>().await;
    })
    .detach();
    log.check(&["poll"]);
    world.tick();
    log.check(&["poll", "all"]);
    world.ticks(2);
    log.check(&[]);
}

#[test]
fn an_event_before_the_tick_of_its_frame() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, given) = (log.clone(), event.wait());
    spawn(async move {
        frame_and(given, &inner).await;
        pending::<()>().await;
    })
    .detach();
    log.check(&["poll"]);
    event.give();
    world.tick();
    log.check(&["poll"]);
    world.tick();
    log.check(&[]);
}

#[test]
fn an_event_in_the_round_of_its_frame_is_no_event_for_what_comes_after() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let giver = event.clone();
    spawn(async move {
        next_frame().await;
        giver.give();
    })
    .detach();
    let (inner, given) = (log.clone(), event.wait());
    spawn(async move {
        frame_and(given, &inner).await;
        inner.push("both");
        // It waits for the next drain, whatever it was woken for before.
        wake_myself().await;
        inner.push("next drain");
    })
    .detach();
    log.check(&["poll"]);
    world.tick();
    log.check(&["poll", "both"]);
    world.flush();
    log.check(&["next drain"]);
}

#[test]
fn an_event_after_its_turn_is_one_for_the_next_round() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, listener) = (log.clone(), event.clone());
    spawn(async move {
        next_frame().await;
        inner.push("first");
        listener.wait().await;
        inner.push("given");
    })
    .detach();
    let (inner, giver) = (log.clone(), event.clone());
    spawn(async move {
        next_frame().await;
        inner.push("second");
        giver.give();
    })
    .detach();
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        inner.push("third");
    })
    .detach();
    world.tick();
    log.check(&["first", "second", "third", "given"]);
}

#[test]
fn frozen_in_the_round_of_its_frame_it_has_its_turn_at_the_resume() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let group = TaskGroup::new();
    let (handle, giver) = (group.handle(), event.clone());
    spawn(async move {
        next_frame().await;
        handle.pause();
        giver.give();
    })
    .detach();
    let (inner, given) = (log.clone(), event.wait());
    group
        .spawn(async move {
            // The clock above steps first, so the freeze comes between this wait's frame and its turn.
            frame_and(given, &inner).await;
            inner.push("both");
        })
        .detach();
    log.check(&["poll"]);
    world.ticks(2);
    log.check(&[]);
    group.resume();
    world.flush();
    log.check(&["poll", "both"]);
    world.tick();
    log.check(&[]);
}

#[test]
fn frozen_between_two_waits_for_its_frame_and_its_turn_it_has_one_turn() {
    let (world, log, group) = (World::start(), Log::new(), TaskGroup::new());
    let handle = group.handle();
    spawn(async move {
        next_frame().await;
        handle.pause();
    })
    .detach();
    group.spawn(poll_twice(log.clone())).detach();
    log.check(&["poll"]);
    world.tick();
    log.check(&[]);
    group.resume();
    world.flush();
    log.check(&["poll"]);
}

#[test]
fn what_is_passed_over_is_no_poll() {
    let (world, log) = (World::start(), Log::new());
    spawn(poll_twice(log)).detach();
    let before = engine::polls();
    world.tick();
    assert_eq!(engine::polls() - before, 1);
}

#[test]
fn cancelled_in_the_round_of_its_frame_it_has_none() {
    let (world, log) = (World::start(), Log::new());
    let victim = Rc::new(Cell::new(None::<TaskHandle<()>>));
    let taken = victim.clone();
    spawn(async move {
        next_frame().await;
        taken.take().expect("it is there").cancel();
        // Its slot is another task's from here on.
        spawn(pending::<()>()).detach();
    })
    .detach();
    let inner = log.clone();
    victim.set(Some(spawn(async move {
        let _guard = inner.guard("the victim");
        next_frame().await;
        inner.push("its turn");
    })));
    world.tick();
    log.check(&["drop the victim"]);
}

#[test]
fn seen_in_a_snapshot_as_ready() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        for task in &inspect().root.tasks {
            inner.push(format!("{:?} {}", task.state, task.waits_for.len()));
        }
    })
    .detach();
    spawn(next_frame()).detach();
    spawn(wait_frames(2)).detach();
    world.tick();
    log.check(&["Running 0", "Ready 0", "Waiting 1"]);
    assert_eq!(inspect().root.tasks.len(), 1);
    assert_eq!(inspect().root.tasks[0].state, TaskState::Waiting);
}
