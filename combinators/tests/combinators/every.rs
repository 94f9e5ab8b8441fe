//! `every`

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use cuelight_combinators::{Every, Stream, every, race, wait_seconds};
use cuelight_runtime::{Phase, TaskGroup, TaskHandle, engine, now, spawn, wait_frames};

use crate::common::{CountedWaker, Log, World, panic_of, poll_once};

/// Spawns a loop that writes down each item, with the time of its clock.
fn beats(log: &Log, seconds: f64) -> impl Future<Output = ()> + use<> {
    let log = log.clone();
    async move {
        let mut every = every(seconds);
        loop {
            let passed = every.next().await;
            log.push(format!("{passed} at {}", now()));
        }
    }
}

#[test]
fn all_ok() {
    let (world, log) = (World::start(), Log::new());
    spawn(beats(&log, 0.5)).detach();
    log.check(&[]); // The first beat comes one period later.
    world.step(0.25);
    log.check(&[]);
    world.step(0.25);
    log.check(&["1 at 0.5"]);
    world.step(0.25);
    world.step(0.25);
    log.check(&["1 at 1"]);
}

#[test]
fn a_stall_is_one_item() {
    let (world, log) = (World::start(), Log::new());
    spawn(beats(&log, 0.5)).detach();
    world.step(1.75);
    log.check(&["3 at 1.75"]);
    // The distance to the start is kept.
    world.step(0.25);
    log.check(&["1 at 2"]);
}

#[test]
fn a_body_that_takes_longer_counts_too() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let mut every = every(0.5);
        loop {
            inner.push(format!("{} at {}", every.next().await, now()));
            wait_seconds(1.25).await;
        }
    })
    .detach();
    (0..16).for_each(|_| world.step(0.25));
    log.check(&["1 at 0.5", "2 at 1.75", "3 at 3"]);
}

#[test]
fn starts_when_it_is_created() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let mut every = every(1.0);
        wait_seconds(0.75).await;
        inner.push(every.next().await);
    })
    .detach();
    world.step(0.75);
    log.check(&[]);
    world.step(0.25);
    log.check(&["1"]);
}

#[test]
fn stalled_before_the_first_poll_it_is_ready_at_once() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let mut every = every(1.0);
        wait_seconds(2.5).await;
        inner.push(every.next().await);
        inner.push(every.next().await);
    })
    .detach();
    world.step(2.5);
    log.check(&["2"]);
    world.step(0.5);
    log.check(&["1"]);
}

#[test]
fn outside_of_any_task_it_starts_at_its_first_poll() {
    let (world, log) = (World::start(), Log::new());
    let mut every = every(1.0);
    world.step(10.0);
    let inner = log.clone();
    spawn(async move { inner.push(every.next().await) }).detach();
    world.step(0.5);
    log.check(&[]);
    world.step(0.5);
    log.check(&["1"]);
}

#[test]
fn first_polled_on_another_clock_it_starts_there() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_speed(0.5);
    let place: Rc<RefCell<Option<Every>>> = Rc::default();
    let inner = place.clone();
    spawn(async move { *inner.borrow_mut() = Some(every(1.0)) }).detach();
    world.step(0.9);
    let mut every = place.take().expect("it was made");
    let inner = log.clone();
    group.spawn(async move { inner.push(every.next().await) }).detach();
    world.step(1.0);
    log.check(&[]);
    world.step(1.0);
    log.check(&["1"]);
}

#[test]
fn does_not_drift() {
    let world = World::start();
    // A third of a second is no whole number of nanoseconds.
    let count = Rc::new(RefCell::new((0, 0.0)));
    let inner = count.clone();
    spawn(async move {
        let mut every = every(1.0 / 3.0);
        loop {
            let passed = every.next().await;
            let (count, _) = *inner.borrow();
            *inner.borrow_mut() = (count + passed, now());
        }
    })
    .detach();
    for _ in 0..100_000 {
        world.step(0.125);
    }
    assert_eq!(*count.borrow(), (37_500, 12_500.0));
}

