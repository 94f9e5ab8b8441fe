//! The groups of nodes: what ends them, what freezes them, and what does not.

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::prelude::*;

use super::stage::*;
use crate::inside::{Context, Log};

engine_test!(freed_by_free);
async fn freed_by_free(ctx: Context) {
    let node = actor(&ctx.root());
    let trace = Trace::default();
    let task = node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(3).await;
    node.free();
    let seen = trace.seen();
    assert_eq!(seen.1, 0, "not inside the free");
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (seen.0, 1));
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(freed_by_queue_free);
async fn freed_by_queue_free(ctx: Context) {
    let mut node = actor(&ctx.root());
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(3).await;
    node.queue_free();
    let seen = trace.seen();
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (seen.0, 1));
}

engine_test!(freed_with_its_parent);
async fn freed_with_its_parent(ctx: Context) {
    let parent = actor(&ctx.root());
    let node = actor(&parent.clone().upcast());
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(3).await;
    parent.free();
    let seen = trace.seen();
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (seen.0, 1));
}

engine_test!(freed_from_inside_its_own_task);
async fn freed_from_inside_its_own_task(ctx: Context) {
    let node = actor(&ctx.root());
    let trace = Trace::default();
    let task = node.spawn_task(|me| {
        let trace = trace.clone();
        async move {
            let _guard = trace.guard();
            wait_frames(2).await;
            trace.step();
            me.free();
            assert_eq!(trace.drops.get(), 0);
            trace.step();
            next_frame().await;
            trace.step();
        }
    });
    ctx.frames(5).await;
    assert_eq!(trace.seen(), (2, 1));
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(freed_before_it_was_bound);
async fn freed_before_it_was_bound(ctx: Context) {
    let node = actor(&ctx.root());
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    node.free();
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (1, 1));
}

engine_test!(freed_out_of_the_tree);
async fn freed_out_of_the_tree(ctx: Context) {
    let node = actor(&ctx.root());
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(2).await;
    ctx.root().remove_child(&node);
    ctx.frames(2).await;
    node.free();
    let seen = trace.seen();
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (seen.0, 1));
}

engine_test!(freed_on_another_thread);
async fn freed_on_another_thread(ctx: Context) {
    let node = Node::new_alloc();
    let trace = Trace::default();
    let task = node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(2).await;
    on_another_thread(&ctx, "free_it", &node);
    assert!(!node.is_instance_valid());
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (1, 1));
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(freed_by_a_scene_change);
async fn freed_by_a_scene_change(ctx: Context) {
    ctx.allow_cached_objects(1);
    let mut tree = ctx.root().get_tree();
    let current = tree.get_current_scene();
    let scene = Actor::new_alloc();
    tree.get_root().unwrap().add_child(&scene);
    tree.set_current_scene(&scene);
    let trace = Trace::default();
    scene.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(3).await;
    let next = Node::new_alloc();
    let mut packed = PackedScene::new_gd();
    packed.pack(&next);
    next.free();
    tree.change_scene_to_packed(&packed);
    let seen = trace.seen();
    ctx.frames(3).await;
    assert!(!scene.is_instance_valid());
    assert!(trace.seen().0 <= seen.0 + 1 && trace.seen().1 == 1, "{:?}", trace.seen());
    let seen = trace.seen();
    ctx.frames(3).await;
    assert_eq!(trace.seen(), seen);
    tree.get_current_scene().unwrap().free();
    if let Some(current) = current {
        tree.set_current_scene(&current);
    }
}

engine_test!(reparenting_keeps_tasks);
async fn reparenting_keeps_tasks(ctx: Context) {
    let (old, new) = (actor(&ctx.root()), actor(&ctx.root()));
    let mut node = actor(&old.clone().upcast());
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(3).await;
    let before = trace.seen().0;
    node.reparent(&new);
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (before + 3, 0));
    old.free();
    ctx.frames(1).await;
    assert_eq!(trace.seen(), (before + 4, 0));
}

/// Freezes a node by one function and thaws it by another; checks that its script stands still meanwhile.
async fn check_freeze(ctx: &Context, node: &Gd<Actor>, freeze: impl FnOnce(), thaw: impl FnOnce()) {
    let trace = Trace::default();
    let task = node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (4, 0));
    freeze();
    assert!(node.tasks().is_frozen(), "at once");
    ctx.frames(5).await;
    assert_eq!(trace.seen(), (4, 0));
    thaw();
    assert!(!node.tasks().is_frozen(), "at once");
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (6, 0));
    task.cancel();
    ctx.frame().await;
    assert_eq!(trace.seen(), (6, 1));
}

