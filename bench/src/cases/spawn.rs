//! What a start costs, while others are alive.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Instant;

use cuelight::TaskGroup;
use godot::prelude::*;

use super::{Figures, progress, until};
use crate::Options;
use crate::frame::next_frame;
use crate::loops::{self, cuelight_is_idle};
use crate::stats::{median, nanoseconds};

/// Trivial tasks, from spawn to finish.
pub(super) const CASE: &str = "spawn";

/// Loops of "await the next frame", up to their first await.
pub(super) const PARKED_CASE: &str = "spawn_parked";

/// The number of spawns between two looks at the clock.
const BATCH: usize = 1_000;

/// The bounds of the number of batches in a round: the slow ones take a second for twenty.
const FEWEST_BATCHES: usize = 5;
const MOST_BATCHES: usize = 50;

/// Starts so many others under a node, and returns what ends them.
type Start = fn(&Gd<Node>, usize) -> Box<dyn FnOnce()>;

/// A subject: its name, how others are started, and a trivial task from spawn to finish.
struct Subject {
    name: &'static str,
    start: Start,
    spawn: fn(usize),
}

/// In GDScript a coroutine without an await is a call.
const SUBJECTS: [Subject; 3] = [
    Subject { name: "cuelight", start: cuelight_sleepers, spawn: cuelight_spawn },
    Subject { name: "godot::task", start: godot_task_loops, spawn: godot_task_spawn },
    Subject { name: "boxed_direct", start: |_, _| Box::new(|| {}), spawn: boxed_spawn },
];

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    for &n in options.sizes() {
        let mut figures = SUBJECTS.map(|subject| Figures::new(CASE, subject.name, n));
        for round in 1..=options.rounds() {
            for (subject, figures) in SUBJECTS.iter().zip(&mut figures) {
                progress(format!("{CASE}, {}, {n} tasks alive, round {round}", subject.name));
                let end = (subject.start)(parent, n);
                next_frame().await;
                figures.rounds.push(measure(subject, options));
                end();
                next_frame().await;
                until("the end of the sleepers", cuelight_is_idle).await;
            }
        }
        figures.into_iter().for_each(Figures::finish);
    }
}

/// Returns the nanoseconds that one task takes.
fn measure(subject: &Subject, options: &Options) -> f64 {
    let begun_all = Instant::now();
    let mut batches = Vec::with_capacity(MOST_BATCHES);
    while batches.len() < FEWEST_BATCHES
        || (batches.len() < MOST_BATCHES && begun_all.elapsed() < options.budget())
    {
        let begun = Instant::now();
        for number in 0..BATCH {
            (subject.spawn)(number);
        }
        batches.push(nanoseconds(begun.elapsed()) / BATCH as f64);
    }
    median(batches)
}

fn cuelight_sleepers(_parent: &Gd<Node>, n: usize) -> Box<dyn FnOnce()> {
    let sleepers = TaskGroup::new();
    for _ in 0..n {
        let _detached = sleepers.spawn(cuelight::wait_seconds(1e6));
    }
    Box::new(move || drop(sleepers))
}

fn cuelight_spawn(number: usize) {
    let task = cuelight::spawn(async move { black_box(number) });
    debug_assert!(task.is_finished());
    drop(task);
}

fn godot_task_loops(parent: &Gd<Node>, n: usize) -> Box<dyn FnOnce()> {
    let loops = (loops::Subject::GODOT_TASK.start)(parent, n);
    Box::new(move || loops.end())
}

fn godot_task_spawn(number: usize) {
    let task = godot::task::spawn(async move {
        black_box(number);
    });
    debug_assert!(!task.is_pending());
}

fn boxed_spawn(number: usize) {
    let mut future: Pin<Box<dyn Future<Output = usize>>> =
        Box::pin(async move { black_box(number) });
    let mut cx = Context::from_waker(Waker::noop());
    // Otherwise the compiler sees that nobody needs the box.
    assert!(black_box(&mut future).as_mut().poll(&mut cx).is_ready());
}

pub(super) async fn run_parked(options: &Options, parent: &Gd<Node>) {
    let subjects = [
        loops::Subject::CUELIGHT,
        loops::Subject::GODOT_TASK,
        loops::Subject::GDSCRIPT,
        loops::Subject::BOXED_DIRECT,
    ];
    for &n in options.sizes().iter().filter(|&&n| n >= 1_000) {
        let mut figures: Vec<_> =
            subjects.iter().map(|subject| Figures::new(PARKED_CASE, subject.name, n)).collect();
        for round in 1..=options.rounds() {
            for (subject, figures) in subjects.iter().zip(&mut figures) {
                progress(format!("{PARKED_CASE}, {} × {n}, round {round}", subject.name));
                let begun = Instant::now();
                let loops = (subject.start)(parent, n);
                figures.rounds.push(nanoseconds(begun.elapsed()) / n as f64);
                next_frame().await;
                loops.end();
                next_frame().await;
                until("the end of cuelight's tasks", cuelight_is_idle).await;
                until("the end of GDScript's node", || parent.get_child_count() == 0).await;
            }
        }
        figures.into_iter().for_each(Figures::finish);
    }
}
