//! An internal child of a node hears at once what happens to the node: that it is paused or disabled, by whatever
//! ancestor, that it enters or leaves the tree, and that it is freed.
//!
//! The groups of nodes rest on it: such a child freezes a node's tasks, and ends them with the node.

use godot::classes::node::{InternalMode, ProcessMode};
use godot::classes::notify::NodeNotification;
use godot::prelude::*;

use crate::Setup;
use crate::inside::{Context, Log};

engine_test!(hears_the_pause_of_the_tree);
async fn hears_the_pause_of_the_tree(ctx: Context) {
    let _family = Family::new(&ctx);
    let mut tree = ctx.tree();
    tree.set_pause(true);
    ctx.assert_log(["PAUSED, can process: false"]);
    tree.set_pause(false);
    ctx.assert_log(["UNPAUSED, can process: true"]);
}

engine_test!(hears_the_process_mode_of_its_parent_and_of_any_ancestor);
async fn hears_the_process_mode_of_its_parent_and_of_any_ancestor(ctx: Context) {
    let family = Family::new(&ctx);
    for mut node in [family.node, family.ancestor] {
        // Within one frame: who looks once a frame sees none of it.
        node.set_process_mode(ProcessMode::DISABLED);
        ctx.assert_log(["PAUSED, can process: false", "DISABLED, can process: false"]);
        node.set_process_mode(ProcessMode::INHERIT);
        ctx.assert_log(["UNPAUSED, can process: true", "ENABLED, can process: true"]);
    }
}

engine_test!(hears_entering_and_leaving_the_tree);
async fn hears_entering_and_leaving_the_tree(ctx: Context) {
    let mut family = Family::new(&ctx);
    let mut root = ctx.root();
    root.remove_child(&family.ancestor);
    ctx.assert_log(["EXIT_TREE, can process: true"]);
    root.add_child(&family.ancestor);
    ctx.assert_log(["ENTER_TREE, can process: true"]);

    root.remove_child(&family.ancestor);
    family.ancestor.set_process_mode(ProcessMode::DISABLED);
    ctx.assert_log(["EXIT_TREE, can process: true"]);
    root.add_child(&family.ancestor);
    ctx.assert_log(["ENTER_TREE, can process: false"]);
}

engine_test!(is_freed_with_its_parent);
async fn is_freed_with_its_parent(ctx: Context) {
    let by_itself = Family::new(&ctx);
    by_itself.node.free();
    ctx.assert_log(["EXIT_TREE, can process: true", "freed"]);

    let with_its_ancestor = Family::new(&ctx);
    with_its_ancestor.ancestor.free();
    ctx.assert_log(["EXIT_TREE, can process: true", "freed"]);

    let mut at_the_end_of_the_frame = Family::new(&ctx);
    at_the_end_of_the_frame.node.queue_free();
    ctx.assert_log::<&str>([]);
    ctx.frame().await;
    ctx.assert_log(["EXIT_TREE, can process: true", "freed"]);

    let out_of_the_tree = Family::new(&ctx);
    ctx.root().remove_child(&out_of_the_tree.ancestor);
    ctx.assert_log(["EXIT_TREE, can process: true"]);
    out_of_the_tree.ancestor.free();
    ctx.assert_log(["freed"]);

    let never_in_the_tree = Node::new_alloc();
    FactListener::add_to(&never_in_the_tree, &ctx);
    never_in_the_tree.free();
    ctx.assert_log(["freed"]);
}

engine_test!(is_seen_by_nobody);
async fn is_seen_by_nobody(ctx: Context) {
    let family = Family::new(&ctx);
    assert_eq!(family.node.get_child_count(), 0);
    assert_eq!(family.node.get_child_count_ex().include_internal(true).done(), 1);
    let twin = family.node.duplicate_node();
    assert_eq!(twin.get_child_count_ex().include_internal(true).done(), 0);
    twin.free();
}

engine_test!(hears_the_same_in_the_editor, Setup::own_editor());
async fn hears_the_same_in_the_editor(ctx: Context) {
    hears_the_pause_of_the_tree(ctx.clone()).await;
    // What the test before left in the tree is not to be heard.
    let clear = async || {
        for child in ctx.root().get_children().iter_shared() {
            child.free();
        }
        ctx.log_handle().take();
    };
    clear().await;
    hears_the_process_mode_of_its_parent_and_of_any_ancestor(ctx.clone()).await;
    clear().await;
    hears_entering_and_leaving_the_tree(ctx.clone()).await;
    clear().await;
    is_freed_with_its_parent(ctx.clone()).await;
    clear().await;
    is_seen_by_nobody(ctx.clone()).await;
}

/// A node with an internal child, and above it two others.
struct Family {
    node: Gd<Node>,
    ancestor: Gd<Node>,
}

impl Family {
    fn new(ctx: &Context) -> Family {
        let mut ancestor = ctx.add::<Node>();
        let mut parent = Node::new_alloc();
        let node = Node::new_alloc();
        ancestor.add_child(&parent);
        parent.add_child(&node);
        FactListener::add_to(&node, ctx);
        ctx.assert_log(["ENTER_TREE, can process: true"]);
        Family { node, ancestor }
    }
}

/// The internal child.
#[derive(GodotClass)]
#[class(init, internal, tool, base = Node)]
struct FactListener {
    log: Option<Log>,
    base: Base<Node>,
}

impl FactListener {
    fn add_to(node: &Gd<Node>, ctx: &Context) {
        let mut listener = FactListener::new_alloc();
        listener.bind_mut().log = Some(ctx.log_handle());
        node.clone().add_child_ex(&listener).internal(InternalMode::BACK).done();
    }

    fn log(&self, line: String) {
        if let Some(log) = &self.log {
            log.add(line);
        }
    }
}

#[godot_api]
impl INode for FactListener {
    fn on_notification(&mut self, what: NodeNotification) {
        use NodeNotification as Is;
        let is_told = matches!(
            what,
            Is::PAUSED | Is::UNPAUSED | Is::DISABLED | Is::ENABLED | Is::ENTER_TREE | Is::EXIT_TREE
        );
        if is_told {
            self.log(format!("{what:?}, can process: {}", self.base().can_process()));
        }
    }
}

impl Drop for FactListener {
    fn drop(&mut self) {
        self.log("freed".to_string());
    }
}
