//! A hot reload survives a pump, a task in a frame loop and a busy thread, if the pump is built like the one here.
//!
//! Its connections and its deferred calls go by method name to a singleton, which joins the thread and drops the tasks
//! when it is dropped itself. Godot does that before it takes the code away. Without the join, or with a custom callable
//! as what is deferred (it outlives the reload, and runs code that is gone), this test crashes the editor. cuelight's
//! pump is built the same way.
//!
//! A connection by name goes with its target: the singleton disconnects, but nothing here depends on it. What has to be
//! disconnected before a reload is a custom callable.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};

use godot::classes::SceneTree;
use godot::init::is_main_thread;
use godot::obj::Singleton;
use godot::prelude::*;

use crate::inside::Context;
use crate::protocol::note;
use crate::registry::TestFuture;
use crate::{Ended, Setup};

const RELOADS: u32 = 5;

engine_test!(
    reloads_with_a_pump_a_task_and_a_thread,
    Setup::own_editor().frames(20_000).may_leave().checked_by(all_was_dropped_each_time)
);
async fn reloads_with_a_pump_a_task_and_a_thread(ctx: Context) {
    let connections = ctx.tree().get_signal_connection_list("process_frame").len() as u32;
    if ctx.phase() == 0 {
        ctx.keep("connections", connections);
    }
    assert_eq!(connections, ctx.kept::<u32>("connections"), "the last pump is still connected");
    assert!(parts().is_none(), "the last pump lives on");

    FactPump::start(&ctx.tree());
    let parts = parts().expect("it was started");
    // The system starts the thread when it likes; frames pass much faster than real time here.
    ctx.until("the thread is busy", || parts.thread_beats.load(Ordering::SeqCst) > 0).await;
    let before = parts.rounds.get();
    ctx.frames(20).await;
    assert_eq!(parts.rounds.get(), before + 20, "a round each frame");

    if ctx.phase() < RELOADS {
        ctx.then_reload();
    }
}

fn all_was_dropped_each_time(ended: &Ended) {
    ended.assert_clean();
    let each_time = ["the thread has ended", "the task was dropped", "the pump was dropped"];
    // The last time at the exit.
    assert_eq!(ended.notes, each_time.repeat(RELOADS as usize + 1));
}

thread_local! {
    /// The pump's parts, on the main thread while it runs.
    static PARTS: RefCell<Option<Rc<Parts>>> = const { RefCell::new(None) };
}

fn parts() -> Option<Rc<Parts>> {
    PARTS.with_borrow(Clone::clone)
}

/// What the pump is made of.
struct Parts {
    tree: Gd<Object>,
    tick: Callable,
    flush: Callable,
    /// Whether a flush is queued.
    is_rung: Cell<bool>,
    task: RefCell<Option<TestFuture>>,
    /// Who waits for the next tick.
    waiting: RefCell<Vec<Waker>>,
    ticks: Cell<u64>,
    /// How often the task has come round.
    rounds: Cell<u64>,
    thread: RefCell<Option<JoinHandle<()>>>,
    thread_stops: Arc<AtomicBool>,
    thread_beats: Arc<AtomicU64>,
}

impl Parts {
    fn poll_task(&self) {
        self.is_rung.set(false);
        // Taken out, so that nothing is borrowed while it runs.
        let Some(mut task) = self.task.take() else { return };
        let waker = Waker::from(Arc::new(Bell));
        let mut context = task::Context::from_waker(&waker);
        if task.as_mut().poll(&mut context).is_pending() {
            self.task.replace(Some(task));
        }
    }
}

/// Wakes the one task there is: by a deferred call on the main thread, by the inbox on another.
struct Bell;

/// Whether another thread has woken the task; the next tick looks at it.
static INBOX: AtomicBool = AtomicBool::new(false);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if !is_main_thread() {
            INBOX.store(true, Ordering::SeqCst);
        } else if let Some(parts) = parts()
            && !parts.is_rung.replace(true)
        {
            parts.flush.call_deferred(&[]);
        }
    }
}

/// The task: comes round once a tick, for ever.
async fn frame_loop() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            note("the task was dropped");
        }
    }
    let _guard = Guard;
    loop {
        let Some(before) = parts().map(|parts| parts.ticks.get()) else { return };
        poll_fn(|context| {
            let Some(parts) = parts() else { return Poll::Pending };
            if parts.ticks.get() > before {
                return Poll::Ready(());
            }
            parts.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
        if let Some(parts) = parts() {
            parts.rounds.set(parts.rounds.get() + 1);
        }
    }
}

/// The singleton that the pump lives and ends with.
#[derive(GodotClass)]
#[class(init, singleton, tool, base = Object)]
struct FactPump {
    base: Base<Object>,
}

#[godot_api]
impl FactPump {
    /// Hears `SceneTree.process_frame`.
    #[func(gd_self)]
    fn tick(_this: Gd<Self>) {
        let Some(parts) = parts() else { return };
        parts.ticks.set(parts.ticks.get() + 1);
        parts.waiting.take().into_iter().for_each(Waker::wake);
        if INBOX.swap(false, Ordering::SeqCst) {
            parts.poll_task();
        }
    }

    /// Runs what was woken.
    #[func(gd_self)]
    fn flush(_this: Gd<Self>) {
        if let Some(parts) = parts() {
            parts.poll_task();
        }
    }
}

impl FactPump {
    fn start(tree: &Gd<SceneTree>) {
        let singleton = FactPump::singleton();
        let thread_stops = Arc::new(AtomicBool::new(false));
        let thread_beats = Arc::new(AtomicU64::new(0));
        let parts = Parts {
            tree: tree.clone().upcast(),
            tick: Callable::from_object_method(&singleton, "tick"),
            flush: Callable::from_object_method(&singleton, "flush"),
            is_rung: Cell::new(false),
            task: RefCell::new(Some(Box::pin(frame_loop()))),
            waiting: RefCell::default(),
            ticks: Cell::new(0),
            rounds: Cell::new(0),
            thread: RefCell::new(Some(thread::spawn({
                let (stops, beats) = (Arc::clone(&thread_stops), Arc::clone(&thread_beats));
                move || {
                    let waker = Waker::from(Arc::new(Bell));
                    while !stops.load(Ordering::SeqCst) {
                        beats.fetch_add(1, Ordering::SeqCst);
                        waker.wake_by_ref();
                        thread::yield_now();
                    }
                    note("the thread has ended");
                }
            }))),
            thread_stops,
            thread_beats,
        };
        // By name: `godot`'s own `connect` would keep a clone of a custom callable in the editor.
        parts
            .tree
            .clone()
            .call("connect", &["process_frame".to_variant(), parts.tick.to_variant()]);
        let parts = Rc::new(parts);
        PARTS.set(Some(Rc::clone(&parts)));
        parts.poll_task();
    }
}

impl Drop for FactPump {
    fn drop(&mut self) {
        let Some(parts) = parts() else { return };
        // The worst moment to be woken: the deferred call is queued, and what it calls will be gone.
        parts.waiting.take().into_iter().for_each(Waker::wake);
        parts.thread_stops.store(true, Ordering::SeqCst);
        if let Some(thread) = parts.thread.take() {
            thread.join().expect("the thread does not panic");
        }
        PARTS.set(None);
        if parts.tree.is_instance_valid() {
            let mut tree = parts.tree.clone();
            tree.call("disconnect", &["process_frame".to_variant(), parts.tick.to_variant()]);
        }
        drop(parts.task.take());
        note("the pump was dropped");
    }
}
