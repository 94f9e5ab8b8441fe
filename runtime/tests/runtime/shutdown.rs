//! The end of a runtime, and its next start.

use std::future::pending;
use std::rc::Rc;

use cuelight_runtime::engine::{self, counts};
use cuelight_runtime::{
    GroupHandle, Phase, TaskError, TaskGroup, fail_task, next_frame, root_group, spawn,
    spawn_deferred, wait_seconds,
};

use crate::common::{Event, FRAME, Log, OnDrop, TestEngine, World, my_waker, poll_once};

fn sleeper(group: &GroupHandle, log: &Log, name: &'static str) -> cuelight_runtime::TaskHandle<()> {
    let guard = log.guard(name);
    group.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    })
}

#[test]
fn drops_every_future_in_spawn_order() {
    let (_world, log) = (World::start(), Log::new());
    let (first, second) = (TaskGroup::new(), TaskGroup::new());
    let paused = second.child();
    paused.pause();
    let tasks = [
        sleeper(&second, &log, "a"),
        sleeper(&paused, &log, "b"),
        sleeper(&first, &log, "c"),
        sleeper(&root_group(), &log, "d"),
    ];
    // A cancel that has not been carried out has its place among the others.
    tasks[2].cancel();
    let guard = log.guard("e, never polled");
    spawn_deferred(async move { drop(guard) }).detach();
    engine::shutdown();
    log.check(&["drop a", "drop b", "drop c", "drop d", "drop e, never polled"]);
    assert!(tasks.iter().all(|task| task.take() == Some(Err(TaskError::Cancelled))));
    assert_eq!((counts().tasks, counts().waits), (0, 0));
}

#[test]
fn slots_that_were_used_again_keep_the_spawn_order() {
    let (world, log) = (World::start(), Log::new());
    let tasks = ["a", "b", "c"].map(|name| sleeper(&root_group(), &log, name));
    for index in [0, 2, 1] {
        tasks[index].cancel();
    }
    world.flush();
    log.check(&["drop a", "drop c", "drop b"]);
    for name in ["d", "e", "f"] {
        sleeper(&root_group(), &log, name).detach();
    }
    engine::shutdown();
    log.check(&["drop d", "drop e", "drop f"]);
}

#[test]
fn nothing_is_polled_afterwards() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, wait) = (log.clone(), event.wait());
    let task = spawn(async move {
        wait.await;
        inner.push("polled");
    });
    event.give();
    engine::shutdown();
    world.tick();
    world.flush();
    log.check(&[]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn what_touches_the_runtime_later_does_nothing() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let group = TaskGroup::new();
    let wait = event.wait();
    let task = spawn(wait);
    let waker = group.spawn(my_waker()).take().unwrap().unwrap();
    let clock = group.clock();
    let guard = clock.slow(0.5);
    world.calls();
    engine::shutdown();
    engine::shutdown();
    assert!(!engine::is_open());
    let dropped = log.guard("future");
    let late = spawn(async move { drop(dropped) });
    log.check(&["drop future"]);
    assert_eq!(late.take(), Some(Err(TaskError::Cancelled)));
    assert_eq!(group.spawn(async {}).take(), Some(Err(TaskError::Cancelled)));
    assert_eq!(spawn_deferred(async {}).take(), Some(Err(TaskError::Cancelled)));
    event.give();
    waker.wake();
    task.cancel();
    group.cancel_all();
    group.pause();
    group.resume();
    group.set_speed(2.0);
    group.close();
    drop(guard);
    assert!(!fail_task("no"));
    assert!(group.is_closed() && !group.is_frozen());
    assert_eq!((group.len(), clock.speed()), (0, 1.0));
    assert!(poll_once(&mut group.join()).is_ready());
    engine::ask_settle();
    world.tick();
    world.flush();
    assert_eq!(world.calls(), 0);
}

