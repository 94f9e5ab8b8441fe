//! Snapshots of all groups and tasks.

use std::future::{pending, poll_fn};
use std::num::NonZeroU64;

use cuelight_runtime::{
    Cue, TaskGroup, TaskState, TickWatch, WaitInfo, engine, inspect, next_frame, root_group, spawn,
    spawn_named, wait_frames, wait_physics_frames, wait_real_seconds, wait_seconds,
};

use crate::common::World;

/// Returns what each task of the root group waits for.
fn waits() -> Vec<Vec<WaitInfo>> {
    inspect().root.tasks.into_iter().map(|task| task.waits_for).collect()
}

#[test]
fn empty_without_a_runtime() {
    let root = inspect().root;
    assert_eq!((root.count_tasks(), root.speed, root.frozen), (0, 1.0, false));
    assert_eq!(inspect().to_string(), "root group, 0 tasks");
    let _world = World::start();
    assert_eq!(inspect().to_string(), "root group, 0 tasks");
}

#[test]
fn of_what_a_clock_wakes() {
    let world = World::start();
    spawn(wait_seconds(2.0)).detach();
    spawn(wait_frames(10)).detach();
    spawn(next_frame()).detach();
    spawn(wait_physics_frames(1)).detach();
    spawn(wait_physics_frames(3)).detach();
    spawn(wait_real_seconds(5.0)).detach();
    spawn(wait_seconds(f64::INFINITY)).detach();
    let expected = [
        WaitInfo::Seconds(2.0),
        WaitInfo::Frames(10),
        WaitInfo::Frames(1),
        WaitInfo::PhysicsFrames(1),
        WaitInfo::PhysicsFrames(3),
        WaitInfo::RealSeconds(5.0),
        WaitInfo::Seconds(f64::INFINITY),
    ];
    assert_eq!(waits(), expected.map(|wait| vec![wait]));
    world.pass_real(1.5);
    world.step(0.5);
    let expected = [
        WaitInfo::Seconds(1.5),
        WaitInfo::Frames(9),
        WaitInfo::PhysicsFrames(1),
        WaitInfo::PhysicsFrames(3),
        WaitInfo::RealSeconds(3.5),
        WaitInfo::Seconds(f64::INFINITY),
    ];
    assert_eq!(waits(), expected.map(|wait| vec![wait]));
}

#[test]
fn of_conditions() {
    let _world = World::start();
    let mut watch = TickWatch::new();
    spawn(poll_fn(move |cx| watch.poll_tick(cx))).detach();
    assert_eq!(waits(), [[WaitInfo::Tick]]);
}

#[test]
fn in_the_time_of_its_clock() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_speed(0.5);
    group.spawn(wait_seconds(2.0)).detach();
    world.step(1.0);
    let info = inspect().root.groups.remove(0);
    assert_eq!((info.speed, info.frozen), (0.5, false));
    assert_eq!(info.tasks[0].waits_for, [WaitInfo::Seconds(1.5)]);
    group.pause();
    world.step(1.0);
    let info = inspect().root.groups.remove(0);
    assert!(info.frozen);
    assert_eq!(info.tasks[0].waits_for, [WaitInfo::Seconds(1.5)]);
}

#[test]
fn of_tasks_that_wait_for_tasks() {
    let _world = World::start();
    let awaited = spawn(pending::<()>());
    let id = awaited.id();
    let waiting = spawn(async move { awaited.await.is_ok() });
    let state = inspect().root.tasks.remove(1);
    assert_eq!((state.id, state.state), (waiting.id(), TaskState::Waiting));
    assert_eq!(state.waits_for, [WaitInfo::Task(id)]);
    // Looking has not taken the waiting one away.
    inspect();
    root_group().cancel_all();
    engine::flush();
    assert!(waiting.is_finished());
}

#[test]
fn all_of_several_with_the_first_in_front() {
    let _world = World::start();
    let task = spawn(async {
        let (long, short, frames) = (wait_seconds(3.0), wait_seconds(1.0), wait_frames(5));
        let rest = spawn(async { (long.await, short.await) });
        (frames.await, rest.await.is_ok())
    });
    // Each is listed with who polls it.
    assert_eq!(waits().concat(), [WaitInfo::Frames(5), WaitInfo::Seconds(3.0)]);
    drop(task);
}

