//! Groups: what ends with whom, and who waits for that.

use std::future::pending;

use cuelight_runtime::engine::counts;
use cuelight_runtime::{
    GroupHandle, TaskError, TaskGroup, current_group, engine, next_frame, root_group, spawn,
};

use crate::common::{CountedWaker, Event, Log, World, poll_once};

fn sleeper(group: &GroupHandle, log: &Log, name: &'static str) {
    let guard = log.guard(name);
    group
        .spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        })
        .detach();
}

#[test]
fn drop_ends_its_tasks_and_those_below() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let child = group.child();
    // Guards run in the order of the spawns, wherever in the tree they were.
    sleeper(&child, &log, "first, in the child");
    sleeper(&group, &log, "second");
    sleeper(&child, &log, "third, in the child");
    sleeper(&root_group(), &log, "outside");
    drop(group);
    log.check(&[]);
    world.flush();
    log.check(&["drop first, in the child", "drop second", "drop third, in the child"]);
    assert!(child.is_closed());
    assert_eq!((counts().groups, counts().tasks), (1, 1));
}

#[test]
fn handles_do_not_own() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    sleeper(&group, &log, "a");
    let _ = group.handle();
    let _ = group.child();
    world.flush();
    log.check(&[]);
    assert!(!group.is_closed());
}

#[test]
fn handles_to_one_group_are_equal() {
    let _world = World::start();
    let (group, other) = (TaskGroup::new(), TaskGroup::new());
    assert_eq!(group.handle(), group.handle());
    assert_ne!(group.handle(), other.handle());
    let before = group.handle();
    drop(group);
    // Its entry is used again, under a new generation.
    assert_ne!(TaskGroup::new().handle(), before);
}

#[test]
fn cancel_all_leaves_the_group_usable() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let child = group.child();
    sleeper(&group, &log, "a");
    sleeper(&child, &log, "b");
    group.cancel_all();
    sleeper(&group, &log, "c");
    world.flush();
    log.check(&["drop a", "drop b"]);
    assert_eq!((group.len(), child.len()), (1, 0));
    assert!(!group.is_closed() && !child.is_closed());
}

#[test]
fn close_is_final() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    sleeper(&group, &log, "a");
    group.close();
    group.close();
    assert!(group.is_closed());
    world.flush();
    log.check(&["drop a"]);
    let task = group.spawn(async {});
    world.flush();
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    assert!(group.child().is_closed());
    assert!(TaskGroup::under(&group).is_closed());
}

#[test]
fn close_from_inside() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let (inner, handle) = (log.clone(), group.handle());
    sleeper(&group, &log, "other");
    group
        .spawn(async move {
            let _guard = inner.guard("closer");
            next_frame().await;
            handle.close();
            // The rest of this poll still runs, on the nearest clock that is open.
            inner.push("closed");
            let task = current_group().spawn(async {});
            inner.push(format!("spawned, polled: {}", task.is_finished()));
            next_frame().await;
            inner.push("never");
        })
        .detach();
    world.tick();
    log.check(&["closed", "spawned, polled: false", "drop other", "drop closer"]);
    assert_eq!((counts().groups, counts().tasks), (1, 0));
}

#[test]
fn an_owned_child_ends_with_its_parent() {
    let (world, log) = (World::start(), Log::new());
    let parent = TaskGroup::new();
    let child = TaskGroup::under(&parent);
    sleeper(&child, &log, "a");
    drop(parent);
    world.flush();
    log.check(&["drop a"]);
    assert!(child.is_closed());
    drop(child);
    assert_eq!(counts().groups, 1);
}

#[test]
fn root_cannot_be_closed() {
    let (world, log) = (World::start(), Log::new());
    sleeper(&root_group(), &log, "a");
    root_group().close();
    world.flush();
    log.check(&["drop a"]);
    assert!(!root_group().is_closed());
    assert_eq!(spawn(async { 1 }).take(), Some(Ok(1)));
}

#[test]
fn len_counts_until_the_drop() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let child = group.child();
    sleeper(&child, &log, "a");
    assert_eq!((group.len(), child.len(), root_group().len()), (1, 1, 1));
    group.cancel_all();
    assert_eq!(group.len(), 1);
    world.flush();
    assert!(group.is_empty() && child.is_empty());
    log.check(&["drop a"]);
}

#[test]
fn stale_handle_does_not_reach_the_next_group_of_the_entry() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let stale = group.handle();
    drop(group);
    let fresh = TaskGroup::new();
    sleeper(&fresh, &log, "a");
    stale.cancel_all();
    stale.pause();
    stale.set_speed(0.0);
    stale.close();
    world.flush();
    log.check(&[]);
    assert!(!fresh.is_frozen() && !fresh.is_closed() && stale.is_closed());
    assert_eq!((stale.len(), fresh.clock().speed()), (0, 1.0));
}

#[test]
fn closed_groups_are_reused() {
    let _world = World::start();
    for _ in 0..100 {
        let group = TaskGroup::new();
        let child = group.child();
        child.child();
        assert_eq!(counts().groups, 4);
    }
    assert_eq!(counts().groups, 1);
}

#[test]
fn join_waits_for_the_drops() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    sleeper(&group.child(), &log, "a");
    let (inner, handle) = (log.clone(), group.handle());
    spawn(async move {
        handle.join().await;
        inner.push("joined");
    })
    .detach();
    group.cancel_all();
    log.check(&[]);
    world.flush();
    log.check(&["drop a", "joined"]);
}

