//! `BeatWatch` and `Countdown`: what beats and changes over time are built on.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use cuelight_runtime::{
    BeatWatch, Countdown, TaskGroup, engine, now, spawn, wait_real_seconds, wait_seconds,
};

use crate::common::{CountedWaker, Log, World};

/// Polls a watch once, with a waker that does nothing.
fn poll(watch: &mut BeatWatch) -> Poll<u64> {
    watch.poll_beats(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn beats_are_counted_from_the_start() {
    let world = World::start();
    let mut watch = BeatWatch::new(0.5);
    assert_eq!(poll(&mut watch), Poll::Pending);
    world.step(1.25);
    assert_eq!(poll(&mut watch), Poll::Ready(2));
    assert_eq!(poll(&mut watch), Poll::Pending);
    world.step(0.25);
    assert_eq!(poll(&mut watch), Poll::Ready(1));
}

#[test]
fn order_is_deadline_then_when_the_one_before_was_taken() {
    let (world, log) = (World::start(), Log::new());
    for (name, seconds) in [("a", 0.5), ("b", 0.25), ("c", 0.5)] {
        let log = log.clone();
        spawn(async move {
            let mut watch = BeatWatch::new(seconds);
            loop {
                let beats = poll_fn(|cx| watch.poll_beats(cx)).await;
                log.push(format!("{name} {beats}"));
            }
        })
        .detach();
    }
    world.step(0.25);
    log.check(&["b 1"]);
    world.step(0.25);
    // All are due at the same moment: b has been taken last.
    log.check(&["a 1", "c 1", "b 1"]);
}

#[test]
fn wakes_nobody_between_two_polls() {
    let world = World::start();
    let (counted, waker) = CountedWaker::new();
    let mut watch = BeatWatch::new(0.5);
    let mut cx = Context::from_waker(&waker);
    assert_eq!(watch.poll_beats(&mut cx), Poll::Pending);
    world.step(0.5);
    assert_eq!(watch.poll_beats(&mut cx), Poll::Ready(1));
    world.step(5.0);
    assert_eq!(counted.count(), 1);
    assert_eq!(watch.poll_beats(&mut cx), Poll::Ready(10));
    // Asked for, it wakes again.
    assert_eq!(watch.poll_beats(&mut cx), Poll::Pending);
    world.step(0.5);
    assert_eq!(counted.count(), 2);
}

#[test]
fn the_end_of_time_is_one_beat() {
    let world = World::start();
    let mut watch = BeatWatch::new(1e-9);
    let _ = poll(&mut watch);
    engine::tick(cuelight_runtime::Phase::Process, std::time::Duration::MAX);
    assert!(poll(&mut watch).is_ready());
    assert_eq!(poll(&mut watch), Poll::Pending);
    world.tick();
    assert_eq!(poll(&mut watch), Poll::Pending);
}

#[test]
fn a_countdown_tells_how_far_it_is() {
    let world = World::start();
    let mut countdown = Countdown::new(2.0);
    world.step(10.0);
    assert_eq!(countdown.progress(), Some(0.0)); // Made outside of any task, it starts here.
    world.step(0.5);
    assert_eq!((countdown.progress(), countdown.progress()), (Some(0.25), Some(0.25)));
    world.step(1.5);
    assert_eq!((countdown.progress(), countdown.progress()), (None, None));
    assert_eq!(engine::counts().waits, 0);
    assert_eq!(Countdown::new(0.0).progress(), None);
    assert_eq!(Countdown::new(-1.0).progress(), None);
    let mut never = Countdown::new(f64::INFINITY);
    assert_eq!(never.progress(), Some(0.0));
    world.step(1e9);
    assert_eq!(never.progress(), Some(0.0));
}

#[test]
fn a_countdown_starts_when_it_is_made_in_a_task() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_speed(0.5);
    let task = group.spawn(async {
        let mut countdown = Countdown::new(1.0);
        wait_seconds(0.25).await;
        (countdown.progress(), now())
    });
    world.step(0.5);
    assert_eq!(task.take(), Some(Ok((Some(0.25), 0.25))));
}

#[test]
fn a_countdown_goes_on_above_when_its_group_closes() {
    let world = World::start();
    world.step(3.0);
    let group = TaskGroup::new();
    let place = std::rc::Rc::new(std::cell::RefCell::new(None));
    let inner = place.clone();
    group
        .spawn(async move {
            let mut countdown = Countdown::new(1.0);
            assert_eq!(countdown.progress(), Some(0.0));
            *inner.borrow_mut() = Some(countdown);
        })
        .detach();
    world.step(0.25);
    drop(group);
    let mut countdown = place.take().expect("it was made");
    assert_eq!(countdown.progress(), Some(0.25));
    world.step(0.5);
    assert_eq!(countdown.progress(), Some(0.75));
    world.step(0.25);
    assert_eq!(countdown.progress(), None);
}

/// A waker that uses the runtime whenever it can.
struct Meddler;

fn meddle() {
    spawn(wait_seconds(1.0)).cancel();
    engine::flush();
}

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        meddle();
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        meddle();
    }
}

#[test]
fn wakers_may_use_the_runtime() {
    let world = World::start();
    let mut watch = BeatWatch::new(0.5);
    let mut real = wait_real_seconds(0.5);
    let mut poll_both = || {
        let waker = Waker::from(Arc::new(Meddler));
        let mut cx = Context::from_waker(&waker);
        (watch.poll_beats(&mut cx).is_ready(), Pin::new(&mut real).poll(&mut cx).is_ready())
    };
    assert_eq!(poll_both(), (false, false));
    assert_eq!(poll_both(), (false, false)); // The waker before is dropped.
    world.pass_real(0.5);
    world.step(0.5); // Both are woken, and dropped.
    assert_eq!(poll_both(), (true, true));
    let waker = Waker::from(Arc::new(Meddler));
    let _ = watch.poll_beats(&mut Context::from_waker(&waker));
    drop(waker);
    drop(watch); // And with what they wait in.
    assert_eq!(engine::counts().waits, 0);
}
