//! `animate` and `Ease`

use std::cell::RefCell;
use std::rc::Rc;

use cuelight_combinators::{Animate, Ease, animate, next_frame, race, wait_frames};
use cuelight_runtime::{Phase, TaskError, TaskGroup, engine, spawn};

use crate::check::{check, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::{Event, FRAME, Log, World, panic_of, poll_once};

/// Animates into the log.
fn into_log(log: &Log, seconds: f64, ease: Ease) -> Animate<impl FnMut(f64) + use<>> {
    let log = log.clone();
    animate(seconds, ease, move |t| log.push(t))
}

#[test]
fn all_ok() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(into_log(&log, 1.0, Ease::Linear));
    log.check(&["0"]);
    for expected in ["0.25", "0.5", "0.75"] {
        world.step(0.25);
        log.check(&[expected]);
    }
    assert!(!task.is_finished());
    world.step(0.25);
    log.check(&["1"]);
    assert!(task.is_finished());
    world.step(0.25);
    log.check(&[]);
}

#[test]
fn eases() {
    let (world, log) = (World::start(), Log::new());
    spawn(into_log(&log, 1.0, Ease::InQuad)).detach();
    spawn(into_log(&log, 1.0, Ease::Custom(|t| 10.0 + t))).detach();
    (0..3).for_each(|_| world.step(0.5));
    log.check(&["0", "0", "0.25", "10.5", "1", "1"]);
}

#[test]
fn a_step_that_is_too_long_is_one_last_call() {
    let (world, log) = (World::start(), Log::new());
    spawn(into_log(&log, 1.0, Ease::OutElastic)).detach();
    world.step(100.0);
    log.check(&["0", "1"]);
}

#[test]
fn ends_in_the_frame_in_which_a_wait_would() {
    for frames in 1..=200 {
        let world = World::start();
        let log = Log::new();
        let task = spawn(into_log(&log, f64::from(frames) / 60.0, Ease::Linear));
        world.ticks(frames as usize - 1);
        assert!(!task.is_finished(), "{frames}");
        world.tick();
        assert!(task.is_finished(), "{frames}");
    }
}

#[test]
fn negative_and_0_are_one_call_and_infinite_never_ends() {
    for seconds in [0.0, -1.0, f64::NEG_INFINITY] {
        check(move |log| into_log(log, seconds, Ease::InSine), (), &["1", "done"]);
    }
    let (world, log) = (World::start(), Log::new());
    let task = spawn(into_log(&log, f64::INFINITY, Ease::Linear));
    world.step(1e9);
    world.step(1e9);
    assert!(!task.is_finished());
    log.check(&["0", "0", "0"]);
}

#[test]
fn nan_panics_at_the_callers_line() {
    let _world = World::start();
    let (message, file) = panic_of(|| drop(animate(f64::NAN, Ease::Linear, |_| {})));
    assert!(message.starts_with("animate(NaN)"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn starts_when_it_is_created() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let fade = into_log(&inner, 1.0, Ease::Linear);
        next_frame().await;
        fade.await;
    })
    .detach();
    log.check(&[]);
    world.step(0.5);
    log.check(&["0.5"]);
    world.step(0.5);
    log.check(&["1"]);
    // Over before its first poll.
    let inner = log.clone();
    spawn(async move {
        let fade = into_log(&inner, 1.0, Ease::Linear);
        wait_frames(2).await;
        fade.await;
    })
    .detach();
    (0..2).for_each(|_| world.step(0.5));
    log.check(&["1"]);
}

#[test]
fn outside_of_any_task_it_starts_at_its_first_poll() {
    let (world, log) = (World::start(), Log::new());
    let mut fade = into_log(&log, 1.0, Ease::Linear);
    world.step(10.0);
    assert!(poll_once(&mut fade).is_pending());
    assert!(poll_once(&mut fade).is_pending()); // No tick, no call.
    world.step(0.5);
    assert!(poll_once(&mut fade).is_pending());
    world.step(0.5);
    assert!(poll_once(&mut fade).is_ready());
    log.check(&["0", "0.5", "1"]);
}

#[test]
fn once_a_tick_however_often_it_is_polled() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let others = event.clone();
    let fade = into_log(&log, 1.0, Ease::Linear);
    spawn(race((fade, async move {
        loop {
            let wait = others.wait();
            wait.await;
        }
    })))
    .detach();
    log.check(&["0"]);
    event.give();
    world.flush();
    log.check(&[]);
    world.step(0.5);
    event.give();
    world.flush();
    log.check(&["0.5"]);
}

#[test]
fn frozen() {
    check_frozen(|| animate(2.0 * FRAME.as_secs_f64(), Ease::Linear, |_| {}));
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.spawn(into_log(&log, 1.0, Ease::Linear)).detach();
    group.pause();
    world.step(0.5);
    log.check(&["0"]);
    group.resume();
    world.step(0.5);
    log.check(&["0.5"]);
}

