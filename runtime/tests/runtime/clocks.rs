//! Clocks: speed, freezing, stages, deadlines that are neither early nor late.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use cuelight_runtime::engine::{self, counts};
use cuelight_runtime::{
    Clock, GroupHandle, Phase, TaskGroup, TaskHandle, TickWatch, WaitSeconds, delta, next_frame,
    now, root_group, spawn, wait_frames, wait_physics_frames, wait_seconds,
};

use crate::common::{CountedWaker, FRAME, Log, World, poll_once, wake_myself};

/// The step of a frame as an engine hands it over that carries what a nanosecond cannot hold.
fn carried_step(frames_per_second: u64, frame: u64) -> Duration {
    let until = |frame| frame * 1_000_000_000 / frames_per_second;
    Duration::from_nanos(until(frame + 1) - until(frame))
}

/// Spawns a task that waits, and returns the number of ticks after which it has ended.
#[track_caller]
fn ticks_until<F>(world: &World, group: &GroupHandle, wait: F) -> usize
where
    F: Future<Output = ()> + 'static,
{
    let task = group.spawn(wait);
    for ticks in 0..10_000 {
        if task.is_finished() {
            return ticks;
        }
        world.tick();
    }
    panic!("the wait does not end");
}

/// Reads the clock of a group from one of its tasks.
fn in_task<T: 'static>(group: &GroupHandle, function: impl FnOnce() -> T + 'static) -> T {
    group.spawn(async { function() }).take().unwrap().unwrap()
}

// ---------------------------------------------------------------- Deadlines

#[test]
fn seconds_are_never_a_frame_late_or_early() {
    let world = World::start();
    for frames_per_second in [20, 30, 60, 144, 240] {
        let seconds = 60;
        // All waits for a whole number of frames begin together, so each has to end in its own.
        let ended = Rc::new(RefCell::new(Vec::new()));
        let frames = seconds * frames_per_second;
        for frame in 1..=frames {
            let ended = ended.clone();
            spawn(async move {
                wait_seconds(frame as f64 / frames_per_second as f64).await;
                ended.borrow_mut().push(frame);
            })
            .detach();
        }
        for frame in 0..frames {
            engine::tick(Phase::Process, carried_step(frames_per_second, frame));
            assert_eq!(ended.take(), [frame + 1], "at {frames_per_second} frames a second");
        }
    }
    drop(world);
}

#[test]
fn equal_steps_are_never_a_frame_late_or_early() {
    let _world = World::start();
    for frames_per_second in [20, 30, 60, 144, 240] {
        let step = Duration::from_secs_f64(1.0 / frames_per_second as f64);
        for frames in 1..=10 * frames_per_second {
            // Waits of one frame and of many, one after the other, from wherever the clock is.
            if frames % 37 != 1 {
                continue;
            }
            let task = spawn(wait_seconds(frames as f64 / frames_per_second as f64));
            for _ in 1..frames {
                engine::tick(Phase::Process, step);
                assert!(!task.is_finished(), "{frames} frames at {frames_per_second}: early");
            }
            engine::tick(Phase::Process, step);
            assert!(task.is_finished(), "{frames} frames at {frames_per_second}: late");
        }
    }
}

#[test]
fn a_wait_of_its_own_after_each_other_wait_does_not_drift() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        for beat in 1..=4 {
            wait_seconds(0.25).await;
            inner.push(beat);
        }
    })
    .detach();
    for beat in ["1", "2", "3", "4"] {
        world.ticks(14);
        log.check(&[]);
        world.tick();
        log.check(&[beat]);
    }
}

#[test]
fn never_early_by_more_than_a_microsecond() {
    let _world = World::start();
    let task = spawn(wait_seconds(1.0));
    engine::tick(Phase::Process, Duration::from_nanos(999_998_999));
    assert!(!task.is_finished());
    engine::tick(Phase::Process, Duration::from_nanos(1));
    assert!(task.is_finished());
}

