//! The promise of skipping, on random scripts: whatever is skipped, from whichever moment, and from whichever checkpoint
//! it is played, everything happens in the order in which it would have been watched.
//!
//! `SKIP_SCRIPTS=5000` runs more scripts, and `SKIP_SEED=7` other ones.

use std::cell::Cell;
use std::future::pending;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;

use cuelight_combinators::{
    Ease, Timeline, animate, branch, checkpoint, every, is_skipping, join, next_frame, play_from,
    race, scope, skippable, timeout, wait_frames, wait_physics_frames, wait_seconds, wait_until,
    yield_now,
};
use cuelight_runtime::{Cue, current_group, spawn};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::common::{Log, World};

/// The frames after which every script has ended.
const FRAMES: usize = 6_000;

/// The most steps of a script of one level.
const STEPS: usize = 5;

/// What a script does next.
#[derive(Clone, Debug)]
enum Step {
    Note,
    Seconds(f64),
    Frames(u64),
    PhysicsFrames(u64),
    Yield,
    Animate(f64),
    Beats(f64, u8),
    Timeline(Vec<(f64, f64)>, u8),
    Checkpoint,
    Join(Vec<Vec<Step>>),
    Race(Vec<Vec<Step>>),
    Scope(Vec<Vec<Step>>),
    Branch(Vec<Step>),
    Slow(f64, Vec<Step>),
    Timeout(f64, Vec<Step>),
    /// Waits until so many notes have been made, but not longer than so many seconds; how often that is checked.
    Until(usize, f64, Option<f64>),
}

fn seconds() -> impl Strategy<Value = f64> {
    // Hundredths, which are no whole numbers of frames, and some that are.
    prop_oneof![(0..200_u32).prop_map(|it| f64::from(it) / 100.0), Just(0.5), Just(1.0)]
}

fn step() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![
        4 => Just(Step::Note),
        4 => seconds().prop_map(Step::Seconds),
        1 => (0..50_u64).prop_map(Step::Frames),
        1 => (0..50_u64).prop_map(Step::PhysicsFrames),
        1 => Just(Step::Yield),
        1 => seconds().prop_map(Step::Animate),
        1 => (0.05..0.5, 1..5_u8).prop_map(|(period, beats)| Step::Beats(period, beats)),
        1 => (vec((0.0..1.5, 0.0..1.0), 0..4), 1..3_u8)
            .prop_map(|(spans, loops)| Step::Timeline(spans, loops)),
        2 => Just(Step::Checkpoint),
        1 => (0..12_usize, seconds(), proptest::option::of(0.05..0.5))
            .prop_map(|(notes, limit, every)| Step::Until(notes, limit, every)),
    ];
    leaf.prop_recursive(3, 40, 4, |inner| {
        let script = vec(inner, 0..STEPS);
        let scripts = || vec(script.clone(), 1..4);
        prop_oneof![
            scripts().prop_map(Step::Join),
            scripts().prop_map(Step::Race),
            scripts().prop_map(Step::Scope),
            script.clone().prop_map(Step::Branch),
            (0.2..3.0, script.clone()).prop_map(|(speed, script)| Step::Slow(speed, script)),
            (seconds(), script.clone()).prop_map(|(limit, script)| Step::Timeout(limit, script)),
        ]
    })
}

/// What a script writes, and what it has met.
#[derive(Clone)]
struct Stage {
    log: Log,
    notes: Rc<Cell<usize>>,
    checkpoints: Rc<Cell<usize>>,
}

impl Stage {
    fn new() -> Self {
        Self { log: Log::new(), notes: Default::default(), checkpoints: Default::default() }
    }

    fn note(&self, what: &str) {
        self.notes.set(self.notes.get() + 1);
        self.log.push(format!("{what} {:.3}", cuelight_runtime::now()));
    }
}

type Script = Pin<Box<dyn Future<Output = ()>>>;