#[test]
fn guards_of_the_shutdown_may_use_the_runtime() {
    let (_world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let (event, group) = (Event::new(), TaskGroup::new());
    let mut wait = event.wait();
    spawn(async move {
        let _guard = OnDrop(move || {
            let task = spawn(async {});
            inner.push(format!("{:?}", task.take()));
            group.cancel_all();
            group.close();
            event.give();
            engine::shutdown();
            engine::flush();
            engine::tick(Phase::Process, FRAME);
            let _ = poll_once(&mut wait);
            inner.push("done");
        });
        pending::<()>().await;
    })
    .detach();
    engine::shutdown();
    log.check(&["Some(Err(Cancelled))", "done"]);
}

#[test]
fn panics_in_guards_are_reported_and_the_others_run() {
    let (world, log) = (World::start(), Log::new());
    spawn(async {
        let _guard = OnDrop(|| panic!("boo"));
        pending::<()>().await;
    })
    .detach();
    sleeper(&root_group(), &log, "a").detach();
    engine::shutdown();
    log.check(&["drop a"]);
    world.check_reports(&["in a destructor: boo"]);
}

#[test]
fn from_inside_a_task() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, wait) = (log.clone(), event.wait());
    let task = spawn(async move {
        let _guard = inner.guard("caller");
        wait.await;
        engine::shutdown();
        inner.push("shut down");
        next_frame().await;
        inner.push("never");
    });
    let (inner, wait) = (log.clone(), event.wait());
    spawn(async move {
        let _guard = inner.guard("other");
        wait.await;
        inner.push("never");
    })
    .detach();
    event.give();
    world.flush();
    log.check(&["drop other", "shut down", "drop caller"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    // The drain that this happened in has ended properly.
    engine::start(world.engine.clone());
    let inner = log.clone();
    spawn_deferred(async move { inner.push("again") }).detach();
    world.flush();
    log.check(&["again"]);
}

#[test]
fn start_opens_it_again() {
    let (world, log) = (World::start(), Log::new());
    for round in 0..10 {
        assert!(engine::is_open());
        let inner = log.clone();
        spawn(async move {
            next_frame().await;
            inner.push("frame");
            wait_seconds(1.0).await;
        })
        .detach();
        world.tick();
        log.check(&["frame"]);
        engine::shutdown();
        assert_eq!((counts().tasks, counts().waits, counts().groups), (0, 0, 1), "{round}");
        engine::start(world.engine.clone());
    }
}

#[test]
fn handles_and_wakers_of_before_reach_nothing_after() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let stale = sleeper(&group, &log, "before");
    let waker = spawn(async { my_waker().await });
    let waker = waker.take().unwrap().unwrap();
    let clock = group.clock();
    let guard = clock.slow(0.5);
    engine::shutdown();
    log.check(&["drop before"]);
    engine::start(world.engine.clone());

    let fresh = TaskGroup::new();
    // Slots and groups are used again: these are where the ones of before were.
    let tasks = [sleeper(&fresh, &log, "x"), sleeper(&root_group(), &log, "y")];
    waker.wake();
    assert_eq!(world.calls(), 0);
    stale.cancel();
    group.cancel_all();
    group.pause();
    group.set_speed(0.0);
    assert!(!group.spawn(async {}).is_finished());
    drop(group);
    drop(guard);
    world.flush();
    world.tick();
    log.check(&[]);
    assert!(tasks.iter().all(|task| !task.is_finished()));
    assert!(!fresh.is_frozen() && !fresh.is_closed());
    assert_eq!((fresh.clock().speed(), root_group().clock().speed()), (1.0, 1.0));
}

#[test]
fn pause_and_speed_of_the_root_do_not_survive() {
    let world = World::start();
    root_group().pause();
    root_group().set_speed(0.1);
    root_group().set_phase(Phase::Physics);
    let guard = root_group().clock().slow(0.1);
    engine::shutdown();
    engine::start(world.engine.clone());
    assert!(!root_group().is_frozen());
    assert_eq!(root_group().clock().speed(), 1.0);
    drop(guard);
    let task = spawn(wait_seconds(FRAME.as_secs_f64()));
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn flush_that_was_asked_for_before_is_asked_for_again() {
    let world = World::start();
    let event = Event::new();
    let wait = event.wait();
    spawn(wait).detach();
    event.give();
    assert_eq!(world.calls(), 1);
    // That flush never comes: the engine has dropped its queue.
    engine::shutdown();
    engine::start(world.engine.clone());
    spawn_deferred(async {}).detach();
    assert_eq!(world.calls(), 1);
}

#[test]
fn group_made_while_closed_is_closed() {
    let world = World::start();
    root_group().pause();
    engine::shutdown();
    let group = TaskGroup::new();
    assert!(group.is_closed());
    engine::start(world.engine.clone());
    assert!(group.is_closed() && !group.is_frozen());
    assert_eq!(counts().groups, 1);
}

#[test]
fn second_start_only_replaces_the_engine() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    root_group().set_speed(0.5);
    let group = TaskGroup::new();
    let (inner, wait) = (log.clone(), event.wait());
    group
        .spawn(async move {
            wait.await;
            inner.push("heard");
        })
        .detach();
    event.give();
    root_group().pause();
    world.flush();
    let waker = Rc::new(group.spawn(my_waker())).take().unwrap().unwrap();
    std::thread::spawn(move || waker.wake()).join().unwrap();

    let second = TestEngine::default();
    engine::start(second.clone());
    assert!(root_group().is_frozen());
    assert_eq!(root_group().clock().speed(), 0.5);
    root_group().resume();
    assert_eq!((world.calls(), second.calls.get()), (1, 1));
    world.flush();
    log.check(&["heard"]);
}

#[test]
fn second_start_asks_its_engine_for_the_flush_that_is_due() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn_deferred(async move { inner.push("started") }).detach();
    assert_eq!(world.calls(), 1);
    let second = TestEngine::default();
    engine::start(second.clone());
    assert_eq!(second.calls.get(), 1);
    world.flush();
    log.check(&["started"]);
}

#[test]
fn second_start_keeps_what_other_threads_have_woken() {
    let (world, log) = (World::start(), Log::new());
    let (waker_place, inner) = (Rc::new(std::cell::RefCell::new(None)), log.clone());
    let place = waker_place.clone();
    spawn(std::future::poll_fn(move |cx| {
        inner.push("poll");
        *place.borrow_mut() = Some(cx.waker().clone());
        std::task::Poll::<()>::Pending
    }))
    .detach();
    let waker = waker_place.take().unwrap();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    engine::start(TestEngine::default());
    world.tick();
    log.check(&["poll", "poll"]);
}

#[test]
fn without_a_runtime_the_engines_calls_do_nothing() {
    engine::tick(Phase::Process, FRAME);
    engine::flush();
    engine::shutdown();
    engine::ask_settle();
    assert!(!engine::is_open());
    assert_eq!(counts(), engine::Counts::default());
}
