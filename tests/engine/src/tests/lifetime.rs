//! How it all ends: at the exit, at a hot reload, and in the editor.

use std::cell::Cell;

use cuelight::SignalError;
use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;
use crate::protocol::note;
use crate::{Ended, Setup};

/// Notes its drop, and whether it is the first.
struct Noisy {
    name: &'static str,
    dropped: Cell<bool>,
}

impl Noisy {
    fn new(name: &'static str) -> Self {
        Self { name, dropped: Cell::new(false) }
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        let again = if self.dropped.replace(true) { " again" } else { "" };
        note(format!("{} dropped{again}", self.name));
    }
}

engine_test!(
    exit_drops_every_task_in_silence,
    Setup::own_game().quits().may_leave().checked_by(exit_was_silent)
);
async fn exit_drops_every_task_in_silence(ctx: Context) {
    let node = actor(&ctx.root());
    let of_node = Noisy::new("of the node");
    node.spawn_task(|me| async move {
        let _noisy = of_node;
        loop {
            me.signals().hit().wait().await;
            note("resumed by mistake");
        }
    });
    let of_root = Noisy::new("of the root group");
    let awaited = node.clone();
    spawn(async move {
        let _noisy = of_root;
        // In the game this fails and is reported when the emitter is freed; at the exit nothing is said.
        awaited.signals().rested().wait().await;
        note("resumed by mistake");
    });
    let late = Noisy::new("in a frame loop");
    spawn(async move {
        let _noisy = late;
        let _guard = at_exit(|| {
            // What touches the runtime now does nothing, and says nothing.
            spawn(async { note("spawned by mistake") }).cancel();
        });
        loop {
            next_frame().await;
        }
    });
    ctx.frames(3).await;
    ctx.tree().quit();
    ctx.frames(100).await;
}

fn exit_was_silent(ended: &Ended) {
    ended.assert_clean();
    let mut notes = ended.notes.clone();
    notes.sort();
    assert_eq!(
        notes,
        ["in a frame loop dropped", "of the node dropped", "of the root group dropped"]
    );
}

engine_test!(freed_emitter_in_the_editor, Setup::own_editor());
async fn freed_emitter_in_the_editor(ctx: Context) {
    let (node, bell) = (actor(&ctx.root()), Bell::new_alloc());
    let tasks = [
        spawn({
            let wait = node.signals().hit().try_wait();
            async move { wait.await.map(drop) }
        }),
        spawn({
            let wait = bell.signals().rung().try_wait();
            async move { wait.await.map(drop) }
        }),
    ];
    ctx.frames(2).await;
    assert!(tasks.iter().all(|task| !task.is_finished()));
    node.free();
    bell.free();
    ctx.frame().await;
    let results: Vec<_> = tasks.iter().map(|task| task.take().unwrap().unwrap()).collect();
    let freed = |signal: &str| Err(SignalError::Freed { signal: signal.into() });
    assert_eq!(results, [freed("Actor.hit"), freed("Bell.rung")]);
}

engine_test!(freed_emitter_fails_wait_in_the_editor, Setup::own_editor());
async fn freed_emitter_fails_wait_in_the_editor(ctx: Context) {
    let node = actor(&ctx.root());
    let task = spawn(node.signals().hit().wait());
    ctx.frames(2).await;
    ctx.expect_error("Actor.hit was freed");
    node.free();
    ctx.frame().await;
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
}

engine_test!(
    exit_in_the_middle_of_everything,
    Setup::own_game().quits().may_leave().verbose().checked_by(exit_left_nothing)
);
async fn exit_in_the_middle_of_everything(ctx: Context) {
    // Things that end in the frame of the exit, and things that are on their way in it.
    for number in 0..20 {
        let node = start_everything(&ctx);
        node.spawn_task(|me| async move {
            // When they run, their node is gone, and most find a runtime that is closed.
            let _guard = me.at_exit(|_| note("a guard ran with its node by mistake"));
            let group = me.tasks();
            let _other = at_exit(move || {
                let is_open = cuelight::engine::is_open();
                let spawned = move || async move {
                    if !is_open {
                        note("spawned by mistake");
                    }
                };
                spawn(spawned());
                group.spawn(spawned());
                group.cancel_all();
            });
            wait_seconds(1000.0).await;
        });
        let thing = RefCounted::new_gd();
        let freed = wait_freed(&thing);
        node.tasks().child().ends_with(&thing).spawn(async move {
            // The thing waits for its own end, in a task that holds it.
            freed.await;
            drop(thing);
        });
        let bell = Bell::new_alloc();
        let rung = bell.signals().rung().try_wait();
        spawn(async move {
            let _noisy = Noisy::new("a wait for an object");
            let _ = rung.await;
        });
        // What is queued, cancelled, deferred or emitted in the frame of the exit.
        let mut quitting = node.clone();
        let mut tree = ctx.tree();
        actor(&ctx.root()).spawn_task(|me| async move {
            wait_frames(3).await;
            match number % 5 {
                0 => quitting.queue_free(),
                1 => me.tasks().cancel_all(),
                2 => drop(spawn_deferred(next_frame())),
                3 => me.signals().hit().emit(1),
                _ => tree.quit(),
            }
            bell.free();
            loop {
                yield_now().await;
            }
        });
    }
    ctx.frames(100).await;
}

fn exit_left_nothing(ended: &Ended) {
    ended.assert_clean();
    for name in [
        "a task in a frame loop",
        "a task on process_frame",
        "a frozen task",
        "a task of a child group",
        "a task of streams",
        "a task of background work",
        "a wait for an object",
    ] {
        let drops = ended.notes.iter().filter(|note| **note == format!("{name} dropped")).count();
        assert_eq!(drops, 20, "{name}: {:?}", ended.notes);
    }
    assert!(!ended.notes.iter().any(|note| note.contains("mistake")), "{:?}", ended.notes);
}