#[test]
fn never_early_by_more_than_a_microsecond_at_any_speed() {
    let _world = World::start();
    for speed in [0.001, 0.3, 1.0 / 3.0, 0.7, 1.1, 3.0, 7.77, 1000.0] {
        let group = TaskGroup::new();
        let child = group.child();
        group.set_speed(speed);
        child.set_speed(0.9);
        let (clock, begun) = (child.clock(), child.clock().now());
        let ended = Rc::new(std::cell::Cell::new(None));
        let (inner, reader) = (ended.clone(), clock.clone());
        child
            .spawn(async move {
                wait_seconds(0.5).await;
                inner.set(Some(reader.now()));
            })
            .detach();
        let mut before = clock.now();
        while ended.get().is_none() {
            before = clock.now();
            engine::tick(Phase::Process, FRAME);
        }
        let (before, ended) = (before - begun, ended.get().unwrap() - begun);
        assert!(ended >= 0.5 - 1.001e-6, "early at speed {speed}: {ended}");
        assert!(before < 0.5 - 0.999e-6, "late at speed {speed}: {before} was enough");
    }
}

#[test]
fn steps_of_any_length() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        wait_seconds(1.0).await;
        inner.push("first");
        // It counts from the tick that it was made in, not from the deadline before.
        wait_seconds(1.0).await;
        inner.push("second");
    })
    .detach();
    world.step(5.0);
    log.check(&["first"]);
    world.step(0.0);
    log.check(&[]);
    world.step(1.0);
    log.check(&["second"]);
}

#[test]
fn negative_and_zero_are_ready_at_once_and_infinite_never() {
    let world = World::start();
    for seconds in [0.0, -0.0, -1.0, f64::NEG_INFINITY] {
        assert!(spawn(wait_seconds(seconds)).is_finished());
        assert!(spawn(root_group().clock().wait_seconds(seconds)).is_finished());
        assert!(poll_once(&mut wait_seconds(seconds)).is_ready());
    }
    assert!(spawn(wait_frames(0)).is_finished());
    assert!(spawn(wait_physics_frames(0)).is_finished());
    let never = spawn(wait_seconds(f64::INFINITY));
    let on_clock = spawn(root_group().clock().wait_seconds(f64::INFINITY));
    let nearly = spawn(wait_seconds(1e300));
    world.step(1e9);
    world.ticks(10);
    assert!(!never.is_finished() && !on_clock.is_finished() && !nearly.is_finished());
}

#[test]
fn next_frame_is_one_frame() {
    let world = World::start();
    assert_eq!(ticks_until(&world, &root_group(), next_frame()), 1);
    assert_eq!(ticks_until(&world, &root_group(), wait_frames(1)), 1);
    assert_eq!(ticks_until(&world, &root_group(), wait_frames(5)), 5);
}

#[test]
fn polled_after_it_was_ready_panics() {
    let _world = World::start();
    let mut wait = wait_seconds(0.0);
    assert!(poll_once(&mut wait).is_ready());
    let (message, _) = crate::common::panic_of(|| poll_once(&mut wait));
    assert!(message.contains("polled after it was ready"), "{message}");
}

// ---------------------------------------------------------------- Where a wait starts

