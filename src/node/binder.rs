//! The internal child that binds a group to its node: it hears at once what happens to the node, whatever ancestor
//! caused it, and is freed with it.

use godot::classes::notify::NodeNotification;
use godot::prelude::*;

use super::tasks::{can_process, suspend, unbind};

/// An internal child of a node with tasks. The node's `get_child_count` and `duplicate` do not see it.
#[derive(GodotClass)]
#[class(init, internal, tool, base = Node, rename = CuelightBinder)]
pub(crate) struct Binder {
    /// The node; kept because the parent is gone when this is dropped.
    node: Option<InstanceId>,
    base: Base<Node>,
}

impl Binder {
    pub(crate) fn bind_to(&mut self, node: InstanceId) {
        self.node = Some(node);
    }
}

#[godot_api]
impl INode for Binder {
    fn on_notification(&mut self, what: NodeNotification) {
        let on = match what {
            NodeNotification::PAUSED
            | NodeNotification::UNPAUSED
            | NodeNotification::DISABLED
            | NodeNotification::ENABLED
            | NodeNotification::ENTER_TREE => !can_process(&self.to_gd().upcast()),
            // It is still in the tree at this moment.
            NodeNotification::EXIT_TREE => true,
            _ => return,
        };
        if let Some(node) = self.node {
            suspend(node, on);
        }
    }
}

impl Drop for Binder {
    fn drop(&mut self) {
        if let Some(node) = self.node {
            unbind(node);
        }
    }
}
