//! `yield_now`

use cuelight_combinators::{join, yield_now};
use cuelight_runtime::spawn;

use crate::check::{check, check_panic_after_done};
use crate::common::{Event, Log, World};

#[test]
fn all_ok() {
    check(|_| yield_now(), (), &["done"]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(yield_now);
}

#[test]
fn goes_on_in_the_next_drain() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        for _ in 0..3 {
            inner.push("step");
            yield_now().await;
        }
    })
    .detach();
    log.check(&["step"]);
    world.flush();
    log.check(&["step"]);
    world.tick();
    log.check(&["step"]);
}

#[test]
fn lets_the_other_ready_tasks_run() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    for name in ["a", "b"] {
        let (inner, wait) = (log.clone(), event.wait());
        spawn(async move {
            wait.await;
            inner.push(format!("{name} yields"));
            yield_now().await;
            inner.push(format!("{name} again"));
        })
        .detach();
    }
    event.give();
    world.flush();
    log.check(&["a yields", "b yields"]);
    world.flush();
    log.check(&["a again", "b again"]);
}

#[test]
fn woken_for_another_reason_it_still_waits_for_the_next_drain() {
    let (world, log) = (World::start(), Log::new());
    let (start, second) = (Event::new(), Event::new());
    let (inner, wait, other) = (log.clone(), start.wait(), second.wait());
    spawn(async move {
        wait.await;
        let yields = async {
            yield_now().await;
            inner.push("yielded");
        };
        join((yields, other)).await;
    })
    .detach();
    let (inner, wait) = (log.clone(), start.wait());
    spawn(async move {
        wait.await;
        inner.push("other");
        // The first task has its place in the next drain, which this changes nothing about.
        second.give();
    })
    .detach();
    start.give();
    world.flush();
    log.check(&["other"]);
    world.flush();
    log.check(&["yielded"]);
}