#[test]
fn made_in_a_task_starts_at_its_creation() {
    let world = World::start();
    let task = spawn(async {
        let cooldown = wait_seconds(0.5);
        let frames = wait_frames(20);
        wait_seconds(0.25).await;
        cooldown.await;
        frames.await;
    });
    world.ticks(29);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn made_in_a_task_and_over_before_its_first_poll() {
    let world = World::start();
    let task = spawn(async {
        let (cooldown, frames) = (wait_seconds(0.1), wait_frames(2));
        wait_frames(60).await;
        cooldown.await;
        frames.await;
    });
    world.ticks(60);
    assert!(task.is_finished());
}

#[test]
fn made_outside_of_any_task_starts_at_its_first_poll() {
    let world = World::start();
    let (seconds, frames) = (wait_seconds(0.1), wait_frames(6));
    world.ticks(60);
    assert_eq!(ticks_until(&world, &root_group(), seconds), 6);
    assert_eq!(ticks_until(&world, &root_group(), frames), 6);
}

#[test]
fn handed_to_another_group_starts_at_its_first_poll_there() {
    let world = World::start();
    let slow = TaskGroup::new();
    slow.set_speed(0.5);
    let handed = in_task(&root_group(), || wait_seconds(0.5));
    world.ticks(20);
    assert_eq!(ticks_until(&world, &slow, handed), 60);
    // Within its group a wait may be handed on: it has begun.
    let handed = in_task(&slow, || wait_seconds(0.5));
    world.ticks(20);
    assert_eq!(ticks_until(&world, &slow, handed), 40);
}

#[test]
fn clock_wait_stays_on_the_clock_that_it_was_asked_of() {
    let world = World::start();
    let slow = TaskGroup::new();
    slow.set_speed(0.5);
    assert_eq!(ticks_until(&world, &root_group(), slow.clock().wait_seconds(0.5)), 60);
    let wait = root_group().clock().wait_seconds(0.5);
    world.ticks(10);
    // It has begun before it is polled.
    assert_eq!(ticks_until(&world, &slow, wait), 20);
}

#[test]
fn clock_wait_that_is_over_before_its_first_poll() {
    let world = World::start();
    let mut wait = root_group().clock().wait_seconds(0.1);
    world.ticks(60);
    assert!(poll_once(&mut wait).is_ready());
    assert_eq!(counts().waits, 0);
}

#[test]
fn in_somebody_elses_executor() {
    let world = World::start();
    let (counted, waker) = CountedWaker::new();
    let cx = &mut std::task::Context::from_waker(&waker);
    let mut wait = wait_seconds(0.1);
    assert!(std::pin::Pin::new(&mut wait).poll(cx).is_pending());
    world.ticks(5);
    assert_eq!(counted.count(), 0);
    world.ticks(10);
    assert_eq!(counted.count(), 1);
    assert!(std::pin::Pin::new(&mut wait).poll(cx).is_ready());
}

#[test]
fn woken_by_the_waker_of_its_last_poll() {
    let world = World::start();
    let (first, first_waker) = CountedWaker::new();
    let (second, second_waker) = CountedWaker::new();
    let mut wait = wait_frames(2);
    for waker in [&first_waker, &second_waker] {
        let cx = &mut std::task::Context::from_waker(waker);
        assert!(std::pin::Pin::new(&mut wait).poll(cx).is_pending());
    }
    world.ticks(2);
    assert_eq!((first.count(), second.count()), (0, 1));
}

#[test]
fn dropped_wait_leaves_nothing_behind() {
    let world = World::start();
    let group = TaskGroup::new();
    let (counted, waker) = CountedWaker::new();
    let cx = &mut std::task::Context::from_waker(&waker);
    let mut waits = (
        wait_seconds(0.1),
        next_frame(),
        wait_frames(3),
        wait_physics_frames(1),
        group.clock().wait_seconds(0.1),
        TickWatch::new(),
    );
    assert!(std::pin::Pin::new(&mut waits.0).poll(cx).is_pending());
    assert!(std::pin::Pin::new(&mut waits.1).poll(cx).is_pending());
    assert!(std::pin::Pin::new(&mut waits.2).poll(cx).is_pending());
    assert!(std::pin::Pin::new(&mut waits.3).poll(cx).is_pending());
    assert!(std::pin::Pin::new(&mut waits.4).poll(cx).is_pending());
    assert!(waits.5.poll_tick(cx).is_pending());
    assert_eq!(counts().waits, 6);
    drop(waits);
    assert_eq!(counts().waits, 0);
    drop(waker);
    assert_eq!(std::sync::Arc::strong_count(&counted), 1);
    world.ticks(10);
    assert_eq!(counted.count(), 0);
}

#[test]
fn dropped_from_the_middle_of_many() {
    let (world, log) = (World::start(), Log::new());
    // 97 and 100 have no common factor, so the deadlines come in a mixed order.
    let mut tasks: Vec<_> = (0..97_u32)
        .map(|number| {
            let (inner, seconds) = (log.clone(), f64::from(number * 41 % 97 + 1) * 0.1);
            Some(spawn(async move {
                wait_seconds(seconds).await;
                inner.push(format!("{seconds:.1}"));
            }))
        })
        .collect();
    for number in (0..97).filter(|number| number % 3 != 0) {
        tasks[number].take().unwrap().cancel();
    }
    world.flush();
    assert_eq!(counts().waits, 33);
    world.ticks(600);
    let mut expected: Vec<_> =
        (0..97_u32).filter(|number| number % 3 == 0).map(|number| number * 41 % 97 + 1).collect();
    expected.sort_unstable();
    let expected: Vec<_> =
        expected.iter().map(|tenths| format!("{:.1}", f64::from(*tenths) * 0.1)).collect();
    log.check(&expected.iter().map(String::as_str).collect::<Vec<_>>());
}

// ---------------------------------------------------------------- Speed

#[test]
fn speed_scales_seconds_and_not_frames() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_speed(0.5);
    assert_eq!(ticks_until(&world, &group, wait_seconds(0.5)), 60);
    assert_eq!(ticks_until(&world, &group, wait_frames(5)), 5);
    group.set_speed(3.0);
    assert_eq!(ticks_until(&world, &group, wait_seconds(0.5)), 10);
}

