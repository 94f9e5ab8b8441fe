//! Groups and waits that end with another object.

use cuelight::engine::counts;
use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

/// Returns the number of connections at an object that cuelight watches.
fn watches<T: Inherits<Object>>(object: &Gd<T>) -> usize {
    object.clone().upcast::<Object>().get_signal_connection_list("script_changed").len()
}

/// Checks that a group ends with an object at once, and says so.
async fn check_ends<T: Inherits<Object>>(ctx: &Context, object: Gd<T>, end: impl FnOnce(Gd<T>)) {
    let node = actor(&ctx.root());
    let group = node.tasks().child();
    group.ends_with(&object);
    let (trace, others) = (Trace::default(), Trace::default());
    let task = group.spawn(trace.clone().count_frames());
    node.tasks().spawn(others.clone().count_frames());
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (3, 0));
    end(object);
    ctx.frame().await;
    assert_eq!(trace.seen(), (3, 1));
    assert!(group.is_closed());
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    let late = group.spawn(async { 7 });
    assert_eq!(others.seen(), (4, 0), "the node's own goes on");
    ctx.frame().await;
    assert_eq!(late.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(a_node);
async fn a_node(ctx: Context) {
    check_ends(&ctx, actor(&ctx.root()), |it| it.free()).await;
}

engine_test!(a_node_with_its_parent);
async fn a_node_with_its_parent(ctx: Context) {
    let parent = actor(&ctx.root());
    check_ends(&ctx, actor(&parent.clone().upcast()), |_| parent.free()).await;
}

engine_test!(a_node_out_of_the_tree);
async fn a_node_out_of_the_tree(ctx: Context) {
    check_ends(&ctx, Node::new_alloc(), |it| it.free()).await;
}

engine_test!(an_object_that_is_no_node);
async fn an_object_that_is_no_node(ctx: Context) {
    check_ends(&ctx, Bell::new_alloc(), |it| it.free()).await;
}

engine_test!(a_counted_object);
async fn a_counted_object(ctx: Context) {
    check_ends(&ctx, RefCounted::new_gd(), drop).await;
}

engine_test!(an_object_freed_on_another_thread);
async fn an_object_freed_on_another_thread(ctx: Context) {
    let by = ctx.clone();
    check_ends(&ctx, Bell::new_alloc(), move |it| on_another_thread(&by, "free_it", &it)).await;
}

engine_test!(a_queued_node_at_the_end_of_its_frame);
async fn a_queued_node_at_the_end_of_its_frame(ctx: Context) {
    let mut other = actor(&ctx.root());
    let group = TaskGroup::new();
    group.ends_with(&other);
    let freed = spawn(wait_freed(&other));
    other.queue_free();
    assert!(!group.is_closed() && !freed.is_finished());
    ctx.frame().await;
    assert!(group.is_closed() && freed.is_finished());
}

engine_test!(the_node_s_own_group);
async fn the_node_s_own_group(ctx: Context) {
    let (node, other) = (actor(&ctx.root()), actor(&ctx.root()));
    node.tasks().ends_with(&other);
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    other.free();
    ctx.frame().await;
    assert_eq!(trace.seen(), (1, 1));
    assert!(node.tasks().is_closed(), "for good");
    let late = node.spawn_task(|_me| async {});
    ctx.frame().await;
    assert_eq!(late.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(a_freed_object_at_once);
async fn a_freed_object_at_once(ctx: Context) {
    let node = actor(&ctx.root());
    let gone = Node::new_alloc();
    gone.clone().free();
    let group = node.tasks().child();
    let trace = Trace::default();
    group.spawn(trace.clone().count_frames());
    group.ends_with(&gone);
    assert!(group.is_closed());
    assert_eq!(trace.seen(), (1, 0));
    ctx.frame().await;
    assert_eq!(trace.seen(), (1, 1));
    assert!(!node.tasks().is_closed());
}

engine_test!(the_first_of_several);
async fn the_first_of_several(ctx: Context) {
    let (a, b) = (actor(&ctx.root()), actor(&ctx.root()));
    let group = TaskGroup::new();
    group.ends_with(&a).ends_with(&b).ends_with(&b);
    ctx.frame().await;
    b.free();
    assert!(group.is_closed(), "at once, in the free");
    ctx.frame().await;
    assert_eq!(watches(&a), 0, "nothing is left at the other");
}

engine_test!(a_frozen_group_too);
async fn a_frozen_group_too(ctx: Context) {
    let (node, other) = (Actor::new_alloc(), actor(&ctx.root()));
    node.tasks().ends_with(&other);
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frame().await;
    assert!(node.tasks().is_frozen());
    other.free();
    ctx.frame().await;
    assert_eq!(trace.seen(), (1, 1));
    node.free();
}

engine_test!(leaves_nothing_when_the_group_is_first);
async fn leaves_nothing_when_the_group_is_first(ctx: Context) {
    let (node, other) = (actor(&ctx.root()), actor(&ctx.root()));
    let groups = counts().groups;
    for _ in 0..10 {
        let group = TaskGroup::new();
        group.ends_with(&other);
        node.tasks().child().ends_with(&other);
    }
    assert_eq!(watches(&other), 1, "they share one connection");
    ctx.frame().await;
    assert_eq!(watches(&other), 1, "the children live");
    node.free();
    ctx.frame().await;
    assert_eq!(watches(&other), 0);
    assert_eq!(counts().groups, groups);
}

engine_test!(the_root_group_goes_on);
async fn the_root_group_goes_on(ctx: Context) {
    let trace = Trace::default();
    spawn(trace.clone().count_frames());
    let other = Bell::new_alloc();
    cuelight::root_group().ends_with(&other);
    other.free();
    ctx.frame().await;
    assert_eq!(trace.seen(), (1, 1));
    assert_eq!(spawn(async { 7 }).take(), Some(Ok(7)));
}

engine_test!(from_inside_the_ending_group);
async fn from_inside_the_ending_group(ctx: Context) {
    let (node, other) = (actor(&ctx.root()), actor(&ctx.root()));
    let group = node.tasks().child();
    group.ends_with(&other);
    let trace = Trace::default();
    group.spawn({
        let trace = trace.clone();
        async move {
            let _guard = trace.guard();
            next_frame().await;
            other.free();
            trace.step();
            assert_eq!(trace.drops.get(), 0);
            next_frame().await;
            trace.step();
        }
    });
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (1, 1));
}

// ---------------------------------------------------------------- wait_freed

engine_test!(wait_freed_leaves_nothing);
async fn wait_freed_leaves_nothing(ctx: Context) {
    let other = actor(&ctx.root());
    let waits: Vec<_> = (0..5).map(|_| wait_freed(&other)).collect();
    assert_eq!(watches(&other), 1);
    ctx.frame().await;
    drop(waits);
    assert_eq!(watches(&other), 1, "given up on a clean stack");
    ctx.frame().await;
    assert_eq!(watches(&other), 0);
    let task = spawn(wait_freed(&other));
    other.free();
    ctx.frame().await;
    assert!(task.is_finished());
}

engine_test!(while_alive_in_a_loop_connects_once);
async fn while_alive_in_a_loop_connects_once(ctx: Context) {
    let other = actor(&ctx.root());
    let task = spawn({
        let other = other.clone();
        async move { while next_frame().while_alive(&other).await.is_some() {} }
    });
    for _ in 0..3 {
        ctx.frame().await;
        assert_eq!(watches(&other), 1);
    }
    other.free();
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok(())));
}

