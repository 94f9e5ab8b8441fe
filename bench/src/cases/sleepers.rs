//! Scripts that sleep for long: what they cost in a frame in which none of them wakes.

use std::time::Instant;

use cuelight::TaskGroup;
use godot::classes::{GDScript, SceneTreeTimer};
use godot::prelude::*;
use godot::task::TaskHandle;

use super::{Figures, progress, until};
use crate::Options;
use crate::frame::next_frame;
use crate::loops::cuelight_is_idle;
use crate::stats::{median, nanoseconds};

pub(super) const CASE: &str = "sleepers";

const SECONDS: f64 = 1e6;

/// The number of frames before the measured ones, and of these.
const WARM_UP: usize = 3;
const FRAMES: usize = 60;

/// Starts so many sleepers under a node, and returns what ends them.
type Start = fn(&Gd<Node>, usize) -> Box<dyn FnOnce()>;

/// The first is the frame without any.
const SUBJECTS: [(&str, Start); 4] = [
    ("none", |_, _| Box::new(|| {})),
    ("cuelight", cuelight),
    ("godot::task", godot_task),
    ("gdscript", gdscript),
];

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    // A hundred thousand, or less if it has to be quick.
    let n = options.sizes().iter().copied().max().unwrap_or_default();
    let mut figures = SUBJECTS.map(|(name, _)| Figures::new(CASE, name, n));
    for round in 1..=options.rounds() {
        for ((name, start), figures) in SUBJECTS.iter().zip(&mut figures) {
            progress(format!("{CASE}, {name} × {n}, round {round}"));
            figures.rounds.push(measure(*start, n, parent).await);
        }
    }
    figures.into_iter().for_each(Figures::finish);
}

/// Returns how long a frame takes, in nanoseconds, from one to the next: the engine's timers come after all nodes, where
/// the frame of the other cases has ended.
async fn measure(start: Start, n: usize, parent: &Gd<Node>) -> f64 {
    let end = start(parent, n);
    for _ in 0..WARM_UP {
        next_frame().await;
    }
    let mut lasted = Vec::with_capacity(FRAMES);
    let mut before = Instant::now();
    for _ in 0..FRAMES {
        next_frame().await;
        let now = Instant::now();
        lasted.push(nanoseconds(now - before));
        before = now;
    }
    end();
    for _ in 0..WARM_UP {
        next_frame().await;
    }
    until("the end of cuelight's tasks", cuelight_is_idle).await;
    until("the end of GDScript's node", || parent.get_child_count() == 0).await;
    median(lasted)
}

fn cuelight(_parent: &Gd<Node>, n: usize) -> Box<dyn FnOnce()> {
    let group = TaskGroup::new();
    for _ in 0..n {
        let _detached = group.spawn(cuelight::wait_seconds(SECONDS));
    }
    Box::new(move || drop(group))
}

/// It has no waits of its own: a timer of the engine's for each.
fn godot_task(parent: &Gd<Node>, n: usize) -> Box<dyn FnOnce()> {
    let mut tree = parent.get_tree();
    let sleepers: Vec<(TaskHandle, Gd<SceneTreeTimer>)> = (0..n)
        .map(|_| {
            let timer = tree.create_timer(SECONDS);
            let timeout = timer.signals().timeout().to_future();
            (godot::task::spawn(timeout), timer)
        })
        .collect();
    Box::new(move || {
        for (task, mut timer) in sleepers {
            task.cancel();
            // It would stay in the tree.
            timer.set_time_left(0.0);
        }
    })
}

fn gdscript(parent: &Gd<Node>, n: usize) -> Box<dyn FnOnce()> {
    let mut node = Node::new_alloc();
    node.set_script(&load::<GDScript>("res://sleepers.gd"));
    parent.clone().add_child(&node);
    node.call("start", &[(n as i64).to_variant(), SECONDS.to_variant()]);
    Box::new(move || {
        node.call("end", &[]);
        node.queue_free();
    })
}