#[test]
fn speeds_multiply_down_the_tree() {
    let world = World::start();
    let parent = TaskGroup::new();
    let child = parent.child();
    parent.set_speed(0.5);
    child.set_speed(0.5);
    assert_eq!(child.clock().speed(), 0.25);
    assert_eq!(ticks_until(&world, &child, wait_seconds(0.25)), 60);
    root_group().set_speed(2.0);
    assert_eq!(child.clock().speed(), 0.5);
    assert_eq!(ticks_until(&world, &child, wait_seconds(0.25)), 30);
}

#[test]
fn several_slow_guards_multiply() {
    let world = World::start();
    let group = TaskGroup::new();
    let clock = group.clock();
    let half = clock.slow(0.5);
    let third = clock.slow(0.25);
    assert_eq!(clock.speed(), 0.125);
    assert_eq!(ticks_until(&world, &group, wait_seconds(0.125)), 60);
    // In whatever order they go.
    drop(half);
    assert_eq!(clock.speed(), 0.25);
    drop(third);
    assert_eq!(clock.speed(), 1.0);
    assert_eq!(ticks_until(&world, &group, wait_seconds(0.5)), 30);
}

#[test]
fn slow_guard_multiplies_the_speed_that_is_set() {
    let _world = World::start();
    let group = TaskGroup::new();
    group.set_speed(2.0);
    let guard = group.clock().slow(0.25);
    assert_eq!(group.clock().speed(), 0.5);
    group.set_speed(4.0);
    assert_eq!(group.clock().speed(), 1.0);
    drop(guard);
    assert_eq!(group.clock().speed(), 4.0);
}

#[test]
fn speed_that_changes_on_the_way() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_seconds(1.0));
    world.ticks(30);
    group.set_speed(0.25);
    // Half a second is left, which takes two.
    world.ticks(119);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn slow_guard_held_by_a_task_ends_with_it() {
    let world = World::start();
    let group = TaskGroup::new();
    let clock = group.clock();
    let task = spawn(async move {
        let _guard = clock.slow(0.5);
        std::future::pending::<()>().await;
    });
    assert_eq!(group.clock().speed(), 0.5);
    task.cancel();
    world.flush();
    assert_eq!(group.clock().speed(), 1.0);
}

