//! Skipping, as far as the runtime alone knows it: `GroupHandle::skip`, `checkpoint`, `is_skipping`.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use cuelight_runtime::{
    BeatWatch, Cue, GroupHandle, Phase, TaskGroup, TaskHandle, ThreadConfined, TickWatch,
    checkpoint, current_group, delta, engine, is_skipping, next_frame, now, spawn, wait_frames,
    wait_physics_frames, wait_real_seconds, wait_seconds, wait_until_time,
};
use std::future::poll_fn;
use std::task::Poll;

use crate::common::{FRAME, Log, World, wake_myself};

/// Writes an event down with the time of the clock, in milliseconds.
fn note(log: &Log, event: &str) {
    log.push(format!("{event} at {} ms", (now() * 1e3).round()));
}

/// Spawns a task that waits again and again, and writes down each time.
fn beat(group: &GroupHandle, log: &Log, name: &'static str, seconds: f64, count: usize) {
    let log = log.clone();
    group
        .spawn_named(name, async move {
            for _ in 0..count {
                wait_seconds(seconds).await;
                note(&log, name);
            }
        })
        .detach();
}

// ---------------------------------------------------------------- Time

#[test]
fn goes_to_the_end_in_one_drain() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    beat(&group, &log, "a", 2.0, 3);
    beat(&group, &log, "b", 3.0, 2);
    group.skip();
    assert_eq!(world.calls(), 1);
    log.check(&[]);
    world.flush();
    // Of two that are due at one time, the one that began to wait first comes first.
    log.check(&["a at 2000 ms", "b at 3000 ms", "a at 4000 ms", "b at 6000 ms", "a at 6000 ms"]);
    assert!(group.is_empty());
    world.tick();
    let clock = group.clock().now();
    assert!((clock - 6.0 - FRAME.as_secs_f64()).abs() < 1e-3, "{clock}");
}

#[test]
fn same_order_as_watched_at_sixty_frames() {
    let run = |skipped_after: Option<usize>| {
        let world = World::start();
        let (log, group) = (Log::new(), TaskGroup::new());
        beat(&group, &log, "a", 0.51, 9);
        beat(&group, &log, "b", 1.025, 4);
        beat(&group, &log, "c", 0.333, 14);
        for frame in 0..400 {
            if Some(frame) == skipped_after {
                group.skip();
                world.flush();
            }
            world.physics_tick();
            world.tick();
        }
        assert!(group.is_empty());
        log.take()
    };
    let watched = run(None);
    assert_eq!(watched.len(), 27);
    for frame in [0, 1, 17, 60, 61, 62, 100, 200] {
        assert_eq!(run(Some(frame)), watched, "skipped after {frame} frames");
    }
}

#[test]
fn frames_and_seconds_go_together() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    let (inner, deltas) = (log.clone(), log.clone());
    group
        .spawn(async move {
            wait_frames(30).await;
            note(&inner, "thirty frames");
            wait_physics_frames(30).await;
            note(&inner, "thirty more");
        })
        .detach();
    group
        .spawn(async move {
            wait_seconds(0.75).await;
            deltas.push(format!("{:.4}", delta()));
            next_frame().await;
            deltas.push(format!("{:.4}", delta()));
            next_frame().await;
            deltas.push(format!("{:.4}", delta()));
        })
        .detach();
    group.skip();
    world.flush();
    log.check(&["thirty frames at 500 ms", "0.0167", "0.0167", "0.0167", "thirty more at 983 ms"]);
}

/// A waker of somebody else's that cancels a task.
struct Cancelling(Mutex<ThreadConfined<TaskHandle<()>>>);

impl Wake for Cancelling {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().get().expect("it is woken at home").cancel();
    }
}

#[test]
fn what_a_foreign_waker_cancels_in_a_jump_is_dropped_before_the_next_poll() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    let guard = log.guard("victim");
    let victim = spawn(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    let cancelling = Cancelling(Mutex::new(ThreadConfined::new(victim)));
    let waker = Waker::from(Arc::new(cancelling));
    group
        .spawn(async move {
            let mut wait = wait_seconds(1.0);
            assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
            std::future::pending::<()>().await;
        })
        .detach();
    beat(&group, &log, "beat", 1.0, 1);
    group.skip();
    world.flush();
    log.check(&["drop victim", "beat at 1000 ms"]);
}

