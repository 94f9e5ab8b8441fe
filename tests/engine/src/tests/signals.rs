//! Waiting for signals: when a task resumes, with what, and what becomes of a wait that can never end.

use cuelight::SignalError;
use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

engine_test!(resume_in_the_frame_of_its_signal);
async fn resume_in_the_frame_of_its_signal(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    let task = spawn({
        let (actor, log) = (actor.clone(), log.clone());
        async move {
            for _ in 0..3 {
                let (amount,) = actor.signals().hit().wait().await;
                log.add(format!("hit {amount} in frame {}", frame()));
            }
        }
    });
    let mut expected = Vec::new();
    for amount in 1..=3 {
        ctx.frame().await;
        actor.signals().hit().emit(amount);
        expected.push(format!("hit {amount} in frame {}", frame()));
        // Never inside the emission.
        ctx.assert_log::<&str>([]);
        ctx.frame().await;
        ctx.assert_log(expected.drain(..));
    }
    assert_eq!(task.take(), Some(Ok(())));
}

engine_test!(waits_resume_in_the_order_of_their_creation);
async fn waits_resume_in_the_order_of_their_creation(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    for name in ["first", "second", "third"] {
        let wait = actor.signals().rested().wait();
        let log = log.clone();
        spawn(async move {
            wait.await;
            log.add(name);
        });
    }
    actor.signals().rested().emit();
    ctx.frame().await;
    ctx.assert_log(["first", "second", "third"]);
}

engine_test!(each_wait_in_turn_hears_its_own_signal);
async fn each_wait_in_turn_hears_its_own_signal(ctx: Context) {
    let (one, other) = (actor(&ctx.root()), actor(&ctx.root()));
    let log = ctx.log_handle();
    // They are connected already, so a wait may find the connection of the one before.
    let _connected = (
        one.signals().hit().stream(),
        one.signals().rested().stream(),
        other.signals().hit().stream(),
    );
    spawn({
        let (one, other, log) = (one.clone(), other.clone(), log.clone());
        async move {
            for _ in 0..2 {
                let (amount,) = one.signals().hit().wait().await;
                log.add(format!("one hit {amount}"));
                one.signals().rested().wait().await;
                log.add("one rested");
                let (amount,) = other.signals().hit().wait().await;
                log.add(format!("other hit {amount}"));
            }
        }
    });
    for round in 0..2 {
        other.signals().hit().emit(7);
        one.signals().rested().emit();
        ctx.frame().await;
        ctx.assert_log::<&str>([]);
        one.signals().hit().emit(round);
        ctx.frame().await;
        one.signals().hit().emit(8);
        other.signals().hit().emit(8);
        ctx.frame().await;
        ctx.assert_log([format!("one hit {round}")]);
        one.signals().rested().emit();
        ctx.frame().await;
        one.signals().hit().emit(9);
        ctx.frame().await;
        ctx.assert_log(["one rested"]);
        other.signals().hit().emit(round);
        ctx.frame().await;
        ctx.assert_log([format!("other hit {round}")]);
    }
}

engine_test!(two_emissions_before_a_poll_resume_once);
async fn two_emissions_before_a_poll_resume_once(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    let task = spawn({
        let (actor, log) = (actor.clone(), log.clone());
        async move {
            loop {
                let (amount,) = actor.signals().hit().wait().await;
                log.add(format!("hit {amount}"));
            }
        }
    });
    actor.signals().hit().emit(1);
    actor.signals().hit().emit(2);
    ctx.frame().await;
    ctx.assert_log(["hit 1"]);
    // And the next wait hears the next emission.
    actor.signals().hit().emit(3);
    ctx.frame().await;
    ctx.assert_log(["hit 3"]);
    let _: &TaskHandle<()> = &task;
    task.cancel();
}

engine_test!(emission_between_creation_and_first_await_is_heard);
async fn emission_between_creation_and_first_await_is_heard(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn({
        let actor = actor.clone();
        async move {
            let hit = actor.signals().hit().wait();
            actor.signals().hit().emit(7);
            wait_frames(2).await;
            hit.await
        }
    });
    ctx.frames(4).await;
    assert_eq!(task.take(), Some(Ok((7,))));
}

engine_test!(emission_on_another_thread_with_plain_arguments);
async fn emission_on_another_thread_with_plain_arguments(ctx: Context) {
    let mut bell = Object::new_alloc();
    bell.add_user_signal("plain");
    let wait = Signal::from_object_signal(&bell, "plain").try_wait::<(i64, GString, Vector2)>();
    let task = spawn(wait);
    on_another_thread(&ctx, "emit_plain", &bell);
    assert!(!task.is_finished());
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok(Ok((7, "seven".into(), Vector2::new(1.0, 2.0))))));
    bell.free();
}

