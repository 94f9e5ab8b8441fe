//! Binding nodes: from the first `tasks()` until the group hears what happens to its node.

use cuelight::NodeTasks as _;
use godot::prelude::*;

use super::{Figures, NODES, idle_frame, progress, until};
use crate::Options;
use crate::frame::{next_frame, next_frame_with};
use crate::loops::{cuelight_is_idle, nodes_under};
use crate::stats::nanoseconds;

pub(super) const CASE: &str = "node_bind";

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    let mut figures = Figures::new(CASE, "cuelight", NODES);
    for round in 1..=options.rounds() {
        progress(format!("{CASE}, {NODES} nodes, round {round}"));
        let (holder, nodes) = nodes_under(parent, NODES);
        let idle = idle_frame().await;
        let used = nodes.clone();
        // The binding itself is put off to the next clean stack, which is in the same frame.
        let lasted = next_frame_with(move || {
            for node in &used {
                let _group = node.tasks();
            }
        });
        let lasted = nanoseconds(lasted.await);
        let is_bound =
            |node: &Gd<Node>| node.get_child_count_ex().include_internal(true).done() == 1;
        assert!(nodes.iter().all(is_bound), "a node is bound in the frame of its first use");
        figures.rounds.push((lasted - idle) / NODES as f64);
        holder.free();
        next_frame().await;
        until("the end of the groups", cuelight_is_idle).await;
    }
    figures.finish();
}
