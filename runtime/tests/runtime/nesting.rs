//! The engine's calls from inside a task: they do no harm.

use std::future::poll_fn;
use std::task::Poll;

use cuelight_runtime::{Phase, TaskGroup, engine, next_frame, now, spawn};

use crate::common::{Event, FRAME, Log, OnDrop, World, wake_myself};

#[test]
fn tick_and_flush_inside_a_drain_do_nothing() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, wait) = (log.clone(), event.wait());
    spawn(async move {
        wait.await;
        engine::flush();
        engine::tick(Phase::Process, FRAME);
        inner.push(format!("first, at {}", now()));
    })
    .detach();
    let (inner, wait) = (log.clone(), event.wait());
    spawn(async move {
        wait.await;
        inner.push("second");
        next_frame().await;
        inner.push("frame");
    })
    .detach();
    event.give();
    world.flush();
    log.check(&["first, at 0", "second"]);
    world.tick();
    log.check(&["frame"]);
}

#[test]
fn flush_inside_the_first_poll_polls_nobody() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, wait) = (log.clone(), event.wait());
    spawn(async move {
        wait.await;
        inner.push("other");
    })
    .detach();
    let victim = spawn({
        let guard = log.guard("victim");
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    });
    event.give();
    victim.cancel();
    let inner = log.clone();
    world.calls();
    spawn(async move {
        inner.push("first poll");
        // Who spawned this is on the stack, so nothing may be polled or dropped here.
        engine::flush();
        engine::tick(Phase::Process, FRAME);
        inner.push("goes on");
    })
    .detach();
    log.check(&["first poll", "goes on"]);
    // The flush that was asked for has been used up, so another one is.
    assert_eq!(world.calls(), 1);
    world.flush();
    log.check(&["drop victim", "other"]);
}

#[test]
fn flush_inside_the_first_poll_loses_no_wake() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let mut polled = false;
        poll_fn(move |cx| {
            if std::mem::replace(&mut polled, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            engine::flush();
            Poll::Pending
        })
        .await;
        inner.push("went on");
    })
    .detach();
    world.flush();
    world.tick();
    log.check(&["went on"]);
}

#[test]
fn flush_inside_a_drop_does_nothing() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        let _guard = OnDrop(|| {
            engine::flush();
            inner.push("dropped");
        });
        std::future::pending::<()>().await;
    });
    let inner = log.clone();
    cuelight_runtime::spawn_deferred(async move { inner.push("other") }).detach();
    task.cancel();
    world.flush();
    log.check(&["dropped", "other"]);
}

#[test]
fn settle_comes_before_the_next_poll() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let inner = log.clone();
    *world.engine.settle.borrow_mut() = Some(Box::new(move || inner.push("settle")));
    for name in ["a", "b"] {
        let (inner, wait) = (log.clone(), event.wait());
        spawn(async move {
            wait.await;
            inner.push(name);
            engine::ask_settle();
            inner.push(format!("{name} ends"));
        })
        .detach();
    }
    event.give();
    world.flush();
    log.check(&["a", "a ends", "settle", "b", "b ends", "settle"]);
    engine::ask_settle();
    log.check(&[]);
    assert_eq!(world.calls(), 2);
    world.flush();
    log.check(&["settle"]);
}

#[test]
fn settle_may_cancel_and_spawn() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let guard = log.guard("victim");
    group
        .spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        })
        .detach();
    let (inner, handle) = (log.clone(), group.handle());
    *world.engine.settle.borrow_mut() = Some(Box::new(move || {
        handle.close();
        let log = inner.clone();
        spawn(async move {
            log.push("spawned");
            wake_myself().await;
            log.push("went on");
        })
        .detach();
    }));
    engine::ask_settle();
    world.flush();
    log.check(&["spawned", "drop victim"]);
    world.flush();
    log.check(&["went on"]);
}

#[test]
fn what_waits_for_the_next_drain_gets_one_soon_when_an_event_comes() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, mut wait) = (log.clone(), event.wait());
    let mut polls = 0;
    spawn(async move {
        // As `select((yield_now(), event))` does: it has woken itself, and listens.
        poll_fn(move |cx| {
            polls += 1;
            if polls == 1 {
                cx.waker().wake_by_ref();
            }
            std::pin::Pin::new(&mut wait).poll(cx)
        })
        .await;
        inner.push("heard");
    })
    .detach();
    world.flush();
    world.calls();
    event.give();
    assert_eq!(world.calls(), 1);
    world.flush();
    log.check(&["heard"]);
}

#[test]
fn only_a_resumed_task_is_on_a_fresh_call_stack() {
    let (world, log) = (World::start(), Log::new());
    let tell = |log: &Log, what: &str| log.push(format!("{what}: {}", engine::is_fresh_poll()));
    tell(&log, "outside");
    let inner = log.clone();
    spawn(async move {
        let _guard = OnDrop({
            let inner = inner.clone();
            move || tell(&inner, "guard")
        });
        tell(&inner, "first poll");
        next_frame().await;
        tell(&inner, "resumed");
        let nested = inner.clone();
        spawn(async move { tell(&nested, "spawned by it") }).detach();
        tell(&inner, "after that");
        std::future::pending::<()>().await;
    })
    .detach();
    world.tick();
    engine::shutdown();
    log.check(&[
        "outside: false",
        "first poll: false",
        "resumed: true",
        "spawned by it: false",
        "after that: true",
        "guard: false",
    ]);
}
