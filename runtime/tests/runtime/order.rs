//! The order in which tasks are polled.

use std::future::poll_fn;

use cuelight_runtime::{
    GroupHandle, TaskGroup, TickWatch, next_frame, root_group, spawn, spawn_deferred, wait_frames,
    wait_seconds,
};

use crate::common::{Event, Log, World, wake_myself};

/// Spawns a task that pushes its name when its wait is over.
fn push_after<F>(
    group: &GroupHandle,
    log: &Log,
    name: &'static str,
    wait: impl FnOnce() -> F + 'static,
) where
    F: Future<Output = ()> + 'static,
{
    let log = log.clone();
    group
        .spawn(async move {
            wait().await;
            log.push(name);
        })
        .detach();
}

/// Waits for the first check of a condition at a tick.
fn condition() -> impl Future<Output = ()> {
    let mut watch = TickWatch::new();
    poll_fn(move |cx| watch.poll_tick(cx))
}

#[test]
fn woken_first_polled_first() {
    let (world, log) = (World::start(), Log::new());
    let events = [Event::new(), Event::new(), Event::new()];
    for (name, event) in ["a", "b", "c"].into_iter().zip(&events) {
        let event = event.clone();
        push_after(&root_group(), &log, name, move || event.wait());
    }
    for index in [2, 0, 1] {
        events[index].give();
    }
    world.flush();
    log.check(&["c", "a", "b"]);
}

#[test]
fn one_event_resumes_in_the_order_of_its_waits() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    for name in ["a", "b", "c"] {
        let event = event.clone();
        push_after(&root_group(), &log, name, move || event.wait());
    }
    event.give();
    world.flush();
    log.check(&["a", "b", "c"]);
}

#[test]
fn what_a_round_wakes_runs_in_the_next_round() {
    let (world, log) = (World::start(), Log::new());
    let (start, second) = (Event::new(), Event::new());
    let (wait, wake, inner) = (start.wait(), second.clone(), log.clone());
    spawn(async move {
        wait.await;
        inner.push("a wakes c");
        wake.give();
    })
    .detach();
    let wait = start.wait();
    push_after(&root_group(), &log, "b", || wait);
    let wait = second.wait();
    push_after(&root_group(), &log, "c", || wait);
    start.give();
    world.flush();
    log.check(&["a wakes c", "b", "c"]);
}

#[test]
fn who_wakes_himself_comes_after_all_rounds() {
    let (world, log) = (World::start(), Log::new());
    let (start, second) = (Event::new(), Event::new());
    let (wait, wake, inner) = (start.wait(), second.clone(), log.clone());
    spawn(async move {
        wait.await;
        wake.give();
        wake_myself().await;
        inner.push("a again");
    })
    .detach();
    let wait = second.wait();
    push_after(&root_group(), &log, "b", || wait);
    start.give();
    world.flush();
    log.check(&["b"]);
    world.flush();
    log.check(&["a again"]);
}

#[test]
fn what_was_woken_before_a_tick_comes_before_its_waits() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    push_after(&root_group(), &log, "frame", next_frame);
    let wait = event.wait();
    push_after(&root_group(), &log, "event", || wait);
    event.give();
    world.tick();
    log.check(&["event", "frame"]);
}

#[test]
fn left_for_the_next_drain_comes_before_what_is_woken_then() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, start) = (log.clone(), event.wait());
    spawn(async move {
        start.await;
        wake_myself().await;
        inner.push("himself");
    })
    .detach();
    event.give();
    world.flush();
    let inner = log.clone();
    spawn_deferred(async move { inner.push("deferred") }).detach();
    world.flush();
    log.check(&["himself", "deferred"]);
}