#[test]
fn slow_guard_outlives_its_group() {
    let _world = World::start();
    let group = TaskGroup::new();
    let guard = group.clock().slow(0.5);
    let clock = group.clock();
    drop(group);
    // The clock is the parent's now, which the guard must not touch.
    let next = TaskGroup::new();
    drop(guard);
    assert_eq!((clock.speed(), next.clock().speed()), (1.0, 1.0));
    let late = clock.slow(0.5);
    assert_eq!((clock.speed(), root_group().clock().speed()), (1.0, 1.0));
    drop(late);
}

#[test]
fn at_speed_0_time_stands_still_and_frames_and_wakes_go_on() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_speed(0.0);
    let event = crate::common::Event::new();
    let (wait, inner) = (event.wait(), log.clone());
    group
        .spawn(async move {
            wait.await;
            inner.push("event");
            next_frame().await;
            inner.push("frame");
            wait_seconds(0.1).await;
            inner.push("seconds");
        })
        .detach();
    event.give();
    world.flush();
    log.check(&["event"]);
    world.tick();
    log.check(&["frame"]);
    world.ticks(100);
    log.check(&[]);
    assert_eq!(group.clock().now(), 0.0);
    group.set_speed(1.0);
    world.ticks(5);
    log.check(&[]);
    world.tick();
    log.check(&["seconds"]);
}

#[test]
fn at_speed_0_conditions_are_checked() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_speed(0.0);
    let mut watch = TickWatch::new();
    assert_eq!(ticks_until(&world, &group, poll_fn(move |cx| watch.poll_tick(cx))), 1);
}

// ---------------------------------------------------------------- Freezing

#[test]
fn paused_time_does_not_count() {
    let world = World::start();
    let group = TaskGroup::new();
    let (seconds, frames) = (group.spawn(wait_seconds(0.5)), group.spawn(wait_frames(30)));
    world.ticks(20);
    group.pause();
    world.ticks(100);
    assert!((group.clock().now() - 20.0 / 60.0).abs() < 1e-6);
    group.resume();
    world.ticks(9);
    assert!(!seconds.is_finished() && !frames.is_finished());
    world.tick();
    assert!(seconds.is_finished() && frames.is_finished());
}

#[test]
fn paused_above() {
    let world = World::start();
    let parent = TaskGroup::new();
    let child = parent.child();
    let task = child.spawn(wait_seconds(0.5));
    world.ticks(20);
    parent.pause();
    world.ticks(100);
    // What changes the clock meanwhile does not let it run.
    child.set_speed(2.0);
    child.pause();
    child.resume();
    world.ticks(100);
    parent.resume();
    world.ticks(4);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn due_wait_of_others_on_a_paused_clock_waits_for_the_resume() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = spawn(group.clock().wait_seconds(0.1));
    group.pause();
    world.ticks(60);
    assert!(!task.is_finished());
    group.resume();
    world.ticks(6);
    assert!(task.is_finished());
}

#[test]
fn paused_root_stops_all() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_frames(1));
    root_group().pause();
    world.ticks(10);
    assert!(!task.is_finished());
    assert_eq!(group.clock().now(), 0.0);
    root_group().resume();
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn frozen_condition_is_not_checked() {
    let world = World::start();
    let group = TaskGroup::new();
    let ticks = Rc::new(std::cell::Cell::new(0));
    let (inner, mut watch) = (ticks.clone(), TickWatch::new());
    group
        .spawn(async move {
            loop {
                poll_fn(|cx| watch.poll_tick(cx)).await;
                inner.set(inner.get() + 1);
            }
        })
        .detach();
    world.ticks(3);
    assert_eq!(ticks.get(), 3);
    group.pause();
    world.ticks(10);
    group.resume();
    world.ticks(2);
    assert_eq!(ticks.get(), 5);
}

