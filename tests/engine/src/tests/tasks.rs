//! Tasks in the engine: how they end, on which stack, in which frame.

use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::Setup;
use crate::inside::Context;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

engine_test!(a_panic_in_one_of_three);
async fn a_panic_in_one_of_three(ctx: Context) {
    let node = actor(&ctx.root());
    let log = ctx.log_handle();
    let tasks: Vec<_> = ["first", "second", "third"]
        .into_iter()
        .map(|name| {
            let log = log.clone();
            node.tasks().spawn_named(name, async move {
                next_frame().await;
                assert_ne!(name, "second", "a bad day");
                log.add(name);
            })
        })
        .collect();
    ctx.expect_error("a bad day");
    ctx.expect_error("\"second\"");
    ctx.frames(2).await;
    ctx.assert_log(["first", "third"]);
    let results: Vec<_> = tasks.iter().map(|task| task.take().unwrap()).collect();
    assert_eq!(results, [Ok(()), Err(TaskError::Panicked), Ok(())]);
}

engine_test!(cancel_from_inside);
async fn cancel_from_inside(ctx: Context) {
    let trace = Trace::default();
    let own: Rc<RefCell<Option<TaskHandle<()>>>> = Rc::default();
    let task = spawn({
        let (trace, own) = (trace.clone(), own.clone());
        async move {
            let _guard = trace.guard();
            next_frame().await;
            own.borrow().as_ref().unwrap().cancel();
            trace.step();
            next_frame().await;
            trace.step();
        }
    });
    *own.borrow_mut() = Some(task);
    ctx.frames(3).await;
    assert_eq!(trace.seen(), (1, 1));
    assert_eq!(own.borrow().as_ref().unwrap().take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(cancel_from_a_drop);
async fn cancel_from_a_drop(ctx: Context) {
    let trace = Trace::default();
    let victim = spawn(trace.clone().count_frames());
    let first = spawn(async move {
        let _guard = at_exit(move || victim.cancel());
        wait_frames(1000).await;
    });
    ctx.frames(2).await;
    first.cancel();
    let seen = trace.seen();
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (seen.0, 1));
}

engine_test!(cancel_of_a_finished_task);
async fn cancel_of_a_finished_task(ctx: Context) {
    let task = spawn(async { 5 });
    task.cancel();
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok(5)));
    task.cancel();
}

engine_test!(cancel_of_a_reused_slot);
async fn cancel_of_a_reused_slot(ctx: Context) {
    let old = spawn(async {});
    let trace = Trace::default();
    let new = spawn(trace.clone().count_frames());
    old.cancel();
    ctx.frames(2).await;
    assert_eq!(trace.seen(), (3, 0));
    new.cancel();
    ctx.frame().await;
}

engine_test!(spawn_in_a_drop_while_cancelling);
async fn spawn_in_a_drop_while_cancelling(ctx: Context) {
    let node = actor(&ctx.root());
    let log = ctx.log_handle();
    let task = node.spawn_task(|me| {
        let log = log.clone();
        async move {
            let _guard = at_exit(move || {
                let late = log.clone();
                spawn(async move {
                    late.add("spawned");
                    next_frame().await;
                    late.add("a frame later");
                });
                me.tasks().spawn(async {});
                log.add("dropped");
            });
            wait_frames(1000).await;
        }
    });
    ctx.frame().await;
    task.cancel();
    ctx.assert_log::<&str>([]);
    ctx.frame().await;
    ctx.assert_log(["spawned", "dropped", "a frame later"]);
}

engine_test!(guards_run_on_a_clean_stack);
async fn guards_run_on_a_clean_stack(ctx: Context) {
    let node = actor(&ctx.root());
    let log = ctx.log_handle();
    let task = node.spawn_task(|me| {
        let log = log.clone();
        async move {
            let _guard = at_exit(|| {
                // Would be a double borrow under the caller's.
                me.with(|me| me.hp += 1);
                log.add(format!("guard in frame {}", frame()));
            });
            wait_frames(1000).await;
        }
    });
    ctx.frame().await;
    {
        let mut object = node.clone();
        let mut bound = object.bind_mut();
        task.cancel();
        bound.hp = 10;
    }
    let expected = format!("guard in frame {}", frame());
    ctx.frame().await;
    ctx.assert_log([expected]);
    assert_eq!(node.bind().hp, 11);
}

