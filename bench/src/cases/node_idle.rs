//! Nodes with a script that sleeps: what they cost in a frame in which nothing happens to them.

use cuelight::NodeScript as _;
use godot::prelude::*;

use super::{Figures, NODES, idle_frame, progress, until};
use crate::Options;
use crate::frame::next_frame;
use crate::loops::{cuelight_is_idle, nodes_under};

pub(super) const CASE: &str = "node_idle";

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    let mut without = Figures::new(CASE, "nodes alone", NODES);
    let mut with = Figures::new(CASE, "cuelight", NODES);
    for round in 1..=options.rounds() {
        progress(format!("{CASE}, {NODES} nodes, round {round}"));
        let (holder, nodes) = nodes_under(parent, NODES);
        next_frame().await;
        without.rounds.push(idle_frame().await);
        for node in &nodes {
            let _detached = node.spawn_task(|_me| cuelight::wait_seconds(1e6));
        }
        next_frame().await;
        with.rounds.push(idle_frame().await);
        holder.free();
        next_frame().await;
        until("the end of the groups", cuelight_is_idle).await;
    }
    without.finish();
    with.finish();
}
