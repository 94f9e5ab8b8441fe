//! Internal children, of Godot's own class and without cuelight: what the engine takes for what binds a node.

use std::time::Instant;

use godot::classes::node::InternalMode;
use godot::prelude::*;

use super::{Figures, NODES, progress};
use crate::Options;
use crate::frame::next_frame;
use crate::loops::nodes_under;
use crate::stats::nanoseconds;

pub(super) const CASE: &str = "internal_child";

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    let mut adding = Figures::new(CASE, "engine: add", NODES);
    let mut freeing = Figures::new(CASE, "engine: free", NODES);
    for round in 1..=options.rounds() {
        progress(format!("{CASE}, {NODES} nodes, round {round}"));
        let (holder, mut nodes) = nodes_under(parent, NODES);
        next_frame().await;

        let begun = Instant::now();
        let mut children = Vec::with_capacity(NODES);
        for node in &mut nodes {
            let child = Node::new_alloc();
            node.add_child_ex(&child).internal(InternalMode::BACK).done();
            children.push(child);
        }
        let added = begun.elapsed();
        next_frame().await;

        let begun = Instant::now();
        for child in children {
            child.free();
        }
        let freed = begun.elapsed();
        adding.rounds.push(nanoseconds(added) / NODES as f64);
        freeing.rounds.push(nanoseconds(freed) / NODES as f64);
        holder.free();
        next_frame().await;
    }
    adding.finish();
    freeing.finish();
}
