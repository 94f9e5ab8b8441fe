//! Loops of "await the next frame": what a resume costs.

use godot::prelude::*;

use super::{Figures, NODES, frames, idle_frame, progress, until};
use crate::Options;
use crate::frame::next_frame;
use crate::loops::{Subject, cuelight_is_idle};
use crate::stats::nanoseconds;

/// All in one group, where there are groups.
pub(super) const CASE: &str = "frame_wait";

/// Each in the group of a node of its own.
pub(super) const NODES_CASE: &str = "node_frame_wait";

/// The number of frames before the measured ones.
const WARM_UP: usize = 3;

/// The bounds of the number of measured frames: the slow ones take a second for three.
const FEWEST_FRAMES: usize = 7;
const MOST_FRAMES: usize = 400;

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    let subjects =
        [Subject::CUELIGHT, Subject::GODOT_TASK, Subject::GDSCRIPT, Subject::BOXED_DIRECT];
    for &n in options.sizes() {
        compare(CASE, &subjects, n, options, parent).await;
    }
}

pub(super) async fn run_nodes(options: &Options, parent: &Gd<Node>) {
    for &n in options.sizes().iter().filter(|&&n| n <= NODES) {
        compare(NODES_CASE, &[Subject::CUELIGHT_NODES], n, options, parent).await;
    }
}

/// Measures the subjects in turn, so that what the machine does meanwhile meets all of them.
async fn compare(
    case: &'static str,
    subjects: &[Subject],
    n: usize,
    options: &Options,
    parent: &Gd<Node>,
) {
    let mut figures: Vec<_> =
        subjects.iter().map(|subject| Figures::new(case, subject.name, n)).collect();
    for round in 1..=options.rounds() {
        for (subject, figures) in subjects.iter().zip(&mut figures) {
            progress(format!("{case}, {} × {n}, round {round}", subject.name));
            figures.rounds.push(measure(subject, n, options, parent).await);
        }
    }
    figures.into_iter().for_each(Figures::finish);
}

/// Returns the cost of one resume in nanoseconds: the frame with the loops, less the frame without them.
async fn measure(subject: &Subject, n: usize, options: &Options, parent: &Gd<Node>) -> f64 {
    let idle_before = idle_frame().await;
    let loops = (subject.start)(parent, n);
    let mut last = next_frame().await;
    for _ in 1..WARM_UP {
        last = next_frame().await;
    }
    let count = (nanoseconds(options.budget()) / nanoseconds(last)) as usize;
    let count = count.clamp(FEWEST_FRAMES, MOST_FRAMES);
    let resumed_before = loops.resumes();
    let busy = frames(count).await;
    let resumes = loops.resumes() - resumed_before;
    assert_eq!(resumes, (count * n) as u64, "{}: a resume each in each frame", subject.name);

    loops.end();
    next_frame().await;
    until("the end of cuelight's tasks", cuelight_is_idle).await;
    until("the end of GDScript's node", || parent.get_child_count() == 0).await;
    let idle_after = idle_frame().await;
    (busy - f64::midpoint(idle_before, idle_after)) / n as f64
}
