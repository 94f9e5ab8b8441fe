//! The subjects: loops of "await the next frame". Each loop counts its resumes, so that none is missed or measured twice.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use cuelight::{GroupHandle, NodeTasks as _, TaskGroup, engine};
use godot::classes::{GDScript, SceneTree};
use godot::prelude::*;
use godot::task::TaskHandle;

use crate::frame::{JobGuard, in_each_frame};

/// Loops that run from their start until they are dropped.
pub(crate) trait Loops {
    /// Returns how often all loops together have resumed.
    fn resumes(&self) -> u64;

    /// Returns the size of one loop's future in bytes; zero where it cannot be known.
    fn future_size(&self) -> usize {
        0
    }

    /// Ends the loops. What is left of them may go by in the next frames.
    fn end(self: Box<Self>);
}

/// A subject: its name, and how its loops are started under a node.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) start: fn(&Gd<Node>, usize) -> Box<dyn Loops>,
}

impl Subject {
    pub(crate) const CUELIGHT: Self = Self { name: "cuelight", start: Cuelight::start };
    /// They never resume.
    pub(crate) const CUELIGHT_PARKED: Self =
        Self { name: "cuelight, for nothing", start: Cuelight::start_parked };
    pub(crate) const CUELIGHT_NODES: Self = Self { name: "cuelight", start: CuelightNodes::start };
    pub(crate) const GODOT_TASK: Self = Self { name: "godot::task", start: GodotTask::start };
    pub(crate) const GDSCRIPT: Self = Self { name: "gdscript", start: Script::start };
    pub(crate) const BOXED_DIRECT: Self = Self { name: "boxed_direct", start: Boxed::start };
}

/// A count that the loops of a subject share.
#[derive(Clone, Default)]
pub(crate) struct Counter(Rc<Cell<u64>>);

impl Counter {
    pub(crate) fn increment(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.get()
    }
}

// ---------------------------------------------------------------- cuelight

/// Tasks of one group.
struct Cuelight {
    counter: Counter,
    future_size: usize,
    group: TaskGroup,
}

impl Cuelight {
    fn start(_parent: &Gd<Node>, n: usize) -> Box<dyn Loops> {
        let (counter, group) = (Counter::default(), TaskGroup::new());
        for _ in 0..n {
            spawn_loop(&group, &counter);
        }
        let future_size = size_of_val(&cuelight_loop(counter.clone()));
        Box::new(Self { counter, future_size, group })
    }

    fn start_parked(_parent: &Gd<Node>, n: usize) -> Box<dyn Loops> {
        let (counter, group) = (Counter::default(), TaskGroup::new());
        for _ in 0..n {
            let _detached = group.spawn(parked(counter.clone()));
        }
        let future_size = size_of_val(&parked(counter.clone()));
        Box::new(Self { counter, future_size, group })
    }
}

impl Loops for Cuelight {
    fn resumes(&self) -> u64 {
        self.counter.0.get()
    }

    fn future_size(&self) -> usize {
        self.future_size
    }

    fn end(self: Box<Self>) {
        drop(self.group);
    }
}

/// Waits for what takes no memory, with some state, as scripts have.
async fn parked(counter: Counter) {
    let state = std::hint::black_box([0_u64; 8]);
    std::future::pending::<()>().await;
    std::hint::black_box(state);
    counter.increment();
}

/// A task each for many nodes, in the group of its node.
struct CuelightNodes {
    counter: Counter,
    holder: Gd<Node>,
}

impl CuelightNodes {
    fn start(parent: &Gd<Node>, n: usize) -> Box<dyn Loops> {
        let counter = Counter::default();
        let (holder, nodes) = nodes_under(parent, n);
        for node in &nodes {
            spawn_loop(&node.tasks(), &counter);
        }
        Box::new(Self { counter, holder })
    }
}

impl Loops for CuelightNodes {
    fn resumes(&self) -> u64 {
        self.counter.0.get()
    }

    fn end(self: Box<Self>) {
        self.holder.free();
    }
}

fn spawn_loop(group: &GroupHandle, counter: &Counter) {
    let _detached = group.spawn(cuelight_loop(counter.clone()));
}

pub(crate) async fn cuelight_loop(counter: Counter) {
    loop {
        cuelight::next_frame().await;
        counter.increment();
    }
}

