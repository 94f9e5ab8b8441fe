//! How tasks start.

use std::cell::RefCell;
use std::rc::Rc;

use cuelight_runtime::engine::counts;
use cuelight_runtime::{
    TaskError, TaskGroup, current_group, next_frame, spawn, spawn_deferred, spawn_named,
};

use crate::common::{Event, Log, OnDrop, World};

#[test]
fn runs_up_to_the_first_await() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        inner.push("start");
        next_frame().await;
        inner.push("end");
    });
    log.push("spawned");
    log.check(&["start", "spawned"]);
    assert!(!task.is_finished());
    world.tick();
    log.check(&["end"]);
    assert!(task.is_finished());
}

#[test]
fn ready_in_its_first_poll() {
    let (_world, log) = (World::start(), Log::new());
    let guard = log.guard("future");
    let task = spawn(async move {
        let _guard = guard;
        7
    });
    log.check(&["drop future"]);
    assert_eq!(task.take(), Some(Ok(7)));
    assert_eq!(counts().tasks, 0);
}

#[test]
fn hears_what_comes_right_after_the_spawn() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, wait) = (log.clone(), event.clone());
    spawn(async move {
        wait.wait().await;
        inner.push("heard");
    })
    .detach();
    event.give();
    log.check(&[]);
    world.flush();
    log.check(&["heard"]);
}

#[test]
fn deferred_starts_in_the_next_drain() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn_deferred(async move { inner.push("start") });
    log.check(&[]);
    assert!(!task.is_finished());
    assert_eq!(world.calls(), 1);
    world.flush();
    log.check(&["start"]);
    assert!(task.is_finished());
}

#[test]
fn deferred_in_a_drain_starts_in_the_one_after() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn_deferred(async move {
        inner.push("outer");
        let log = inner.clone();
        spawn_deferred(async move { log.push("inner") }).detach();
    })
    .detach();
    world.flush();
    log.check(&["outer"]);
    world.flush();
    log.check(&["inner"]);
}

#[test]
fn nested_spawn_runs_on_the_stack_of_the_outer_one() {
    let (_world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        inner.push("outer starts");
        let log = inner.clone();
        spawn(async move { log.push("inner") }).detach();
        inner.push("outer ends");
    })
    .detach();
    log.check(&["outer starts", "inner", "outer ends"]);
}

/// Spawns a task that spawns a task, and so on.
fn nest(started: Rc<RefCell<Vec<usize>>>, number: usize, last: usize) {
    spawn(async move {
        started.borrow_mut().push(number);
        if number < last {
            nest(started, number + 1, last);
        }
    })
    .detach();
}

#[test]
fn deeper_than_32_starts_in_the_next_drain() {
    let (world, started) = (World::start(), Rc::default());
    nest(Rc::clone(&started), 1, 70);
    assert_eq!(started.take(), (1..=32).collect::<Vec<_>>());
    assert_eq!(world.calls(), 1);
    // The drain's own poll nests nothing, so number 33 and 32 below it run.
    world.flush();
    assert_eq!(started.take(), (33..=65).collect::<Vec<_>>());
    world.flush();
    assert_eq!(started.take(), (66..=70).collect::<Vec<_>>());
    assert_eq!(counts().tasks, 0);
}

#[test]
fn depth_is_given_back_after_a_panic() {
    let (world, started) = (World::start(), Rc::default());
    for _ in 0..40 {
        spawn(async { panic!("boo") }).detach();
    }
    assert_eq!(world.reports().len(), 40);
    nest(Rc::clone(&started), 1, 32);
    assert_eq!(started.take().len(), 32);
}

#[test]
fn free_spawn_in_a_task_leaves_its_group() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let (free, own) = (log.guard("free"), log.guard("own"));
    group
        .spawn(async move {
            spawn(async move {
                let _free = free;
                std::future::pending::<()>().await;
            })
            .detach();
            current_group()
                .spawn(async move {
                    let _own = own;
                    std::future::pending::<()>().await;
                })
                .detach();
        })
        .detach();
    drop(group);
    world.flush();
    log.check(&["drop own"]);
    assert_eq!(counts().tasks, 1);
}

#[test]
fn into_a_paused_group_runs_to_the_first_await() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.pause();
    let inner = log.clone();
    group
        .spawn(async move {
            inner.push("start");
            next_frame().await;
            inner.push("end");
        })
        .detach();
    log.check(&["start"]);
    world.ticks(3);
    log.check(&[]);
    group.resume();
    world.tick();
    log.check(&["end"]);
}

#[test]
fn deferred_into_a_paused_group_starts_at_the_resume() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.pause();
    let inner = log.clone();
    group.spawn_deferred(async move { inner.push("start") }).detach();
    world.ticks(3);
    log.check(&[]);
    group.resume();
    world.flush();
    log.check(&["start"]);
}

#[test]
fn into_a_closed_group_comes_back_cancelled() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.close();
    let (inner, guard) = (log.clone(), log.guard("future"));
    let task = group.spawn(async move {
        let _guard = guard;
        inner.push("polled");
    });
    // Its future is dropped on a clean stack, as everybody's.
    log.check(&[]);
    world.flush();
    log.check(&["drop future"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn into_a_closed_group_by_a_task_it_is_dropped_before_the_next_is_polled() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.close();
    let (inner, closed, guard) = (log.clone(), group.handle(), log.guard("future"));
    spawn(async move {
        next_frame().await;
        closed.spawn(async move { drop(guard) }).detach();
        inner.push("spawned");
        next_frame().await;
    })
    .detach();
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        inner.push("next");
    })
    .detach();
    world.tick();
    log.check(&["spawned", "drop future", "next"]);
}

#[test]
fn deferred_into_a_closed_group_comes_back_cancelled() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.close();
    let guard = log.guard("future");
    let task = group.spawn_deferred(async move { drop(guard) });
    world.flush();
    log.check(&["drop future"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn ids_are_in_spawn_order() {
    let _world = World::start();
    let tasks = [spawn(async {}), spawn_deferred(async {}), spawn_named("third", async {})];
    assert!(tasks.is_sorted_by_key(|task| task.id()));
    assert!(tasks[0].id() < tasks[1].id());
}

#[test]
fn in_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        let _guard = OnDrop(|| {
            let log = inner.clone();
            spawn(async move {
                log.push("start");
                next_frame().await;
                log.push("end");
            })
            .detach();
        });
        std::future::pending::<()>().await;
    });
    task.cancel();
    world.flush();
    log.check(&["start"]);
    world.tick();
    log.check(&["end"]);
}

#[test]
fn leaves_nothing_behind() {
    let world = World::start();
    for _ in 0..1_000 {
        spawn(next_frame()).detach();
    }
    assert_eq!(counts().tasks, 1_000);
    assert_eq!(counts().waits, 1_000);
    world.tick();
    assert_eq!(counts().tasks, 0);
    assert_eq!(counts().waits, 0);
}
