//! `skippable`, `unskippable`, `play_from`, `or_skip`

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use cuelight_combinators::{
    Ease, ScriptFutureExt, Timeline, animate, branch, checkpoint, every, is_skipping, join,
    next_frame, play_from, race, scope, select, skippable, timeout, unskippable, wait_frames,
    wait_seconds, wait_until,
};
use cuelight_runtime::{Cue, TaskGroup, current_group, engine, now, spawn};

use crate::check::{check, check_drop, check_frozen, check_panic_after_done};
use crate::common::{Log, Part, World};

/// Writes an event down with the time of the clock, in milliseconds.
fn note(log: &Log, event: &str) {
    log.push(format!("{event} at {} ms", (now() * 1e3).round()));
}

// ---------------------------------------------------------------- skippable

#[test]
fn all_ok() {
    check(
        |log| skippable(Part::new(log, "script", 2, 1), Part::new(log, "skip", 9, ())),
        1,
        &["poll script", "poll skip", "poll script", "drop script", "drop skip", "done"],
    );
}

#[test]
fn skip_is_dropped_when_it_is_ready() {
    check(
        |log| skippable(Part::new(log, "script", 3, 1), Part::new(log, "skip", 1, ())),
        1,
        &[
            "poll script",
            "poll skip",
            "drop skip",
            "poll script",
            "poll script",
            "drop script",
            "done",
        ],
    );
}

#[test]
fn drop_order() {
    check_drop(
        |log| skippable(Part::new(log, "script", 9, ()), Part::new(log, "skip", 9, ())),
        &["poll script", "poll skip", "dropped", "drop script", "drop skip"],
    );
    check_drop(
        |log| unskippable(Part::new(log, "script", 9, ())),
        &["poll script", "dropped", "drop script"],
    );
    check_drop(
        |log| play_from("", Part::new(log, "script", 9, ())),
        &["poll script", "dropped", "drop script"],
    );
    check_drop(
        |log| Part::new(log, "script", 9, ()).or_skip(()),
        &["poll script", "dropped", "drop script"],
    );
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| skippable(std::future::ready(1), pending::<()>()));
    check_panic_after_done(|| unskippable(std::future::ready(1)));
    check_panic_after_done(|| play_from("", std::future::ready(1)));
    check_panic_after_done(|| std::future::ready(1).or_skip(2));
}

#[test]
fn frozen() {
    check_frozen(|| skippable(wait_frames(2), pending::<()>()));
    check_frozen(|| unskippable(wait_frames(2)));
    check_frozen(|| play_from("", wait_frames(2)));
}

#[test]
fn the_rest_runs_at_once_and_in_order() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let scene = async move {
        let beats = async {
            for _ in 0..3 {
                wait_seconds(1.0).await;
                note(&inner, "beat");
            }
        };
        let walk = animate(2.5, Ease::Linear, |t| {
            if t == 0.0 || t == 1.0 {
                note(&inner, &format!("walk {t}"));
            }
        });
        join((beats, walk)).await;
        note(&inner, "end");
        inner.push(format!("skipping: {}", is_skipping()));
    };
    let task = spawn(skippable(scene, pressed));
    log.check(&["walk 0 at 0 ms"]);
    world.ticks(61);
    log.check(&["beat at 1000 ms"]);
    key.give(());
    world.flush();
    log.check(&[
        "beat at 2000 ms",
        "walk 1 at 2500 ms",
        "beat at 3000 ms",
        "end at 3000 ms",
        "skipping: true",
    ]);
    assert!(task.is_finished());
    world.tick();
    assert_eq!(engine::counts().groups, 1);
}

#[test]
fn its_clock_is_its_own() {
    let world = World::start();
    world.ticks(60);
    let task = spawn(async {
        let outer = current_group();
        let inner = skippable(
            async {
                let start = now();
                wait_seconds(10.0).await;
                (start, now().round(), current_group())
            },
            wait_seconds(1.0),
        );
        let (start, end, group) = inner.await;
        (start, end, group != outer, now().round())
    });
    world.ticks(61);
    assert_eq!(task.take(), Some(Ok((0.0, 10.0, true, 2.0))));
}

#[test]
fn animations_call_their_end_only() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let scene = async move {
        animate(0.1, Ease::Linear, |t| inner.push(format!("{t:.2}"))).await;
        animate(5.0, Ease::Linear, |t| inner.push(format!("{t:.2}"))).await;
    };
    spawn(skippable(scene, pressed)).detach();
    world.tick();
    key.give(());
    world.flush();
    log.check(&["0.00", "0.17", "1.00", "1.00"]);
}

