//! Trivial tasks, from spawn to finish, while others are alive.

use std::hint::black_box;
use std::time::Instant;

use cuelight::TaskGroup;

use super::{Figures, progress, until};
use crate::Options;
use crate::frame::next_frame;
use crate::loops::cuelight_is_idle;
use crate::stats::{median, nanoseconds};

pub(super) const CASE: &str = "spawn";

/// The number of spawns between two looks at the clock.
const BATCH: usize = 1_000;

/// The number of batches in a round.
const BATCHES: usize = 50;

pub(super) async fn run(options: &Options) {
    for &n in options.sizes() {
        let mut figures = Figures::new(CASE, "cuelight", n);
        for round in 1..=options.rounds() {
            progress(format!("{CASE}, {n} tasks alive, round {round}"));
            let sleepers = TaskGroup::new();
            for _ in 0..n {
                let _detached = sleepers.spawn(cuelight::wait_seconds(1e6));
            }
            next_frame().await;
            figures.rounds.push(measure());
            drop(sleepers);
            next_frame().await;
            until("the end of the sleepers", cuelight_is_idle).await;
        }
        figures.finish();
    }
}

/// Returns the nanoseconds that one task takes.
fn measure() -> f64 {
    let batches = (0..BATCHES).map(|_| {
        let begun = Instant::now();
        for number in 0..BATCH {
            let task = cuelight::spawn(async move { black_box(number) });
            debug_assert!(task.is_finished());
            drop(task);
        }
        nanoseconds(begun.elapsed()) / BATCH as f64
    });
    median(batches.collect())
}