#[test]
fn times_then_frames_then_conditions() {
    let (world, log) = (World::start(), Log::new());
    push_after(&root_group(), &log, "condition", condition);
    push_after(&root_group(), &log, "next frame", next_frame);
    push_after(&root_group(), &log, "later time", || wait_seconds(0.010));
    push_after(&root_group(), &log, "one frame", || wait_frames(1));
    push_after(&root_group(), &log, "earlier time", || wait_seconds(0.001));
    world.tick();
    log.check(&["earlier time", "later time", "next frame", "one frame", "condition"]);
}

#[test]
fn frames_of_any_age_by_their_first_poll() {
    let (world, log) = (World::start(), Log::new());
    push_after(&root_group(), &log, "three", || wait_frames(3));
    world.tick();
    push_after(&root_group(), &log, "two", || wait_frames(2));
    world.tick();
    push_after(&root_group(), &log, "next", next_frame);
    push_after(&root_group(), &log, "one", || wait_frames(1));
    world.tick();
    log.check(&["three", "two", "next", "one"]);
}

#[test]
fn equal_deadlines_by_their_first_poll() {
    let (world, log) = (World::start(), Log::new());
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        push_after(&root_group(), &log, name, || wait_seconds(0.5));
    }
    world.ticks(30);
    log.check(&["a", "b", "c", "d", "e", "f", "g"]);
}

#[test]
fn equal_deadlines_by_first_poll_and_not_by_creation() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    // Both are made in one task, and polled by two others of its group.
    spawn(async move {
        let (first, second) = (wait_seconds(0.5), wait_seconds(0.5));
        push_after(&root_group(), &inner, "second made", move || second);
        push_after(&root_group(), &inner, "first made", move || first);
    })
    .detach();
    world.ticks(30);
    log.check(&["second made", "first made"]);
}

#[test]
fn clocks_parent_before_child_siblings_by_creation() {
    let (world, log) = (World::start(), Log::new());
    let first = TaskGroup::new();
    let second = TaskGroup::new();
    let below_second = second.child();
    let below_first = first.child();
    // What is spawned first does not matter, and neither does what is due first within the tick.
    push_after(&below_second, &log, "below second", || wait_seconds(0.001));
    push_after(&second, &log, "second", next_frame);
    push_after(&below_first, &log, "below first", || wait_seconds(0.002));
    push_after(&first, &log, "first, a condition", condition);
    push_after(&first, &log, "first", next_frame);
    push_after(&root_group(), &log, "root, a condition", condition);
    push_after(&root_group(), &log, "root", || wait_seconds(0.003));
    world.tick();
    log.check(&[
        "root",
        "root, a condition",
        "first",
        "first, a condition",
        "below first",
        "second",
        "below second",
    ]);
}

#[test]
fn all_clocks_step_before_anything_is_polled() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let (clock, inner) = (group.clock(), log.clone());
    spawn(async move {
        next_frame().await;
        inner.push(format!("{:.3}", clock.now()));
    })
    .detach();
    world.tick();
    log.check(&["0.017"]);
}

#[test]
fn waits_of_a_closed_clock_keep_their_order_among_the_heirs() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let clock = group.clock();
    for name in ["a", "c"] {
        let clock = clock.clone();
        push_after(&root_group(), &log, name, move || clock.wait_seconds(0.5));
        if name == "a" {
            push_after(&root_group(), &log, "b", || wait_seconds(0.5));
        }
    }
    drop(group);
    world.ticks(30);
    log.check(&["a", "b", "c"]);
}

#[test]
fn resumed_groups_go_on_in_the_order_of_their_wakes() {
    let (world, log) = (World::start(), Log::new());
    let parent = TaskGroup::new();
    let (left, right) = (parent.child(), parent.child());
    let events = [Event::new(), Event::new(), Event::new()];
    let places = [("parent", parent.handle()), ("left", left), ("right", right)];
    for ((name, group), event) in places.iter().zip(&events) {
        let wait = event.wait();
        push_after(group, &log, name, || wait);
    }
    parent.pause();
    for index in [2, 0, 1] {
        events[index].give();
        world.tick();
    }
    parent.resume();
    world.flush();
    log.check(&["right", "parent", "left"]);
}