// ---------------------------------------------------------------- now and delta

#[test]
fn now_starts_at_0_with_its_group() {
    let world = World::start();
    world.step(1.0);
    let group = TaskGroup::new();
    assert_eq!((now(), group.clock().now()), (1.0, 0.0));
    group.set_speed(0.5);
    world.step(1.0);
    assert_eq!((in_task(&root_group(), now), in_task(&group, now)), (2.0, 0.5));
}

#[test]
fn delta_is_the_last_step_of_the_current_clock() {
    let world = World::start();
    let group = TaskGroup::new();
    assert_eq!((delta(), in_task(&group, delta)), (0.0, 0.0));
    group.set_speed(0.5);
    world.step(0.2);
    assert_eq!((delta(), in_task(&group, delta)), (0.2, 0.1));
    // A change holds from the next step on; this one is over.
    group.set_speed(0.1);
    assert_eq!(in_task(&group, delta), 0.1);
    // A new clock has made no step yet.
    assert_eq!(in_task(&TaskGroup::new(), delta), 0.0);
    world.step(0.2);
    assert_eq!(in_task(&group, delta), 0.02);
}

#[test]
fn delta_is_0_while_the_clock_stands_still() {
    let world = World::start();
    let parent = TaskGroup::new();
    let group = parent.child();
    world.tick();
    for (held, name) in [(&group, "itself"), (&*parent, "above"), (&root_group(), "the root")] {
        // A change in the frame of the pause is no reason for another answer.
        group.set_speed(1.0);
        held.pause();
        world.tick();
        assert_eq!(in_task(&group, delta), 0.0, "paused: {name}");
        held.resume();
        world.tick();
        assert!((in_task(&group, delta) - FRAME.as_secs_f64()).abs() < 1e-9, "resumed: {name}");
    }
    group.set_speed(0.0);
    world.tick();
    assert_eq!(in_task(&group, delta), 0.0);
}

#[test]
fn sum_of_deltas_is_the_time() {
    let world = World::start();
    let group = TaskGroup::new();
    let mut sum = 0.0;
    for frame in 0..300 {
        match frame % 60 {
            10 => group.set_speed(0.3),
            30 => group.pause(),
            40 => group.resume(),
            50 => group.set_speed(1.7),
            _ => {}
        }
        world.tick();
        sum += in_task(&group, delta);
    }
    assert!((sum - group.clock().now()).abs() < 1e-6, "{sum} and {}", group.clock().now());
}

// ---------------------------------------------------------------- Stages

#[test]
fn stages_have_times_of_their_own() {
    let world = World::start();
    let group = TaskGroup::new();
    world.ticks(10);
    group.set_phase(Phase::Physics);
    assert_eq!(group.clock().now(), 0.0);
    world.physics_tick();
    assert!((group.clock().now() - FRAME.as_secs_f64()).abs() < 1e-9);
    assert!((in_task(&group, delta) - FRAME.as_secs_f64()).abs() < 1e-9);
    group.set_phase(Phase::Process);
    assert!((group.clock().now() - 10.0 * FRAME.as_secs_f64()).abs() < 1e-9);
}

#[test]
fn physics_frames_go_by_in_the_physics_stage() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        wait_physics_frames(2).await;
        inner.push("physics");
        next_frame().await;
        inner.push("process");
    })
    .detach();
    world.ticks(5);
    world.physics_tick();
    log.check(&[]);
    world.physics_tick();
    log.check(&["physics"]);
    world.physics_tick();
    log.check(&[]);
    world.tick();
    log.check(&["process"]);
}

