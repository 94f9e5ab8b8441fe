//! Nodes that are freed where it hurts, and what becomes of copies of them.

use cuelight::engine::counts;
use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

engine_test!(in_a_handler_of_its_own_signal);
async fn in_a_handler_of_its_own_signal(ctx: Context) {
    let node = actor(&ctx.root());
    let (waiting, counting) = (Trace::default(), Trace::default());
    node.spawn_task(|me| {
        let trace = waiting.clone();
        async move {
            let _guard = trace.guard();
            me.signals().hit().wait().await;
            trace.step();
        }
    });
    node.spawn_task(|_me| counting.clone().count_frames());
    // While a node emits, it can be freed only at the end of the frame.
    let victim = node.clone();
    node.signals().hit().connect(move |_| victim.clone().queue_free());
    ctx.frame().await;
    node.signals().hit().emit(1);
    ctx.frames(3).await;
    // It resumed in the frame of its signal, when the node was still there.
    assert_eq!((waiting.seen(), counting.seen()), ((1, 1), (2, 1)));
}

engine_test!(in_a_handler_of_another_s_signal);
async fn in_a_handler_of_another_s_signal(ctx: Context) {
    let (node, other) = (actor(&ctx.root()), actor(&ctx.root()));
    let trace = Trace::default();
    node.spawn_task(|_me| {
        let (trace, other) = (trace.clone(), other.clone());
        async move {
            let _guard = trace.guard();
            other.signals().hit().wait().await;
            trace.step();
        }
    });
    let victim = node.clone();
    other.signals().hit().connect(move |_| victim.clone().free());
    ctx.frame().await;
    other.signals().hit().emit(1);
    assert_eq!(trace.seen(), (0, 0));
    ctx.frame().await;
    // The signal had woken it, but it is not polled once its node is gone.
    assert_eq!(trace.seen(), (0, 1));
}

/// What a [`Leaver`] does.
type OnExit = Box<dyn FnOnce(&mut Leaver)>;

/// A node that does something when it leaves the tree.
#[derive(GodotClass)]
#[class(init, base = Node)]
struct Leaver {
    on_exit: Option<OnExit>,
    base: Base<Node>,
}

#[godot_api]
impl INode for Leaver {
    fn exit_tree(&mut self) {
        if let Some(on_exit) = self.on_exit.take() {
            on_exit(self);
        }
    }
}

engine_test!(scripts_spawned_in_exit_tree);
async fn scripts_spawned_in_exit_tree(ctx: Context) {
    let node = ctx.add::<Leaver>();
    let trace = Trace::default();
    let later = trace.clone();
    node.clone().bind_mut().on_exit = Some(Box::new(move |me| {
        me.spawn_task(|_me| later.count_frames());
    }));
    ctx.frame().await;
    ctx.root().remove_child(&node);
    ctx.frames(2).await;
    // Out of the tree it is frozen.
    assert_eq!(trace.seen(), (1, 0));
    ctx.root().add_child(&node);
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (3, 0));
}

engine_test!(scripts_spawned_in_exit_tree_of_a_free);
async fn scripts_spawned_in_exit_tree_of_a_free(ctx: Context) {
    let node = ctx.add::<Leaver>();
    let trace = Trace::default();
    let later = trace.clone();
    node.clone().bind_mut().on_exit = Some(Box::new(move |me| {
        me.spawn_task(|_me| later.count_frames());
    }));
    node.free();
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (1, 1));
}

engine_test!(a_sibling_freed_in_exit_tree);
async fn a_sibling_freed_in_exit_tree(ctx: Context) {
    let (node, sibling) = (ctx.add::<Leaver>(), actor(&ctx.root()));
    let (own, other) = (Trace::default(), Trace::default());
    node.spawn_task(|_me| own.clone().count_frames());
    sibling.spawn_task(|_me| other.clone().count_frames());
    let mut victim = sibling.clone();
    node.clone().bind_mut().on_exit = Some(Box::new(move |_| victim.queue_free()));
    ctx.frame().await;
    node.free();
    ctx.frames(2).await;
    assert_eq!((own.seen(), other.seen()), ((2, 1), (2, 1)));
}

