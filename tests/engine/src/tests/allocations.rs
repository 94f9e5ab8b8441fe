//! What an await costs in memory: nothing of Rust's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

/// Counts the allocations of the thread that asks for it. Godot's own go elsewhere.
struct Counting;

/// The bytes that are allocated now, by all threads.
static LIVE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static COUNT: Cell<Option<u64>> = const { Cell::new(None) };
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get().map(|count| count + 1));
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the bytes of Rust's that are allocated now.
pub(super) fn live_bytes() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Counts the allocations of a function.
pub(super) fn count(function: impl FnOnce()) -> u64 {
    COUNT.set(Some(0));
    function();
    COUNT.replace(None).unwrap_or(0)
}

/// Emits a signal in each of 200 frames, and returns what the last hundred have allocated beside the emissions.
async fn count_emissions(ctx: &Context, emitter: &Gd<Object>, signal: &str, idle: &str) -> u64 {
    let mut emitter = emitter.clone();
    let args = [7.to_variant()];
    // What the emission alone costs: a signal that nobody waits for.
    let (signal, idle) = (StringName::from(signal), StringName::from(idle));
    let (mut bare, mut awaited) = (0, 0);
    for round in 0..200 {
        ctx.frame().await;
        let alone = count(|| {
            emitter.emit_signal(&idle, &args);
        });
        let with_wait = count(|| {
            emitter.emit_signal(&signal, &args);
            // The deferred flush would come at the end of the frame; here it is a part of what is counted.
            cuelight::engine::flush();
        });
        if round >= 100 {
            bare += alone;
            awaited += with_wait;
        }
    }
    awaited.saturating_sub(bare)
}

engine_test!(a_signal_awaited_in_a_loop_allocates_nothing);
async fn a_signal_awaited_in_a_loop_allocates_nothing(ctx: Context) {
    let actor = actor(&ctx.root());
    let trace = Trace::default();
    let task = actor.spawn_task(|me| {
        let trace = trace.clone();
        async move {
            loop {
                me.signals().hit().wait().await;
                trace.step();
            }
        }
    });
    let object = actor.clone().upcast::<Object>();
    let allocated = count_emissions(&ctx, &object, "hit", "rested").await;
    assert_eq!(trace.seen().0, 200);
    let making_the_signals = 100 * waiting_costs(&actor);
    assert_eq!(allocated.saturating_sub(making_the_signals), 0, "signals {making_the_signals}");
    task.cancel();
}

engine_test!(a_stream_allocates_nothing);
async fn a_stream_allocates_nothing(ctx: Context) {
    let actor = actor(&ctx.root());
    let trace = Trace::default();
    let (mut all, mut latest) =
        (actor.signals().hit().stream(), actor.signals().hit().stream().latest());
    let steps = trace.clone();
    let task = spawn(async move {
        while let Some(args) = all.next().await {
            assert_eq!(latest.next().await, Some(args));
            steps.step();
        }
    });
    let object = actor.clone().upcast::<Object>();
    assert_eq!(count_emissions(&ctx, &object, "hit", "rested").await, 0);
    assert_eq!(trace.seen().0, 200);
    task.cancel();
    ctx.frame().await;
}

engine_test!(a_hundred_waiters_behind_a_callback_allocate_nothing);
async fn a_hundred_waiters_behind_a_callback_allocate_nothing(ctx: Context) {
    let actor = actor(&ctx.root());
    // One of the engine's own, which allocates nothing of Rust's.
    actor.clone().connect("hit", &actor.callable("set_process_priority"));
    let hit = Signal::from_object_signal(&actor, "hit");
    let trace = Trace::default();
    let tasks: Vec<TaskHandle<()>> = (0..100)
        .map(|_| {
            let (hit, trace) = (hit.clone(), trace.clone());
            spawn(async move {
                loop {
                    hit.wait::<(i64,)>().await;
                    trace.step();
                }
            })
        })
        .collect();
    let object = actor.clone().upcast::<Object>();
    assert_eq!(count_emissions(&ctx, &object, "hit", "rested").await, 0);
    assert_eq!(trace.seen().0, 100 * 200);
    tasks.iter().for_each(TaskHandle::cancel);
    ctx.frame().await;
}

engine_test!(while_alive_in_a_loop_allocates_nothing);
async fn while_alive_in_a_loop_allocates_nothing(ctx: Context) {
    let (actor, other) = (actor(&ctx.root()), actor(&ctx.root()));
    let trace = Trace::default();
    let task = actor.spawn_task(|_me| {
        let (trace, other) = (trace.clone(), other.clone());
        async move {
            loop {
                yield_now().while_alive(&other).await;
                trace.step();
            }
        }
    });
    let mut allocated = 0;
    for round in 0..200 {
        ctx.frame().await;
        let in_flush = count(cuelight::engine::flush);
        if round >= 100 {
            allocated += in_flush;
        }
    }
    assert!(trace.seen().0 >= 200);
    assert_eq!(allocated, 0);
    task.cancel();
}

/// Counts what `godot` allocates to make a typed signal, and the signal of it: its own names and handles.
fn waiting_costs(actor: &Gd<Actor>) -> u64 {
    count(|| {
        let _signal = actor.signals().hit().to_untyped();
    })
}
