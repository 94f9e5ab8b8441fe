//! The first of several signals: by the order of emission, whatever kinds they are, and whoever goes away meanwhile.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};

use cuelight::SignalError;
use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

/// Polls a future by hand, with a waker that does nothing.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut TaskContext::from_waker(Waker::noop()))
}

fn signal(actor: &Gd<Actor>, name: &str) -> Signal {
    Signal::from_object_signal(actor, name)
}

engine_test!(tuples_of_two_to_eight);
async fn tuples_of_two_to_eight(ctx: Context) {
    let actors: Vec<_> = (0..8).map(|_| actor(&ctx.root())).collect();
    let hits: Vec<_> = actors.iter().map(|actor| signal(actor, "hit")).collect();
    let [a, b, c, d, e, f, g, h] = &hits[..] else { unreachable!("there are eight") };
    let mut two = select_signal((a, b));
    let mut three = select_signal((a, b, c));
    let mut four = select_signal((a, b, c, d));
    let mut five = select_signal((a, b, c, d, e));
    let mut six = select_signal((a, b, c, d, e, f));
    let mut seven = select_signal((a, b, c, d, e, f, g));
    let mut eight = select_signal((a, b, c, d, e, f, g, h));
    // Each with its last one: the longest first, so that it is the first for each.
    for (amount, actor) in actors.iter().enumerate().rev() {
        actor.signals().hit().emit(amount as i64);
    }
    let args = |amount: i64| vec![amount.to_variant()];
    assert_eq!(poll(&mut two), Poll::Ready(Select2::Second(args(1))));
    assert_eq!(poll(&mut three), Poll::Ready(Select3::Third(args(2))));
    assert_eq!(poll(&mut four), Poll::Ready(Select4::Fourth(args(3))));
    assert_eq!(poll(&mut five), Poll::Ready(Select5::Fifth(args(4))));
    assert_eq!(poll(&mut six), Poll::Ready(Select6::Sixth(args(5))));
    assert_eq!(poll(&mut seven), Poll::Ready(Select7::Seventh(args(6))));
    assert_eq!(poll(&mut eight), Poll::Ready(Select8::Eighth(args(7))));
}

engine_test!(typed_and_untyped_and_of_other_classes);
pub(super) async fn typed_and_untyped_and_of_other_classes(ctx: Context) {
    let (actor, bell) = (actor(&ctx.root()), Bell::new_alloc());
    let rested = signal(&actor, "rested");
    let mut hit_first = select_signal((&actor.signals().hit(), &bell.signals().rung(), &rested));
    let task = spawn({
        let (actor, bell, rested) = (actor.clone(), bell.clone(), rested.clone());
        async move {
            let bells = bell.signals().rung();
            select_signal((&actor.signals().hit(), &bells, &rested)).await
        }
    });
    actor.signals().rested().emit();
    actor.signals().hit().emit(7);
    bell.signals().rung().emit(1, &RefCounted::new_gd());
    ctx.frame().await;
    assert!(matches!(task.take(), Some(Ok(Select3::Third(args))) if args.is_empty()));
    assert!(matches!(poll(&mut hit_first), Poll::Ready(Select3::Third(_))));
    bell.free();
}

engine_test!(lists_slices_and_arrays);
async fn lists_slices_and_arrays(ctx: Context) {
    let actors: Vec<_> = (0..3).map(|_| actor(&ctx.root())).collect();
    let list: Vec<_> = actors.iter().map(|actor| signal(actor, "hit")).collect();
    let array = [list[0].clone(), list[1].clone(), list[2].clone()];
    let mut of_list = select_signal(&list);
    let mut of_slice = select_signal(&list[1..]);
    let mut of_array = select_signal(&array);
    actors[2].signals().hit().emit(9);
    let args = vec![9.to_variant()];
    assert_eq!(poll(&mut of_list), Poll::Ready((2, args.clone())));
    assert_eq!(poll(&mut of_slice), Poll::Ready((1, args.clone())));
    assert_eq!(poll(&mut of_array), Poll::Ready((2, args)));
}

engine_test!(list_of_more_than_a_tuple_takes);
async fn list_of_more_than_a_tuple_takes(ctx: Context) {
    let actors: Vec<_> = (0..100).map(|_| actor(&ctx.root())).collect();
    let hits: Vec<_> = actors.iter().map(|actor| signal(actor, "hit")).collect();
    let task = spawn(select_signal(&hits));
    actors[77].signals().hit().emit(1);
    actors[3].signals().hit().emit(2);
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok((77, vec![1.to_variant()]))));
}

engine_test!(empty_list_never_resolves);
async fn empty_list_never_resolves(ctx: Context) {
    let none: Vec<Signal> = Vec::new();
    let task = spawn(select_signal(&none));
    ctx.frames(3).await;
    assert!(!task.is_finished());
    task.cancel();
    ctx.frame().await;
}

engine_test!(signal_that_is_listed_twice_is_the_first);
async fn signal_that_is_listed_twice_is_the_first(ctx: Context) {
    let actor = actor(&ctx.root());
    let hit = signal(&actor, "hit");
    let mut twice = select_signal((&hit, &actor.signals().hit()));
    actor.signals().hit().emit(1);
    assert_eq!(poll(&mut twice), Poll::Ready(Select2::First(vec![1.to_variant()])));
}

engine_test!(first_emission_of_the_first_signal);
async fn first_emission_of_the_first_signal(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let mut first = select_signal((&left.signals().hit(), &right.signals().hit()));
    for amount in [1, 2] {
        right.signals().hit().emit(amount);
        left.signals().hit().emit(amount);
    }
    assert_eq!(poll(&mut first), Poll::Ready(Select2::Second((1,))));
}

