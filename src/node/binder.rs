//! The internal child that binds a group to its node: it hears at once what happens to the node, whatever ancestor
//! caused it, and is freed with it.

use godot::classes::node::InternalMode;
use godot::classes::notify::NodeNotification;
use godot::prelude::*;

use super::tasks;

/// What binds a group.
pub(super) type Binding = Gd<Binder>;

/// Binds a node's group. The node is not busy entering or leaving the tree.
pub(super) fn bind(node: &mut Gd<Node>) -> Binding {
    let id = node.instance_id();
    let binder = Gd::from_init_fn(|base| Binder { node: Some(id), base });
    node.add_child_ex(&binder).internal(InternalMode::BACK).done();
    binder
}

/// Takes a binding away, before the code is unloaded.
pub(super) fn unbind(node: InstanceId, binder: Binding) {
    // A tree that is being torn down frees it with its node.
    if binder.is_instance_valid() && Gd::<Node>::try_from_instance_id(node).is_ok() {
        binder.free();
    }
}

/// An internal child of a node with tasks. The node's `get_child_count` and `duplicate` do not see it.
#[derive(GodotClass)]
#[class(init, internal, tool, base = Node, rename = CuelightBinder)]
pub(crate) struct Binder {
    /// The node; kept because the parent is gone when this is dropped.
    node: Option<InstanceId>,
    base: Base<Node>,
}

#[godot_api]
impl INode for Binder {
    fn on_notification(&mut self, what: NodeNotification) {
        if what == NodeNotification::EXTENSION_RELOADED {
            // A hot reload makes it anew, without what it was bound to: the node gets another one at its next script.
            self.to_gd().upcast::<Node>().queue_free();
        }
        let Some(node) = self.node else {
            return;
        };
        let me = || self.to_gd().upcast::<Node>();
        match what {
            NodeNotification::PAUSED | NodeNotification::UNPAUSED => {
                tasks::suspend(node, !tasks::can_process(&me()));
            }
            NodeNotification::DISABLED | NodeNotification::ENABLED => {
                tasks::disabled(node, what == NodeNotification::DISABLED);
                tasks::suspend(node, !tasks::can_process(&me()));
            }
            // It may have been disabled while it was out of the tree, which is not notified.
            NodeNotification::ENTER_TREE => tasks::look(node, &me()),
            NodeNotification::EXIT_TREE => tasks::leaves(node),
            _ => {}
        }
    }
}

impl Drop for Binder {
    fn drop(&mut self) {
        if let Some(node) = self.node {
            tasks::unbind(node);
        }
    }
}
