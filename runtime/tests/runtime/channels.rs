//! Channels: child groups that are found by their name.

use std::future::pending;

use cuelight_runtime::engine::{self, counts};
use cuelight_runtime::{TaskGroup, current_group, next_frame, root_group, spawn};

use crate::common::{Log, OnDrop, World};

#[test]
fn made_at_first_use_and_found_again() {
    let world = World::start();
    let group = TaskGroup::new();
    let before = counts().groups;
    let ai = group.channel("ai");
    assert_eq!(counts().groups, before + 1);
    ai.spawn(pending::<()>()).detach();
    assert_eq!(group.channel("ai").len(), 1);
    assert_eq!(counts().groups, before + 1);
    // Other names, and other groups' channels of that name, are other groups.
    assert_eq!(group.channel("").len(), 0);
    assert_eq!(group.channel("AI").len(), 0);
    assert_eq!(root_group().channel("ai").len(), 0);
    assert_eq!(ai.channel("ai").len(), 0);
    // It lives below its group.
    assert_eq!(group.len(), 1);
    group.channel("ai").pause();
    assert!(ai.is_frozen() && !group.is_frozen());
    group.channel("ai").cancel_all();
    world.flush();
    assert!(group.is_empty());
}

#[test]
fn handles_do_not_own() {
    let (world, log) = (World::start(), Log::new());
    let guard = log.guard("task");
    root_group()
        .channel("ai")
        .spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        })
        .detach();
    world.ticks(2);
    log.check(&[]);
    assert_eq!(root_group().channel("ai").len(), 1);
}

#[test]
fn a_new_one_after_it_was_closed() {
    let (world, log) = (World::start(), Log::new());
    let old = root_group().channel("ai");
    old.set_speed(0.5);
    old.pause();
    let guard = log.guard("old");
    old.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    })
    .detach();
    old.close();
    // Before the old one's tasks have been dropped, too.
    let new = root_group().channel("ai");
    assert!(old.is_closed() && !new.is_closed() && !new.is_frozen());
    assert_eq!(new.clock().speed(), 1.0);
    let task = new.spawn(next_frame());
    world.tick();
    log.check(&["drop old"]);
    assert_eq!(task.take(), Some(Ok(())));
    old.close();
    assert!(!root_group().channel("ai").is_closed());
}

#[test]
fn of_a_closed_group_is_closed() {
    let world = World::start();
    let group = TaskGroup::new();
    let (before, below) = (group.channel("ai"), group.channel("ai").channel("bosses"));
    group.close();
    assert!(before.is_closed() && below.is_closed());
    assert!(group.channel("ai").is_closed() && before.channel("bosses").is_closed());
    let task = group.channel("ai").spawn(async {});
    world.flush();
    assert!(task.take().unwrap().is_err());
    assert_eq!(counts().groups, 1);
}

#[test]
fn of_a_frozen_group_is_frozen() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.pause();
    let ai = group.channel("ai");
    assert!(ai.is_frozen());
    let inner = log.clone();
    ai.spawn(async move {
        next_frame().await;
        inner.push("went on");
    })
    .detach();
    world.ticks(2);
    log.check(&[]);
    group.resume();
    world.tick();
    log.check(&["went on"]);
}

#[test]
fn closed_ones_leave_nothing() {
    let world = World::start();
    let group = TaskGroup::new();
    for number in 0..1_000 {
        let channel = group.channel(&format!("enemy {number}"));
        channel.spawn(pending::<()>()).detach();
        channel.close();
    }
    world.flush();
    assert_eq!(counts().groups, 2);
    // A closed group's entry is used again, and does not answer to the name that it had.
    let fresh = group.child();
    fresh.spawn(pending::<()>()).detach();
    assert_eq!(group.channel("enemy 999").len(), 0);
}

#[test]
fn inside_of_a_task_and_from_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let inner = log.clone();
    let task = group.spawn(async move {
        let _guard = OnDrop(move || {
            let ai = current_group().channel("ai");
            inner.push(format!("{} {}", ai.len(), ai.is_closed()));
            ai.close();
        });
        current_group().channel("ai").spawn(pending::<()>()).detach();
        pending::<()>().await;
    });
    assert_eq!(group.channel("ai").len(), 1);
    task.cancel();
    world.flush();
    // A guard that runs while its task is dropped is outside of any: its group is the root's.
    log.check(&["0 false"]);
    assert_eq!(group.channel("ai").len(), 1);
}

#[test]
fn after_the_shutdown_and_across_a_restart() {
    let world = World::start();
    let old = root_group().channel("ai");
    old.pause();
    let root = root_group();
    engine::shutdown();
    assert!(old.is_closed() && root.channel("ai").is_closed());
    engine::start(world.engine.clone());
    let new = root.channel("ai");
    assert!(old.is_closed() && !new.is_closed() && !new.is_frozen());
    let task = new.spawn(next_frame());
    spawn(next_frame()).detach();
    world.tick();
    assert_eq!(task.take(), Some(Ok(())));
}