#[test]
fn phase_says_which_seconds_a_wait_reads() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_phase(Phase::Physics);
    let child = group.child();
    let seconds = child.spawn(wait_seconds(2.0 * FRAME.as_secs_f64()));
    let frames = child.spawn(wait_frames(2));
    world.ticks(2);
    assert!(!seconds.is_finished() && frames.is_finished());
    world.physics_tick();
    world.physics_tick();
    assert!(seconds.is_finished());
}

#[test]
fn phase_says_where_conditions_are_checked() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_phase(Phase::Physics);
    let (inner, mut watch) = (log.clone(), TickWatch::new());
    group
        .spawn(async move {
            poll_fn(|cx| watch.poll_tick(cx)).await;
            inner.push("checked");
        })
        .detach();
    world.ticks(3);
    log.check(&[]);
    world.physics_tick();
    log.check(&["checked"]);
}

#[test]
fn waits_that_have_begun_stay_in_their_stage() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_seconds(0.1));
    group.set_phase(Phase::Physics);
    world.ticks(6);
    assert!(task.is_finished());
}

#[test]
fn pausing_holds_both_stages() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_physics_frames(1));
    group.pause();
    world.physics_tick();
    assert!(!task.is_finished());
    group.resume();
    world.physics_tick();
    assert!(task.is_finished());
}

// ---------------------------------------------------------------- Closed clocks

#[test]
fn waits_of_others_on_a_closed_clock_move_to_the_parent() {
    let world = World::start();
    let parent = TaskGroup::new();
    let child = parent.child();
    parent.set_speed(0.5);
    child.set_speed(0.1);
    let task = spawn(child.clock().wait_seconds(1.0));
    let never = spawn(child.clock().wait_seconds(f64::INFINITY));
    // A tenth of half a second of the child's time goes by.
    world.ticks(60);
    child.close();
    // 0.95 s are left, on a clock of half speed.
    world.ticks(113);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
    drop(parent);
    world.ticks(10_000);
    assert!(!never.is_finished());
}

#[test]
fn waits_of_others_on_a_paused_clock_that_closes_go_on() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = spawn(group.clock().wait_seconds(0.5));
    world.ticks(15);
    group.pause();
    world.ticks(100);
    drop(group);
    world.ticks(14);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn waits_move_past_all_that_close_together() {
    let world = World::start();
    let top = TaskGroup::new();
    let middle = top.child();
    let bottom = middle.child();
    let tasks = [&top, &middle, &bottom].map(|group| spawn(group.clock().wait_seconds(0.1)));
    drop(top);
    // The clock above takes them over with its next tick.
    world.tick();
    assert_eq!((counts().groups, counts().waits), (1, 3));
    world.ticks(4);
    assert!(tasks.iter().all(|task| !task.is_finished()));
    world.tick();
    assert!(tasks.iter().all(|task| task.is_finished()));
    assert_eq!(counts().waits, 0);
}

#[test]
fn clock_of_a_closed_group_is_its_parents() {
    let world = World::start();
    let parent = TaskGroup::new();
    let child = TaskGroup::under(&parent);
    let clock: Clock = child.clock();
    child.set_speed(0.5);
    world.step(1.0);
    assert_eq!(clock.now(), 0.5);
    parent.set_speed(2.0);
    drop(child);
    assert_eq!(clock.speed(), 1.0, "of an entry that is free again it is the root's");
    let task = spawn(clock.wait_seconds(1.0));
    world.step(1.0);
    assert!(task.is_finished());
}

#[test]
fn closed_in_the_middle_of_a_tick() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let clock = group.clock();
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        drop(group);
        inner.push("closed");
    })
    .detach();
    let inner = log.clone();
    spawn(async move {
        clock.wait_seconds(FRAME.as_secs_f64()).await;
        inner.push("due before it closed");
    })
    .detach();
    world.tick();
    log.check(&["closed", "due before it closed"]);
}

#[test]
fn a_self_wake_is_no_tick() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        wake_myself().await;
        inner.push(format!("{:.0}", now()));
    })
    .detach();
    world.flush();
    log.check(&["0"]);
}

