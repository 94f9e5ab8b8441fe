//! Streams of signals, and waits for an emission that fits: no emission is lost, whenever they are polled.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};

use cuelight::prelude::*;
use cuelight::{SignalStream, Stream};
use godot::prelude::*;

use super::select_signal;
use super::stage::*;
use crate::Setup;
use crate::inside::Context;

/// Polls a stream by hand, with a waker that does nothing.
fn poll_next<T: cuelight::SignalArgs>(stream: &mut SignalStream<T>) -> Poll<Option<T>> {
    Pin::new(stream).poll_next(&mut TaskContext::from_waker(Waker::noop()))
}

engine_test!(stream_loses_no_emission);
async fn stream_loses_no_emission(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    let mut hits = actor.signals().hit().stream();
    // Before the first poll.
    actor.signals().hit().emit(1);
    actor.signals().hit().emit(2);
    let task = spawn(async move {
        while let Some((amount,)) = hits.next().await {
            log.add(format!("hit {amount} in frame {}", frame()));
            if amount == 2 {
                // Nobody polls for a while.
                wait_frames(3).await;
            }
        }
        log.add(format!("over in frame {}", frame()));
    });
    let mut expected = vec![format!("hit 1 in frame {}", frame())];
    expected.push(format!("hit 2 in frame {}", frame()));
    ctx.assert_log(expected.drain(..));
    for amount in 3..=5 {
        actor.signals().hit().emit(amount);
        ctx.frame().await;
        if amount < 5 {
            ctx.assert_log::<&str>([]);
        }
    }
    ctx.assert_log((3..=5).map(|amount| format!("hit {amount} in frame {}", frame())));
    // Several in one frame, and the emitter's end in the same.
    actor.signals().hit().emit(6);
    actor.signals().hit().emit(7);
    let expected = [6, 7].map(|amount| format!("hit {amount} in frame {}", frame()));
    let over = format!("over in frame {}", frame());
    actor.free();
    ctx.frame().await;
    ctx.assert_log(expected.into_iter().chain([over]));
    assert_eq!(task.take(), Some(Ok(())));
}

engine_test!(stream_of_an_untyped_signal);
async fn stream_of_an_untyped_signal(ctx: Context) {
    let actor = actor(&ctx.root());
    let signal = Signal::from_object_signal(&actor, "moved");
    let mut firsts = signal.stream::<(Vector2,)>();
    let mut all = signal.stream::<Vec<Variant>>();
    actor.signals().moved().emit(Vector2::ONE, Vector2::ZERO);
    assert_eq!(poll_next(&mut firsts), Poll::Ready(Some((Vector2::ONE,))));
    let both = vec![Vector2::ONE.to_variant(), Vector2::ZERO.to_variant()];
    assert_eq!(poll_next(&mut all), Poll::Ready(Some(both)));
    assert_eq!(poll_next(&mut firsts), Poll::Pending);
}

engine_test!(stream_stays_at_its_end);
async fn stream_stays_at_its_end(ctx: Context) {
    let actor = actor(&ctx.root());
    let mut hits = actor.signals().hit().stream();
    actor.signals().hit().emit(1);
    actor.clone().free();
    assert_eq!(poll_next(&mut hits), Poll::Ready(Some((1,))));
    assert_eq!(poll_next(&mut hits), Poll::Ready(None));
    assert_eq!(poll_next(&mut hits), Poll::Ready(None));
}

engine_test!(stream_of_a_freed_emitter_is_at_its_end);
async fn stream_of_a_freed_emitter_is_at_its_end(ctx: Context) {
    let actor = actor(&ctx.root());
    let signal = Signal::from_object_signal(&actor, "hit");
    actor.free();
    assert_eq!(poll_next(&mut signal.stream::<(i64,)>()), Poll::Ready(None));
}

engine_test!(stream_keeps_the_latest);
async fn stream_keeps_the_latest(ctx: Context) {
    let actor = actor(&ctx.root());
    let hits = actor.signals().hit().stream();
    for amount in 1..=3 {
        actor.signals().hit().emit(amount);
    }
    // What has come before is forgotten, too.
    let mut hits = hits.latest();
    assert_eq!(poll_next(&mut hits), Poll::Ready(Some((3,))));
    assert_eq!(poll_next(&mut hits), Poll::Pending);
    for amount in 4..=6 {
        actor.signals().hit().emit(amount);
    }
    assert_eq!(poll_next(&mut hits), Poll::Ready(Some((6,))));
    actor.signals().hit().emit(7);
    actor.clone().free();
    assert_eq!(poll_next(&mut hits), Poll::Ready(Some((7,))));
    assert_eq!(poll_next(&mut hits), Poll::Ready(None));
}

