//! What an await costs in memory: nothing of Rust's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

/// Counts the allocations of the thread that asks for it. Godot's own go elsewhere.
struct Counting;

thread_local! {
    static COUNT: Cell<Option<u64>> = const { Cell::new(None) };
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get().map(|count| count + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the allocations of a function.
pub(super) fn count(function: impl FnOnce()) -> u64 {
    COUNT.set(Some(0));
    function();
    COUNT.replace(None).unwrap_or(0)
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
    let mut emitter = actor.clone();
    let args = [7.to_variant()];
    let hit = StringName::from("hit");
    // What the emission alone costs: a signal that nobody waits for.
    let moved = StringName::from("rested");
    let mut bare = 0;
    let mut awaited = 0;
    for round in 0..200 {
        ctx.frame().await;
        let alone = count(|| {
            emitter.emit_signal(&moved, &[]);
        });
        let with_wait = count(|| {
            emitter.emit_signal(&hit, &args);
            // The deferred flush would come at the end of the frame; here it is a part of what is counted.
            cuelight::engine::flush();
        });
        if round >= 100 {
            bare += alone;
            awaited += with_wait;
        }
    }
    assert_eq!(trace.seen().0, 200);
    let making_the_wait = 100 * waiting_costs(&actor);
    assert_eq!(
        awaited.saturating_sub(bare + making_the_wait),
        0,
        "bare {bare}, awaited {awaited}, signals {making_the_wait}"
    );
    task.cancel();
}

/// Counts what `godot` allocates to make a typed signal, and the signal of it: its own names and handles.
fn waiting_costs(actor: &Gd<Actor>) -> u64 {
    count(|| {
        let _signal = actor.signals().hit().to_untyped();
    })
}