#[test]
fn waits_of_others_are_handed_on_twice_between_two_ticks() {
    let world = World::start();
    let above = TaskGroup::new();
    above.set_speed(2.0);
    let below = TaskGroup::under(&above);
    below.set_speed(0.25);
    // 0.05 s of the clock below, which runs at half of the root's speed.
    let seconds = spawn(below.clock().wait_seconds(0.05));
    let kept = spawn(below.clock().wait_seconds(f64::INFINITY));
    let dropped = spawn(below.clock().wait_seconds(0.01));
    world.ticks(2);
    drop(below);
    dropped.cancel();
    drop(above);
    world.flush();
    // A sixtieth has passed for it, so a thirtieth is left: two frames of the root's clock.
    world.tick();
    assert!(!seconds.is_finished());
    world.tick();
    assert!(seconds.is_finished() && !kept.is_finished());
    assert_eq!((counts().groups, counts().waits), (1, 1));
}

#[test]
fn a_heap_of_waits_of_others_loses_some_between_two_ticks() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let tasks: Vec<_> = (0..20_u32)
        .map(|number| {
            let (log, wait) = (log.clone(), group.clock().wait_seconds(f64::from(20 - number)));
            spawn(async move {
                wait.await;
                log.push(number);
            })
        })
        .collect();
    world.tick();
    drop(group);
    tasks.iter().step_by(3).for_each(|task| task.cancel());
    world.flush();
    assert_eq!((counts().groups, counts().waits), (2, 13));
    for _ in 0..20 {
        world.step(1.0);
    }
    log.check(&["19", "17", "16", "14", "13", "11", "10", "8", "7", "5", "4", "2", "1"]);
    assert_eq!((counts().groups, counts().waits), (1, 0));
}

/// Where a wait is handed on to.
type Stash = Rc<RefCell<Option<Pin<Box<WaitSeconds>>>>>;

/// Polls a wait, and hands it on when it is dropped.
struct HandOn(Option<Pin<Box<WaitSeconds>>>, Stash);

impl Future for HandOn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().expect("it is dropped once").as_mut().poll(cx)
    }
}

impl Drop for HandOn {
    fn drop(&mut self) {
        *self.1.borrow_mut() = self.0.take();
    }
}

#[test]
fn closed_and_ticked_before_the_tasks_are_dropped() {
    let world = World::start();
    let group = TaskGroup::new();
    let stashes: Vec<_> = (0..4).map(|_| Stash::default()).collect();
    // The first two are due in the tick that follows the end of the group, the others later.
    for (stash, seconds) in stashes.iter().zip([0.03, 0.03, 0.1, 0.1]) {
        group.spawn(HandOn(Some(Box::pin(wait_seconds(seconds))), stash.clone())).detach();
    }
    for seconds in [0.03, 0.1] {
        group.spawn(wait_seconds(seconds)).detach();
    }
    let other = spawn(group.clock().wait_seconds(0.1));
    world.tick();
    drop(group);
    // No flush comes in between: the tick finds tasks that have ended, and drops them when it has stepped the clocks.
    world.tick();
    assert_eq!((counts().tasks, counts().waits), (1, 5));
    let waits = stashes.iter().map(|stash| stash.borrow_mut().take().expect("it is handed on"));
    let tasks: Vec<_> = waits.map(spawn).collect();
    assert_eq!(finished(&tasks), [true, true, false, false]);
    world.ticks(3);
    assert_eq!((finished(&tasks), other.is_finished()), (vec![true, true, false, false], false));
    world.tick();
    assert_eq!((finished(&tasks), other.is_finished()), (vec![true; 4], true));
    assert_eq!((counts().groups, counts().waits), (1, 0));
}

fn finished(tasks: &[TaskHandle<()>]) -> Vec<bool> {
    tasks.iter().map(TaskHandle::is_finished).collect()
}