#[test]
fn what_was_branched_off_is_skipped_along() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let scene = async move {
        let (a, b) = (inner.clone(), inner.clone());
        branch(async move {
            wait_seconds(2.0).await;
            note(&a, "short branch");
        })
        .detach();
        branch(async move {
            wait_seconds(4.0).await;
            note(&b, "long branch");
        })
        .detach();
        wait_seconds(3.0).await;
        note(&inner, "script");
    };
    let task = spawn(skippable(scene, pressed));
    key.give(());
    world.flush();
    log.check(&["short branch at 2000 ms", "script at 3000 ms"]);
    assert!(task.is_finished());
    // What has not ended with the script goes on at its own speed, and its clock ends with it.
    assert_eq!(engine::counts().groups, 2);
    world.ticks(59);
    log.check(&[]);
    world.ticks(2);
    log.check(&["long branch at 4000 ms"]);
    assert_eq!(engine::counts().groups, 1);
}

#[test]
fn signals_are_waited_for_unless_they_have_an_answer() {
    let (world, log, cue) = (World::start(), Log::new(), Cue::new());
    let (inner, heard) = (log.clone(), cue.clone());
    let scene = async move {
        inner.push(pending::<&str>().or_skip("answered").await);
        inner.push(heard.wait().await);
        inner.push(heard.wait().or_skip("answered at once").await);
    };
    let task = spawn(skippable(scene, wait_seconds(1.0)));
    world.ticks(61);
    log.check(&["answered"]);
    world.ticks(60);
    log.check(&[]);
    cue.give("heard");
    world.flush();
    log.check(&["heard", "answered at once"]);
    assert!(task.is_finished());
}

#[test]
fn or_skip_without_a_skip() {
    let (world, log) = (World::start(), Log::new());
    let make = |log: &Log| Part::new(log, "future", 2, "its own").or_skip("the answer");
    check(make, "its own", &["poll future", "poll future", "drop future", "done"]);
    drop(world);
    let _ = log;
}

#[test]
fn conditions_with_a_limit_come_out_as_watched() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let scene = async move {
        let fallen = Cell::new(false);
        let bridge = async {
            wait_seconds(2.0).await;
            fallen.set(true);
        };
        let watcher = timeout(5.0, wait_until(|| fallen.get()));
        let sleeper = timeout(3.0, wait_until(|| fallen.get()).every(0.7));
        let ((), seen, seen_late) = join((bridge, watcher, sleeper)).await;
        inner.push(format!("{seen:?}, {seen_late:?}"));
        note(&inner, "end");
    };
    spawn(skippable(scene, pressed)).detach();
    key.give(());
    world.flush();
    log.check(&["Ok(()), Ok(())", "end at 2100 ms"]);
}

#[test]
fn streams_of_beats() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let scene = async move {
        let mut beats = every(0.5);
        for _ in 0..3 {
            assert_eq!(beats.next().await, 1);
            note(&inner, "beat");
        }
    };
    spawn(skippable(scene, pressed)).detach();
    key.give(());
    world.flush();
    log.check(&["beat at 500 ms", "beat at 1000 ms", "beat at 1500 ms"]);
}

#[test]
fn loop_without_an_end_is_given_up_and_goes_on() {
    let (world, key) = (World::start(), Cue::new());
    let rounds = Rc::new(Cell::new(0));
    let (counted, pressed) = (rounds.clone(), key.wait());
    let scene = async move {
        loop {
            wait_seconds(1.0).await;
            counted.set(counted.get() + 1);
        }
    };
    let task = cuelight_runtime::spawn_named("gulls", skippable(scene, pressed));
    key.give(());
    world.flush();
    let errors = world.errors();
    assert!(errors.len() == 1 && errors[0].contains("gulls"), "{errors:?}");
    let before = rounds.get();
    world.ticks(121);
    assert_eq!(rounds.get(), before + 2);
    assert!(!task.is_finished());
}

#[test]
fn frozen_and_freed_in_the_middle() {
    let (world, log, group) = (World::start(), Log::new(), TaskGroup::new());
    let (inner, own) = (log.clone(), group.handle());
    let key = Cue::new();
    let pressed = key.wait();
    let scene = async move {
        let _guard = inner.guard("stage");
        wait_seconds(1.0).await;
        inner.push("one");
        own.pause();
        wait_seconds(1.0).await;
        inner.push("two");
        own.close();
        wait_seconds(1.0).await;
        inner.push("three");
    };
    group.spawn(skippable(scene, pressed)).detach();
    key.give(());
    world.flush();
    world.ticks(3);
    log.check(&["one"]);
    group.resume();
    world.ticks(2);
    log.check(&["two", "drop stage"]);
    world.ticks(2);
    assert_eq!(engine::counts().groups, 1);
}