#[test]
fn join_of_an_empty_group_is_ready_at_once() {
    let _world = World::start();
    let group = TaskGroup::new();
    assert!(poll_once(&mut group.join()).is_ready());
    let closed = group.handle();
    drop(group);
    assert!(poll_once(&mut closed.join()).is_ready());
}

#[test]
fn join_does_not_wait_for_its_caller() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let (inner, child) = (log.clone(), group.child());
    group
        .spawn(async move {
            for frames in [2, 1] {
                child.spawn(async move { cuelight_runtime::wait_frames(frames).await }).detach();
            }
            current_group().join().await;
            inner.push("joined");
        })
        .detach();
    world.tick();
    log.check(&[]);
    world.tick();
    log.check(&["joined"]);
}

#[test]
fn join_goes_on_when_the_group_closes() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    sleeper(&group, &log, "a");
    let (inner, handle) = (log.clone(), group.handle());
    spawn(async move {
        handle.join().await;
        inner.push("joined");
    })
    .detach();
    drop(group);
    world.flush();
    log.check(&["drop a", "joined"]);
}

#[test]
fn join_sees_what_was_spawned_meanwhile() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.spawn(next_frame()).detach();
    let (inner, handle) = (log.clone(), group.handle());
    spawn(async move {
        handle.join().await;
        inner.push("joined");
    })
    .detach();
    group.spawn(cuelight_runtime::wait_frames(2)).detach();
    world.tick();
    log.check(&[]);
    world.tick();
    log.check(&["joined"]);
}

#[test]
fn join_in_somebody_elses_executor() {
    let world = World::start();
    let group = TaskGroup::new();
    group.spawn(next_frame()).detach();
    let (counted, waker) = CountedWaker::new();
    let mut join = group.join();
    let mut poll = || {
        std::pin::Pin::new(&mut join).poll(&mut std::task::Context::from_waker(&waker)).is_ready()
    };
    assert!(!poll());
    world.tick();
    assert_eq!(counted.count(), 1);
    assert!(poll());
}

#[test]
fn dropped_join_leaves_nothing_behind() {
    let world = World::start();
    let group = TaskGroup::new();
    group.spawn(next_frame()).detach();
    let (counted, waker) = CountedWaker::new();
    let mut join = group.join();
    let cx = &mut std::task::Context::from_waker(&waker);
    assert!(std::pin::Pin::new(&mut join).poll(cx).is_pending());
    drop(join);
    world.tick();
    assert_eq!(counted.count(), 0);
    // The waker that the group held is gone: the local one and the count's own are left.
    drop(waker);
    assert_eq!(std::sync::Arc::strong_count(&counted), 1);
}

#[test]
fn pausing_twice_is_pausing_once() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let inner = log.clone();
    group
        .spawn(async move {
            next_frame().await;
            inner.push("resumed");
        })
        .detach();
    group.pause();
    group.pause();
    world.tick();
    group.resume();
    assert!(!group.is_frozen());
    world.tick();
    log.check(&["resumed"]);
}

#[test]
fn frozen_while_paused_or_suspended() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let inner = log.clone();
    group
        .spawn(async move {
            next_frame().await;
            inner.push("resumed");
        })
        .detach();
    group.pause();
    engine::suspend(&group, true);
    group.resume();
    assert!(group.is_frozen());
    world.tick();
    log.check(&[]);
    engine::suspend(&group, false);
    world.tick();
    log.check(&["resumed"]);
}

#[test]
fn frozen_below_a_frozen_parent() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let parent = TaskGroup::new();
    let child = parent.child();
    let (inner, wait) = (log.clone(), event.wait());
    child
        .spawn(async move {
            wait.await;
            inner.push("resumed");
        })
        .detach();
    parent.pause();
    child.pause();
    event.give();
    world.flush();
    parent.resume();
    world.flush();
    log.check(&[]);
    parent.pause();
    child.resume();
    world.flush();
    log.check(&[]);
    assert!(child.is_frozen());
    // A group that is made under a frozen one is frozen, too.
    assert!(parent.child().is_frozen());
    parent.resume();
    world.flush();
    log.check(&["resumed"]);
}

#[test]
fn pause_from_inside_takes_effect_after_this_poll() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let group = TaskGroup::new();
    for name in ["a", "b"] {
        let (inner, wait) = (log.clone(), event.wait());
        group
            .spawn(async move {
                wait.await;
                inner.push(name);
                current_group().pause();
                inner.push(format!("{name} goes on"));
            })
            .detach();
    }
    event.give();
    world.flush();
    log.check(&["a", "a goes on"]);
    group.resume();
    world.flush();
    log.check(&["b", "b goes on"]);
}

#[test]
fn suspend_and_back_within_a_frame_loses_nothing() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let inner = log.clone();
    group
        .spawn(async move {
            for _ in 0..3 {
                next_frame().await;
                inner.push("frame");
            }
        })
        .detach();
    for _ in 0..3 {
        engine::suspend(&group, true);
        engine::suspend(&group, false);
        world.tick();
    }
    log.check(&["frame", "frame", "frame"]);
}

#[test]
fn current_group_outside_of_any_task_is_the_root() {
    let (_world, log) = (World::start(), Log::new());
    sleeper(&root_group(), &log, "a");
    assert_eq!(current_group().len(), 1);
}

#[test]
fn current_group_is_the_spawners_again_after_a_nested_spawn() {
    let (_world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let inner = log.clone();
    group
        .spawn(async move {
            spawn(async {}).detach();
            current_group().spawn(pending::<()>()).detach();
            inner.push(current_group().len());
        })
        .detach();
    log.check(&["2"]);
}
