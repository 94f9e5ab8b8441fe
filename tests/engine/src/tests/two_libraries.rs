//! Two libraries in one game, each with a cuelight of its own: the second has no classes of cuelight's in the engine. What
//! it is made of lies in `tests/two_libraries`.

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::classes::{ClassDb, GDExtensionManager, gdextension_manager::LoadStatus};
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;
use crate::{BESIDE, Ended, Setup};

const ADD_ON: &str = "test_add_on";
const MISUSED: &str = "test_add_on_misused";

/// Makes a node of the other library, under another.
fn other_node(parent: &Gd<Node>) -> Gd<Node> {
    let node = ClassDb::singleton().instantiate("AddOnNode").to::<Gd<Node>>();
    parent.clone().add_child(&node);
    node
}

/// Returns how many frames a node of the other library has counted, and how many of its scripts have been dropped.
fn seen(node: &Gd<Node>) -> (i64, i64) {
    (node.get("frames").to(), node.get("drops").to())
}

/// Returns the tasks, groups and waits of the other library.
fn counts(node: &Gd<Node>) -> Vec<i64> {
    node.clone().call("counts", &[]).to::<PackedArray<i64>>().to_vec()
}

engine_test!(both_run_scripts, Setup::own_game().beside(ADD_ON));
async fn both_run_scripts(ctx: Context) {
    let (ours, mut theirs) = (actor(&ctx.root()), other_node(&ctx.root()));
    let probe = other_node(&ctx.root());
    let trace = Trace::default();
    ours.spawn_task(|_me| trace.clone().count_frames());
    theirs.call("count_frames", &[]);
    ctx.frames(10).await;
    assert_eq!((trace.seen(), seen(&theirs)), ((11, 0), (11, 0)));
    assert_eq!((cuelight::engine::counts().tasks, counts(&probe)), (1, vec![1, 2, 1]));
    // Each ends its own.
    ours.free();
    ctx.frames(2).await;
    assert_eq!((trace.seen(), seen(&theirs)), ((11, 1), (13, 0)));
    theirs.free();
    ctx.frame().await;
    assert_eq!(counts(&probe), [0, 1, 0]);
}

engine_test!(a_signal_between_them, Setup::own_game().beside(ADD_ON));
async fn a_signal_between_them(ctx: Context) {
    let mut theirs = other_node(&ctx.root());
    theirs.call("answer", &[]);
    let told = Signal::from_object_signal(&theirs, "told");
    let task = spawn(async move {
        let first = told.wait::<(i64,)>();
        told.emit(&[7.to_variant()]);
        let second = told.wait::<(i64,)>();
        (first.await.0, second.await.0)
    });
    ctx.frames(2).await;
    assert!(!task.is_finished());
    ctx.frames(4).await;
    assert_eq!(task.take(), Some(Ok((7, 8))));
}

engine_test!(the_second_freezes_from_the_next_frame, Setup::own_game().beside(ADD_ON));
async fn the_second_freezes_from_the_next_frame(ctx: Context) {
    let parent = actor(&ctx.root());
    let mut theirs = other_node(&parent.clone().upcast());
    theirs.call("count_frames", &[]);
    let set_pause = |on: bool| ctx.tree().set_pause(on);
    let set_mode = |mode| parent.clone().set_process_mode(mode);
    let mut root = ctx.root();
    ctx.frames(2).await;
    assert_eq!(seen(&theirs), (3, 0));
    set_pause(true);
    ctx.frames(5).await;
    set_pause(false);
    ctx.frames(2).await;
    assert_eq!(seen(&theirs), (5, 0));
    set_mode(ProcessMode::DISABLED);
    ctx.frames(5).await;
    set_mode(ProcessMode::INHERIT);
    ctx.frames(2).await;
    assert_eq!(seen(&theirs), (7, 0));
    root.remove_child(&parent);
    ctx.frames(5).await;
    root.add_child(&parent);
    ctx.frames(2).await;
    assert_eq!(seen(&theirs), (9, 0));
}

engine_test!(what_ends_groups_in_the_second, Setup::own_game().beside(ADD_ON));
async fn what_ends_groups_in_the_second(ctx: Context) {
    let mut theirs = other_node(&ctx.root());
    theirs.call("pool", &[]);
    theirs.call("count_frames", &[]);
    ctx.frame().await;
    theirs.set_process_mode(ProcessMode::DISABLED);
    ctx.frames(2).await;
    assert_eq!(seen(&theirs), (2, 1));
    theirs.set_process_mode(ProcessMode::INHERIT);
    theirs.call("count_frames", &[]);
    ctx.frame().await;
    assert_eq!(seen(&theirs), (4, 1));
    ctx.root().remove_child(&theirs);
    ctx.frames(2).await;
    assert_eq!(seen(&theirs), (4, 2));
    ctx.root().add_child(&theirs);
    let (bell, watched) = (Bell::new_alloc(), Bell::new_alloc());
    theirs.call("end_with", &[bell.to_variant()]);
    theirs.call("count_frames", &[]);
    ctx.frame().await;
    bell.free();
    ctx.frame().await;
    assert_eq!(seen(&theirs).1, 3);
    let mut other = other_node(&ctx.root());
    other.call("watch", &[watched.to_variant()]);
    ctx.frame().await;
    watched.free();
    ctx.frame().await;
    assert_eq!(seen(&other), (-1, 0));
    // Nothing is left of any of it, but the group of `other`, which is bound.
    assert_eq!(counts(&other), [0, 2, 0]);
}

