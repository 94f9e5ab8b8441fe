//! What binds a group to its node in a library that has no classes in the engine: its end is heard of at once, all else is
//! asked for in each frame.

use std::cell::RefCell;
use std::mem;

use godot::prelude::*;

use super::freed::{Watch, Watcher};
use super::tasks;

thread_local! {
    /// The nodes that are asked, in the order of their binding.
    static ASKED: RefCell<Vec<InstanceId>> = const { RefCell::new(Vec::new()) };
}

/// What binds a group.
pub(super) type Binding = Watch;

/// Binds a node's group.
pub(super) fn bind(node: &mut Gd<Node>) -> Binding {
    ASKED.with_borrow_mut(|asked| asked.push(node.instance_id()));
    Watch::new(node, Watcher::Node)
}

/// Takes a binding away, before the code is unloaded.
pub(super) fn unbind(_node: InstanceId, watch: Binding) {
    drop(watch);
    ASKED.with_borrow_mut(Vec::clear);
}

/// Asks each node that has a group how it is.
pub(crate) fn ask() {
    let mut asked = ASKED.with_borrow_mut(mem::take);
    asked.retain(|&id| match Gd::<Node>::try_from_instance_id(id) {
        Ok(node) => {
            tasks::look(id, &node);
            true
        }
        Err(_) => false,
    });
    ASKED.with_borrow_mut(|now| {
        // What was bound meanwhile comes behind.
        asked.append(now);
        *now = asked;
    });
}