/// An object that emits while it is dropped.
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
struct LastWords {
    bell: Gd<Bell>,
    base: Base<RefCounted>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        let mut bell = self.bell.clone();
        bell.emit_signal("script_changed", &[]);
        let _latest = bell.signals().rung().stream().latest();
    }
}

engine_test!(latest_lets_go_outside_of_its_lock);
async fn latest_lets_go_outside_of_its_lock(ctx: Context) {
    let mut tower = Object::new_alloc();
    tower.add_user_signal("told");
    let bell = Bell::new_alloc();
    let told = Signal::from_object_signal(&tower, "told");
    let mut things = told.stream::<(Variant,)>().latest();
    let words = |bell: &Gd<Bell>| {
        let bell = bell.clone();
        Gd::from_init_fn(|base| LastWords { bell, base }).to_variant()
    };
    for _ in 0..2 {
        tower.emit_signal("told", &[words(&bell)]);
        ctx.frame().await;
    }
    assert!(matches!(poll_next(&mut things), Poll::Ready(Some(_))));
    assert_eq!(poll_next(&mut things), Poll::Pending);
    drop(things);
    ctx.frame().await;
    tower.free();
    bell.free();
}

engine_test!(dropping_next_loses_nothing);
async fn dropping_next_loses_nothing(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn({
        let actor = actor.clone();
        async move {
            let mut hits = actor.signals().hit().stream();
            // Ready in the same poll, and dropped for the other.
            actor.signals().hit().emit(1);
            select((yield_now(), pin!(async {}))).await;
            let other = select((async {}, hits.next())).await;
            (other, hits.next().await)
        }
    });
    ctx.frames(2).await;
    assert_eq!(task.take(), Some(Ok((Select2::First(()), Some((1,))))));
}

engine_test!(stream_of_a_paused_task_gathers);
async fn stream_of_a_paused_task_gathers(ctx: Context) {
    let (actor, owner) = (actor(&ctx.root()), actor(&ctx.root()));
    let log = ctx.log_handle();
    let mut hits = actor.signals().hit().stream();
    let _detached = owner.tasks().spawn(async move {
        while let Some((amount,)) = hits.next().await {
            log.add(format!("{amount}"));
        }
    });
    owner.tasks().pause();
    for amount in 1..=3 {
        actor.signals().hit().emit(amount);
        ctx.frame().await;
    }
    ctx.assert_log::<&str>([]);
    owner.tasks().resume();
    ctx.frame().await;
    ctx.assert_log(["1", "2", "3"]);
}

engine_test!(stream_that_does_not_convert_fails_its_task_and_stays_good);
async fn stream_that_does_not_convert_fails_its_task_and_stays_good(ctx: Context) {
    let actor = actor(&ctx.root());
    let mut emitter = actor.clone();
    let stream = Signal::from_object_signal(&actor, "hit").stream::<(i64,)>();
    let stream = Rc::new(std::cell::RefCell::new(stream));
    let task = spawn_named("sum", {
        let stream = stream.clone();
        async move {
            let mut sum = 0;
            let next =
                || std::future::poll_fn(|cx| Pin::new(&mut *stream.borrow_mut()).poll_next(cx));
            while let Some((amount,)) = next().await {
                sum += amount;
            }
            sum
        }
    });
    ctx.expect_error(
        "failed: argument 0 of signal Actor.hit is awaited as i64, but the emission had VECTOR2",
    );
    emitter.emit_signal("hit", vslice![1]);
    emitter.emit_signal("hit", vslice![Vector2::ONE]);
    emitter.emit_signal("hit", vslice![3]);
    ctx.frame().await;
    let Some(Err(TaskError::Failed(reason))) = task.take() else { panic!("it has to fail") };
    assert!(reason.contains("Actor.hit"), "{reason}");
    // Who goes on with the stream gets what came after.
    assert_eq!(poll_next(&mut stream.borrow_mut()), Poll::Ready(Some((3,))));
}

engine_test!(stream_of_no_signal_fails_its_task);
async fn stream_of_no_signal_fails_its_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let mut stream = Signal::from_object_signal(&actor, "hti").stream::<()>();
    ctx.expect_error("failed: there is no signal Actor.hti");
    let task = spawn(async move { stream.next().await });
    ctx.frame().await;
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
}

engine_test!(stream_leaves_nothing);
async fn stream_leaves_nothing(ctx: Context) {
    let actor = actor(&ctx.root());
    let connections = || actor.get_signal_connection_list("hit").len();
    let mut stream = actor.signals().hit().stream();
    for amount in 0..100 {
        actor.signals().hit().emit(amount);
        assert_eq!(connections(), 1);
        assert_eq!(poll_next(&mut stream), Poll::Ready(Some((amount,))));
    }
    drop(stream);
    actor.signals().hit().emit(100);
    assert_eq!(connections(), 0);
}

