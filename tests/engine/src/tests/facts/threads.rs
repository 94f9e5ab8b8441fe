//! A signal that is emitted on any thread arrives on the main thread, arguments and all, where it is connected with
//! `CONNECT_DEFERRED`.
//!
//! `godot` panics on whatever touches a `Variant` or a `Callable` off the main thread, so cuelight has Godot itself
//! carry the arguments over: its signals of objects that are no nodes are connected like this.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use godot::builtin::RustCallable;
use godot::classes::object::ConnectFlags;
use godot::init::is_main_thread;
use godot::prelude::*;

use crate::inside::Context;

const THREADS: u32 = 8;
const TIMES: u32 = 100;

engine_test!(eight_threads_emit_while_frames_go_by);
async fn eight_threads_emit_while_frames_go_by(ctx: Context) {
    let emitter = ctx.object::<Object>("res://helpers/emitter.gd");
    let mut crowd = ctx.object::<RefCounted>("res://helpers/crowd.gd");
    let inbox = Inbox::connect(&emitter);

    crowd.call("start", &[emitter.to_variant(), THREADS.to_variant(), TIMES.to_variant()]);
    ctx.until("the threads are done", || crowd.call("is_done", &[]).to()).await;
    crowd.call("join", &[]);
    ctx.frame().await;

    inbox.assert_complete();
    emitter.free();
    assert_eq!(inbox.drops(), 1);
}

engine_test!(eight_threads_emit_and_the_emitter_is_freed_before_it_arrives);
async fn eight_threads_emit_and_the_emitter_is_freed_before_it_arrives(ctx: Context) {
    let emitter = ctx.object::<Object>("res://helpers/emitter.gd");
    let mut crowd = ctx.object::<RefCounted>("res://helpers/crowd.gd");
    let inbox = Inbox::connect(&emitter);

    crowd.call("start", &[emitter.to_variant(), THREADS.to_variant(), TIMES.to_variant()]);
    // The main thread waits here, so that nothing can have been delivered yet.
    crowd.call("join", &[]);
    assert_eq!(inbox.count(), 0);
    emitter.free();
    ctx.frame().await;

    inbox.assert_complete();
    assert_eq!(inbox.drops(), 1);
}

/// What has arrived.
#[derive(Clone, Default)]
struct Inbox(Arc<Received>);

#[derive(Default)]
struct Received {
    /// For each emission the number of its thread and its own, or what is wrong with it.
    emissions: Mutex<Vec<Result<(u32, u32), String>>>,
    drops: AtomicU32,
}

impl Inbox {
    fn connect(emitter: &Gd<Object>) -> Inbox {
        let inbox = Inbox::default();
        let callable = Callable::from_custom(Hearer(inbox.clone()));
        let connected = Signal::from_object_signal(emitter, "told")
            .connect_flags(&callable, ConnectFlags::DEFERRED);
        assert_eq!(connected, godot::global::Error::OK);
        inbox
    }

    fn count(&self) -> usize {
        self.0.emissions.lock().unwrap().len()
    }

    fn drops(&self) -> u32 {
        self.0.drops.load(Ordering::SeqCst)
    }

    /// Checks that every emission has arrived, intact, and each thread's in their order.
    fn assert_complete(&self) {
        let emissions = self.0.emissions.lock().unwrap();
        let emissions: Result<Vec<(u32, u32)>, String> = emissions.iter().cloned().collect();
        let emissions = emissions.unwrap_or_else(|wrong| panic!("an emission is wrong: {wrong}"));
        assert_eq!(emissions.len() as u32, THREADS * TIMES);
        for thread in 0..THREADS {
            let of_thread = emissions.iter().filter(|(of, _)| *of == thread);
            assert!(of_thread.map(|(_, number)| *number).eq(0..TIMES), "thread {thread}");
        }
    }
}

/// The callable that is connected.
struct Hearer(Inbox);

impl Hearer {
    fn read(args: &[&Variant]) -> Result<(u32, u32), String> {
        let [thread, number, text, list, thing] = args else {
            return Err(format!("{} arguments", args.len()));
        };
        let (thread, number): (u32, u32) = (thread.to(), number.to());
        let (text, list): (String, VarArray) = (text.to(), list.to());
        let thing: Gd<RefCounted> = thing.to();
        let is_intact = text == format!("{number} of {thread}")
            && list == varray![thread, number]
            && thing.get_meta("number").to::<u32>() == number
            // This here, and the argument that it was made from.
            && thing.get_reference_count() == 2;
        if is_intact { Ok((thread, number)) } else { Err(format!("{thread}, {number}: {args:?}")) }
    }
}

impl RustCallable for Hearer {
    fn invoke(&mut self, args: &[&Variant]) -> Variant {
        let emission =
            if is_main_thread() { Hearer::read(args) } else { Err("off the main thread".into()) };
        self.0.0.emissions.lock().unwrap().push(emission);
        Variant::nil()
    }
}

impl Drop for Hearer {
    fn drop(&mut self) {
        self.0.0.drops.fetch_add(1, Ordering::SeqCst);
    }
}

impl PartialEq for Hearer {
    fn eq(&self, other: &Hearer) -> bool {
        Arc::ptr_eq(&self.0.0, &other.0.0)
    }
}

impl Hash for Hearer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0.0).hash(state);
    }
}

impl fmt::Display for Hearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hearer")
    }
}
