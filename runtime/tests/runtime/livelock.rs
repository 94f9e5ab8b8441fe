//! Tasks that wake each other without end cost a warning, and no frame.

use std::cell::Cell;
use std::rc::Rc;

use cuelight_runtime::{next_frame, spawn, spawn_named};

use crate::common::{Event, Log, World, wake_myself};

/// Spawns two tasks that wake each other for ever, and count their rounds.
fn ping_pong() -> (Rc<Cell<usize>>, Event) {
    let rounds = Rc::new(Cell::new(0));
    let events = [Event::new(), Event::new()];
    for (name, me) in [("ping", 0), ("pong", 1)] {
        let (own, other, rounds) = (events[me].clone(), events[1 - me].clone(), rounds.clone());
        spawn_named(name, async move {
            loop {
                let wait = own.wait();
                wait.await;
                rounds.set(rounds.get() + 1);
                other.give();
            }
        })
        .detach();
    }
    (rounds, events[0].clone())
}

#[test]
fn drain_ends_after_1000_rounds() {
    let world = World::start();
    let (rounds, start) = ping_pong();
    start.give();
    world.flush();
    assert_eq!(rounds.get(), 1_000);
    // The rest stays queued for the next drain; nothing rings for it, or the flush would not end.
    world.calls();
    world.flush();
    assert_eq!(rounds.get(), 2_000);
    assert_eq!(world.calls(), 0);
    world.tick();
    assert_eq!(rounds.get(), 3_000);
    assert_eq!(world.errors().len(), 1);
}

#[test]
fn tasks_of_the_last_rounds_are_named_once() {
    let world = World::start();
    let (_, start) = ping_pong();
    spawn_named("bystander", std::future::pending::<()>()).detach();
    start.give();
    world.ticks(5);
    let errors = world.errors();
    assert_eq!(errors.len(), 1);
    for expected in ["\"ping\"", "\"pong\"", "1000 rounds", file!()] {
        assert!(errors[0].contains(expected), "{}", errors[0]);
    }
    assert_eq!(errors[0].matches("ping").count(), 1);
    assert!(!errors[0].contains("bystander"));
}

#[test]
fn a_second_livelock_is_named_again() {
    let world = World::start();
    for _ in 0..2 {
        let (first, second) = (Event::new(), Event::new());
        let group = cuelight_runtime::TaskGroup::new();
        for (own, other) in [(&first, &second), (&second, &first)] {
            let (own, other) = (own.clone(), other.clone());
            group
                .spawn(async move {
                    loop {
                        let wait = own.wait();
                        wait.await;
                        other.give();
                    }
                })
                .detach();
        }
        first.give();
        world.ticks(2);
        assert_eq!(world.errors().len(), 1);
        // It ends here: the next one is another one.
        drop(group);
        world.ticks(2);
    }
}

#[test]
fn everybody_else_goes_on() {
    let (world, log) = (World::start(), Log::new());
    let (_, start) = ping_pong();
    let inner = log.clone();
    spawn(async move {
        for frame in 0..3 {
            next_frame().await;
            inner.push(frame);
        }
    })
    .detach();
    start.give();
    world.ticks(3);
    log.check(&["0", "1", "2"]);
    assert_eq!(world.errors().len(), 1);
}

#[test]
fn a_thousand_rounds_that_end_are_no_livelock() {
    let (world, count, event) = (World::start(), Rc::new(Cell::new(0)), Event::new());
    let mut before = event.clone();
    for _ in 0..1_000 {
        let (wait, next, inner) = (before.wait(), Event::new(), count.clone());
        before = next.clone();
        spawn(async move {
            wait.await;
            inner.set(inner.get() + 1);
            next.give();
        })
        .detach();
    }
    event.give();
    world.flush();
    assert_eq!(count.get(), 1_000);
    assert_eq!(world.errors(), [""; 0]);
}

#[test]
fn self_wakes_are_no_livelock() {
    let world = World::start();
    let polls = Rc::new(Cell::new(0));
    let inner = polls.clone();
    spawn(async move {
        loop {
            inner.set(inner.get() + 1);
            wake_myself().await;
        }
    })
    .detach();
    world.ticks(10);
    assert_eq!(polls.get(), 11);
    assert_eq!(world.errors(), [""; 0]);
}