engine_test!(the_tree_s_pause_freezes);
async fn the_tree_s_pause_freezes(ctx: Context) {
    let node = actor(&ctx.root());
    let tree = ctx.root().get_tree();
    let set = |on: bool| {
        let mut tree = tree.clone();
        move || tree.set_pause(on)
    };
    check_freeze(&ctx, &node, set(true), set(false)).await;
}

engine_test!(process_mode_freezes);
async fn process_mode_freezes(ctx: Context) {
    let node = actor(&ctx.root());
    let set = |mode| {
        let mut node = node.clone();
        move || node.set_process_mode(mode)
    };
    check_freeze(&ctx, &node, set(ProcessMode::DISABLED), set(ProcessMode::INHERIT)).await;
}

engine_test!(inherited_process_mode_freezes);
async fn inherited_process_mode_freezes(ctx: Context) {
    let parent = actor(&ctx.root());
    let node = actor(&actor(&parent.clone().upcast()).upcast());
    let set = |mode| {
        let mut parent = parent.clone();
        move || parent.set_process_mode(mode)
    };
    check_freeze(&ctx, &node, set(ProcessMode::DISABLED), set(ProcessMode::INHERIT)).await;
}

engine_test!(leaving_the_tree_freezes);
async fn leaving_the_tree_freezes(ctx: Context) {
    let node = actor(&ctx.root());
    let (out, back) = (node.clone(), node.clone());
    let (mut a, mut b) = (ctx.root(), ctx.root());
    check_freeze(&ctx, &node, move || a.remove_child(&out), move || b.add_child(&back)).await;
}

engine_test!(switched_off_and_on_within_a_frame);
async fn switched_off_and_on_within_a_frame(ctx: Context) {
    let mut node = actor(&ctx.root());
    let trace = Trace::default();
    node.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(2).await;
    let before = trace.seen().0;
    node.set_process_mode(ProcessMode::DISABLED);
    node.set_process_mode(ProcessMode::INHERIT);
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (before + 3, 0));
}

engine_test!(what_woke_it_meanwhile_comes_at_the_resume);
async fn what_woke_it_meanwhile_comes_at_the_resume(ctx: Context) {
    let mut node = actor(&ctx.root());
    let log = ctx.log_handle();
    for name in ["b", "a"] {
        let log = log.clone();
        node.spawn_task(|me| async move {
            let (amount,) = me.signals().hit().wait().await;
            log.add(format!("{name} {amount}"));
            wait_seconds(0.1).await;
            log.add(format!("{name} later"));
        });
    }
    ctx.frame().await;
    node.set_process_mode(ProcessMode::DISABLED);
    node.signals().hit().emit(4);
    ctx.frames(20).await;
    ctx.assert_log::<&str>([]);
    node.set_process_mode(ProcessMode::INHERIT);
    ctx.assert_log::<&str>([]);
    ctx.frame().await;
    ctx.assert_log(["b 4", "a 4"]);
    ctx.frames(4).await;
    ctx.assert_log::<&str>([]);
    ctx.frame().await;
    ctx.assert_log(["b later", "a later"]);
}

engine_test!(tasks_from_a_child_s_ready);
async fn tasks_from_a_child_s_ready(ctx: Context) {
    let parent = Actor::new_alloc();
    let child = Actor::new_alloc();
    child.with(|child| {
        child.ready_script = Some(|me| {
            let parent = me.get_parent().unwrap();
            parent.spawn_task(|parent| async move {
                let mut parent = parent;
                wait_frames(2).await;
                parent.set_meta("ran", &true.to_variant());
                next_frame().await;
                parent.set_meta("ran", &7.to_variant());
            });
        });
    });
    parent.clone().add_child(&child);
    ctx.root().add_child(&parent);
    ctx.frames(2).await;
    assert_eq!(parent.get_meta("ran"), true.to_variant());
    parent.clone().set_process_mode(ProcessMode::DISABLED);
    ctx.frames(3).await;
    assert_eq!(parent.get_meta("ran"), true.to_variant());
}

/// A node whose script binds it mutably before its first await, while `ready` has it borrowed.
#[derive(GodotClass)]
#[class(init, base = Node)]
struct Eager {
    steps: i64,
    base: Base<Node>,
}

