//! In which order all goes at the exit: the nodes with the tree's root first, then what is still queued deferred runs,
//! then the `SceneTree` itself with its connections, then the library's own level ends and drops its singletons. What
//! is deferred after the tree has gone never runs.
//!
//! So deferred calls come in between, when every node is gone and the callables on the tree's signals are not yet
//! dropped: cuelight's pump asks for the root to see that it has to end its polling. The singleton's `Drop` is its last
//! word.

use std::fmt;

use godot::builtin::RustCallable;
use godot::classes::Window;
use godot::obj::Singleton;
use godot::prelude::*;

use crate::inside::Context;
use crate::protocol::note;
use crate::{Ended, Setup};

engine_test!(
    root_then_deferred_calls_then_tree_then_singleton,
    Setup::own_game().may_leave().checked_by(in_this_order)
);
async fn root_then_deferred_calls_then_tree_then_singleton(ctx: Context) {
    let mut tree = ctx.tree();
    FactLast::singleton().bind_mut().watched =
        Some(Watched { root: tree.get_root().expect("the tree has a root"), tree: tree.clone() });
    ctx.add::<FactLeaver>();
    let callable = Callable::from_custom(Connected);
    tree.connect("process_frame", &callable);
    // The runner quits after this, and so nothing but the exit does the rest.
}

fn in_this_order(ended: &Ended) {
    ended.assert_clean();
    assert_eq!(
        ended.notes,
        [
            "the node leaves the tree",
            "the node is freed",
            "deferred by the leaving node: the root is gone, the tree is there",
            "deferred by the freed node: the root is gone, the tree is there",
            "the callable on the tree's signal is dropped",
            "the singleton is dropped: the root is gone, the tree is gone",
        ]
    );
}

/// A node that is in the tree to the end.
#[derive(GodotClass)]
#[class(init, base = Node)]
struct FactLeaver {
    base: Base<Node>,
}

#[godot_api]
impl INode for FactLeaver {
    fn exit_tree(&mut self) {
        note("the node leaves the tree");
        FactLast::defer("by the leaving node");
    }
}

impl Drop for FactLeaver {
    fn drop(&mut self) {
        // The editor makes one, too, to see what its properties are.
        if FactLast::singleton().bind().watched.is_some() {
            note("the node is freed");
            FactLast::defer("by the freed node");
        }
    }
}

/// A singleton that says when it goes, in the one test that is about it.
#[derive(GodotClass)]
#[class(init, singleton, tool, base = Object)]
struct FactLast {
    watched: Option<Watched>,
    base: Base<Object>,
}

struct Watched {
    root: Gd<Window>,
    tree: Gd<SceneTree>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = |there: bool| if there { "is there" } else { "is gone" };
        let root = is(self.root.is_instance_valid());
        let tree = is(self.tree.is_instance_valid());
        write!(f, "the root {root}, the tree {tree}")
    }
}

#[godot_api]
impl FactLast {
    #[func]
    fn run_deferred(&self, by: String) {
        if let Some(watched) = &self.watched {
            note(format!("deferred {by}: {watched}"));
        }
    }
}

impl FactLast {
    fn defer(by: &str) {
        FactLast::singleton().call_deferred("run_deferred", &[by.to_variant()]);
    }
}

impl Drop for FactLast {
    fn drop(&mut self) {
        if let Some(watched) = &self.watched {
            note(format!("the singleton is dropped: {watched}"));
        }
    }
}

/// What is connected to a signal of the tree.
#[derive(PartialEq, Hash)]
struct Connected;

impl RustCallable for Connected {
    fn invoke(&mut self, _args: &[&Variant]) -> Variant {
        Variant::nil()
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        note("the callable on the tree's signal is dropped");
        FactLast::defer("by the dropped callable");
    }
}

impl fmt::Display for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connected")
    }
}