engine_test!(emitter_that_is_freed_after_it_was_first);
async fn emitter_that_is_freed_after_it_was_first(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let mut first = select_signal((&left.signals().hit(), &right.signals().hit()));
    left.signals().hit().emit(1);
    left.free();
    right.signals().hit().emit(2);
    assert_eq!(poll(&mut first), Poll::Ready(Select2::First((1,))));
}

engine_test!(emitters_that_are_freed_drop_out_one_by_one);
async fn emitters_that_are_freed_drop_out_one_by_one(ctx: Context) {
    let actors: Vec<_> = (0..3).map(|_| actor(&ctx.root())).collect();
    let freed = actor(&ctx.root());
    let mut hits = vec![signal(&freed, "hit")];
    // Gone before anybody listens.
    freed.free();
    hits.extend(actors.iter().map(|actor| signal(actor, "hit")));
    let heard = spawn(select_signal(&hits));
    let failed = spawn(select_signal(&hits));
    actors[0].clone().free();
    ctx.frame().await;
    actors[1].clone().free();
    ctx.frame().await;
    assert!(!heard.is_finished());
    actors[2].signals().hit().emit(5);
    ctx.frame().await;
    assert_eq!(heard.take(), Some(Ok((3, vec![5.to_variant()]))));
    assert!(failed.is_finished());
    // All of them, without an emission.
    let lonely = actor(&ctx.root());
    let task = spawn(select_signal(&[signal(&lonely, "hit"), hits[0].clone()]));
    ctx.expect_error("failed: the emitter of signal Actor.hit was freed");
    lonely.free();
    ctx.frame().await;
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
}

engine_test!(all_freed_before_fails_at_once);
async fn all_freed_before_fails_at_once(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let both = [signal(&left, "hit"), signal(&right, "hit")];
    left.free();
    right.free();
    ctx.expect_error("was freed");
    let task = spawn(select_signal(&both));
    ctx.frame().await;
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
}

engine_test!(arguments_that_do_not_convert_fail_the_task);
async fn arguments_that_do_not_convert_fail_the_task(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let mut emitter = right.clone();
    let task = spawn_named("chooser", {
        let both = select_signal((&left.signals().hit(), &right.signals().hit()));
        async move {
            let _first = both.await;
        }
    });
    ctx.expect_error("\"chooser\"");
    emitter.emit_signal("hit", vslice!["a string"]);
    left.signals().hit().emit(1);
    ctx.frame().await;
    let Some(Err(TaskError::Failed(reason))) = task.take() else { panic!("it has to fail") };
    let expected =
        "argument 0 of signal Actor.hit is awaited as i64, but the emission had STRING".to_string();
    assert_eq!(reason, expected);
    // One that was not first is nobody's trouble.
    let task = spawn(select_signal((&left.signals().hit(), &right.signals().hit())));
    left.signals().hit().emit(2);
    emitter.emit_signal("hit", &[]);
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok(Select2::First((2,)))));
}

engine_test!(signal_that_does_not_exist_fails_the_task);
async fn signal_that_does_not_exist_fails_the_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let (hit, hti) = (signal(&actor, "hit"), signal(&actor, "hti"));
    let both = select_signal((&hit, &hti));
    actor.signals().hit().emit(1);
    ctx.expect_error("failed: there is no signal Actor.hti");
    let task = spawn(both);
    ctx.frame().await;
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
}

engine_test!(emission_on_another_thread_fails_the_task);
async fn emission_on_another_thread_fails_the_task(ctx: Context) {
    let (loose, other) = (Actor::new_alloc(), actor(&ctx.root()));
    let task = spawn(select_signal((&other.signals().hit(), &loose.signals().hit())));
    ctx.expect_error("signal Actor.hit was emitted on another thread");
    ctx.expect_error("Error calling from signal 'hit'");
    ctx.expect_error("failed: signal Actor.hit was emitted on another thread");
    on_another_thread(&ctx, "emit_hit", &loose);
    ctx.frames(2).await;
    let Some(Err(TaskError::Failed(reason))) = task.take() else { panic!("it has to fail") };
    assert_eq!(reason, SignalError::OtherThread { signal: "Actor.hit".into() }.to_string());
    loose.free();
}

engine_test!(streams_and_waits_are_unaffected);
async fn streams_and_waits_are_unaffected(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let mut stream = left.signals().hit().stream();
    let wait = left.signals().hit().wait();
    let mut first = select_signal((&left.signals().hit(), &right.signals().hit()));
    right.signals().hit().emit(1);
    left.signals().hit().emit(2);
    assert_eq!(poll(&mut first), Poll::Ready(Select2::Second((1,))));
    assert_eq!(stream.next().await, Some((2,)));
    assert_eq!(wait.await, (2,));
}

engine_test!(panic_after_done);
async fn panic_after_done(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let mut first = select_signal((&left.signals().hit(), &right.signals().hit()));
    left.signals().hit().emit(1);
    assert!(poll(&mut first).is_ready());
    ctx.expect_error(cuelight::POLLED_AFTER_COMPLETION);
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(&mut first)));
    assert!(again.is_err());
}

engine_test!(leaves_nothing);
async fn leaves_nothing(ctx: Context) {
    let (left, right) = (actor(&ctx.root()), actor(&ctx.root()));
    let connections = |of: &Gd<Actor>| of.get_signal_connection_list("hit").len();
    drop(select_signal((&left.signals().hit(), &right.signals().hit())));
    let mut first = select_signal((&left.signals().hit(), &right.signals().hit()));
    left.signals().hit().emit(1);
    assert!(poll(&mut first).is_ready());
    left.signals().hit().emit(2);
    right.signals().hit().emit(2);
    assert_eq!((connections(&left), connections(&right)), (0, 0));
}