#[test]
fn frozen() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.spawn(beats(&log, 1.0)).detach();
    world.step(0.5);
    group.pause();
    world.step(100.0);
    group.resume();
    world.flush();
    log.check(&[]);
    world.step(0.5);
    log.check(&["1 at 1"]);
}

#[test]
fn follows_the_speed_of_its_clock() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.spawn(beats(&log, 1.0)).detach();
    group.set_speed(0.0);
    world.step(100.0);
    log.check(&[]);
    group.set_speed(4.0);
    world.step(0.25);
    log.check(&["1 at 1"]);
}

#[test]
fn in_the_stage_of_its_group() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_phase(Phase::Physics);
    group.spawn(beats(&log, 0.01)).detach();
    world.tick();
    log.check(&[]);
    world.physics_tick();
    log.check(&["1 at 0.016666667"]);
}

#[test]
fn shorter_than_a_frame_it_comes_once_a_frame() {
    let (world, log) = (World::start(), Log::new());
    spawn(beats(&log, 0.125)).detach();
    world.step(0.5);
    world.flush();
    world.step(0.5);
    log.check(&["4 at 0.5", "4 at 1"]);
}

#[test]
fn the_shortest_does_not_spin() {
    let (world, log) = (World::start(), Log::new());
    // Less than a nanosecond is one; the microsecond of grace is a thousand of them, once.
    spawn(beats(&log, f64::MIN_POSITIVE)).detach();
    log.check(&["1000 at 0"]);
    world.step(1.0);
    log.check(&["1000000000 at 1"]);
    world.step(1.0);
    log.check(&["1000000000 at 2"]);
}

#[test]
fn infinity_never_comes() {
    let (world, log) = (World::start(), Log::new());
    spawn(beats(&log, f64::INFINITY)).detach();
    spawn(beats(&log, 1e300)).detach();
    world.step(1e9);
    log.check(&[]);
}

#[test]
fn what_is_no_period_panics_at_the_callers_line() {
    let _world = World::start();
    for (seconds, expected) in [
        (0.0, "every(0): a period is more than 0 seconds"),
        (-0.5, "every(-0.5): a period is more than 0 seconds"),
        (f64::NEG_INFINITY, "every(-inf): a period is more than 0 seconds"),
        (f64::NAN, "every(NaN)"),
    ] {
        let (message, file) = panic_of(|| every(seconds));
        assert!(message.starts_with(expected), "{message}");
        assert_eq!(file, file!());
    }
}

#[test]
fn dropped_next_loses_no_beat() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let mut every = every(1.0);
        for _ in 0..5 {
            let beat = async { format!("beat {}", every.next().await) };
            let other = async {
                wait_frames(1).await;
                "frame".to_owned()
            };
            inner.push(race((other, beat)).await);
        }
        inner.push(every.next().await);
    })
    .detach();
    // The frame wins each tie, and drops the `next` whose beat has come: the one after has it at once.
    (0..4).for_each(|_| world.step(0.5));
    log.check(&["frame", "frame", "beat 1", "frame", "frame", "1"]);
}

#[test]
fn is_a_stream() {
    let world = World::start();
    let mut every = pin!(every(0.5));
    let (counted, waker) = CountedWaker::new();
    let mut cx = Context::from_waker(&waker);
    assert!(every.as_mut().poll_next(&mut cx).is_pending());
    world.step(1.0);
    assert_eq!(counted.count(), 1);
    assert_eq!(every.as_mut().poll_next(&mut cx), Poll::Ready(Some(2)));
    // Nobody has asked for the next one, so nobody is woken.
    world.step(1.0);
    assert_eq!(counted.count(), 1);
    assert_eq!(every.size_hint(), (usize::MAX, None));
}

