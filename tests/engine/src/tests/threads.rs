//! Eight threads that emit at full speed, on objects that are no nodes: nothing is lost, every wait ends, and all of it
//! on the main thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cuelight::prelude::*;
use cuelight::{SignalError, SignalStream};
use godot::init::is_main_thread;
use godot::prelude::*;

use crate::Setup;
use crate::inside::Context;

const THREADS: usize = 8;

/// The emitters of each thread. It frees the first half; the rest is freed on the main thread, when it has ended.
const EMITTERS: usize = 4;

/// For how many frames they emit, and how often a frame on each emitter.
const FRAMES: u32 = 300;
const BURST: u32 = 10;

/// What an emission carries: thread, number, text, list, thing.
type Told = (u32, u32, String, VarArray, Gd<RefCounted>);

/// What has been heard of an emitter.
struct Heard {
    emitter: InstanceId,
    /// The numbers that the stream has given.
    in_stream: RefCell<Vec<u32>>,
    is_over: Cell<bool>,
    /// The numbers that the waits in a loop have given.
    in_waits: RefCell<Vec<u32>>,
    end: RefCell<Option<SignalError>>,
}

impl Heard {
    fn of(emitter: InstanceId) -> Self {
        Self {
            emitter,
            in_stream: RefCell::default(),
            is_over: Cell::default(),
            in_waits: RefCell::default(),
            end: RefCell::default(),
        }
    }
}

fn number((thread, number, text, list, thing): &Told) -> u32 {
    assert!(is_main_thread());
    assert_eq!(*text, format!("{number} of {thread}"));
    assert_eq!(*list, varray![*thread, *number]);
    assert_eq!(thing.get_meta("number").to::<u32>(), *number);
    *number
}

async fn hear_all(mut told: SignalStream<Told>, heard: Rc<Heard>) {
    while let Some(args) = told.next().await {
        heard.in_stream.borrow_mut().push(number(&args));
    }
    heard.is_over.set(true);
}

async fn hear_some(told: Signal, heard: Rc<Heard>) {
    loop {
        match told.try_wait::<Told>().await {
            Ok(args) => heard.in_waits.borrow_mut().push(number(&args)),
            Err(error) => {
                assert!(is_main_thread());
                heard.end.borrow_mut().replace(error);
                return;
            }
        }
    }
}

engine_test!(
    eight_threads_emit_for_300_frames_and_free_their_emitters,
    Setup::shared().frames(5_000).seconds(180)
);
async fn eight_threads_emit_for_300_frames_and_free_their_emitters(ctx: Context) {
    let mut storm = ctx.object::<RefCounted>("res://helpers/storm.gd");
    let emitters: Vec<Vec<Gd<Object>>> = (0..THREADS)
        .map(|_| (0..EMITTERS).map(|_| ctx.object("res://helpers/emitter.gd")).collect())
        .collect();
    let heard: Vec<Vec<Rc<Heard>>> = emitters
        .iter()
        .map(|of_thread| {
            let listen = |emitter: &Gd<Object>| {
                let told = Signal::from_object_signal(emitter, "told");
                let heard = Rc::new(Heard::of(emitter.instance_id()));
                let _all = spawn(hear_all(told.stream(), heard.clone()));
                let _some = spawn(hear_some(told, heard.clone()));
                heard
            };
            of_thread.iter().map(listen).collect()
        })
        .collect();
    // A wait each that fails its task, for the ones that are freed on a thread.
    let doomed: Vec<TaskHandle<()>> = emitters
        .iter()
        .enumerate()
        .map(|(index, of_thread)| {
            let never = Signal::from_object_signal(&of_thread[0], "never");
            let wait = never.wait::<()>();
            spawn_named(format!("doomed {index}"), wait)
        })
        .collect();

    let lists: VarArray = emitters
        .iter()
        .map(|of_thread| of_thread.iter().cloned().collect::<Array<Gd<Object>>>().to_variant())
        .collect();
    for index in 0..THREADS {
        ctx.expect_error(format!("\"doomed {index}\""));
    }
    storm.call("start", &[lists.to_variant(), FRAMES.to_variant()]);
    for _ in 0..FRAMES {
        storm.call("grant", &[]);
        ctx.frame().await;
    }
    ctx.until("the threads are done", || storm.call("is_done", &[]).to()).await;
    storm.call("join", &[]);
    ctx.frame().await;

    let all = || heard.iter().flatten();
    assert!(emitters.iter().all(|of_thread| !of_thread[0].is_instance_valid()));
    for of_thread in &emitters {
        for emitter in &of_thread[EMITTERS / 2..] {
            emitter.clone().free();
        }
    }
    ctx.until("every wait has ended", || {
        all().all(|heard| heard.is_over.get() && heard.end.borrow().is_some())
    })
    .await;

    for heard in all() {
        // Streams lose nothing, and keep the order.
        assert!(heard.in_stream.borrow().iter().copied().eq(0..FRAMES * BURST));
        // Waits hear some, each once, in order.
        let in_waits = heard.in_waits.borrow();
        assert!(!in_waits.is_empty() && in_waits.windows(2).all(|pair| pair[0] < pair[1]));
        let end = heard.end.borrow();
        let Some(SignalError::Freed { signal }) = &*end else { panic!("{end:?}") };
        // One that comes back to wait when its emitter is gone already cannot know the class.
        assert!(
            ["Object.told", &format!("#{}.told", heard.emitter)].contains(&&**signal),
            "{signal}"
        );
    }
    assert!(doomed.iter().all(|task| matches!(task.take(), Some(Err(TaskError::Failed(_))))));
}

engine_test!(emitters_freed_on_threads_are_forgotten);
async fn emitters_freed_on_threads_are_forgotten(ctx: Context) {
    let mut threads = ctx.object::<RefCounted>("res://helpers/threads.gd");
    for _ in 0..50 {
        let emitter = ctx.object::<Object>("res://helpers/emitter.gd");
        let told = Signal::from_object_signal(&emitter, "told");
        let task = spawn(told.try_wait::<Vec<Variant>>());
        let mut stream = told.stream::<Vec<Variant>>();
        threads.call("free_it", &[emitter.to_variant()]);
        ctx.frame().await;
        let freed = SignalError::Freed { signal: "Object.told".into() };
        assert_eq!(task.take(), Some(Ok(Err(freed))));
        assert_eq!(stream.next().await, None);
    }
}

engine_test!(emitter_behind_a_callback_freed_on_a_thread_with_an_emission_on_its_way);
async fn emitter_behind_a_callback_freed_on_a_thread_with_an_emission_on_its_way(ctx: Context) {
    let mut threads = ctx.object::<RefCounted>("res://helpers/threads.gd");
    let mut emitter = Object::new_alloc();
    emitter.add_user_signal("plain");
    let node = ctx.add::<Node>();
    emitter.connect("plain", &node.callable("set_process_priority"));
    let plain = Signal::from_object_signal(&emitter, "plain");
    let before = spawn(plain.try_wait::<(i64,)>());
    emitter.emit_signal("plain", &[7.to_variant()]);
    threads.call("free_it", &[emitter.to_variant()]);
    // Gone, while what it has emitted has not arrived.
    let after = spawn(plain.try_wait::<(i64,)>());
    ctx.frame().await;
    assert_eq!(before.take(), Some(Ok(Ok((7,)))));
    let freed = SignalError::Freed { signal: "Object.plain".into() };
    assert_eq!(after.take(), Some(Ok(Err(freed))));
}