#[test]
fn speeds_of_clocks_below() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    let (slow, fast) = (group.child(), group.child());
    slow.set_speed(0.25);
    fast.set_speed(4.0);
    beat(&slow, &log, "slow", 1.0, 1);
    beat(&fast, &log, "fast", 8.0, 2);
    beat(&group, &log, "group", 3.0, 1);
    group.skip();
    world.flush();
    log.check(&["fast at 8000 ms", "group at 3000 ms", "slow at 1000 ms", "fast at 16000 ms"]);
}

#[test]
fn own_speed_changes_nothing_but_the_frames() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    group.set_speed(0.5);
    beat(&group, &log, "a", 1.0, 2);
    let inner = log.clone();
    group
        .spawn(async move {
            wait_frames(60).await;
            note(&inner, "sixty frames");
        })
        .detach();
    group.skip();
    world.flush();
    log.check(&["sixty frames at 500 ms", "a at 1000 ms", "a at 2000 ms"]);
    let still = TaskGroup::new();
    still.set_speed(0.0);
    beat(&still, &log, "still", 1.0, 2);
    still.skip();
    world.flush();
    log.check(&["still at 1000 ms", "still at 2000 ms"]);
}

#[test]
fn only_what_is_skipped_runs_ahead() {
    let world = World::start();
    let (log, group, other) = (Log::new(), TaskGroup::new(), TaskGroup::new());
    beat(&group, &log, "skipped", 5.0, 1);
    beat(&other, &log, "other", 0.1, 1);
    let outer = group.clock();
    let inner = log.clone();
    spawn(async move {
        outer.wait_seconds(2.0).await;
        inner.push("waited on the skipped clock");
    })
    .detach();
    group.skip();
    world.flush();
    log.check(&["waited on the skipped clock", "skipped at 5000 ms"]);
    world.ticks(6);
    log.check(&["other at 100 ms"]);
}

#[test]
fn until_time_and_real_time() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    let (a, b) = (log.clone(), log.clone());
    group
        .spawn(async move {
            wait_until_time(3.0).await;
            note(&a, "until");
        })
        .detach();
    group
        .spawn(async move {
            wait_real_seconds(2.0).await;
            note(&b, "real");
            wait_real_seconds(2.0).await;
            note(&b, "real");
        })
        .detach();
    let other = spawn(wait_real_seconds(0.5));
    group.skip();
    world.flush();
    // Wall time is looked at in the physics stage too, which comes first in a frame.
    log.check(&["real at 1983 ms", "until at 3000 ms", "real at 3983 ms"]);
    assert!(!other.is_finished());
    world.pass_real(0.5);
    world.tick();
    assert!(other.is_finished());
}

#[test]
fn infinite_waits_are_never_over() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(wait_seconds(f64::INFINITY));
    group.skip();
    world.flush();
    world.ticks(10);
    assert!(!task.is_finished());
}

#[test]
fn own_wakes_wait_for_the_next_frame_of_the_skip() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    beat(&group, &log, "beat", 1.0, 1);
    let inner = log.clone();
    group
        .spawn(async move {
            wait_seconds(0.5).await;
            for _ in 0..3 {
                wake_myself().await;
                note(&inner, "yielded");
            }
        })
        .detach();
    let other = spawn(async {
        wake_myself().await;
        wake_myself().await;
    });
    group.skip();
    world.flush();
    // The physics stage of a frame is a drain of its own.
    log.check(&["yielded at 500 ms", "yielded at 517 ms", "yielded at 517 ms", "beat at 1000 ms"]);
    assert!(!other.is_finished());
}

// ---------------------------------------------------------------- What is waited for from elsewhere

#[test]
fn cues_are_waited_for_in_real_frames() {
    let world = World::start();
    let (log, group, cue) = (Log::new(), TaskGroup::new(), Cue::new());
    let (inner, heard) = (log.clone(), cue.clone());
    group
        .spawn(async move {
            wait_seconds(1.0).await;
            let word: &str = heard.wait().await;
            inner.push(format!("{word}, skipping: {}", is_skipping()));
            wait_seconds(5.0).await;
            inner.push("end");
        })
        .detach();
    group.skip();
    world.flush();
    world.ticks(3);
    log.check(&[]);
    cue.give("now");
    world.flush();
    log.check(&["now, skipping: true", "end"]);
    // A skip that is over is over: who comes later takes the time.
    beat(&group, &log, "late", 0.1, 1);
    world.flush();
    log.check(&[]);
}