/// Runs a script, whose place among all of them is its name.
fn run(stage: Stage, name: String, steps: Vec<Step>) -> Script {
    Box::pin(async move {
        for (index, step) in steps.into_iter().enumerate() {
            let name = format!("{name}.{index}");
            let below = |scripts: Vec<Vec<Step>>| -> Vec<Script> {
                let scripts = scripts.into_iter().enumerate();
                scripts.map(|(at, it)| run(stage.clone(), format!("{name}.{at}"), it)).collect()
            };
            match step {
                Step::Note => {}
                Step::Seconds(seconds) => wait_seconds(seconds).await,
                Step::Frames(frames) => wait_frames(frames).await,
                Step::PhysicsFrames(frames) => wait_physics_frames(frames).await,
                Step::Yield => yield_now().await,
                Step::Animate(seconds) => {
                    let end = Cell::new(0.0);
                    animate(seconds, Ease::InQuad, |t| end.set(t)).await;
                    assert_eq!(end.get(), 1.0);
                }
                Step::Beats(period, beats) => {
                    let mut stream = every(period);
                    for _ in 0..beats {
                        stream.next().await;
                        stage.note(&format!("{name} beat"));
                    }
                }
                Step::Timeline(spans, loops) => {
                    let mut timeline = Timeline::new().loops(u32::from(loops));
                    for (at, (start, length)) in spans.into_iter().enumerate() {
                        let (a, b, name) = (stage.clone(), stage.clone(), name.clone());
                        let text = format!("{name} cue {at}");
                        timeline = timeline.at(start, move || a.note(&text));
                        let end = start + length;
                        timeline = timeline.span(start..end, Ease::Linear, move |t| {
                            if t == 1.0 {
                                b.note(&format!("{name} span {at}"));
                            }
                        });
                    }
                    timeline.play().await;
                }
                Step::Checkpoint => {
                    let number = stage.checkpoints.get();
                    stage.checkpoints.set(number + 1);
                    checkpoint(&number.to_string());
                }
                Step::Join(scripts) => drop(join(below(scripts)).await),
                Step::Race(scripts) => race(below(scripts)).await,
                Step::Scope(scripts) => {
                    let scripts = below(scripts);
                    scope(async |s| {
                        for script in scripts {
                            s.spawn(script);
                        }
                        next_frame().await;
                        wait_seconds(0.4).await;
                    })
                    .await;
                }
                Step::Branch(script) => branch(run(stage.clone(), name.clone(), script)).detach(),
                Step::Slow(speed, script) => {
                    let group = current_group().child();
                    group.set_speed(speed);
                    let task = group.spawn(run(stage.clone(), name.clone(), script));
                    let _ = task.await;
                }
                Step::Timeout(limit, script) => {
                    let script = run(stage.clone(), name.clone(), script);
                    let result = timeout(limit, script).await;
                    stage.note(&format!("{name} {result:?}"));
                }
                Step::Until(notes, limit, period) => {
                    let made = stage.notes.clone();
                    let condition = wait_until(move || made.get() >= notes);
                    let condition = condition.every(period.unwrap_or(0.0));
                    let result = timeout(limit, condition).await;
                    stage.note(&format!("{name} {result:?}"));
                }
            }
            stage.note(&name);
        }
    })
}

/// How a script is played.
#[derive(Clone, Copy, Debug)]
enum Play {
    /// To its end. A drain at a frame that nobody would have asked for is one that goes on with what has yielded, so the
    /// comparison with a skip at that frame needs one, too.
    Watched(usize),
    SkippedAfter(usize),
    From(usize),
}

/// As an engine does.
fn flush_if_asked(world: &World) {
    if world.calls() > 0 {
        world.flush();
    }
}

/// Plays a script, frozen for some frames, and returns all that it has done, and the number of its checkpoints.
fn play(steps: &[Step], how: Play, frozen: &Range<usize>) -> (Vec<String>, usize) {
    let world = World::start();
    let stage = Stage::new();
    let whole = run(stage.clone(), "script".to_owned(), steps.to_vec());
    // What is branched off may pass more of them later.
    let passed = Rc::new(Cell::new(0));
    let (met, at_end) = (stage.checkpoints.clone(), passed.clone());
    let script = async move {
        whole.await;
        at_end.set(met.get());
    };
    let (group, key) = (cuelight_runtime::TaskGroup::new(), Cue::new());
    let task = match how {
        Play::From(label) => group.spawn(play_from(label.to_string(), script)),
        Play::SkippedAfter(_) => group.spawn(skippable(script, key.wait())),
        Play::Watched(_) => group.spawn(skippable(script, pending::<()>())),
    };
    let inner = stage.clone();
    let ending = group.spawn(async move {
        let result = task.await;
        inner.log.push(format!("end: {result:?}"));
    });
    for frame in 0..FRAMES {
        if frame == frozen.start {
            group.pause();
        }
        if frame == frozen.end {
            group.resume();
        }
        flush_if_asked(&world);
        match how {
            Play::Watched(drained) if drained == frame => world.flush(),
            Play::SkippedAfter(moment) if moment == frame => {
                key.give(());
                let _asked = world.calls();
                world.flush();
                assert!(
                    group.is_frozen() || ending.is_finished(),
                    "the skip has not come to the end"
                );
            }
            _ => {}
        }
        if group.is_empty() {
            break;
        }
        world.physics_tick();
        flush_if_asked(&world);
        world.tick();
    }
    assert!(group.is_empty(), "{how:?} has not ended");
    assert!(!spawn(async { is_skipping() }).take().unwrap().unwrap());
    (stage.log.take(), passed.get())
}

/// Returns a number of the environment: how many scripts, and from which seed.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: number("SKIP_SCRIPTS").unwrap_or(300) as u32,
        rng_seed: RngSeed::Fixed(number("SKIP_SEED").unwrap_or(0)),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn everything_happens_as_watched(
        steps in vec(step(), 1..8),
        moments in vec(0..300_usize, 6),
        (frozen_at, frozen_for) in (0..200_usize, 0..100_usize),
    ) {
        // A thaw brings a drain of its own, in which what has yielded goes on earlier than without.
        let yields = format!("{steps:?}").contains("Yield");
        let frozen = if yields { 0..0 } else { frozen_at..frozen_at + frozen_for };
        for moment in [0, 1].into_iter().chain(moments) {
            let (watched, _) = play(&steps, Play::Watched(moment), &frozen);
            let (skipped, _) = play(&steps, Play::SkippedAfter(moment), &frozen);
            prop_assert_eq!(&skipped, &watched, "skipped after {} frames", moment);
        }
        let never = usize::MAX..usize::MAX;
        let (watched, checkpoints) = play(&steps, Play::Watched(usize::MAX), &never);
        for label in 0..checkpoints {
            let (played, _) = play(&steps, Play::From(label), &never);
            prop_assert_eq!(&played, &watched, "played from checkpoint {}", label);
        }
    }
}
