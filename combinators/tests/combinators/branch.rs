//! `branch`

use std::future::pending;

use cuelight_combinators::{branch, next_frame, wait_frames};
use cuelight_runtime::{TaskError, TaskGroup, root_group, spawn};

use crate::common::{Log, Part, World};

#[test]
fn all_ok() {
    let _world = World::start();
    let task = spawn(async { branch(async { 7 }).await });
    assert_eq!(task.take(), Some(Ok(Ok(7))));
}

#[test]
fn pending_then_ready() {
    let (world, log) = (World::start(), Log::new());
    let part = Part::new(&log, "a", 2, 7);
    let inner = log.clone();
    spawn(async move {
        let branch = branch(part);
        inner.push("goes on");
        inner.push(format!("{:?}", branch.await));
    })
    .detach();
    log.check(&["poll a", "goes on"]);
    world.flush();
    log.check(&["poll a", "drop a", "Ok(7)"]);
}

#[test]
fn frozen() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let inner = log.clone();
    group
        .spawn(async move {
            branch(async move {
                next_frame().await;
                inner.push("frame");
            })
            .detach();
        })
        .detach();
    group.pause();
    world.ticks(3);
    log.check(&[]);
    group.resume();
    world.tick();
    log.check(&["frame"]);
}

#[test]
fn goes_on_when_its_spawner_has_ended() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        branch(async move {
            wait_frames(2).await;
            inner.push("went on");
        })
        .detach();
        pending::<()>().await;
    });
    task.cancel();
    world.ticks(2);
    log.check(&["went on"]);
}

#[test]
#[expect(clippy::async_yields_async, reason = "the handle is what the test is about")]
fn ends_with_the_group() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let guard = log.guard("branch");
    let task = group.spawn(async move {
        branch(async move {
            let _guard = guard;
            pending::<()>().await;
        })
    });
    let branch = task.take().unwrap().unwrap();
    assert_eq!((group.len(), root_group().len()), (1, 1));
    drop(group);
    world.flush();
    log.check(&["drop branch"]);
    assert_eq!(branch.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn outside_of_any_task_it_is_a_spawn() {
    let _world = World::start();
    branch(pending::<()>()).detach();
    assert_eq!(root_group().len(), 1);
}

#[test]
fn is_reported_with_its_own_line() {
    let world = World::start();
    branch(async { panic!("boo") }).detach();
    let line = line!() - 1;
    let reports = world.reports();
    assert_eq!((reports[0].location.file(), reports[0].location.line()), (file!(), line));
}
