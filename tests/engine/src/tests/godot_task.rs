//! The weak places of `godot::task`, each twice: what it does there, in a process of its own where it may die, and the
//! same script with cuelight. The comparison in the README is taken from here.
//!
//! A test in whose name `in_godot_task` is fails when `godot` gets better at it: then the comparison has to change.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use cuelight::prelude::*;
use godot::prelude::*;

use super::allocations;
use super::stage::*;
use crate::inside::Context;
use crate::protocol::note;
use crate::{Ended, Setup};

/// A game of its own, that may end in any way.
const fn may_die(check: fn(&Ended)) -> Setup {
    Setup::own_game().may_leave().quits().checked_by(check)
}

/// A game of its own, for a script that lives.
const fn alone() -> Setup {
    Setup::own_game().may_leave()
}

/// The process was aborted, in the middle of the test.
fn was_aborted(ended: &Ended) {
    assert_eq!(ended.signal, Some(6), "{ended:?}");
    assert_eq!(ended.notes, ["so far it is well"]);
}

/// What a script does when its time has come.
#[derive(Clone, Default)]
struct Gate(Rc<RefCell<(bool, Option<Waker>)>>);

impl Gate {
    fn open(&self) {
        let waker = {
            let mut gate = self.0.borrow_mut();
            gate.0 = true;
            gate.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    async fn opened(self) {
        poll_fn(|cx| {
            let mut gate = self.0.borrow_mut();
            gate.1 = Some(cx.waker().clone());
            if gate.0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Runs a function, and returns whether it has panicked.
fn panics<T>(function: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(function)).is_err()
}

// ---------------------------------------------------------------- Wrong argument types

engine_test!(wrong_argument_types);
async fn wrong_argument_types(ctx: Context) {
    let actor = actor(&ctx.root());
    let wait = Signal::from_object_signal(&actor, "hit").try_wait::<(Vector2,)>();
    let task = spawn(wait);
    actor.clone().emit_signal("hit", vslice!["a string"]);
    ctx.frame().await;
    assert_eq!(
        task.take().unwrap().unwrap().unwrap_err().to_string(),
        "argument 0 of signal Actor.hit is awaited as Vector2, but the emission had STRING"
    );
}

engine_test!(wrong_argument_types_in_godot_task, may_die(was_aborted));
async fn wrong_argument_types_in_godot_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let signal = Signal::from_object_signal(&actor, "hit");
    let wait = signal.to_fallible_future::<(Vector2,)>();
    godot::task::spawn(async move {
        let _result = wait.await;
        note("it has come to a result");
    });
    note("so far it is well");
    actor.clone().emit_signal("hit", vslice!["a string"]);
    ctx.frames(3).await;
    note("it has survived");
    ctx.tree().quit();
    ctx.frames(100).await;
}

// ---------------------------------------------------------------- A stale handle's cancel

engine_test!(stale_handle_cancelled_by_the_next_task);
async fn stale_handle_cancelled_by_the_next_task(ctx: Context) {
    let stale = spawn(async {});
    let log = ctx.log_handle();
    let innocent = spawn(async move {
        stale.cancel();
        log.add("goes on");
        next_frame().await;
        log.add("and ends");
    });
    ctx.frames(2).await;
    ctx.assert_log(["goes on", "and ends"]);
    assert_eq!(innocent.take(), Some(Ok(())));
}

engine_test!(stale_handle_cancelled_by_the_next_task_in_godot_task, alone());
async fn stale_handle_cancelled_by_the_next_task_in_godot_task(ctx: Context) {
    let stale = godot::task::spawn(async {});
    let log = ctx.log_handle();
    ctx.expect_error("Can not cancel future from inside it!");
    godot::task::spawn(async move {
        // It has the slot of the one that is done.
        stale.cancel();
        log.add("goes on");
    });
    ctx.frames(2).await;
    ctx.assert_log::<&str>([]);
}

// ---------------------------------------------------------------- A self-cancel

engine_test!(self_cancel);
async fn self_cancel(ctx: Context) {
    let (gate, own) = (Gate::default(), Rc::<RefCell<Option<TaskHandle<()>>>>::default());
    let log = ctx.log_handle();
    let task = spawn({
        let (opened, own, log) = (gate.clone().opened(), own.clone(), log.clone());
        async move {
            opened.await;
            own.borrow().as_ref().unwrap().cancel();
            log.add("comes to its next await");
            next_frame().await;
            log.add("and no further");
        }
    });
    *own.borrow_mut() = Some(task);
    gate.open();
    ctx.frames(2).await;
    ctx.assert_log(["comes to its next await"]);
    assert_eq!(own.take().unwrap().take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(self_cancel_in_godot_task, alone());
async fn self_cancel_in_godot_task(ctx: Context) {
    let (gate, own) = (Gate::default(), Rc::<RefCell<Option<godot::task::TaskHandle>>>::default());
    let log = ctx.log_handle();
    let task = godot::task::spawn({
        let (opened, own, log) = (gate.clone().opened(), own.clone(), log.clone());
        async move {
            opened.await;
            own.take().unwrap().cancel();
            log.add("comes to its next await");
        }
    });
    *own.borrow_mut() = Some(task);
    ctx.expect_error("Can not cancel future from inside it!");
    gate.open();
    ctx.frames(2).await;
    ctx.assert_log::<&str>([]);
}

// ---------------------------------------------------------------- A drop that touches the runtime

engine_test!(drop_that_spawns);
async fn drop_that_spawns(ctx: Context) {
    let log = ctx.log_handle();
    let spawned = log.clone();
    let task = spawn(async move {
        let _guard = at_exit(move || spawn(async move { spawned.add("spawned") }).detach());
        std::future::pending::<()>().await;
    });
    task.cancel();
    ctx.frame().await;
    ctx.assert_log(["spawned"]);
}

engine_test!(drop_that_spawns_in_godot_task, alone());
async fn drop_that_spawns_in_godot_task(ctx: Context) {
    let log = ctx.log_handle();
    let spawned = log.clone();
    let task = godot::task::spawn(async move {
        let _guard = at_exit(move || {
            godot::task::spawn(async move { spawned.add("spawned") });
        });
        std::future::pending::<()>().await;
    });
    ctx.expect_error("RefCell already");
    assert!(panics(|| task.cancel()), "in the caller of `cancel`");
    ctx.frames(2).await;
    ctx.assert_log::<&str>([]);
}

// ---------------------------------------------------------------- After the end

/// Touches the runtime when it is dropped.
struct Late(Option<Box<dyn FnOnce()>>);

impl Late {
    fn new(touch: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(touch)))
    }
}

impl Drop for Late {
    fn drop(&mut self) {
        if let Some(touch) = self.0.take() {
            note("touches it");
            note(if panics(touch) { "panics" } else { "nothing happens" });
        }
    }
}

engine_test!(
    touched_at_the_end,
    alone().checked_by(|ended| {
        ended.assert_clean();
        assert_eq!(ended.notes, ["touches it", "nothing happens"]);
    })
);
async fn touched_at_the_end(_ctx: Context) {
    let other = spawn(std::future::pending::<()>());
    let late = Late::new(move || {
        other.cancel();
        spawn(async {}).detach();
    });
    spawn(async move {
        let _late = late;
        std::future::pending::<()>().await;
    })
    .detach();
    // The runner quits after this, and so the exit drops the tasks.
}

engine_test!(
    touched_at_the_end_in_godot_task,
    alone().checked_by(|ended| assert_eq!(ended.notes, ["touches it", "panics"], "{ended:?}"))
);
async fn touched_at_the_end_in_godot_task(_ctx: Context) {
    let other = godot::task::spawn(std::future::pending::<()>());
    let late = Late::new(move || other.cancel());
    godot::task::spawn(async move {
        let _late = late;
        std::future::pending::<()>().await;
    });
}

// ---------------------------------------------------------------- Spawning scans for a free slot

/// How many tasks are alive when one more is spawned.
const ALIVE: usize = 8_000;

/// Returns the time of a spawn, the shortest of many, which is the one that nothing has disturbed.
fn time_of_spawn(mut spawn: impl FnMut()) -> Duration {
    (0..200)
        .map(|_| {
            let start = Instant::now();
            spawn();
            start.elapsed()
        })
        .min()
        .expect("there are some")
}

/// Returns how much longer a spawn takes when many tasks are alive.
fn growth(mut spawn_trivial: impl FnMut(), mut spawn_pending: impl FnMut()) -> f64 {
    let empty = time_of_spawn(&mut spawn_trivial);
    for _ in 0..ALIVE {
        spawn_pending();
    }
    let full = time_of_spawn(&mut spawn_trivial);
    note(format!("{empty:?} with none alive, {full:?} with {ALIVE}"));
    full.as_secs_f64() / empty.as_secs_f64()
}

engine_test!(spawn_with_many_alive, alone());
async fn spawn_with_many_alive(_ctx: Context) {
    let growth =
        growth(|| spawn(async {}).detach(), || spawn(std::future::pending::<()>()).detach());
    assert!(growth < 4.0, "{growth}");
}

engine_test!(spawn_with_many_alive_in_godot_task, alone());
async fn spawn_with_many_alive_in_godot_task(_ctx: Context) {
    let growth = growth(
        || _ = godot::task::spawn(async {}),
        || _ = godot::task::spawn(std::future::pending::<()>()),
    );
    assert!(growth > 4.0, "{growth}");
}

// ---------------------------------------------------------------- Each wake costs

/// A future that never ends: it counts its polls, and leaves its waker to be woken.
#[derive(Clone, Default)]
struct Sleeper {
    polls: Rc<Cell<u32>>,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Sleeper {
    /// Wakes it ten times, and returns the allocations.
    fn wake_ten_times(&self) -> u64 {
        let waker = self.waker.borrow().clone().unwrap();
        allocations::count(|| (0..10).for_each(|_| waker.wake_by_ref()))
    }
}

impl Future for Sleeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.polls.set(self.polls.get() + 1);
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

engine_test!(ten_wakes_are_one_poll_and_allocate_nothing);
async fn ten_wakes_are_one_poll_and_allocate_nothing(ctx: Context) {
    let sleeper = Sleeper::default();
    let task = spawn(sleeper.clone());
    // The queues have grown then.
    sleeper.wake_ten_times();
    ctx.frame().await;
    let before = sleeper.polls.get();
    let allocated = sleeper.wake_ten_times();
    ctx.frame().await;
    assert_eq!((sleeper.polls.get() - before, allocated), (1, 0));
    task.cancel();
    ctx.frame().await;
}

engine_test!(ten_wakes_in_godot_task, alone());
async fn ten_wakes_in_godot_task(ctx: Context) {
    let sleeper = Sleeper::default();
    let task = godot::task::spawn(sleeper.clone());
    sleeper.wake_ten_times();
    ctx.frame().await;
    let before = sleeper.polls.get();
    let allocated = sleeper.wake_ten_times();
    ctx.frame().await;
    note(format!("{allocated} allocations for ten wakes"));
    assert_eq!(sleeper.polls.get() - before, 10);
    assert!(allocated >= 10, "{allocated}");
    task.cancel();
}

// ---------------------------------------------------------------- Two emissions in a frame

engine_test!(two_emissions_in_a_frame);
async fn two_emissions_in_a_frame(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    actor.spawn_task(|me| async move {
        let mut hits = me.signals().hit().stream();
        while let Some((amount,)) = hits.next().await {
            log.add(format!("{amount}"));
        }
    });
    actor.signals().hit().emit(1);
    actor.signals().hit().emit(2);
    ctx.frame().await;
    ctx.assert_log(["1", "2"]);
}

engine_test!(two_emissions_in_a_frame_in_godot_task, alone());
async fn two_emissions_in_a_frame_in_godot_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    let me = actor.clone();
    let task = godot::task::spawn(async move {
        loop {
            let (amount,) = me.signals().hit().to_future().await;
            log.add(format!("{amount}"));
        }
    });
    actor.signals().hit().emit(1);
    actor.signals().hit().emit(2);
    ctx.frames(2).await;
    ctx.assert_log(["1"]);
    task.cancel();
}

// ---------------------------------------------------------------- No result, no name

engine_test!(result_and_name);
async fn result_and_name(ctx: Context) {
    let task = spawn_named("answer", async { 6 * 7 });
    assert_eq!(task.take(), Some(Ok(42)));
    ctx.expect_error("a bad day");
    ctx.expect_error("\"patrol\" (tests/engine/src/tests/godot_task.rs:");
    let task = spawn_named("patrol", async { panic!("a bad day") });
    ctx.frame().await;
    assert_eq!(task.take(), Some(Err::<(), _>(TaskError::Panicked)));
}

engine_test!(result_and_name_in_godot_task, alone());
async fn result_and_name_in_godot_task(ctx: Context) {
    // The output is `()`, and the report has a number.
    ctx.expect_error("in async task #");
    let task: godot::task::TaskHandle = godot::task::spawn(async { panic!("a bad day") });
    ctx.frame().await;
    // Whether it has panicked or ended well cannot be asked.
    assert!(!task.is_pending());
}

// ---------------------------------------------------------------- A waker from another thread

engine_test!(waker_from_another_thread);
async fn waker_from_another_thread(ctx: Context) {
    let sleeper = Sleeper::default();
    let task = spawn(sleeper.clone());
    let waker = sleeper.waker.borrow().clone().unwrap();
    thread::spawn(move || waker.wake()).join().unwrap();
    ctx.frames(2).await;
    assert_eq!(sleeper.polls.get(), 2);
    task.cancel();
    ctx.frame().await;
}

engine_test!(waker_from_another_thread_in_godot_task, alone());
async fn waker_from_another_thread_in_godot_task(ctx: Context) {
    let sleeper = Sleeper::default();
    godot::task::spawn(sleeper.clone());
    let waker = sleeper.waker.borrow().clone().unwrap();
    // With `godot`'s checks on, as here, the thread panics and the task sleeps on.
    ctx.expect_error("attempted to access binding from different thread than main thread");
    assert!(thread::spawn(move || waker.wake()).join().is_err());
    ctx.frames(2).await;
    assert_eq!(sleeper.polls.get(), 1);
}

// ---------------------------------------------------------------- A task that keeps waking itself

/// Counts how often a future that wakes itself is polled in one frame: a thousand times is enough.
async fn wake_myself_in_one_frame(polls: Rc<Cell<u32>>) {
    let begun = frame();
    poll_fn(move |cx| {
        if frame() > begun || polls.get() == 1_000 {
            return Poll::Ready(());
        }
        polls.set(polls.get() + 1);
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

engine_test!(task_that_keeps_waking_itself);
async fn task_that_keeps_waking_itself(ctx: Context) {
    let polls = Rc::<Cell<u32>>::default();
    let task = spawn(wake_myself_in_one_frame(polls.clone()));
    ctx.frames(4).await;
    assert!(polls.get() <= 3, "{}", polls.get());
    assert_eq!(task.take(), Some(Ok(())));
}

engine_test!(task_that_keeps_waking_itself_in_godot_task, alone());
async fn task_that_keeps_waking_itself_in_godot_task(ctx: Context) {
    let polls = Rc::<Cell<u32>>::default();
    godot::task::spawn(wake_myself_in_one_frame(polls.clone()));
    ctx.frames(4).await;
    assert_eq!(polls.get(), 1_000, "all of them in one frame");
}

// ---------------------------------------------------------------- A freed emitter, in the editor

engine_test!(freed_emitter_in_the_editor, Setup::own_editor());
async fn freed_emitter_in_the_editor(ctx: Context) {
    let actor = actor(&ctx.root());
    let task = spawn(actor.signals().hit().try_wait());
    ctx.frame().await;
    actor.free();
    ctx.frame().await;
    assert!(task.take().unwrap().unwrap().is_err());
}

engine_test!(
    freed_emitter_in_the_editor_in_godot_task,
    Setup::own_editor().may_leave().checked_by(|ended| {
        // It warns of the connection that it has had to undo.
        assert_eq!((ended.status, ended.errors.len()), (Some(0), 1), "{ended:?}");
    })
);
async fn freed_emitter_in_the_editor_in_godot_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    let wait = actor.signals().hit().to_fallible_future();
    let told = log.clone();
    let task = godot::task::spawn(async move {
        told.add(format!("{}", wait.await.is_err()));
    });
    ctx.frame().await;
    actor.free();
    ctx.frames(10).await;
    // Not before something else is connected.
    ctx.assert_log::<&str>([]);
    task.cancel();
}