engine_test!(two_streams_hear_the_same);
async fn two_streams_hear_the_same(ctx: Context) {
    let actor = actor(&ctx.root());
    let mut first = actor.signals().hit().stream();
    actor.signals().hit().emit(1);
    let mut second = actor.signals().hit().stream();
    actor.signals().hit().emit(2);
    let rest = |stream: &mut SignalStream<(i64,)>| {
        std::iter::from_fn(|| match poll_next(stream) {
            Poll::Ready(args) => args,
            Poll::Pending => None,
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(rest(&mut first), [(1,), (2,)]);
    assert_eq!(rest(&mut second), [(2,)]);
}

// ---------------------------------------------------------------- wait_if

engine_test!(wait_if_waits_for_what_fits);
async fn wait_if_waits_for_what_fits(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn(actor.signals().hit().wait_if(|&(amount,)| amount > 10));
    for amount in [1, 10] {
        actor.signals().hit().emit(amount);
        ctx.frame().await;
        assert!(!task.is_finished());
    }
    // None is lost between two polls.
    for amount in [5, 11, 12] {
        actor.signals().hit().emit(amount);
    }
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok((11,))));
}

engine_test!(wait_if_listens_from_its_creation);
async fn wait_if_listens_from_its_creation(ctx: Context) {
    let actor = actor(&ctx.root());
    let signal = Signal::from_object_signal(&actor, "moved");
    let wait = signal.wait_if(|(_, to): &(Vector2, Vector2)| *to == Vector2::ONE);
    actor.signals().moved().emit(Vector2::ZERO, Vector2::ONE);
    let task = spawn(wait);
    assert_eq!(task.take(), Some(Ok((Vector2::ZERO, Vector2::ONE))));
}

engine_test!(wait_if_asks_in_the_poll_of_its_task);
async fn wait_if_asks_in_the_poll_of_its_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let is_emitting = Rc::new(Cell::new(false));
    let task = spawn({
        let (is_emitting, asked) = (is_emitting.clone(), actor.clone());
        actor.signals().hit().wait_if(move |_| {
            assert!(!is_emitting.get());
            // What runs in here may use the signal itself.
            let _other = asked.signals().hit().stream();
            true
        })
    });
    is_emitting.set(true);
    actor.signals().hit().emit(1);
    is_emitting.set(false);
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok((1,))));
}

engine_test!(wait_if_that_panics_is_the_panic_of_its_task);
async fn wait_if_that_panics_is_the_panic_of_its_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let picky = spawn_named("picky", actor.signals().hit().wait_if(|_| panic!("not today")));
    let other = spawn(actor.signals().hit().wait());
    ctx.expect_error("not today");
    ctx.expect_error("\"picky\"");
    actor.signals().hit().emit(1);
    ctx.frame().await;
    assert_eq!(picky.take(), Some(Err(TaskError::Panicked)));
    assert_eq!(other.take(), Some(Ok((1,))));
}

engine_test!(wait_if_fails_when_the_emitter_is_freed);
async fn wait_if_fails_when_the_emitter_is_freed(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn(actor.signals().hit().wait_if(|&(amount,)| amount > 10));
    ctx.expect_error("failed: the emitter of signal Actor.hit was freed");
    actor.signals().hit().emit(1);
    actor.free();
    ctx.frame().await;
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
}

engine_test!(wait_if_panics_after_done);
async fn wait_if_panics_after_done(ctx: Context) {
    let actor = actor(&ctx.root());
    let mut wait = actor.signals().hit().wait_if(|_| true);
    actor.signals().hit().emit(1);
    let mut cx = TaskContext::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut wait).poll(&mut cx), Poll::Ready((1,)));
    ctx.expect_error(cuelight::POLLED_AFTER_COMPLETION);
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Pin::new(&mut wait).poll(&mut cx)
    }));
    assert!(again.is_err());
}

// ---------------------------------------------------------------- Elsewhere, and at the end

engine_test!(emission_of_a_node_on_another_thread_fails_the_task_of_a_stream);
async fn emission_of_a_node_on_another_thread_fails_the_task_of_a_stream(ctx: Context) {
    let loose = Actor::new_alloc();
    let mut hits = loose.signals().hit().stream();
    let log = ctx.log_handle();
    let task = spawn(async move {
        while let Some((amount,)) = hits.next().await {
            log.add(format!("{amount}"));
        }
    });
    ctx.expect_error("signal Actor.hit was emitted on another thread");
    ctx.expect_error("Error calling from signal 'hit'");
    ctx.expect_error("failed: signal Actor.hit was emitted on another thread");
    loose.signals().hit().emit(1);
    on_another_thread(&ctx, "emit_hit", &loose);
    loose.signals().hit().emit(2);
    ctx.frames(2).await;
    ctx.assert_log(["1"]);
    assert!(matches!(task.take(), Some(Err(TaskError::Failed(_)))));
    loose.free();
}

