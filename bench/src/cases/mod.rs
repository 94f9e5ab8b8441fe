//! The cases, one after the other.

mod allocations;
mod cancel;
mod enemies;
mod frame_wait;
mod internal_child;
mod memory;
mod node_bind;
mod node_free;
mod node_idle;
mod rehearsal;
mod signals;
mod sleepers;
mod spawn;

use godot::prelude::*;

use crate::frame::next_frame;
use crate::stats::{median, nanoseconds};
use crate::{Line, Measurement, Options};

/// The number of nodes in the cases about nodes.
const NODES: usize = 10_000;

/// The number of frames that an idle frame is measured in.
const IDLE_FRAMES: usize = 200;

/// Runs the cases that were asked for. What is measured hangs its nodes under `parent`.
pub(crate) async fn run(options: Options, parent: Gd<Node>) {
    let version = godot::classes::Engine::singleton().get_version_info().at("string");
    println!("{}", Line::Version(version.to_string()));
    // The engine's own start is over after a few frames.
    for _ in 0..60 {
        next_frame().await;
    }
    if options.has(memory::CASE) {
        memory::run(&options, &parent).await;
    }
    if options.has(allocations::CASE) {
        allocations::run(&options, &parent).await;
    }
    if options.has(frame_wait::CASE) {
        frame_wait::run(&options, &parent).await;
    }
    // Before all that is about nodes: those leave holes in the heap, and where a new task lies would be chance.
    if options.has(spawn::CASE) {
        spawn::run(&options, &parent).await;
    }
    if options.has(spawn::PARKED_CASE) {
        spawn::run_parked(&options, &parent).await;
    }
    if options.has(frame_wait::NODES_CASE) {
        frame_wait::run_nodes(&options, &parent).await;
    }
    if options.has(sleepers::CASE) {
        sleepers::run(&options, &parent).await;
    }
    if options.has(cancel::CASE) {
        cancel::run(&options, &parent).await;
    }
    if options.has(node_bind::CASE) {
        node_bind::run(&options, &parent).await;
    }
    if options.has(node_idle::CASE) {
        node_idle::run(&options, &parent).await;
    }
    if options.has(node_free::CASE) {
        node_free::run(&options, &parent).await;
    }
    if options.has(internal_child::CASE) {
        internal_child::run(&options, &parent).await;
    }
    if options.has(signals::WAIT_CASE) {
        signals::run_wait(&options, &parent).await;
    }
    if options.has(signals::STREAM_CASE) {
        signals::run_stream(&options, &parent).await;
    }
    if options.has(signals::MANY_CASE) {
        signals::run_many(&options, &parent).await;
    }
    if options.has(enemies::CASE) {
        enemies::run(&options, &parent).await;
    }
    if options.has(rehearsal::CASE) {
        rehearsal::run(&options);
    }
}

/// The rounds of one result.
struct Figures {
    case: &'static str,
    subject: &'static str,
    n: usize,
    unit: &'static str,
    /// One figure a round.
    rounds: Vec<f64>,
}

impl Figures {
    fn new(case: &'static str, subject: &'static str, n: usize) -> Self {
        Self { case, subject, n, unit: "ns", rounds: Vec::new() }
    }

    /// Counts something else than nanoseconds.
    fn with_unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Prints the result.
    fn finish(self) {
        let measurement = Measurement {
            case: self.case.to_owned(),
            subject: self.subject.to_owned(),
            n: self.n,
            low: hundredths(self.rounds.iter().copied().fold(f64::INFINITY, f64::min)),
            high: hundredths(self.rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            value: hundredths(median(self.rounds)),
            unit: self.unit.to_owned(),
        };
        println!("{}", Line::Measurement(measurement));
    }
}

/// A hundredth of a nanosecond is less than any clock here tells.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn progress(text: String) {
    println!("{}", Line::Progress(text));
}

/// Returns how long a frame lasts in which nothing of ours is done, in nanoseconds.
async fn idle_frame() -> f64 {
    frames(IDLE_FRAMES).await
}

/// Returns the median of some frames, in nanoseconds.
async fn frames(count: usize) -> f64 {
    let mut lasted = Vec::with_capacity(count);
    for _ in 0..count {
        lasted.push(nanoseconds(next_frame().await));
    }
    median(lasted)
}

/// Waits for something in the next frames.
///
/// # Panics
/// If it does not come.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..100 {
        if condition() {
            return;
        }
        next_frame().await;
    }
    panic!("{what}: not within a hundred frames");
}