#[test]
fn wakes_who_polled_last() {
    let world = World::start();
    let mut every = every(0.5);
    let (first, waker) = CountedWaker::new();
    assert!(Pin::new(&mut every).poll_next(&mut Context::from_waker(&waker)).is_pending());
    let (second, waker) = CountedWaker::new();
    assert!(Pin::new(&mut every).poll_next(&mut Context::from_waker(&waker)).is_pending());
    world.step(0.5);
    assert_eq!((first.count(), second.count()), (0, 1));
}

#[test]
fn leaves_nothing() {
    let world = World::start();
    let task: TaskHandle<()> = spawn(async {
        let mut every = every(0.5);
        loop {
            every.next().await;
        }
    });
    assert_eq!(engine::counts().waits, 1);
    world.step(3.0);
    assert_eq!(engine::counts().waits, 1);
    task.cancel();
    world.flush();
    assert_eq!(engine::counts().waits, 0);
    // And unpolled, or due.
    let mut every = every(0.5);
    let _ = poll_once(&mut every.next());
    world.step(1.0);
    drop(every);
    assert_eq!(engine::counts().waits, 0);
}

/// Makes a stream that has been polled once in a group.
fn polled_in(group: &TaskGroup, seconds: f64) -> Every {
    let place: Rc<RefCell<Option<Every>>> = Rc::default();
    let inner = place.clone();
    group
        .spawn(async move {
            let mut every = every(seconds);
            assert!(
                Pin::new(&mut every)
                    .poll_next(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            *inner.borrow_mut() = Some(every);
        })
        .detach();
    place.take().expect("it was made")
}

#[test]
fn a_closed_group_hands_on_what_is_left() {
    let (world, log) = (World::start(), Log::new());
    world.step(7.0);
    let group = TaskGroup::new();
    let mut every = polled_in(&group, 1.0);
    world.step(0.25);
    drop(group);
    let inner = log.clone();
    spawn(async move {
        loop {
            inner.push(format!("{} at {}", every.next().await, now()));
        }
    })
    .detach();
    world.step(0.5);
    log.check(&[]);
    world.step(0.25);
    log.check(&["1 at 8"]);
    // And the beats after it keep that distance.
    world.step(2.5);
    log.check(&["2 at 10.5"]);
    world.step(0.5);
    log.check(&["1 at 11"]);
}

#[test]
fn closed_after_the_beat_has_come_it_goes_on_above() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let mut every = polled_in(&group, 1.0);
    world.step(1.5);
    drop(group);
    // Its entry is used again, by a group whose clock must not be taken for it.
    let other = TaskGroup::new();
    other.set_speed(100.0);
    world.step(0.25);
    let inner = log.clone();
    spawn(async move {
        loop {
            inner.push(format!("{} at {}", every.next().await, now()));
        }
    })
    .detach();
    log.check(&["1 at 1.75"]);
    world.step(0.75);
    log.check(&[]);
    world.step(0.25);
    log.check(&["1 at 2.75"]);
}

#[test]
fn whatever_the_steps_no_beat_is_lost_and_none_comes_twice() {
    let mut seed = 7_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..200 {
        let world = World::start();
        let group = TaskGroup::new();
        let period = (1 + random(400)) as f64 / 1_000.0;
        let total = Rc::new(RefCell::new((0, 0.0)));
        let inner = total.clone();
        group
            .spawn(async move {
                let mut every = every(period);
                loop {
                    let passed = every.next().await;
                    assert!(passed > 0);
                    let before = inner.borrow().0;
                    *inner.borrow_mut() = (before + passed, now());
                }
            })
            .detach();
        for _ in 0..50 {
            match random(8) {
                0 => group.set_speed(random(30) as f64 / 10.0),
                1 => group.pause(),
                2 => group.resume(),
                _ => world.step((1 + random(1_000)) as f64 / 1_000.0),
            }
            let (beats, last) = *total.borrow();
            // A microsecond of grace, as all waits have.
            let expected = ((group.clock().now() + 1e-6) / period).floor() as u64;
            assert_eq!(beats, expected, "of {period} s at {last}");
        }
    }
}