engine_test!(outside_of_a_task_what_does_not_convert_is_a_panic);
async fn outside_of_a_task_what_does_not_convert_is_a_panic(ctx: Context) {
    let actor = actor(&ctx.root());
    let mut stream = Signal::from_object_signal(&actor, "hit").stream::<(Vector2,)>();
    actor.signals().hit().emit(1);
    actor.clone().emit_signal("hit", vslice![Vector2::ONE]);
    ctx.expect_error("argument 0 of signal Actor.hit is awaited as Vector2");
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_next(&mut stream)));
    assert!(polled.is_err());
    assert_eq!(poll_next(&mut stream), Poll::Ready(Some((Vector2::ONE,))));
}

engine_test!(streams_and_selects_in_the_editor, Setup::own_editor());
async fn streams_and_selects_in_the_editor(ctx: Context) {
    stream_loses_no_emission(ctx.clone()).await;
    stream_keeps_the_latest(ctx.clone()).await;
    wait_if_waits_for_what_fits(ctx.clone()).await;
    select_signal::typed_and_untyped_and_of_other_classes(ctx.clone()).await;
    // Nothing travels deferred here, so that nothing is on its way at a hot reload.
    let bell = Bell::new_alloc();
    let mut rung = bell.signals().rung().stream();
    bell.signals().rung().emit(3, &RefCounted::new_gd());
    assert!(matches!(poll_next(&mut rung), Poll::Ready(Some((3, _)))));
    bell.free();
    assert_eq!(poll_next(&mut rung), Poll::Ready(None));
}

/// Starts tasks that listen to a node and to an object, behind callbacks, in every way that there is.
fn listen_in_every_way(node: &Gd<Actor>, bell: &Gd<Object>) {
    // One of the engine's own: it knows nothing of a reload.
    let callback = node.callable("set_process_priority");
    for (mut object, signal) in [(node.clone().upcast::<Object>(), "hit"), (bell.clone(), "plain")]
    {
        if !object.is_connected(signal, &callback) {
            object.connect(signal, &callback);
        }
        let signal = Signal::from_object_signal(&object, signal);
        for _ in 0..2 {
            let mut stream = signal.stream::<Vec<Variant>>();
            spawn(async move { while stream.next().await.is_some() {} }).detach();
            let fits = signal.wait_if::<Vec<Variant>, _>(|_| false);
            spawn(async move { drop(fits.await) }).detach();
            spawn(select_signal(std::slice::from_ref(&signal))).detach();
        }
        let mut unpolled = signal.stream::<Vec<Variant>>();
        spawn(async move {
            std::future::pending::<()>().await;
            unpolled.next().await;
        })
        .detach();
    }
}

engine_test!(five_hot_reloads_with_streams_and_selects, Setup::own_editor().may_leave());
async fn five_hot_reloads_with_streams_and_selects(ctx: Context) {
    assert_eq!(cuelight::engine::counts().tasks, 0);
    let mut root = ctx.root();
    if ctx.phase() == 0 {
        let mut bell = Node::new_alloc();
        bell.set_name("Bell");
        bell.add_user_signal("plain");
        root.add_child(&bell);
    }
    // This one outlives the reload, with whatever is connected to it.
    let mut bell = root.get_node_as::<Node>("Bell");
    let callbacks = ctx.phase() as usize;
    assert_eq!(bell.get_signal_connection_list("plain").len(), callbacks, "nothing of ours");
    let node = actor(&root);
    listen_in_every_way(&node, &bell.clone().upcast());
    ctx.frames(2).await;
    node.signals().hit().emit(1);
    bell.emit_signal("plain", vslice![1]);
    // New connections, behind the probes that are gone, and emissions that nobody has taken yet.
    listen_in_every_way(&node, &bell.clone().upcast());
    node.signals().hit().emit(2);
    bell.emit_signal("plain", vslice![2]);
    if ctx.phase() < 5 {
        ctx.then_reload();
    }
}

engine_test!(exit_in_the_middle_of_streams_and_selects, Setup::own_game().quits().may_leave());
async fn exit_in_the_middle_of_streams_and_selects(ctx: Context) {
    let node = actor(&ctx.root());
    // It goes with a node, when the tree does.
    let mut bell = RefCounted::new_gd().upcast::<Object>();
    bell.add_user_signal("plain");
    node.clone().set_meta("bell", &bell.to_variant());
    listen_in_every_way(&node, &bell);
    ctx.frames(2).await;
    node.signals().hit().emit(1);
    bell.emit_signal("plain", vslice![1]);
    ctx.tree().quit();
    listen_in_every_way(&node, &bell);
    bell.emit_signal("plain", vslice![2]);
    drop(bell);
    ctx.frames(100).await;
}
