//! `wait_until_time`: a time of the clock instead of a length.

use std::cell::RefCell;
use std::rc::Rc;

use cuelight_runtime::{
    Phase, TaskGroup, WaitUntilTime, engine, now, spawn, wait_seconds, wait_until_time,
};

use crate::common::{Log, World, panic_of, poll_once};

#[test]
fn all_ok() {
    let world = World::start();
    world.step(2.0);
    let start = now();
    let task = spawn(wait_until_time(start + 1.0));
    world.step(0.5);
    assert!(!task.is_finished());
    world.step(0.5);
    assert!(task.is_finished());
}

#[test]
fn past_times_are_ready_at_once() {
    let world = World::start();
    world.step(2.0);
    for time in [now(), 1.0, 0.0, -1.0, f64::NEG_INFINITY] {
        assert!(spawn(wait_until_time(time)).is_finished(), "{time}");
    }
    assert_eq!(engine::counts().waits, 0);
}

#[test]
fn infinity_never_comes() {
    let world = World::start();
    let task = spawn(wait_until_time(f64::INFINITY));
    world.step(1e9);
    assert!(!task.is_finished());
}

#[test]
fn does_not_drift() {
    let world = World::start();
    let task = spawn(async {
        for beat in 1..=600 {
            wait_until_time(f64::from(beat) * 0.1).await;
        }
        now()
    });
    // Steps that never fit: a loop of `wait_seconds(0.1)` would take 0.12 s a turn.
    (0..1_500).for_each(|_| world.step(0.04));
    assert_eq!(task.take(), Some(Ok(60.0)));
}

#[test]
fn on_another_clock_it_is_that_clocks_time() {
    let (world, log) = (World::start(), Log::new());
    world.step(10.0);
    let group = TaskGroup::new(); // Its clock starts at 0.
    let wait: Rc<RefCell<Option<WaitUntilTime>>> = Rc::default();
    let place = wait.clone();
    spawn(async move { *place.borrow_mut() = Some(wait_until_time(3.0)) }).detach();
    let wait = wait.take().expect("it was made");
    let inner = log.clone();
    group
        .spawn(async move {
            wait.await;
            inner.push(now());
        })
        .detach();
    world.step(2.0);
    log.check(&[]);
    world.step(1.0);
    log.check(&["3"]);
}

#[test]
fn outside_of_any_task_it_is_the_time_of_the_clock_that_polls_first() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_speed(0.5);
    let task = group.spawn(wait_until_time(1.0));
    world.step(1.0);
    assert!(!task.is_finished());
    world.step(1.0);
    assert!(task.is_finished());
}

#[test]
fn follows_the_speed_of_its_clock() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_until_time(1.0));
    world.step(0.5);
    group.set_speed(0.0);
    world.step(100.0);
    assert!(!task.is_finished());
    group.set_speed(2.0);
    world.step(0.25);
    assert!(task.is_finished());
}

#[test]
fn frozen() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_until_time(1.0));
    group.pause();
    world.step(100.0);
    group.resume();
    world.step(0.9);
    assert!(!task.is_finished());
    world.step(0.1);
    assert!(task.is_finished());
}

#[test]
fn in_the_stage_of_its_group() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_phase(Phase::Physics);
    let task = group.spawn(wait_until_time(0.01));
    world.tick();
    assert!(!task.is_finished());
    world.physics_tick();
    assert!(task.is_finished());
}

#[test]
fn order_is_that_of_the_deadlines() {
    let (world, log) = (World::start(), Log::new());
    for (name, time) in [("b", 0.2), ("a", 0.1), ("c", 0.3)] {
        let log = log.clone();
        spawn(async move {
            wait_until_time(time).await;
            log.push(name);
        })
        .detach();
    }
    let inner = log.clone();
    spawn(async move {
        wait_seconds(0.2).await;
        inner.push("b, polled later");
    })
    .detach();
    world.step(1.0);
    log.check(&["a", "b", "b, polled later", "c"]);
}

#[test]
fn a_closed_group_hands_on_what_is_left() {
    let (world, log) = (World::start(), Log::new());
    world.step(5.0);
    let group = TaskGroup::new();
    let wait: Rc<RefCell<Option<WaitUntilTime>>> = Rc::default();
    let place = wait.clone();
    group
        .spawn(async move {
            let mut wait = wait_until_time(2.0);
            std::future::poll_fn(|cx| {
                let _ = std::pin::Pin::new(&mut wait).poll(cx);
                std::task::Poll::Ready(())
            })
            .await;
            *place.borrow_mut() = Some(wait);
        })
        .detach();
    world.step(0.5);
    drop(group);
    let (wait, inner) = (wait.take().expect("it was made"), log.clone());
    spawn(async move {
        wait.await;
        inner.push(now());
    })
    .detach();
    world.step(1.25);
    log.check(&[]);
    world.step(0.25);
    log.check(&["7"]);
}

#[test]
fn leaves_nothing() {
    let world = World::start();
    let task = spawn(wait_until_time(100.0));
    assert_eq!(engine::counts().waits, 1);
    task.cancel();
    world.flush();
    assert_eq!(engine::counts().waits, 0);
}

#[test]
fn panic_after_done() {
    let _world = World::start();
    let mut wait = wait_until_time(0.0);
    assert!(poll_once(&mut wait).is_ready());
    let (message, _) = panic_of(|| poll_once(&mut wait));
    assert_eq!(message, "a future was polled after it was ready");
}