/// Starts something of every kind, and returns the nodes of it.
fn start_everything(ctx: &Context) -> Gd<Actor> {
    let node = actor(&ctx.root());
    node.spawn_task(|_me| async {
        let _noisy = Noisy::new("a task in a frame loop");
        loop {
            next_frame().await;
        }
    });
    node.spawn_task(|me| async move {
        loop {
            me.signals().hit().wait().await;
        }
    });
    let tree = ctx.tree();
    spawn(async move {
        let _noisy = Noisy::new("a task on process_frame");
        loop {
            tree.signals().process_frame().wait().await;
        }
    });
    spawn(async {
        loop {
            yield_now().await;
        }
    });
    node.spawn_task(|me| async move {
        let mut frozen = me.clone();
        frozen.set_process_mode(godot::classes::node::ProcessMode::DISABLED);
        let _noisy = Noisy::new("a frozen task");
        wait_seconds(1000.0).await;
    });
    spawn(async { wait_until(|| false).await }.while_alive(&node));
    // Groups of nodes: below one, bound to others, of a node out of the tree, one that is not bound yet.
    let other = actor(&node.clone().upcast());
    other.tasks().child().ends_with(&node).cancel_on(CancelOn::all()).spawn(async {
        let _noisy = Noisy::new("a task of a child group");
        wait_until(|| false).await;
    });
    spawn(wait_freed(&other));
    let mut hits = node.signals().hit().stream();
    let mut frames = ctx.tree().signals().process_frame().stream().latest();
    spawn(async move {
        let _noisy = Noisy::new("a task of streams");
        // Until one of the emitters is gone.
        while race((async { hits.next().await.is_some() }, async { frames.next().await.is_some() }))
            .await
        {}
    });
    // A job is under way at nearly every moment, on another thread.
    spawn(async {
        let _noisy = Noisy::new("a task of background work");
        loop {
            background(|| (0..100_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n))).await;
        }
    });
    node
}

const RELOADS: u32 = 50;

engine_test!(
    fifty_hot_reloads_with_all_of_that_alive,
    Setup::own_editor().may_leave().seconds(120).checked_by(reloads_dropped_everything)
);
async fn fifty_hot_reloads_with_all_of_that_alive(ctx: Context) {
    let connections = ctx.tree().get_signal_connection_list("process_frame").len();
    for node in ctx.root().get_children().iter_shared() {
        // Of the library of before nothing is left at its nodes.
        assert_eq!(node.get_child_count_ex().include_internal(true).done(), node.get_child_count());
        for signal in ["hit", "script_changed"] {
            assert_eq!(node.get_signal_connection_list(signal).len(), 0);
        }
    }
    if ctx.phase() == 0 {
        ctx.keep("connections", connections as i64);
    } else {
        // Nothing of the library of before is left.
        assert_eq!(connections as i64, ctx.kept::<i64>("connections"));
        assert_eq!(cuelight::engine::counts().tasks, 0);
    }
    let node = start_everything(&ctx);
    // Wakes that are on their way at the moment of the reload.
    let trace = Trace::default();
    let task = spawn(trace.clone().count_frames());
    ctx.frames(4).await;
    assert_eq!(trace.seen(), (5, 0));
    node.signals().hit().emit(1);
    drop(task);
    if ctx.phase() < RELOADS {
        ctx.then_reload();
    }
}

fn reloads_dropped_everything(ended: &Ended) {
    ended.assert_clean();
    let kinds = ["a task in a frame loop", "a task on process_frame", "a frozen task"];
    let others = ["a task of a child group", "a task of streams", "a task of background work"];
    for name in kinds.into_iter().chain(others) {
        let drops = ended.notes.iter().filter(|note| **note == format!("{name} dropped")).count();
        assert_eq!(drops, RELOADS as usize + 1, "{name}: {:?}", ended.notes);
    }
}

/// Returns what Godot has allocated, and what the process holds, in bytes.
fn memory() -> [u64; 2] {
    let os = godot::classes::Os::singleton();
    let engine = os.get_static_memory_usage();
    // Elsewhere than on Linux the engine's own count has to do.
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    [engine, pages.unwrap_or(0) * 4096]
}

engine_test!(
    memory_of_a_tool_script_over_5000_frames,
    Setup::own_editor().frames(6000).seconds(120)
);
async fn memory_of_a_tool_script_over_5000_frames(ctx: Context) {
    let node = actor(&ctx.root());
    let other = actor(&ctx.root());
    let frames = Trace::default();
    node.spawn_task(|_me| frames.clone().count_frames());
    node.spawn_task(|me| async move {
        let tree = me.get_tree();
        loop {
            tree.signals().process_frame().wait().await;
        }
    });
    node.spawn_task(|_me| async move {
        loop {
            wait_seconds(0.01).while_alive(&other).await;
            wait_freed(&other).timeout(0.01).await.ok();
        }
    });
    // The editor sleeps between its frames, to be kind to the machine.
    godot::classes::Os::singleton().set_low_processor_usage_mode(false);
    ctx.frames(500).await;
    let early = memory();
    ctx.frames(4500).await;
    let late = memory();
    assert!(frames.seen().0 >= 5000, "it awaited each frame");
    for (what, early, late) in [("engine", early[0], late[0]), ("process", early[1], late[1])] {
        godot_print!("{what}: {early} bytes at frame 500, {late} at frame 5000");
        assert!(
            late <= early + early / 100,
            "{what}: {early} bytes at frame 500, {late} at frame 5000"
        );
    }
}