engine_test!(the_second_is_freed_at_random, Setup::own_game().beside(ADD_ON).frames(1000));
async fn the_second_is_freed_at_random(ctx: Context) {
    let mut rng = fastrand::Rng::with_seed(7);
    let probe = other_node(&ctx.root());
    let mut nodes: Vec<Gd<Node>> = Vec::new();
    for _ in 0..300 {
        for _ in 0..4 {
            let mut node = other_node(&ctx.root());
            node.call(["count_frames", "answer"][rng.usize(..2)], &[]);
            nodes.push(node);
        }
        let index = rng.usize(..nodes.len());
        let mut node = nodes.swap_remove(index);
        match rng.u8(..3) {
            0 => node.free(),
            1 => node.queue_free(),
            _ => {
                ctx.root().remove_child(&node);
                node.free();
            }
        }
        ctx.frame().await;
    }
    for node in nodes {
        node.free();
    }
    ctx.frames(2).await;
    assert_eq!(counts(&probe), [0, 1, 0]);
}

engine_test!(
    exit_with_both_alive,
    Setup::own_game().beside(ADD_ON).may_leave().verbose().checked_by(Ended::assert_clean)
);
async fn exit_with_both_alive(ctx: Context) {
    for _ in 0..10 {
        actor(&ctx.root()).spawn_task(|_me| Trace::default().count_frames());
        let mut theirs = other_node(&ctx.root());
        for method in ["count_frames", "answer", "pool"] {
            theirs.call(method, &[]);
        }
        let mut queued = other_node(&ctx.root());
        queued.call("count_frames", &[]);
        queued.queue_free();
    }
    ctx.frame().await;
}

engine_test!(
    hot_reloads_of_the_second,
    Setup::own_editor().beside(ADD_ON).frames(3000).may_leave().checked_by(Ended::assert_clean)
);
async fn hot_reloads_of_the_second(ctx: Context) {
    let trace = Trace::default();
    spawn(trace.clone().count_frames());
    let (bell, watched) = (Bell::new_alloc(), Bell::new_alloc());
    let mut nodes = Vec::new();
    for reload in 0..15 {
        let mut theirs = other_node(&ctx.root());
        for method in ["count_frames", "answer", "pool"] {
            theirs.call(method, &[]);
        }
        theirs.call("watch", &[watched.to_variant()]);
        let mut ending = other_node(&ctx.root());
        ending.call("end_with", &[bell.to_variant()]);
        ending.call("count_frames", &[]);
        ctx.frames(3).await;
        assert_eq!(seen(&theirs), (4, 0), "reload {reload}");
        let connections = |signal: &str| ctx.tree().get_signal_connection_list(signal).len();
        let before = (connections("process_frame"), connections("physics_frame"));
        // In the middle of a frame, with wakes on their way.
        theirs.emit_signal("told", &[1.to_variant()]);
        let status = GDExtensionManager::singleton().reload_extension(&format!("res://{BESIDE}"));
        assert_eq!(status, LoadStatus::OK);
        for object in [&bell, &watched] {
            assert_eq!(object.get_signal_connection_list("script_changed").len(), 0);
        }
        assert_eq!(theirs.get_signal_connection_list("told").len(), 0);
        ctx.frame().await;
        let now = (connections("process_frame"), connections("physics_frame"));
        assert_eq!(now, before, "reload {reload}");
        assert_eq!(counts(&theirs), [0, 1, 0], "reload {reload}");
        nodes.push(theirs);
    }
    bell.free();
    watched.free();
    for node in nodes {
        node.free();
    }
    ctx.frame().await;
    assert_eq!(trace.seen().1, 0);
}

engine_test!(
    both_with_classes_are_told_so,
    Setup::own_game().beside(MISUSED).fails_with(&[
        "ERROR: cuelight: two libraries of this project have cuelight's classes, which a process can hold once",
        "default-features = false",
        "`cuelight::stage_init` and `cuelight::stage_deinit`",
    ])
);
async fn both_with_classes_are_told_so(_ctx: Context) {
    // A debug build ends Godot before it comes to this: `godot` finds the class registered twice. In a release build
    // the game runs, and the errors are the same.
}