engine_test!(by_a_scene_reload);
async fn by_a_scene_reload(ctx: Context) {
    ctx.allow_cached_objects(1);
    let mut tree = ctx.tree();
    let before = tree.get_current_scene();
    let mut scene = Actor::new_alloc();
    scene.set_scene_file_path("res://helpers/empty.tscn");
    tree.get_root().unwrap().add_child(&scene);
    tree.set_current_scene(&scene);
    let (trace, old) = (Trace::default(), scene.tasks());
    scene.spawn_task(|_me| trace.clone().count_frames());
    ctx.frame().await;
    assert_eq!(tree.reload_current_scene(), godot::global::Error::OK);
    ctx.frames(3).await;
    assert!(!scene.is_instance_valid() && old.is_closed());
    let seen = trace.seen();
    assert_eq!(seen.1, 1);
    ctx.frames(2).await;
    assert_eq!(trace.seen(), seen);
    // What was loaded in its place has a group of its own.
    let now = tree.get_current_scene().unwrap();
    let next = Trace::default();
    now.spawn_task(|_me| next.clone().count_frames());
    ctx.frame().await;
    assert_eq!(next.seen(), (2, 0));
    now.free();
    if let Some(before) = before {
        tree.set_current_scene(&before);
    }
}

engine_test!(in_a_guard_of_its_own_script);
async fn in_a_guard_of_its_own_script(ctx: Context) {
    let node = actor(&ctx.root());
    let task = node.spawn_task(|me| async move {
        let _gone = me.at_exit(|me| me.clone().free());
        next_frame().await;
    });
    let other = Trace::default();
    node.spawn_task(|_me| other.clone().count_frames());
    ctx.frames(2).await;
    assert!(!node.is_instance_valid());
    // The guard runs in its last poll, before it is over.
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    assert_eq!(other.seen().1, 1);
}

engine_test!(a_pool_of_nodes);
async fn a_pool_of_nodes(ctx: Context) {
    let nodes: Vec<_> = (0..8).map(|_| actor(&ctx.root())).collect();
    for node in &nodes {
        node.tasks().cancel_on(CancelOn::DISABLED | CancelOn::EXIT_TREE);
        node.clone().set_process_mode(ProcessMode::DISABLED);
    }
    let trace = Trace::default();
    for life in 0..20 {
        let mut node = nodes[life % nodes.len()].clone();
        node.set_process_mode(ProcessMode::INHERIT);
        node.spawn_task(|_me| trace.clone().count_frames());
        node.spawn_task(|mut me| async move {
            wait_frames(2).await;
            me.set_process_mode(ProcessMode::DISABLED);
        });
        ctx.frame().await;
    }
    ctx.frames(3).await;
    // What ends it was polled first, so it comes first.
    assert_eq!(trace.seen(), (40, 20));
    assert!(nodes.iter().all(|node| node.tasks().is_empty()));
}

// ---------------------------------------------------------------- Guards that hand the node in

engine_test!(at_exit_hands_the_node_in);
async fn at_exit_hands_the_node_in(ctx: Context) {
    let node = actor(&ctx.root());
    let task = node.spawn_task(|me| async move {
        let kept = me.at_exit(|me| me.bind_mut().hp += 100);
        let _hp = me.at_exit(|me| me.bind_mut().hp += 1);
        kept.keep();
        wait_seconds(1000.0).await;
    });
    ctx.frame().await;
    assert_eq!(node.bind().hp, 0);
    task.cancel();
    ctx.frame().await;
    assert_eq!(node.bind().hp, 1);
}

engine_test!(at_exit_is_quiet_when_the_node_is_gone);
async fn at_exit_is_quiet_when_the_node_is_gone(ctx: Context) {
    let (node, ran) = (actor(&ctx.root()), Trace::default());
    let other = actor(&ctx.root());
    for owner in [&node, &other] {
        let (ran, me) = (ran.clone(), node.clone());
        owner.spawn_task(|_owner| async move {
            let _hp = me.at_exit(move |_me| ran.step());
            wait_seconds(1000.0).await;
        });
    }
    node.free();
    ctx.frame().await;
    assert_eq!(ran.seen().0, 0);
    other.free();
    ctx.frame().await;
    assert_eq!(ran.seen().0, 0);
}