#[test]
fn timelines_call_cues_in_time_and_ends_only() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let scene = async move {
        let cue = |name: &'static str| {
            let log = inner.clone();
            move || note(&log, name)
        };
        let span = |name: &'static str| {
            let log = inner.clone();
            move |t: f64| note(&log, &format!("{name} {t:.1}"))
        };
        let nested = Timeline::new().at(0.0, cue("nested start")).at(0.75, cue("nested cue"));
        let timeline = Timeline::new()
            .at(1.0, cue("cue"))
            .span(0.5..2.5, Ease::Linear, span("span"))
            .at(3.0, cue("last"))
            .nest(1.0, nested)
            .loops(2);
        let beats = async {
            for _ in 0..4 {
                wait_seconds(1.1).await;
                note(&inner, "beat");
            }
        };
        join((timeline.play(), beats)).await;
        note(&inner, "end");
    };
    spawn(skippable(scene, pressed)).detach();
    log.check(&[]);
    key.give(());
    world.flush();
    log.check(&[
        "cue at 1000 ms",
        "nested start at 1000 ms",
        "beat at 1100 ms",
        "nested cue at 1750 ms",
        "beat at 2200 ms",
        "span 1.0 at 2500 ms",
        "last at 3000 ms",
        "beat at 3300 ms",
        "cue at 4000 ms",
        "nested start at 4000 ms",
        "beat at 4400 ms",
        "nested cue at 4750 ms",
        "span 1.0 at 5500 ms",
        "last at 6000 ms",
        "end at 6000 ms",
    ]);
}

#[test]
fn a_timeline_that_is_paused_holds_the_skip_up() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let timeline = Timeline::new().at(5.0, || {});
    let (playing, steered) = (timeline.clone(), timeline);
    steered.pause();
    let task = spawn(skippable(
        async move {
            playing.play().await;
            note(&inner, "end");
        },
        pressed,
    ));
    key.give(());
    world.flush();
    world.ticks(10);
    assert!(!task.is_finished());
    steered.resume();
    world.flush();
    log.check(&["end at 5167 ms"]);
}

// ---------------------------------------------------------------- unskippable

#[test]
fn keeps_its_own_time() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let scene = async move {
        wait_seconds(10.0).await;
        let choice = unskippable(async {
            let start = now();
            inner.push(format!("skipping: {}", is_skipping()));
            next_frame().await;
            wait_seconds(1.0).await;
            (start, (now() * 60.0).round())
        });
        let meanwhile = async {
            wait_seconds(30.0).await;
            inner.push("meanwhile");
        };
        let (choice, ()) = join((choice, meanwhile)).await;
        inner.push(format!("{choice:?}, skipping: {}", is_skipping()));
        wait_seconds(10.0).await;
        note(&inner, "end");
    };
    spawn(skippable(scene, pressed)).detach();
    key.give(());
    world.flush();
    log.check(&["skipping: false", "meanwhile"]);
    world.ticks(60);
    log.check(&[]);
    world.tick();
    // Forty seconds skipped, a second and a frame watched, ten skipped.
    log.check(&["(0.0, 61.0), skipping: true", "end at 51017 ms"]);
}

#[test]
fn skippable_inside_of_unskippable() {
    let (world, log, outer, inner_key) = (World::start(), Log::new(), Cue::new(), Cue::new());
    let (inner, pressed, inner_pressed) = (log.clone(), outer.wait(), inner_key.wait());
    let scene = async move {
        let replay = async {
            wait_seconds(5.0).await;
            note(&inner, "replay");
        };
        unskippable(skippable(replay, inner_pressed)).await;
        wait_seconds(5.0).await;
        inner.push("end");
    };
    spawn(skippable(scene, pressed)).detach();
    outer.give(());
    world.flush();
    world.ticks(3);
    log.check(&[]);
    inner_key.give(());
    world.flush();
    log.check(&["replay at 5000 ms", "end"]);
}

#[test]
fn slow_motion_holds_for_it() {
    let (world, key) = (World::start(), Cue::new());
    let pressed = key.wait();
    let group = TaskGroup::new();
    group.set_speed(0.5);
    let task = group.spawn(skippable(unskippable(wait_seconds(0.5)), pressed));
    key.give(());
    world.flush();
    world.ticks(59);
    assert!(!task.is_finished());
    world.ticks(2);
    assert!(task.is_finished());
}

// ---------------------------------------------------------------- play_from

