//! When and where a wait for the next frame begins: where it was made, whoever polls it when.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use cuelight_runtime::{
    GroupHandle, NextFrame, OwnClock, TaskGroup, next_frame, root_group, spawn, wait_frames,
};

use crate::common::{Event, Log, World, panic_of, wake_myself};

/// Lets a future change hands.
type Hand = Rc<RefCell<Option<NextFrame>>>;

/// Spawns a task that makes a wait, puts it into a hand, and ends.
fn make(group: &GroupHandle, hand: &Hand) {
    let hand = hand.clone();
    group.spawn(async move { drop(hand.replace(Some(next_frame()))) }).detach();
}

/// Spawns a task that awaits what is in a hand, and pushes its name.
fn take(group: &GroupHandle, hand: &Hand, log: &Log, name: &'static str) {
    let (frame, log) = (hand.take().expect("there is one"), log.clone());
    group
        .spawn(async move {
            frame.await;
            log.push(name);
        })
        .detach();
}

/// Polls a wait once, puts it into a hand, and waits for nothing.
async fn poll_once_into(mut frame: NextFrame, hand: &Hand) {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut frame).poll(cx).is_ready())).await;
    hand.replace(Some(frame));
    pending::<()>().await;
}

/// Spawns a task that makes a wait, calls a function, and polls the wait when the event is given.
fn poll_late(log: &Log, event: &Event, between: impl FnOnce() + 'static) {
    let (log, given) = (log.clone(), event.wait());
    spawn(async move {
        let frame = next_frame();
        between();
        given.await;
        log.push("given");
        frame.await;
        log.push("over");
    })
    .detach();
}

#[test]
fn its_frame_has_come_when_it_is_polled() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    poll_late(&log, &event, || {});
    world.tick();
    event.give();
    world.flush();
    log.check(&["given", "over"]);
}

#[test]
fn polled_later_in_the_same_frame_it_waits_for_the_next() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    poll_late(&log, &event, || {});
    event.give();
    world.flush();
    log.check(&["given"]);
    world.tick();
    log.check(&["over"]);
}

#[test]
fn a_drain_later_in_the_same_frame_too() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        let frame = next_frame();
        wake_myself().await;
        inner.push("woken");
        frame.await;
        inner.push("over");
    })
    .detach();
    world.tick();
    log.check(&[]);
    world.flush();
    log.check(&["woken"]);
    world.tick();
    log.check(&["over"]);
}

#[test]
fn of_several_each_begins_where_it_was_made() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, given) = (log.clone(), event.wait());
    spawn(async move {
        let first = next_frame();
        next_frame().await;
        let second = next_frame();
        // Two at once, of which one is never polled.
        drop(next_frame());
        given.await;
        second.await;
        inner.push("second");
        first.await;
        inner.push("first");
    })
    .detach();
    world.tick();
    event.give();
    world.flush();
    log.check(&[]);
    world.tick();
    log.check(&["second", "first"]);
}

#[test]
fn spawns_between_its_making_and_its_poll_change_nothing() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let before = next_frame();
        let below = inner.clone();
        spawn(async move {
            let own = next_frame();
            spawn(async { next_frame().await }).detach();
            own.await;
            below.push("below");
        })
        .detach();
        let after = next_frame();
        before.await;
        inner.push("before");
        after.await;
        inner.push("after");
    })
    .detach();
    log.check(&[]);
    world.tick();
    log.check(&["below", "before", "after"]);
}

#[test]
fn a_spawn_into_another_group_takes_no_wait_along() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let other = TaskGroup::new();
    let handle = other.handle();
    poll_late(&log, &event, move || handle.spawn(pending::<()>()).detach());
    world.tick();
    event.give();
    world.flush();
    // It was made on the clock of its own task, in the frame before.
    log.check(&["given", "over"]);
}

#[test]
fn handed_to_a_task_that_is_spawned_it_begins_with_its_making() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let (inner, given) = (log.clone(), event.wait());
    spawn(async move {
        let (now, later) = (next_frame(), next_frame());
        let name = inner.clone();
        spawn(async move {
            now.await;
            name.push("at once");
        })
        .detach();
        given.await;
        spawn(async move {
            later.await;
            inner.push("later");
        })
        .detach();
    })
    .detach();
    world.tick();
    log.check(&["at once"]);
    event.give();
    world.flush();
    log.check(&["later"]);
}

#[test]
fn another_task_of_the_group_finds_it_over() {
    let (world, log, group, hand) = (World::start(), Log::new(), TaskGroup::new(), Hand::default());
    make(&group, &hand);
    world.tick();
    take(&group, &hand, &log, "taken");
    log.check(&["taken"]);
}

#[test]
fn a_task_of_another_group_begins_it_there() {
    let (world, log, hand) = (World::start(), Log::new(), Hand::default());
    let (group, other) = (TaskGroup::new(), TaskGroup::new());
    make(&group, &hand);
    world.tick();
    take(&other, &hand, &log, "taken");
    log.check(&[]);
    world.tick();
    log.check(&["taken"]);
}