engine_test!(emission_on_another_thread_with_an_object);
async fn emission_on_another_thread_with_an_object(ctx: Context) {
    let bell = Bell::new_alloc();
    let task = spawn(bell.signals().rung().wait());
    on_another_thread(&ctx, "emit_object", &bell);
    ctx.frame().await;
    let (times, by) = task.take().unwrap().unwrap();
    assert_eq!((times, by.get_meta("who").to::<GString>()), (3, "thread".into()));
    bell.free();
}

engine_test!(emission_of_a_node_on_another_thread_is_an_error);
async fn emission_of_a_node_on_another_thread_is_an_error(ctx: Context) {
    let loose = Actor::new_alloc();
    let task = spawn(loose.signals().hit().try_wait());
    // Godot and godot say so as well, where it happens.
    ctx.expect_error("signal Actor.hit was emitted on another thread");
    ctx.expect_error("Error calling from signal 'hit'");
    on_another_thread(&ctx, "emit_hit", &loose);
    ctx.frames(2).await;
    let error = task.take().unwrap().unwrap().unwrap_err();
    assert_eq!(error, SignalError::OtherThread { signal: "Actor.hit".into() });
    loose.free();
}

engine_test!(freed_emitter_is_an_error_of_try_wait);
async fn freed_emitter_is_an_error_of_try_wait(ctx: Context) {
    let node = actor(&ctx.root());
    let bell = Bell::new_alloc();
    let of_node = spawn(node.signals().hit().try_wait());
    let of_bell = spawn(bell.signals().rung().try_wait());
    ctx.frame().await;
    node.free();
    bell.free();
    ctx.frame().await;
    let freed = |signal: &str| SignalError::Freed { signal: signal.into() };
    assert_eq!(of_node.take().unwrap().unwrap().unwrap_err(), freed("Actor.hit"));
    assert_eq!(of_bell.take().unwrap().unwrap().unwrap_err(), freed("Bell.rung"));
}

engine_test!(freed_emitter_fails_wait);
async fn freed_emitter_fails_wait(ctx: Context) {
    let node = actor(&ctx.root());
    let trace = Trace::default();
    let task = spawn_named("listener", {
        let (wait, guard) = (node.signals().hit().wait(), trace.guard());
        async move {
            let _guard = guard;
            wait.await;
            unreachable!();
        }
    });
    ctx.expect_error("\"listener\"");
    node.free();
    ctx.frame().await;
    let result: Result<(), TaskError> = task.take().unwrap();
    let TaskError::Failed(reason) = result.unwrap_err() else { panic!("it has to fail") };
    assert!(reason.contains("Actor.hit was freed"), "{reason}");
    assert_eq!(trace.seen(), (0, 1));
}

engine_test!(freed_before_the_wait);
async fn freed_before_the_wait(ctx: Context) {
    let node = actor(&ctx.root());
    let signal = Signal::from_object_signal(&node, "hit");
    let label = format!("#{}.hit", node.instance_id());
    node.free();
    let task = spawn(signal.try_wait::<(i64,)>());
    let freed = SignalError::Freed { signal: label };
    assert_eq!(task.take(), Some(Ok(Err(freed))));
    let task = spawn(Signal::invalid().try_wait::<()>());
    let freed = SignalError::Freed { signal: "null.".into() };
    assert_eq!(task.take(), Some(Ok(Err(freed))));
}

engine_test!(too_few_arguments_are_an_error);
async fn too_few_arguments_are_an_error(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn(Signal::from_object_signal(&actor, "hit").try_wait::<(i64, GString)>());
    actor.signals().hit().emit(1);
    ctx.frame().await;
    let error = task.take().unwrap().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "argument 1 of signal Actor.hit is awaited as GString, but the emission had nothing"
    );
}

engine_test!(wrong_argument_type_is_an_error);
async fn wrong_argument_type_is_an_error(ctx: Context) {
    let actor = actor(&ctx.root());
    let mut emitter = actor.clone();
    let task = spawn(Signal::from_object_signal(&actor, "hit").try_wait::<(Vector2,)>());
    emitter.emit_signal("hit", vslice!["a string"]);
    ctx.frame().await;
    let error = task.take().unwrap().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "argument 0 of signal Actor.hit is awaited as Vector2, but the emission had STRING"
    );
}

