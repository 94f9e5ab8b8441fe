//! What cancels the tasks of a node's group beside the node's end: leaving the tree, being disabled.

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;

use super::stage::*;
use crate::inside::Context;

/// Spawns a script that counts frames, into a group.
fn count_in(group: &GroupHandle) -> Trace {
    let trace = Trace::default();
    group.spawn(trace.clone().count_frames());
    trace
}

engine_test!(exit_tree_cancels_at_once);
async fn exit_tree_cancels_at_once(ctx: Context) {
    let node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::EXIT_TREE);
    let trace = count_in(&node.tasks());
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (4, 0));
    ctx.root().remove_child(&node);
    assert_eq!(trace.seen(), (4, 0), "not inside the call");
    ctx.frame().await;
    assert_eq!(trace.seen(), (4, 1), "its guards run in the same frame");
    assert!(!node.tasks().is_closed());
    ctx.root().add_child(&node);
    let again = count_in(&node.tasks());
    ctx.frames(3).await;
    assert_eq!((trace.seen(), again.seen()), ((4, 1), (4, 0)));
}

engine_test!(exit_tree_with_an_ancestor);
async fn exit_tree_with_an_ancestor(ctx: Context) {
    let parent = actor(&ctx.root());
    let node = actor(&parent.clone().upcast());
    node.tasks().cancel_on(CancelOn::EXIT_TREE);
    let (of_node, of_parent) = (count_in(&node.tasks()), count_in(&parent.tasks()));
    ctx.frame().await;
    ctx.root().remove_child(&parent);
    ctx.root().add_child(&parent);
    ctx.frames(2).await;
    assert_eq!((of_node.seen(), of_parent.seen()), ((2, 1), (4, 0)));
}

engine_test!(exit_tree_before_it_was_bound);
async fn exit_tree_before_it_was_bound(ctx: Context) {
    let node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::EXIT_TREE);
    let trace = count_in(&node.tasks());
    ctx.root().remove_child(&node);
    ctx.frame().await;
    assert_eq!(trace.seen(), (1, 1));
    node.free();
}

engine_test!(disabled_and_enabled_again);
async fn disabled_and_enabled_again(ctx: Context) {
    let mut node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::DISABLED);
    let mut lives = Vec::new();
    for _life in 0..5 {
        let trace = count_in(&node.tasks());
        ctx.frames(2).await;
        node.set_process_mode(ProcessMode::DISABLED);
        ctx.frames(2).await;
        assert_eq!(trace.seen(), (3, 1));
        node.set_process_mode(ProcessMode::INHERIT);
        ctx.frame().await;
        lives.push(trace);
    }
    assert!(lives.iter().all(|trace| trace.seen() == (3, 1)));
}

engine_test!(spawned_while_disabled_waits_for_the_enabling);
async fn spawned_while_disabled_waits_for_the_enabling(ctx: Context) {
    let mut node = actor(&ctx.root());
    node.set_process_mode(ProcessMode::DISABLED);
    // It is disabled already, so nothing happens to it now.
    node.tasks().cancel_on(CancelOn::DISABLED);
    let trace = count_in(&node.tasks());
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (1, 0));
    node.set_process_mode(ProcessMode::INHERIT);
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (3, 0));
    node.set_process_mode(ProcessMode::DISABLED);
    ctx.frame().await;
    assert_eq!(trace.seen(), (3, 1));
}

engine_test!(disabled_by_an_ancestor);
async fn disabled_by_an_ancestor(ctx: Context) {
    let mut pool = actor(&ctx.root());
    let node = actor(&actor(&pool.clone().upcast()).upcast());
    node.tasks().cancel_on(CancelOn::DISABLED);
    let trace = count_in(&node.tasks());
    ctx.frame().await;
    pool.set_process_mode(ProcessMode::DISABLED);
    ctx.frame().await;
    assert_eq!(trace.seen(), (2, 1));
}

engine_test!(disabled_out_of_the_tree);
async fn disabled_out_of_the_tree(ctx: Context) {
    let mut node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::DISABLED);
    let trace = count_in(&node.tasks());
    ctx.frame().await;
    ctx.root().remove_child(&node);
    node.set_process_mode(ProcessMode::DISABLED);
    ctx.frame().await;
    assert_eq!(trace.seen(), (2, 0), "Godot says nothing of it out of the tree");
    ctx.root().add_child(&node);
    ctx.frame().await;
    assert_eq!(trace.seen(), (2, 1));
    // Once: what was spawned since stays.
    let next = count_in(&node.tasks());
    ctx.root().remove_child(&node);
    ctx.root().add_child(&node);
    node.set_process_mode(ProcessMode::INHERIT);
    ctx.frame().await;
    assert_eq!(next.seen(), (2, 0));
}

