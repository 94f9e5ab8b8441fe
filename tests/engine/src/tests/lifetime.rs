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
    node
}

engine_test!(
    ten_hot_reloads_with_all_of_that_alive,
    Setup::own_editor().may_leave().checked_by(reloads_dropped_everything)
);
async fn ten_hot_reloads_with_all_of_that_alive(ctx: Context) {
    let connections = ctx.tree().get_signal_connection_list("process_frame").len();
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
    if ctx.phase() < 10 {
        ctx.then_reload();
    }
}

fn reloads_dropped_everything(ended: &Ended) {
    ended.assert_clean();
    for name in ["a task in a frame loop", "a task on process_frame", "a frozen task"] {
        let drops = ended.notes.iter().filter(|note| **note == format!("{name} dropped")).count();
        assert_eq!(drops, 11, "{name}: {:?}", ended.notes);
    }
}
