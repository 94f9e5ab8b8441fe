//! Cooldowns: when they are ready, on which clock, and what becomes of them.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use cuelight_runtime::engine::{self, counts};
use cuelight_runtime::{
    Cooldown, GroupHandle, Phase, TaskGroup, current_group, next_frame, root_group, spawn,
};

use crate::common::{FRAME, Log, OnDrop, World, panic_of, poll_once};

/// Spawns a task into the root group that pushes its name when a cooldown is ready.
fn listener(log: &Log, name: &'static str, cooldown: &Cooldown) {
    let (log, ready) = (log.clone(), cooldown.ready());
    spawn(async move {
        ready.await;
        log.push(name);
    })
    .detach();
}

/// Returns the number of ticks after which a cooldown is ready.
#[track_caller]
fn ticks_until(world: &World, cooldown: &Cooldown) -> usize {
    for ticks in 0..1_000 {
        if cooldown.is_ready() {
            return ticks;
        }
        world.tick();
    }
    panic!("the cooldown does not run out");
}

fn started(group: &GroupHandle, seconds: f64) -> Cooldown {
    let cooldown = group.cooldown(seconds);
    assert!(cooldown.try_start());
    cooldown
}

#[test]
fn ready_at_first_and_after_its_time() {
    let world = World::start();
    let cooldown = root_group().cooldown(0.5);
    for _ in 0..3 {
        assert!(cooldown.is_ready());
        assert!(cooldown.try_start());
        assert!(!cooldown.is_ready() && !cooldown.try_start());
        assert_eq!(ticks_until(&world, &cooldown), 30);
    }
    // Waiting longer makes it no readier.
    world.ticks(100);
    assert!(cooldown.try_start());
    assert!(!cooldown.try_start());
}

#[test]
fn right_after_an_interruption() {
    let (world, log) = (World::start(), Log::new());
    let swing = Rc::new(root_group().cooldown(0.5));
    let attack = |log: &Log, swing: &Rc<Cooldown>| {
        let (log, swing) = (log.clone(), swing.clone());
        spawn(async move {
            loop {
                swing.ready().await;
                assert!(swing.try_start());
                log.push("swing");
            }
        })
    };
    let first = attack(&log, &swing);
    log.check(&["swing"]);
    world.ticks(10);
    first.cancel();
    world.ticks(10);
    let _second = attack(&log, &swing);
    world.ticks(9);
    log.check(&[]);
    world.tick();
    log.check(&["swing"]);
}

#[test]
fn all_who_wait_resume_in_the_order_of_their_first_polls() {
    let (world, log) = (World::start(), Log::new());
    let cooldown = started(&root_group(), 0.05);
    let (early, late) = (cooldown.ready(), cooldown.ready());
    for (name, ready) in [("late", late), ("early", early)] {
        let log = log.clone();
        spawn(async move {
            ready.await;
            log.push(name);
        })
        .detach();
    }
    world.tick();
    listener(&log, "last", &cooldown);
    world.ticks(2);
    log.check(&["late", "early", "last"]);
    listener(&log, "at once", &cooldown);
    log.check(&["at once"]);
}

#[test]
fn ready_is_not_held_up_by_the_next_start() {
    let (world, log) = (World::start(), Log::new());
    let cooldown = Rc::new(started(&root_group(), 0.05));
    for name in ["a", "b"] {
        let (log, cooldown) = (log.clone(), cooldown.clone());
        spawn(async move {
            cooldown.ready().await;
            log.push(format!("{name} {}", cooldown.try_start()));
        })
        .detach();
    }
    world.ticks(3);
    log.check(&["a true", "b false"]);
    let mut wait = cooldown.ready();
    assert!(poll_once(&mut wait).is_pending());
}

#[test]
fn negative_and_zero_are_always_ready_and_infinite_never_again() {
    let world = World::start();
    for seconds in [0.0, -0.0, -1.0, f64::NEG_INFINITY] {
        let cooldown = root_group().cooldown(seconds);
        assert!(cooldown.try_start() && cooldown.try_start() && cooldown.is_ready());
        assert!(poll_once(&mut cooldown.ready()).is_ready());
    }
    let cooldown = root_group().cooldown(f64::INFINITY);
    assert!(poll_once(&mut cooldown.ready()).is_ready());
    assert!(cooldown.try_start());
    let mut ready = cooldown.ready();
    world.step(1e9);
    world.ticks(100);
    assert!(!cooldown.is_ready() && !cooldown.try_start());
    assert!(poll_once(&mut ready).is_pending());
}

#[test]
fn nan_panics_at_the_callers_line() {
    let _world = World::start();
    let (message, file) = panic_of(|| root_group().cooldown(f64::NAN));
    assert_eq!(message, "cooldown(NaN): the seconds are not a number");
    assert_eq!(file, file!());
}

#[test]
fn slowed_and_paused_with_its_group() {
    let world = World::start();
    let group = TaskGroup::new();
    let cooldown = started(&group, 0.5);
    group.set_speed(0.5);
    world.ticks(20);
    group.pause();
    world.ticks(100);
    assert!(!cooldown.is_ready() && !cooldown.try_start());
    group.resume();
    group.set_speed(2.0);
    // 20 frames at half speed were 10 of its own; 20 are left, at double speed.
    assert_eq!(ticks_until(&world, &cooldown), 10);
}