#[test]
fn conditions_see_what_the_skip_brings_in_time() {
    let world = World::start();
    let (log, group, open) = (Log::new(), TaskGroup::new(), Rc::new(Cell::new(false)));
    let (a, b, gate) = (log.clone(), log.clone(), open.clone());
    group
        .spawn(async move {
            wait_seconds(1.0).await;
            gate.set(true);
        })
        .detach();
    let each_tick = open.clone();
    group
        .spawn(async move {
            let mut watch = TickWatch::new();
            while !each_tick.get() {
                poll_fn(|cx| watch.poll_tick(cx)).await;
            }
            drop(watch);
            note(&a, "seen at a tick");
            wait_seconds(1.0).await;
            note(&a, "a second later");
        })
        .detach();
    group
        .spawn(async move {
            let mut watch = BeatWatch::for_condition(0.3);
            while !open.get() {
                poll_fn(|cx| watch.poll_beats(cx)).await;
            }
            drop(watch);
            note(&b, "seen at a beat");
        })
        .detach();
    beat(&group, &log, "limit", 9.0, 1);
    group.skip();
    world.flush();
    log.check(&[
        "seen at a tick at 1000 ms",
        "seen at a beat at 1200 ms",
        "a second later at 2000 ms",
        "limit at 9000 ms",
    ]);
}

#[test]
fn conditions_alone_are_checked_in_real_frames() {
    let world = World::start();
    let (group, open, checks) =
        (TaskGroup::new(), Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
    let (gate, counted) = (open.clone(), checks.clone());
    let task = group.spawn(async move {
        let mut watch = BeatWatch::for_condition(0.1);
        while !gate.get() {
            counted.set(counted.get() + 1);
            poll_fn(|cx| watch.poll_beats(cx)).await;
        }
    });
    group.skip();
    world.flush();
    let before = checks.get();
    assert!(before <= 2, "{before}");
    world.ticks(60);
    assert!((9..=11).contains(&(checks.get() - before)), "{}", checks.get() - before);
    open.set(true);
    world.ticks(6);
    assert!(task.is_finished());
}

#[test]
fn waits_of_a_running_task_on_a_clock_that_stands_still() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    let (paused, stopped) = (group.child(), group.child());
    paused.pause();
    stopped.set_speed(0.0);
    let (a, b) = (paused.clock().wait_seconds(3.0), stopped.clock().wait_seconds(2.0));
    let inner = log.clone();
    group
        .spawn(async move {
            a.await;
            note(&inner, "paused");
        })
        .detach();
    let inner = log.clone();
    group
        .spawn(async move {
            b.await;
            note(&inner, "stopped");
        })
        .detach();
    // What is frozen stays so.
    beat(&paused, &log, "frozen", 0.1, 1);
    beat(&group, &log, "beat", 7.0, 1);
    group.skip();
    world.flush();
    log.check(&["beat at 7000 ms", "stopped at 7000 ms", "paused at 7000 ms"]);
    paused.resume();
    world.flush();
    log.check(&["frozen at 100 ms"]);
}

// ---------------------------------------------------------------- Freezing

#[test]
fn frozen_in_the_middle() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    beat(&group, &log, "beat", 1.0, 4);
    let (inner, own) = (log.clone(), group.handle());
    group
        .spawn(async move {
            wait_seconds(2.5).await;
            own.pause();
            inner.push("paused");
        })
        .detach();
    group.skip();
    world.flush();
    world.ticks(5);
    log.check(&["beat at 1000 ms", "beat at 2000 ms", "paused"]);
    group.resume();
    world.tick();
    log.check(&["beat at 3000 ms", "beat at 4000 ms"]);
}

#[test]
fn frozen_when_it_begins() {
    let world = World::start();
    let (log, outer) = (Log::new(), TaskGroup::new());
    let group = outer.child();
    outer.pause();
    beat(&group, &log, "beat", 1.0, 1);
    group.skip();
    world.flush();
    world.ticks(3);
    log.check(&[]);
    outer.resume();
    world.tick();
    log.check(&["beat at 1000 ms"]);
}

#[test]
fn paused_between_the_stages_of_a_frame() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    let physics = group.child();
    physics.set_phase(Phase::Physics);
    let own = group.handle();
    physics
        .spawn(async move {
            wait_seconds(1.0).await;
            own.pause();
        })
        .detach();
    beat(&group, &log, "beat", 1.0, 2);
    group.skip();
    world.flush();
    log.check(&[]);
    group.resume();
    world.tick();
    log.check(&["beat at 1000 ms", "beat at 2000 ms"]);
}

// ---------------------------------------------------------------- Checkpoints