engine_test!(the_tree_s_pause_is_none);
async fn the_tree_s_pause_is_none(ctx: Context) {
    let node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::all());
    let trace = count_in(&node.tasks());
    ctx.frame().await;
    ctx.tree().set_pause(true);
    ctx.frames(2).await;
    ctx.tree().set_pause(false);
    ctx.frame().await;
    assert_eq!(trace.seen(), (3, 0));
}

engine_test!(of_a_child_group_alone);
async fn of_a_child_group_alone(ctx: Context) {
    let node = actor(&ctx.root());
    let child = node.tasks().child();
    child.cancel_on(CancelOn::EXIT_TREE);
    let below = child.child();
    let traces = [count_in(&node.tasks()), count_in(&child), count_in(&below)];
    ctx.frame().await;
    ctx.root().remove_child(&node);
    ctx.root().add_child(&node);
    ctx.frame().await;
    assert_eq!(traces.map(|trace| trace.seen()), [(3, 0), (2, 1), (2, 1)]);
    assert!(!child.is_closed() && !below.is_closed(), "they stay usable");
    let again = count_in(&below);
    ctx.frame().await;
    assert_eq!(again.seen(), (2, 0));
}

engine_test!(replaced_and_taken_back);
async fn replaced_and_taken_back(ctx: Context) {
    let mut node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::EXIT_TREE).cancel_on(CancelOn::DISABLED);
    let trace = count_in(&node.tasks());
    ctx.frame().await;
    ctx.root().remove_child(&node);
    ctx.root().add_child(&node);
    ctx.frame().await;
    assert_eq!(trace.seen(), (3, 0));
    node.tasks().cancel_on(CancelOn::empty());
    node.set_process_mode(ProcessMode::DISABLED);
    node.set_process_mode(ProcessMode::INHERIT);
    ctx.frame().await;
    assert_eq!(trace.seen(), (4, 0));
}

engine_test!(guards_run_while_the_node_is_there);
async fn guards_run_while_the_node_is_there(ctx: Context) {
    let mut node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::DISABLED);
    node.spawn_task(|me| async move {
        me.with(|me| me.hp = 5);
        let _hp = me.at_exit(|me| me.bind_mut().hp = 100);
        wait_seconds(1000.0).await;
    });
    ctx.frame().await;
    assert_eq!(node.bind().hp, 5);
    node.set_process_mode(ProcessMode::DISABLED);
    ctx.frame().await;
    assert_eq!(node.bind().hp, 100, "in the same frame, though the group is frozen");
}

engine_test!(of_a_group_without_a_node);
async fn of_a_group_without_a_node(ctx: Context) {
    ctx.expect_error("cancel_on(CancelOn(EXIT_TREE)): there is no node above the group");
    ctx.expect_error("\"homeless\"");
    let group = TaskGroup::new();
    let task = spawn_named("homeless", async move {
        group.cancel_on(CancelOn::EXIT_TREE);
    });
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

engine_test!(of_a_group_that_is_closed);
async fn of_a_group_that_is_closed(ctx: Context) {
    let node = actor(&ctx.root());
    let child = node.tasks().child();
    child.close();
    child.cancel_on(CancelOn::EXIT_TREE);
    let group = node.tasks();
    ctx.frame().await;
    node.free();
    group.cancel_on(CancelOn::EXIT_TREE);
    assert!(group.is_closed());
}

engine_test!(disabled_in_its_own_task);
async fn disabled_in_its_own_task(ctx: Context) {
    let node = actor(&ctx.root());
    node.tasks().cancel_on(CancelOn::DISABLED);
    let trace = Trace::default();
    let task = node.spawn_task(|mut me| {
        let trace = trace.clone();
        async move {
            let _guard = trace.guard();
            next_frame().await;
            me.set_process_mode(ProcessMode::DISABLED);
            trace.step();
            assert_eq!(trace.drops.get(), 0);
            next_frame().await;
            trace.step();
        }
    });
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (1, 1));
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}