engine_test!(guards_run_before_any_other_task);
async fn guards_run_before_any_other_task(ctx: Context) {
    let log = ctx.log_handle();
    let victim = spawn({
        let log = log.clone();
        async move {
            let _guard = at_exit(|| log.add("guard"));
            wait_frames(1000).await;
        }
    });
    let killer = log.clone();
    spawn(async move {
        next_frame().await;
        victim.cancel();
        killer.add("cancelled");
    });
    let other = log.clone();
    spawn(async move {
        next_frame().await;
        other.add("other");
    });
    ctx.frame().await;
    ctx.assert_log(["cancelled", "guard", "other"]);
}

engine_test!(livelock_costs_a_warning);
async fn livelock_costs_a_warning(ctx: Context) {
    let actor = actor(&ctx.root());
    let ping = |name: &'static str, from: &'static str, to: &'static str| {
        let actor = actor.clone();
        spawn_named(name, async move {
            let mut emitter = actor.clone();
            loop {
                Signal::from_object_signal(&actor, from).wait::<()>().await;
                emitter.emit_signal(to, &[]);
            }
        })
    };
    actor.clone().add_user_signal("ping");
    actor.clone().add_user_signal("pong");
    let tasks: [TaskHandle<()>; 2] = [ping("ping", "ping", "pong"), ping("pong", "pong", "ping")];
    ctx.expect_error("\"ping\"");
    actor.clone().emit_signal("ping", &[]);
    let before = frame();
    ctx.frames(5).await;
    assert_eq!(frame(), before + 5);
    assert!(tasks.iter().all(|task| !task.is_finished()));
    tasks.iter().for_each(|task| task.cancel());
    ctx.frame().await;
}

engine_test!(physics_frames_run_in_the_physics_stage);
async fn physics_frames_run_in_the_physics_stage(ctx: Context) {
    let engine = godot::classes::Engine::singleton();
    let task = spawn(async move {
        wait_physics_frames(2).await;
        let physics = engine.is_in_physics_frame();
        next_frame().await;
        (physics, engine.is_in_physics_frame())
    });
    ctx.frames(5).await;
    assert_eq!(task.take(), Some(Ok((true, false))));
}

engine_test!(handles_give_results);
async fn handles_give_results(ctx: Context) {
    let task = spawn(async {
        let child = branch(async {
            wait_frames(2).await;
            "done"
        });
        child.await
    });
    ctx.frames(2).await;
    assert_eq!(task.take(), Some(Ok(Ok("done"))));
}

thread_local! {
    /// How many reports the hook has heard that was there before any task.
    static HEARD: Cell<u32> = const { Cell::new(0) };
}

/// Called when the library is loaded.
pub(crate) fn listen_from_the_start() {
    on_task_panic(|_| HEARD.set(HEARD.get() + 1));
}

engine_test!(hooks_hear_of_panics_and_failures, Setup::own_game());
async fn hooks_hear_of_panics_and_failures(ctx: Context) {
    let log = ctx.log_handle();
    on_task_panic(move |report| {
        log.add(&report.message);
        // A hook may use the runtime.
        let later = log.clone();
        spawn(async move {
            next_frame().await;
            later.add("a frame later");
        });
    });
    let bell = Bell::new_alloc();
    let awaited = bell.clone();
    spawn(async move { awaited.signals().rung().wait().await });
    let freed = "the emitter of signal Bell.rung was freed, so the signal can never come";
    ctx.expect_error("a bad day");
    ctx.expect_error("\"broken\"");
    ctx.expect_error(freed);
    spawn_named("broken", async { panic!("a bad day") }).detach();
    bell.free();
    ctx.frames(2).await;
    ctx.assert_log(["a bad day", freed, "a frame later", "a frame later"]);
    assert_eq!(HEARD.get(), 2);
}