#[test]
fn who_runs_who_is_ready_and_who_waits() {
    let world = World::start();
    let cue = Cue::<()>::new();
    spawn_named("waits", cue.wait()).detach();
    let woken = Cue::<()>::new();
    spawn_named("woken", woken.wait()).detach();
    let states = spawn_named("runs", async move {
        woken.give(());
        inspect().root.tasks.into_iter().map(|task| (task.state, task.polls)).collect::<Vec<_>>()
    });
    let expected = [(TaskState::Waiting, 1), (TaskState::Ready, 1), (TaskState::Running, 1)];
    assert_eq!(states.take().unwrap().unwrap(), expected);
    world.tick();
    assert_eq!(inspect().root.count_tasks(), 1);
}

#[test]
fn how_old_and_how_often_polled() {
    let world = World::start();
    world.step(1.0);
    spawn(async {
        loop {
            next_frame().await;
        }
    })
    .detach();
    world.step(0.25);
    world.step(0.5);
    let task = inspect().root.tasks.remove(0);
    assert_eq!((task.age, task.polls), (0.75, 3));
    assert!(task.location.file().ends_with("inspect.rs"));
    // The entry of a task that has ended is used again: its polls are not.
    root_group().cancel_all();
    world.flush();
    spawn(pending::<()>()).detach();
    let task = inspect().root.tasks.remove(0);
    assert_eq!((task.age, task.polls), (0.0, 1));
}

#[test]
fn printed_as_a_tree() {
    let world = World::start();
    let (level, door) = (TaskGroup::new(), TaskGroup::new());
    engine::set_owner(&level, NonZeroU64::new(7).unwrap());
    let ai = level.channel("ai");
    ai.set_speed(0.25);
    let inner = ai.child();
    door.pause();
    let line = line!() + 1;
    let talk = spawn_named("talk", wait_seconds(1.5));
    let mute = spawn(pending::<()>());
    let patrol = ai.spawn_named("patrol", wait_frames(3));
    let awaited = talk.id();
    let look = inner.spawn_named("look", async move { talk.await.is_ok() });
    let knock = door.spawn(wait_real_seconds(2.0));
    world.step(0.5);
    let at = |offset: u32| format!("{}:{}:", file!(), line + offset);
    let printed = inspect().to_string();
    for offset in [0, 1, 2, 4, 5] {
        assert!(printed.contains(&at(offset)), "{}\n{printed}", at(offset));
    }
    let printed: Vec<_> =
        printed.lines().map(|line| line.split_once(" (").map_or(line, |(line, _)| line)).collect();
    let expected = [
        "root group, 5 tasks".to_owned(),
        format!("├─ task {awaited} \"talk\": waiting for 1 s"),
        format!("├─ task {}: waiting", mute.id()),
        "├─ group \"node 7\"".to_owned(),
        "│  └─ group \"ai\", speed 0.25".to_owned(),
        format!("│     ├─ task {} \"patrol\": waiting for 2 frames", patrol.id()),
        "│     └─ group".to_owned(),
        format!("│        └─ task {} \"look\": waiting for task {awaited}", look.id()),
        "└─ group, frozen".to_owned(),
        format!("   └─ task {}: waiting for 2 s of wall time", knock.id()),
    ];
    assert_eq!(printed, expected);
}

#[test]
fn an_engine_that_panics_when_asked_for_a_name() {
    let world = World::start();
    let group = TaskGroup::new();
    engine::set_owner(&group, NonZeroU64::MAX);
    group.spawn(pending::<()>()).detach();
    assert_eq!(inspect().root.groups[0].name, None);
    assert_eq!(world.errors(), ["asking for a group's name panicked: no such owner"]);
}

#[test]
fn an_engine_that_panics_when_asked_for_its_waits() {
    let world = World::start();
    let task = spawn(wait_frames(2));
    *world.engine.on_list.borrow_mut() = Some(Box::new(|| panic!("no list")));
    assert_eq!(inspect().root.tasks[0].waits_for, [WaitInfo::Frames(2)]);
    assert_eq!(world.errors(), ["asking for the engine's waits panicked: no list"]);
    drop(task);
}