#[godot_api]
impl INode for Eager {
    fn ready(&mut self) {
        self.steps = 1;
        self.spawn_task(|me| async move {
            me.with(|me| me.steps += 1);
            next_frame().await;
            me.with(|me| me.steps += 1);
        });
        self.steps *= 10;
    }
}

engine_test!(spawn_task_in_ready_binds_mutably);
async fn spawn_task_in_ready_binds_mutably(ctx: Context) {
    let node = ctx.add::<Eager>();
    assert_eq!(node.bind().steps, 20);
    ctx.frames(2).await;
    assert_eq!(node.bind().steps, 21);
}

engine_test!(while_alive_ends_with_its_object);
async fn while_alive_ends_with_its_object(ctx: Context) {
    let other = actor(&ctx.root());
    let trace = Trace::default();
    let task = spawn(trace.clone().count_frames().while_alive(&other));
    ctx.frames(3).await;
    other.free();
    let seen = trace.seen();
    ctx.frame().await;
    assert_eq!(trace.seen(), (seen.0, 1));
    assert_eq!(task.take(), Some(Ok(None)));
    let alive = actor(&ctx.root());
    let task = spawn(async { 7 }.while_alive(&alive));
    assert_eq!(task.take(), Some(Ok(Some(7))));
}

engine_test!(wait_freed_hears_each_kind);
async fn wait_freed_hears_each_kind(ctx: Context) {
    let (node, object, counted) = (actor(&ctx.root()), Bell::new_alloc(), RefCounted::new_gd());
    let loose = Node::new_alloc();
    let tasks = [
        spawn(wait_freed(&node)),
        spawn(wait_freed(&object)),
        spawn(wait_freed(&counted)),
        spawn(wait_freed(&loose)),
    ];
    ctx.frame().await;
    assert!(tasks.iter().all(|task| !task.is_finished()));
    node.free();
    object.free();
    drop(counted);
    loose.clone().free();
    ctx.frame().await;
    assert!(tasks.iter().all(|task| task.is_finished()));
    assert!(spawn(wait_freed(&loose)).is_finished());
}

engine_test!(the_binder_is_invisible);
async fn the_binder_is_invisible(ctx: Context) {
    let node = actor(&ctx.root());
    node.spawn_task(|_me| Trace::default().count_frames());
    ctx.frames(2).await;
    assert_eq!(node.get_child_count(), 0);
    assert_eq!(node.get_child_count_ex().include_internal(true).done(), 1);
    let copy = node.duplicate_node();
    assert_eq!(copy.get_child_count_ex().include_internal(true).done(), 0);
    copy.free();
}

engine_test!(paused_from_the_start);
async fn paused_from_the_start(ctx: Context) {
    let loose = Actor::new_alloc();
    let trace = Trace::default();
    loose.spawn_task(|_me| trace.clone().count_frames());
    ctx.frames(3).await;
    // Up to its first await, as a method would run.
    assert_eq!(trace.seen(), (1, 0));
    ctx.root().add_child(&loose);
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (4, 0));
}

engine_test!(always_mode_runs_while_paused);
async fn always_mode_runs_while_paused(ctx: Context) {
    let mut menu = actor(&ctx.root());
    menu.set_process_mode(ProcessMode::ALWAYS);
    let trace = Trace::default();
    menu.spawn_task(|_me| trace.clone().count_frames());
    ctx.frame().await;
    ctx.root().get_tree().set_pause(true);
    ctx.frames(3).await;
    ctx.root().get_tree().set_pause(false);
    assert_eq!(trace.seen(), (5, 0));
}

engine_test!(own_speed);
async fn own_speed(ctx: Context) {
    let (slow, normal) = (actor(&ctx.root()), actor(&ctx.root()));
    slow.tasks().set_speed(0.5);
    let script = |log: Log, name: &'static str| async move {
        wait_seconds(0.5).await;
        log.add(name);
    };
    let log = ctx.log_handle();
    slow.spawn_task(|_me| script(log.clone(), "slow"));
    normal.spawn_task(|_me| script(log.clone(), "normal"));
    ctx.frames(31).await;
    ctx.assert_log(["normal"]);
    ctx.frames(28).await;
    ctx.assert_log::<&str>([]);
    ctx.frames(2).await;
    ctx.assert_log(["slow"]);
}