engine_test!(fewer_awaited_arguments_are_enough);
async fn fewer_awaited_arguments_are_enough(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn(Signal::from_object_signal(&actor, "moved").try_wait::<(Vector2,)>());
    actor.signals().moved().emit(Vector2::ONE, Vector2::ZERO);
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok(Ok((Vector2::ONE,)))));
}

engine_test!(unknown_signal_is_an_error);
async fn unknown_signal_is_an_error(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn(Signal::from_object_signal(&actor, "hti").try_wait::<()>());
    let error = task.take().unwrap().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "there is no signal Actor.hti; check its name and its class");
}

engine_test!(wait_any_takes_all_arguments);
async fn wait_any_takes_all_arguments(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn(Signal::from_object_signal(&actor, "moved").wait_any());
    actor.signals().moved().emit(Vector2::ONE, Vector2::ZERO);
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok(vec![Vector2::ONE.to_variant(), Vector2::ZERO.to_variant()])));
}

engine_test!(select_signal_takes_the_first_emission);
async fn select_signal_takes_the_first_emission(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let any = Signal::from_object_signal(&left, "rested");
    let task = spawn({
        let (left, right) = (left.clone(), right.clone());
        async move {
            let (mut hits, mut moves) = (left.signals(), right.signals());
            select_signal((&hits.hit(), &moves.moved(), &any)).await
        }
    });
    right.signals().moved().emit(Vector2::ONE, Vector2::ZERO);
    left.signals().hit().emit(1);
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok(Select3::Second((Vector2::ONE, Vector2::ZERO)))));
}

engine_test!(select_signal_of_a_list);
async fn select_signal_of_a_list(ctx: Context) {
    let actors: Vec<_> = (0..3).map(|_| actor(&ctx.root())).collect();
    let hits: Vec<_> =
        actors.iter().map(|actor| Signal::from_object_signal(actor, "hit")).collect();
    let task = spawn(select_signal(&hits));
    actors[2].signals().hit().emit(9);
    actors[0].signals().hit().emit(8);
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok((2, vec![9.to_variant()]))));
}

engine_test!(select_signal_drops_out_freed_emitters);
async fn select_signal_drops_out_freed_emitters(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let both =
        [Signal::from_object_signal(&left, "hit"), Signal::from_object_signal(&right, "hit")];
    let first = spawn(select_signal(&both));
    let second = spawn(select_signal(&both));
    left.free();
    ctx.frame().await;
    assert!(!first.is_finished());
    first.cancel();
    ctx.expect_error("failed: the emitter of signal Actor.hit was freed");
    right.free();
    ctx.frame().await;
    assert!(matches!(second.take(), Some(Err(TaskError::Failed(_)))));
}

engine_test!(waits_on_one_signal_share_a_connection);
async fn waits_on_one_signal_share_a_connection(ctx: Context) {
    let actor = actor(&ctx.root());
    let connections = || actor.get_signal_connection_list("rested").len();
    let tasks: Vec<_> = (0..100).map(|_| spawn(actor.signals().rested().wait())).collect();
    assert_eq!(connections(), 1);
    actor.signals().rested().emit();
    ctx.frame().await;
    assert!(tasks.iter().all(|task| task.is_finished()));
    // It is kept, for those who wait in a loop, until an emission finds nobody.
    assert_eq!(connections(), 1);
    actor.signals().rested().emit();
    assert_eq!(connections(), 0);
    ctx.frame().await;
}

engine_test!(nested_emission);
async fn nested_emission(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    let task = spawn({
        let (actor, log) = (actor.clone(), log.clone());
        async move {
            let mut left = 3;
            while left > 0 {
                let (amount,) = actor.signals().hit().wait().await;
                log.add(format!("hit {amount}"));
                left -= 1;
                let again = actor.signals().hit().wait();
                actor.signals().hit().emit(amount + 1);
                log.add(format!("again {:?}", again.await));
            }
        }
    });
    actor.signals().hit().emit(1);
    ctx.frames(2).await;
    ctx.assert_log(["hit 1", "again (2,)"]);
    task.cancel();
}

engine_test!(wait_outside_of_a_task_panics_on_a_freed_emitter);
async fn wait_outside_of_a_task_panics_on_a_freed_emitter(ctx: Context) {
    use std::task::{Context, Waker};
    let node = actor(&ctx.root());
    let mut wait = Box::pin(node.signals().hit().wait());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    node.free();
    ctx.expect_error("was freed");
    let polled =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait.as_mut().poll(&mut cx)));
    assert!(polled.is_err());
}