#[test]
fn stops_at_a_checkpoint() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    let inner = log.clone();
    group
        .spawn(async move {
            for label in ["one", "two", "two"] {
                wait_seconds(10.0).await;
                checkpoint(label);
                note(&inner, label);
                inner.push(format!("skipping: {}", is_skipping()));
            }
        })
        .detach();
    group.skip();
    world.flush();
    log.check(&["one at 10000 ms", "skipping: false"]);
    world.ticks(60);
    log.check(&[]);
    group.skip();
    world.flush();
    log.check(&["two at 20000 ms", "skipping: false"]);
    group.skip();
    world.flush();
    log.check(&["two at 30000 ms", "skipping: false"]);
    checkpoint("outside of any task");
}

#[test]
fn checkpoint_in_the_physics_stage_leaves_the_stages_together() {
    let world = World::start();
    let (group, log) = (TaskGroup::new(), Log::new());
    group
        .spawn(async {
            wait_physics_frames(60).await;
            checkpoint("half-way");
        })
        .detach();
    beat(&group, &log, "beat", 1.5, 1);
    group.skip();
    world.flush();
    for _ in 0..29 {
        world.physics_tick();
        world.tick();
    }
    log.check(&[]);
    world.physics_tick();
    world.tick();
    log.check(&["beat at 1500 ms"]);
}

// ---------------------------------------------------------------- Ends

#[test]
fn loop_without_an_end_is_given_up() {
    let world = World::start();
    let group = TaskGroup::new();
    let line = line!() + 2;
    group
        .spawn_named("patrol", async {
            loop {
                wait_seconds(1.0).await;
            }
        })
        .detach();
    let other = spawn(async {
        next_frame().await;
        "the game goes on"
    });
    group.skip();
    world.flush();
    let errors = world.errors();
    assert_eq!(errors.len(), 1);
    let (error, place) = (&errors[0], format!("{}:{line}:", file!()));
    assert!(error.contains("given up") && error.contains("patrol"), "{error}");
    assert!(error.contains(&place), "{error} does not name {place}");
    world.tick();
    assert_eq!(other.take(), Some(Ok("the game goes on")));
    assert_eq!(group.len(), 1);
    // From here on it takes its time, without a word.
    world.ticks(120);
    assert_eq!(world.errors(), [""; 0]);
}

/// Checks that a skip of a script without an end is given up, and names it.
#[track_caller]
fn check_given_up(script: impl FnOnce(GroupHandle) -> std::pin::Pin<Box<dyn Future<Output = ()>>>) {
    let world = World::start();
    let group = TaskGroup::new();
    group.spawn_named("endless", script(group.handle())).detach();
    group.skip();
    world.flush();
    world.tick();
    let errors = world.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("given up") && errors[0].contains("endless"), "{errors:?}");
    group.cancel_all();
    world.flush();
}

#[test]
fn loop_of_yields_is_given_up() {
    check_given_up(|_| {
        Box::pin(async {
            loop {
                wake_myself().await;
            }
        })
    });
}

#[test]
fn loop_of_waits_on_a_clock_that_stands_still_is_given_up() {
    check_given_up(|group| {
        let still = group.child();
        still.pause();
        Box::pin(async move {
            loop {
                still.clock().wait_seconds(1.0).await;
            }
        })
    });
}

#[test]
fn loop_of_conditions_that_come_true_is_given_up() {
    check_given_up(|_| {
        Box::pin(async {
            loop {
                let mut watch = BeatWatch::for_condition(0.1);
                poll_fn(|cx| watch.poll_beats(cx)).await;
            }
        })
    });
}

#[test]
fn long_loops_of_frames_are_not_given_up() {
    let world = World::start();
    let group = TaskGroup::new();
    let task = group.spawn(async {
        for _ in 0..9_000 {
            next_frame().await;
        }
    });
    group.skip();
    world.flush();
    assert!(task.is_finished());
}

#[test]
fn groups_that_are_empty_or_closed() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    group.skip();
    world.flush();
    beat(&group, &log, "beat", 0.1, 1);
    world.flush();
    log.check(&[]);
    group.close();
    group.skip();
    world.flush();
    let gone = group.handle();
    drop(group);
    gone.skip();
}