#[test]
fn made_outside_of_tasks_it_begins_with_its_poll() {
    let (world, log, group, hand) = (World::start(), Log::new(), TaskGroup::new(), Hand::default());
    hand.replace(Some(next_frame()));
    world.tick();
    take(&group, &hand, &log, "taken");
    log.check(&[]);
    world.tick();
    log.check(&["taken"]);
}

#[test]
fn frames_do_not_come_while_its_clock_is_frozen() {
    let (world, log, group, hand) = (World::start(), Log::new(), TaskGroup::new(), Hand::default());
    make(&group, &hand);
    group.pause();
    world.tick();
    group.resume();
    take(&group, &hand, &log, "taken");
    log.check(&[]);
    world.tick();
    log.check(&["taken"]);
}

#[test]
fn the_frames_before_a_freeze_count() {
    let (world, log, group, hand) = (World::start(), Log::new(), TaskGroup::new(), Hand::default());
    make(&group, &hand);
    world.tick();
    group.pause();
    world.tick();
    group.resume();
    take(&group, &hand, &log, "taken");
    log.check(&["taken"]);
}

#[test]
fn made_on_a_clock_of_its_own_it_goes_by_that() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let mut clock = OwnClock::new();
    spawn(async move {
        let outside = next_frame();
        let inside = clock.enter(next_frame);
        inner.push("made");
        // Polled on the clock that it was not made on, it begins there.
        let mut inside = Box::pin(inside);
        wait_frames(2).await;
        inner.push("two frames");
        outside.await;
        inner.push("outside");
        inside.as_mut().await;
        inner.push("inside");
    })
    .detach();
    world.ticks(2);
    log.check(&["made", "two frames", "outside"]);
    world.tick();
    log.check(&["inside"]);
}

#[test]
fn made_in_a_group_that_has_closed_since_it_begins_with_its_poll() {
    let (world, log, hand) = (World::start(), Log::new(), Hand::default());
    let group = TaskGroup::new();
    make(&group, &hand);
    group.close();
    world.tick();
    let other = TaskGroup::new();
    take(&other, &hand, &log, "taken");
    log.check(&[]);
    world.tick();
    log.check(&["taken"]);
}

#[test]
fn made_and_polled_after_its_group_has_closed_it_goes_by_the_clock_above() {
    let (world, log, hand) = (World::start(), Log::new(), Hand::default());
    let group = TaskGroup::new();
    let (handle, given) = (group.handle(), hand.clone());
    group
        .spawn(async move {
            handle.close();
            let frame = next_frame();
            poll_once_into(frame, &given).await;
        })
        .detach();
    take(&root_group(), &hand, &log, "taken");
    log.check(&[]);
    world.tick();
    log.check(&["taken"]);
}

#[test]
fn a_panic_after_its_making_changes_nothing() {
    let (world, log, group, hand) = (World::start(), Log::new(), TaskGroup::new(), Hand::default());
    let inner = hand.clone();
    group
        .spawn(async move {
            inner.replace(Some(next_frame()));
            panic!("after its making");
        })
        .detach();
    world.flush();
    assert_eq!(world.engine.reports.take().len(), 1);
    world.tick();
    take(&group, &hand, &log, "taken");
    log.check(&["taken"]);
}

#[test]
fn on_a_clock_of_its_own_that_closes_meanwhile_it_goes_by_the_one_above() {
    let (world, log, hand) = (World::start(), Log::new(), Hand::default());
    let group = TaskGroup::new();
    let (handle, given) = (group.handle(), hand.clone());
    let mut clock = OwnClock::new();
    group
        .spawn(async move {
            let frame = clock.enter(|| {
                handle.close();
                // Another group takes the closed one's place.
                std::mem::forget(TaskGroup::new());
                next_frame()
            });
            poll_once_into(frame, &given).await;
        })
        .detach();
    take(&root_group(), &hand, &log, "taken");
    world.tick();
    log.check(&["taken"]);
}

#[test]
fn it_outlives_the_runtime() {
    let (world, hand) = (World::start(), Hand::default());
    make(&root_group(), &hand);
    drop(world);
    let (world, log) = (World::start(), Log::new());
    world.tick();
    take(&root_group(), &hand, &log, "over");
    // The root group is the same, and so is its clock.
    log.check(&["over"]);
}

#[test]
fn polled_after_it_was_ready_panics() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    // Once where it has woken its task, and once where another event comes before its poll.
    for steals in [false, true] {
        let (log, event) = (inner.clone(), Event::new());
        let given = event.wait();
        spawn(async move {
            let mut frame = next_frame();
            if steals {
                given.await;
            }
            poll_fn(|cx| Pin::new(&mut frame).poll(cx)).await;
            poll_fn(|cx| {
                log.push(panic_of(|| Pin::new(&mut frame).poll(cx)).0);
                Poll::Ready(())
            })
            .await;
        })
        .detach();
        world.tick();
        event.give();
        world.flush();
    }
    log.check(&["a future was polled after it was ready"; 2]);
}
