//! Nodes that are freed with their scripts: from the free until all of them have been dropped.

use cuelight::{NodeScript as _, NodeTasks as _};
use godot::prelude::*;

use super::{Figures, NODES, idle_frame, progress, until};
use crate::Options;
use crate::frame::{next_frame, next_frame_with};
use crate::loops::{cuelight_is_idle, nodes_under};
use crate::stats::nanoseconds;

pub(super) const CASE: &str = "node_free";

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    let mut one = Figures::new(CASE, "one node, a task each", NODES);
    let mut bare = Figures::new(CASE, "nodes alone", NODES);
    let mut bound = Figures::new(CASE, "nodes, a group each", NODES);
    let mut each = Figures::new(CASE, "nodes, a task each", NODES);
    for round in 1..=options.rounds() {
        progress(format!("{CASE}, {NODES} tasks, round {round}"));
        one.rounds.push(
            measure(parent, 1, |nodes| {
                for _ in 0..NODES {
                    let _detached = nodes[0].spawn_task(|_me| cuelight::wait_seconds(1e6));
                }
            })
            .await,
        );
        bare.rounds.push(measure(parent, NODES, |_nodes| {}).await);
        bound.rounds.push(
            measure(parent, NODES, |nodes| {
                for node in nodes {
                    let _group = node.tasks();
                }
            })
            .await,
        );
        each.rounds.push(
            measure(parent, NODES, |nodes| {
                for node in nodes {
                    let _detached = node.spawn_task(|_me| cuelight::wait_seconds(1e6));
                }
            })
            .await,
        );
    }
    for figures in [one, bare, bound, each] {
        figures.finish();
    }
}

/// Returns the nanoseconds for each of them.
async fn measure(parent: &Gd<Node>, nodes: usize, prepare: impl FnOnce(&[Gd<Node>])) -> f64 {
    let (holder, nodes) = nodes_under(parent, nodes);
    prepare(&nodes);
    next_frame().await;
    let idle = idle_frame().await;
    let lasted = next_frame_with(move || holder.free()).await;
    // All is dropped in the same frame.
    until("the end of the tasks", cuelight_is_idle).await;
    (nanoseconds(lasted) - idle) / NODES as f64
}