/// Makes a node with so many children in the tree.
pub(crate) fn nodes_under(parent: &Gd<Node>, n: usize) -> (Gd<Node>, Vec<Gd<Node>>) {
    let mut holder = Node::new_alloc();
    let nodes: Vec<_> = (0..n).map(|_| Node::new_alloc()).collect();
    for node in &nodes {
        holder.add_child(node);
    }
    parent.clone().add_child(&holder);
    (holder, nodes)
}

/// Returns whether nothing of cuelight is alive.
pub(crate) fn cuelight_is_idle() -> bool {
    let counts = engine::counts();
    counts.tasks == 0 && counts.waits == 0 && counts.groups == 1
}

// ---------------------------------------------------------------- godot::task

/// Tasks of `godot`'s own runtime, each waiting for the signal anew in each frame.
struct GodotTask {
    counter: Counter,
    future_size: usize,
    tasks: Vec<TaskHandle>,
}

impl GodotTask {
    fn start(parent: &Gd<Node>, n: usize) -> Box<dyn Loops> {
        let counter = Counter::default();
        let tree = parent.get_tree();
        let frame_loop = || godot_task_loop(tree.clone(), counter.clone());
        let future_size = size_of_val(&frame_loop());
        let tasks = (0..n).map(|_| godot::task::spawn(frame_loop())).collect();
        Box::new(Self { counter, future_size, tasks })
    }
}

pub(crate) async fn godot_task_loop(tree: Gd<SceneTree>, counter: Counter) {
    loop {
        tree.signals().process_frame().to_future().await;
        counter.increment();
    }
}

impl Loops for GodotTask {
    fn resumes(&self) -> u64 {
        self.counter.0.get()
    }

    fn future_size(&self) -> usize {
        self.future_size
    }

    fn end(self: Box<Self>) {
        for task in self.tasks {
            task.cancel();
        }
    }
}

// ---------------------------------------------------------------- GDScript

/// Coroutines of one node with a script.
struct Script {
    node: Gd<Node>,
}

impl Script {
    fn start(parent: &Gd<Node>, n: usize) -> Box<dyn Loops> {
        let mut node = Node::new_alloc();
        node.set_script(&load::<GDScript>("res://frame_loops.gd"));
        parent.clone().add_child(&node);
        node.call("start", &[(n as i64).to_variant()]);
        Box::new(Self { node })
    }
}

impl Loops for Script {
    fn resumes(&self) -> u64 {
        self.node.get("resumes").to::<i64>() as u64
    }

    fn end(mut self: Box<Self>) {
        self.node.set("running", &false.to_variant());
        // They end in the next frame; the node is freed after that.
        let mut tree = self.node.get_tree();
        tree.connect_flags(
            "process_frame",
            &self.node.callable("queue_free"),
            godot::classes::object::ConnectFlags::ONE_SHOT,
        );
    }
}

// ---------------------------------------------------------------- Boxed futures

/// Boxed futures that are polled one after the other in each frame: the floor, with neither wakers nor cancelling.
struct Boxed {
    counter: Counter,
    _polls: JobGuard,
}

impl Boxed {
    fn start(_parent: &Gd<Node>, n: usize) -> Box<dyn Loops> {
        let counter = Counter::default();
        let mut futures: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::with_capacity(n);
        for _ in 0..n {
            futures.push(Box::pin(boxed_loop(counter.clone())));
        }
        let mut poll_all = move || {
            let mut cx = Context::from_waker(Waker::noop());
            for future in &mut futures {
                let _pending = future.as_mut().poll(&mut cx);
            }
        };
        // Up to the first await, as the other subjects do when they are started.
        poll_all();
        Box::new(Self { counter, _polls: in_each_frame(poll_all) })
    }
}

async fn boxed_loop(counter: Counter) {
    loop {
        next_poll().await;
        counter.increment();
    }
}

impl Loops for Boxed {
    fn resumes(&self) -> u64 {
        self.counter.0.get()
    }

    fn future_size(&self) -> usize {
        size_of_val(&boxed_loop(self.counter.clone()))
    }

    fn end(self: Box<Self>) {}
}

/// Is ready at its second poll.
fn next_poll() -> impl Future<Output = ()> {
    let mut is_polled = false;
    std::future::poll_fn(move |_cx: &mut Context<'_>| {
        if std::mem::replace(&mut is_polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
}