#[test]
fn what_yields_bring_about_is_seen_in_the_next_frame() {
    let world = World::start();
    let (log, group, open) = (Log::new(), TaskGroup::new(), Cell::new(false));
    let inner = log.clone();
    group
        .spawn(async move {
            wait_seconds(0.01).await;
            let (mut watch, mut limit) = (TickWatch::new(), Box::pin(wait_seconds(1.0)));
            let mut rest = Box::pin(async {
                wake_myself().await;
                wake_myself().await;
                open.set(true);
                note(&inner, "open");
            });
            let mut has_opened = false;
            poll_fn(|cx| {
                // The condition is asked before the rest goes on, so it sees it one frame later.
                let is_seen = watch.poll_tick(cx).is_ready() && open.get();
                has_opened = has_opened || rest.as_mut().poll(cx).is_ready();
                let is_late = limit.as_mut().poll(cx).is_ready();
                if is_seen || is_late { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            note(&inner, "seen");
        })
        .detach();
    group.skip();
    world.flush();
    log.check(&["open at 33 ms", "seen at 50 ms"]);
}

/// Spawns a task in a group that waits on the clock of another.
fn wait_on(door: &GroupHandle, group: &GroupHandle, log: &Log) {
    let (clock, log) = (door.clock(), log.clone());
    group
        .spawn(async move {
            clock.wait_seconds(5.0).await;
            note(&log, "open");
        })
        .detach();
}

#[test]
fn what_a_clock_below_inherits_comes_in_the_same_drain() {
    let world = World::start();
    let (log, scene) = (Log::new(), TaskGroup::new());
    let room = scene.child();
    let door = room.child();
    wait_on(&door, &room, &log);
    // The wait is the room's from here on, which looks at it in its next tick.
    door.close();
    scene.skip();
    world.flush();
    log.check(&["open at 5000 ms"]);
}

#[test]
fn what_a_clock_that_stands_still_inherits_comes_too() {
    let world = World::start();
    let (log, scene) = (Log::new(), TaskGroup::new());
    let room = scene.child();
    let door = room.child();
    room.pause();
    wait_on(&door, &scene, &log);
    door.close();
    scene.skip();
    world.flush();
    log.check(&["open at 0 ms"]);
}

#[test]
fn closed_in_the_middle() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    beat(&group, &log, "beat", 1.0, 4);
    let own = group.handle();
    group
        .spawn(async move {
            wait_seconds(2.5).await;
            own.close();
        })
        .detach();
    group.skip();
    world.flush();
    log.check(&["beat at 1000 ms", "beat at 2000 ms"]);
    assert!(group.is_empty());
    world.ticks(2);
    assert_eq!(engine::counts().groups, 1);
}

#[test]
fn shutdown_in_the_middle_forgets_it() {
    let log = Log::new();
    {
        let world = World::start();
        let root = cuelight_runtime::root_group();
        root.spawn(Cue::<()>::new().wait()).detach();
        root.skip();
        world.flush();
    }
    let world = World::start();
    beat(&cuelight_runtime::root_group(), &log, "beat", 1.0, 1);
    world.flush();
    assert!(!is_skipping());
    log.check(&[]);
}

#[test]
fn one_in_another() {
    let world = World::start();
    let (log, outer) = (Log::new(), TaskGroup::new());
    let inner = outer.child();
    beat(&outer, &log, "outer", 2.0, 2);
    beat(&inner, &log, "inner", 1.5, 2);
    inner.skip();
    outer.skip();
    world.flush();
    log.check(&["inner at 1500 ms", "outer at 2000 ms", "inner at 3000 ms", "outer at 4000 ms"]);
}

#[test]
fn two_side_by_side() {
    let world = World::start();
    let (log, a, b) = (Log::new(), TaskGroup::new(), TaskGroup::new());
    beat(&a, &log, "a", 2.0, 2);
    beat(&b, &log, "b", 1.0, 2);
    a.skip();
    b.skip();
    world.flush();
    // Each is a game of its own: the one that began first goes first.
    log.check(&["a at 2000 ms", "a at 4000 ms", "b at 1000 ms", "b at 2000 ms"]);
}

#[test]
fn begun_by_its_own_task() {
    let world = World::start();
    let (log, group) = (Log::new(), TaskGroup::new());
    beat(&group, &log, "beat", 1.0, 3);
    let inner = log.clone();
    group
        .spawn(async move {
            wait_seconds(1.5).await;
            current_group().skip();
            inner.push(format!("skipping: {}", is_skipping()));
            wait_seconds(10.0).await;
            note(&inner, "end");
        })
        .detach();
    world.ticks(89);
    log.check(&["beat at 1000 ms"]);
    world.tick();
    log.check(&["skipping: true", "beat at 2000 ms", "beat at 3000 ms", "end at 11500 ms"]);
}

#[test]
fn leaves_nothing_behind() {
    let world = World::start();
    let before = engine::counts();
    let (log, group) = (Log::new(), TaskGroup::new());
    beat(&group, &log, "beat", 1.0, 3);
    group.skip();
    world.flush();
    drop(group);
    world.ticks(2);
    assert_eq!(engine::counts(), before);
}