#[test]
fn follows_the_speed_of_its_clock() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_speed(0.5);
    group.spawn(into_log(&log, 1.0, Ease::Linear)).detach();
    world.step(0.5);
    group.set_speed(0.0);
    world.step(0.5); // Ticks come, and time stands still.
    group.set_speed(2.0);
    world.step(0.375);
    log.check(&["0", "0.25", "0.25", "1"]);
}

#[test]
fn in_the_stage_of_its_group() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.set_phase(Phase::Physics);
    group.spawn(into_log(&log, FRAME.as_secs_f64() * 2.0, Ease::Linear)).detach();
    log.check(&["0"]);
    world.tick();
    log.check(&[]);
    world.physics_tick();
    world.physics_tick();
    log.check(&["0.5", "1"]);
}

#[test]
fn dropping_it_leaves_the_value_where_it_is() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(into_log(&log, 1.0, Ease::Linear));
    world.step(0.5);
    task.cancel();
    world.flush();
    world.step(1.0);
    log.check(&["0", "0.5"]);
    assert_eq!(engine::counts().waits, 0);
}

#[test]
fn a_panic_in_the_function_is_the_tasks() {
    for at in [0.0, 0.5, 1.0] {
        let world = World::start();
        let task = spawn(animate(1.0, Ease::Linear, move |t| assert_ne!(t, at)));
        (0..2).for_each(|_| world.step(0.5));
        assert_eq!(task.take(), Some(Err(TaskError::Panicked)), "{at}");
        assert_eq!(world.reports().len(), 1);
        assert_eq!(engine::counts().waits, 0);
    }
}

#[test]
fn function_may_use_the_runtime() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(animate(1.0, Ease::Linear, move |t| {
        let log = inner.clone();
        spawn(async move { log.push(t) }).detach();
        engine::flush();
    }));
    (0..2).for_each(|_| world.step(0.5));
    log.check(&["0", "0.5", "1"]);
    assert!(task.is_finished());
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| animate(0.0, Ease::Linear, |_| {}));
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| animate(0.1, Ease::Linear, |_| {}));
    check_leaves_nothing(|| race((animate(100.0, Ease::Linear, |_| {}), next_frame())));
}

#[test]
fn a_closed_group_hands_on_what_is_left() {
    let (world, log) = (World::start(), Log::new());
    world.step(3.0);
    let group = TaskGroup::new();
    type Boxed = std::pin::Pin<Box<dyn Future<Output = ()>>>;
    let place: Rc<RefCell<Option<Boxed>>> = Rc::default();
    let (inner, fade) = (place.clone(), log.clone());
    group
        .spawn(async move {
            let mut fade: Boxed = Box::pin(into_log(&fade, 1.0, Ease::Linear));
            assert!(poll_once(&mut fade).is_pending());
            *inner.borrow_mut() = Some(fade);
        })
        .detach();
    world.step(0.25);
    drop(group);
    let fade = place.take().expect("it was made");
    let task = spawn(fade);
    world.step(0.25);
    world.step(0.5);
    assert!(task.is_finished());
    // Its first tick came in its own group.
    log.check(&["0", "0.25", "0.5", "1"]);
}

// ---------------------------------------------------------------- The shapes

const ALL: [Ease; 15] = [
    Ease::Linear,
    Ease::InSine,
    Ease::OutSine,
    Ease::InOutSine,
    Ease::InQuad,
    Ease::OutQuad,
    Ease::InOutQuad,
    Ease::InCubic,
    Ease::OutCubic,
    Ease::InOutCubic,
    Ease::InBack,
    Ease::OutBack,
    Ease::OutElastic,
    Ease::OutBounce,
    Ease::Custom(|t| 7.0 * t - 3.0),
];

#[test]
fn ends_are_exact() {
    for ease in ALL {
        assert_eq!((ease.at(0.0), ease.at(1.0)), (0.0, 1.0), "{ease:?}");
        assert_eq!((ease.at(-5.0), ease.at(5.0)), (0.0, 1.0), "{ease:?}");
    }
}

#[test]
fn shapes_have_no_jumps() {
    for ease in &ALL[..14] {
        for step in 0..1_000 {
            let (here, there) = (f64::from(step) / 1e3, f64::from(step + 1) / 1e3);
            let jump = (ease.at(there) - ease.at(here)).abs();
            assert!(jump < 0.035, "{ease:?} jumps by {jump} at {here}");
        }
    }
}

#[test]
fn shapes_are_those_of_their_names() {
    let quarter = |ease: Ease| (ease.at(0.25) * 1e4).round() / 1e4;
    let found = ALL[..14].iter().map(|&ease| quarter(ease)).collect::<Vec<_>>();
    // The values of easings.net.
    assert_eq!(
        found,
        [
            0.25, 0.0761, 0.3827, 0.1464, 0.0625, 0.4375, 0.125, 0.0156, 0.5781, 0.0625, -0.0641,
            0.8174, 0.9116, 0.4727
        ]
    );
    assert_eq!(format!("{:?}", Ease::default()), "Linear");
}