#[test]
fn ready_waits_in_the_cooldowns_time() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let cooldown = started(&group, 0.05);
    listener(&log, "ready", &cooldown);
    group.pause();
    world.ticks(10);
    log.check(&[]);
    group.resume();
    world.ticks(3);
    log.check(&["ready"]);
    // And a frozen task hears of it at its resume.
    assert!(cooldown.try_start());
    let other = TaskGroup::new();
    let (inner, ready) = (log.clone(), cooldown.ready());
    other
        .spawn(async move {
            ready.await;
            inner.push("frozen");
        })
        .detach();
    other.pause();
    world.ticks(10);
    log.check(&[]);
    other.resume();
    world.flush();
    log.check(&["frozen"]);
}

#[test]
fn in_the_stage_of_its_group() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_phase(Phase::Physics);
    let cooldown = started(&group, 0.05);
    world.ticks(10);
    assert!(!cooldown.is_ready());
    (0..3).for_each(|_| engine::tick(Phase::Physics, FRAME));
    assert!(cooldown.is_ready());
}

#[test]
fn closed_group_leaves_the_rest_to_the_clock_above() {
    let (world, log) = (World::start(), Log::new());
    let parent = TaskGroup::new();
    let group = TaskGroup::under(&parent);
    group.set_speed(0.5);
    let cooldown = started(&group, 0.5);
    listener(&log, "before", &cooldown);
    world.ticks(20);
    group.close();
    // 20 of its 30 frames are left, on a clock of normal speed; the parent's, for it can be paused.
    listener(&log, "after", &cooldown);
    world.ticks(10);
    parent.pause();
    world.ticks(10);
    assert!(!cooldown.is_ready());
    parent.resume();
    assert_eq!(ticks_until(&world, &cooldown), 10);
    log.check(&["before", "after"]);
    // It works on, as a clock of the closed group does.
    assert!(cooldown.try_start());
    assert_eq!(ticks_until(&world, &cooldown), 30);
}

#[test]
fn paused_group_that_closes_hangs_nobody() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let cooldown = started(&group, 0.5);
    listener(&log, "ready", &cooldown);
    world.ticks(10);
    group.pause();
    world.ticks(10);
    group.close();
    assert_eq!(ticks_until(&world, &cooldown), 20);
    log.check(&["ready"]);
}

#[test]
fn made_on_a_closed_group() {
    let world = World::start();
    let group = TaskGroup::new();
    group.close();
    let cooldown = group.cooldown(0.05);
    assert!(cooldown.is_ready() && cooldown.try_start());
    assert_eq!(ticks_until(&world, &cooldown), 3);
}

#[test]
fn leaves_nothing() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let cooldown = started(&group, 0.05);
    let ready = cooldown.ready();
    listener(&log, "ready", &cooldown);
    assert_eq!(counts().waits, 3);
    drop(ready);
    drop(cooldown);
    assert_eq!(counts().waits, 1);
    // Who waits is not left alone.
    world.ticks(3);
    log.check(&["ready"]);
    assert_eq!(counts().waits, 0);
    let over = started(&group, 0.05);
    world.ticks(3);
    drop(over);
    assert_eq!(counts().waits, 0);
}

#[test]
fn panic_after_done() {
    let world = World::start();
    let cooldown = root_group().cooldown(0.05);
    let mut at_once = cooldown.ready();
    assert!(cooldown.try_start());
    let mut later = cooldown.ready();
    assert!(poll_once(&mut later).is_pending());
    world.ticks(3);
    for ready in [&mut at_once, &mut later] {
        assert!(poll_once(ready).is_ready());
        let (message, _) = panic_of(|| poll_once(ready));
        assert!(message.contains("polled after it was ready"), "{message}");
    }
}

#[test]
fn from_inside_and_from_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let place = Rc::new(RefCell::new(None::<Cooldown>));
    let (inner, kept) = (log.clone(), place.clone());
    let task = TaskGroup::new();
    let group = task.handle();
    group
        .spawn(async move {
            let own = started(&current_group(), 0.05);
            let _guard = OnDrop(move || {
                inner.push(format!("{} {}", own.is_ready(), own.try_start()));
                *kept.borrow_mut() = Some(started(&root_group(), 0.05));
            });
            pending::<()>().await;
        })
        .detach();
    world.tick();
    drop(task);
    world.flush();
    log.check(&["false false"]);
    let cooldown = place.take().unwrap();
    assert_eq!(ticks_until(&world, &cooldown), 3);
}

#[test]
fn after_the_shutdown_and_across_a_restart() {
    let world = World::start();
    let (group, idle) = (TaskGroup::new(), root_group().cooldown(0.05));
    let cooldown = started(&group, 0.5);
    world.ticks(10);
    engine::shutdown();
    assert!(!cooldown.is_ready() && !cooldown.try_start());
    assert!(idle.try_start() && !idle.is_ready());
    world.ticks(100);
    assert!(!cooldown.is_ready() && !idle.is_ready());
    engine::start(world.engine.clone());
    spawn(next_frame()).detach();
    assert_eq!(ticks_until(&world, &idle), 3);
    assert_eq!(ticks_until(&world, &cooldown), 17);
    assert!(cooldown.try_start());
    drop((cooldown, idle));
    assert_eq!(counts().waits, 0);
}
