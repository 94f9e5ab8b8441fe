//! The figures of a crowd: how long the scripts took in each frame, and what was left at the end.

use std::cell::Cell;
use std::time::{Duration, Instant};

use cuelight::engine::{self, Counts};
use godot::classes::{ISceneTree, SceneTree};
use godot::prelude::*;

use super::field::Tally;
use super::options::Options;

thread_local! {
    /// When the frame began.
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The scene tree of the project: its `_process` is the first thing in a frame. Then come `process_frame`, in which
/// scripts resume, and what was deferred; and then the nodes' own `_process`, which is the end of the scripts' time.
#[derive(GodotClass)]
#[class(init, base = SceneTree)]
struct ArenaTree {
    base: Base<SceneTree>,
}

#[godot_api]
impl ISceneTree for ArenaTree {
    fn process(&mut self, _delta: f64) -> bool {
        BEGUN.set(Some(Instant::now()));
        false
    }
}

/// Returns how long this frame's scripts took; called by the first node's `_process`.
pub fn script_time() -> Option<Duration> {
    BEGUN.take().map(|begun| begun.elapsed())
}

/// Prints the figures, and returns whether nothing is left behind.
pub fn print(options: &Options, tally: &Tally, mut times: Vec<Duration>, before: Counts) -> bool {
    times.sort();
    let at = |part: f64| {
        let index = (times.len() as f64 * part) as usize;
        times.get(index.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    godot_print!(
        "{} enemies, seed {}: {} frames measured",
        options.agents,
        options.seed,
        times.len()
    );
    godot_print!(
        "scripts    {:.3} ms a frame (median), {:.3} ms (p99)",
        milliseconds(at(0.5)),
        milliseconds(at(0.99))
    );
    let (polls, first) = (tally.polls.get(), tally.first_polls.get());
    godot_print!("polls      {polls}, of them {} resumes", polls - first);
    godot_print!(
        "spawns     {}, of them {} out of the pool",
        tally.spawns.get(),
        tally.reused.get()
    );
    godot_print!(
        "deaths     {} by {} blows; {} freed in the middle of something",
        tally.deaths.get(),
        tally.blows.get(),
        tally.freed.get()
    );
    let after = engine::counts();
    godot_print!(
        "left       {} tasks, {} groups (before: {}), {} waits",
        after.tasks,
        after.groups,
        before.groups,
        after.waits
    );
    after == before
}
