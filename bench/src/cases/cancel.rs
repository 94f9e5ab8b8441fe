//! Tasks that are cancelled by their handles, one by one: from the first call until all of them have been dropped.

use cuelight::TaskGroup;
use godot::prelude::*;

use super::{Figures, idle_frame, progress, until};
use crate::Options;
use crate::frame::{next_frame, next_frame_with};
use crate::loops::{Counter, cuelight_is_idle, cuelight_loop, godot_task_loop};
use crate::stats::{median, nanoseconds};

pub(super) const CASE: &str = "cancel";

/// How often it is done in a round.
const TIMES: usize = 5;

/// Starts so many loops of "await the next frame" under a node, and returns what cancels them all.
type Start = fn(&Gd<Node>, usize) -> Box<dyn FnOnce()>;

/// GDScript is none of them: who awaits cannot be cancelled there.
const SUBJECTS: [(&str, Start); 2] = [("cuelight", cuelight), ("godot::task", godot_task)];

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    for &n in options.sizes().iter().filter(|&&n| (1_000..=10_000).contains(&n)) {
        let mut figures = SUBJECTS.map(|(name, _)| Figures::new(CASE, name, n));
        for round in 1..=options.rounds() {
            for ((name, start), figures) in SUBJECTS.iter().zip(&mut figures) {
                progress(format!("{CASE}, {name} × {n}, round {round}"));
                figures.rounds.push(measure(*start, n, parent).await);
            }
        }
        figures.into_iter().for_each(Figures::finish);
    }
}

/// Returns the nanoseconds for each of them.
async fn measure(start: Start, n: usize, parent: &Gd<Node>) -> f64 {
    let idle = idle_frame().await;
    let mut lasted = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let cancel = start(parent, n);
        next_frame().await;
        lasted.push(nanoseconds(next_frame_with(cancel).await));
        next_frame().await;
        until("the end of cuelight's tasks", cuelight_is_idle).await;
    }
    (median(lasted) - idle) / n as f64
}

fn cuelight(_parent: &Gd<Node>, n: usize) -> Box<dyn FnOnce()> {
    let (counter, group) = (Counter::default(), TaskGroup::new());
    let tasks: Vec<_> = (0..n).map(|_| group.spawn(cuelight_loop(counter.clone()))).collect();
    Box::new(move || {
        for task in tasks {
            task.cancel();
        }
        drop(group);
    })
}

fn godot_task(parent: &Gd<Node>, n: usize) -> Box<dyn FnOnce()> {
    let (counter, tree) = (Counter::default(), parent.get_tree());
    let task = |_| godot::task::spawn(godot_task_loop(tree.clone(), counter.clone()));
    let tasks: Vec<_> = (0..n).map(task).collect();
    Box::new(move || {
        for task in tasks {
            task.cancel();
        }
    })
}