engine_test!(panics_of_two_guards);
async fn panics_of_two_guards(ctx: Context) {
    let node = actor(&ctx.root());
    // Once each by `godot`, which prints every panic, and once with the task's name.
    for part in ["one bad day", "another bad day", "\"unlucky\""] {
        ctx.expect_error(part);
    }
    let me = node.clone();
    let task = node.tasks().spawn_named("unlucky", async move {
        let _first = me.at_exit(|_| panic!("one bad day"));
        let _second = me.at_exit(|_| panic!("another bad day"));
        next_frame().await;
    });
    ctx.frames(2).await;
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

// ---------------------------------------------------------------- Copies

engine_test!(duplicates_have_no_group);
async fn duplicates_have_no_group(ctx: Context) {
    let node = actor(&ctx.root());
    let child = actor(&node.clone().upcast());
    let trace = Trace::default();
    child.spawn_task(|_me| trace.clone().count_frames());
    node.tasks().ends_with(&child);
    ctx.frame().await;
    let groups = counts().groups;
    let mut copy = node.duplicate_node();
    assert_eq!(counts().groups, groups);
    let copied = copy.get_child(0).unwrap();
    for node in [copy.clone().upcast::<Node>(), copied.clone()] {
        let all = node.get_child_count_ex().include_internal(true).done();
        assert_eq!(all, node.get_child_count());
    }
    assert_eq!(copied.get_signal_connection_list("script_changed").len(), 0);
    // The copy's own is made when it is asked for.
    let own = Trace::default();
    copied.spawn_task(|_me| own.clone().count_frames());
    ctx.root().add_child(&copy);
    ctx.frames(2).await;
    assert_eq!((trace.seen(), own.seen()), ((4, 0), (3, 0)));
    copy.queue_free();
    ctx.frame().await;
    assert_eq!((trace.seen(), own.seen()), ((5, 0), (3, 1)));
}

engine_test!(packed_scenes_have_no_group);
async fn packed_scenes_have_no_group(ctx: Context) {
    ctx.allow_cached_objects(1);
    let node = actor(&ctx.root());
    let mut child = actor(&node.clone().upcast());
    child.set_owner(&node);
    for node in [&node, &child] {
        node.spawn_task(|_me| Trace::default().count_frames());
    }
    node.tasks().ends_with(&child);
    ctx.frame().await;
    let mut packed = PackedScene::new_gd();
    assert_eq!(packed.pack(&node), godot::global::Error::OK);
    let state = packed.get_state().unwrap();
    assert_eq!((state.get_node_count(), state.get_connection_count()), (2, 0));
    let groups = counts().groups;
    let copy = packed.instantiate().unwrap();
    assert_eq!(counts().groups, groups);
    assert_eq!(copy.get_child_count_ex().include_internal(true).done(), 1);
    copy.free();
}

// ---------------------------------------------------------------- Slow motion

engine_test!(one_in_slow_motion);
async fn one_in_slow_motion(ctx: Context) {
    let (slow, normal) = (actor(&ctx.root()), actor(&ctx.root()));
    slow.tasks().set_speed(0.3);
    let deltas = |node: &Gd<Actor>| {
        node.spawn_task(|_me| async {
            let mut moved = 0.0;
            for _ in 0..60 {
                next_frame().await;
                moved += delta();
            }
            moved
        })
    };
    let (slow_task, normal_task) = (deltas(&slow), deltas(&normal));
    ctx.frames(61).await;
    let moved = |task: TaskHandle<f64>| task.take().unwrap().unwrap();
    let (slow_moved, moved) = (moved(slow_task), moved(normal_task));
    assert!((moved - 1.0).abs() < 1e-6 && (slow_moved - 0.3).abs() < 1e-6, "{moved} {slow_moved}");
    assert!((slow.tasks().clock().speed() - 0.3).abs() < 1e-12);
    assert!((slow.tasks().child().clock().speed() - 0.3).abs() < 1e-12);
    slow.tasks().set_speed(0.0);
    let still = slow.spawn_task(|_me| async {
        next_frame().await;
        delta()
    });
    ctx.frames(2).await;
    // Frames go on; time does not.
    assert_eq!(still.take(), Some(Ok(0.0)));
}