engine_test!(wait_freed_in_another_executor);
async fn wait_freed_in_another_executor(ctx: Context) {
    let other = Bell::new_alloc();
    let mut wait = std::pin::pin!(wait_freed(&other));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    other.free();
    assert!(wait.as_mut().poll(&mut cx).is_ready());
    ctx.frame().await;
}

engine_test!(wait_freed_in_the_order_of_creation);
async fn wait_freed_in_the_order_of_creation(ctx: Context) {
    let other = Bell::new_alloc();
    for name in ["a", "b", "c"] {
        let (log, freed) = (ctx.log_handle(), wait_freed(&other));
        spawn(async move {
            freed.await;
            log.add(name);
        });
    }
    other.free();
    ctx.assert_log::<&str>([]);
    ctx.frame().await;
    ctx.assert_log(["a", "b", "c"]);
}

engine_test!(a_disconnected_watch_is_no_error);
async fn a_disconnected_watch_is_no_error(ctx: Context) {
    // A game that disconnects everything takes the sign away; it is then as if the object were freed.
    let other = Bell::new_alloc();
    let task = spawn(wait_freed(&other));
    for connection in other.get_signal_connection_list("script_changed").iter_shared() {
        let callable = connection.get("callable").unwrap().to::<Callable>();
        other.clone().upcast::<Object>().disconnect("script_changed", &callable);
    }
    ctx.frame().await;
    assert!(task.is_finished());
    other.free();
}

engine_test!(a_changed_script_is_no_end);
async fn a_changed_script_is_no_end(ctx: Context) {
    let mut other = Bell::new_alloc();
    let task = spawn(wait_freed(&other));
    other.clone().upcast::<Object>().emit_signal("script_changed", &[]);
    on_another_thread(&ctx, "emit_script_changed", &other);
    ctx.frames(2).await;
    assert!(!task.is_finished());
    other.set_script(Option::<&Gd<godot::classes::GDScript>>::None);
    ctx.frame().await;
    assert!(!task.is_finished());
    other.free();
    ctx.frame().await;
    assert!(task.is_finished());
}