/// A scene of three places.
async fn journey(log: Log) {
    for place in ["woods", "bridge", "castle"] {
        checkpoint(place);
        note(&log, place);
        wait_seconds(10.0).await;
    }
    note(&log, "end");
}

#[test]
fn plays_from_a_checkpoint() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(play_from("bridge", journey(log.clone())));
    world.flush();
    log.check(&["woods at 0 ms", "bridge at 10000 ms"]);
    world.ticks(599);
    log.check(&[]);
    world.ticks(601);
    log.check(&["castle at 20000 ms", "end at 30000 ms"]);
    assert!(task.is_finished());
}

#[test]
fn plays_from_the_start() {
    let (world, log) = (World::start(), Log::new());
    spawn(play_from("", journey(log.clone()))).detach();
    world.flush();
    log.check(&["woods at 0 ms"]);
}

#[test]
fn no_such_checkpoint() {
    let (world, log) = (World::start(), Log::new());
    let line = line!() + 1;
    let task = spawn(play_from("brigde", journey(log.clone())));
    world.flush();
    log.check(&["woods at 0 ms", "bridge at 10000 ms", "castle at 20000 ms", "end at 30000 ms"]);
    assert!(task.is_finished());
    let errors = world.errors();
    assert_eq!(errors.len(), 1);
    let expected = format!(
        "play_from(\"brigde\") at {}:{line}:22: the script has ended, and passed no checkpoint of that name; it \
         passed: \"woods\", \"bridge\", \"castle\"",
        file!()
    );
    assert_eq!(errors[0], expected);
    let task = spawn(play_from("anywhere", async {}));
    assert!(task.is_finished());
    let errors = world.errors();
    assert!(errors[0].ends_with("it passed: none"), "{errors:?}");
}

#[test]
fn same_checkpoint_twice() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(play_from("again", async move {
        for _ in 0..3 {
            wait_seconds(1.0).await;
            checkpoint("again");
            note(&inner, "again");
        }
    }))
    .detach();
    world.flush();
    log.check(&["again at 1000 ms"]);
    world.ticks(121);
    log.check(&["again at 2000 ms", "again at 3000 ms"]);
}

#[test]
fn checkpoint_in_a_branch_and_inside_of_unskippable() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(play_from("there", async move {
        branch(async {
            wait_seconds(3.0).await;
            checkpoint("there");
        })
        .detach();
        wait_seconds(10.0).await;
        note(&inner, "end");
    }))
    .detach();
    spawn(play_from("inside", unskippable(async { checkpoint("inside") }))).detach();
    world.flush();
    world.ticks(7 * 60 - 1);
    log.check(&[]);
    world.ticks(2);
    log.check(&["end at 10000 ms"]);
}

#[test]
fn skipped_after_it_plays_from_somewhere() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let task = spawn(skippable(play_from("bridge", journey(log.clone())), key.wait()));
    world.flush();
    log.check(&["woods at 0 ms", "bridge at 10000 ms"]);
    world.ticks(60);
    key.give(());
    world.flush();
    log.check(&["castle at 20000 ms", "end at 30000 ms"]);
    assert!(task.is_finished());
}

// ---------------------------------------------------------------- Others

#[test]
fn races_scopes_and_guards() {
    let (world, log, key) = (World::start(), Log::new(), Cue::new());
    let (inner, pressed) = (log.clone(), key.wait());
    let won = Rc::new(RefCell::new(Vec::new()));
    let winners = won.clone();
    let scene = async move {
        let _guard = inner.guard("stage");
        let first = race((
            async {
                wait_seconds(9.0).await;
                "slow"
            },
            async {
                wait_seconds(3.0).await;
                "fast"
            },
        ));
        let first = first.await;
        winners.borrow_mut().push(first);
        scope(async |s| {
            s.spawn(async {
                wait_seconds(2.0).await;
                note(&inner, "child");
            });
            wait_seconds(1.0).await;
            note(&inner, "body");
            wait_seconds(2.0).await;
        })
        .await;
        let _ = select((wait_seconds(1.0), pending::<()>())).await;
        note(&inner, "end");
    };
    spawn(skippable(scene, pressed)).detach();
    key.give(());
    world.flush();
    log.check(&["body at 4000 ms", "child at 5000 ms", "end at 7000 ms", "drop stage"]);
    assert_eq!(*won.borrow(), ["fast"]);
}

#[test]
fn never_polled() {
    let _world = World::start();
    drop(skippable(pending::<()>(), pending::<()>()));
    drop(unskippable(pending::<()>()));
    drop(play_from("a", pending::<()>()));
    assert_eq!(engine::counts().groups, 1);
}
