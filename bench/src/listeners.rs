//! The subjects that listen to signals, in loops. Each counts what it hears, so that nothing is missed or measured twice.

use cuelight::{SignalExt as _, TaskGroup, TypedSignalExt as _};
use godot::classes::GDScript;
use godot::classes::object::ConnectFlags;
use godot::prelude::*;
use godot::task::TaskHandle;

use crate::loops::Counter;

/// A node with a signal.
#[derive(GodotClass)]
#[class(init, base = Node)]
pub(crate) struct Emitter {
    base: Base<Node>,
}

#[godot_api]
impl Emitter {
    #[signal]
    pub(crate) fn fired(amount: i64);
}

/// Those who listen, until they are dropped.
pub(crate) trait Listeners {
    /// Returns how much all of them have heard.
    fn heard(&self) -> u64;

    /// Is called after each emission, as a part of the frame.
    fn again(&mut self) {}

    /// Ends them.
    fn end(self: Box<Self>);
}

/// Starts a listener for each emitter in a list, with its own nodes under a node.
type Start = fn(&Gd<Node>, &[Gd<Emitter>]) -> Box<dyn Listeners>;

/// A subject: its name, and how one listener is started for each emitter in a list (which may name one more than once).
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
}

impl Subject {
    pub(crate) const CUELIGHT: Self = Self { name: "cuelight", start: Cuelight::start_waits };
    pub(crate) const CUELIGHT_STREAM: Self =
        Self { name: "cuelight", start: Cuelight::start_streams };
    /// With the signal made once, outside of the loop: `signals().fired()` costs more than the rest.
    pub(crate) const CUELIGHT_KEPT: Self =
        Self { name: "cuelight, Signal kept", start: Cuelight::start_kept_waits };
    pub(crate) const GODOT_TASK: Self = Self { name: "godot::task", start: GodotTask::start };
    pub(crate) const GODOT_TASK_KEPT: Self =
        Self { name: "godot::task, Signal kept", start: GodotTask::start_kept };
    pub(crate) const GDSCRIPT: Self = Self { name: "gdscript", start: Script::start };
    pub(crate) const CLOSURE: Self = Self { name: "closure", start: Closures::start };
    pub(crate) const ONE_SHOT: Self =
        Self { name: "one-shot closure", start: Closures::start_one_shot };
    pub(crate) const NOBODY: Self = Self { name: "nobody", start: |_, _| Box::new(Nobody) };
}

// ---------------------------------------------------------------- Nobody

/// Nobody listens: the bare emission.
struct Nobody;

impl Listeners for Nobody {
    fn heard(&self) -> u64 {
        0
    }

    fn end(self: Box<Self>) {}
}

// ---------------------------------------------------------------- cuelight

struct Cuelight {
    counter: Counter,
    _group: TaskGroup,
}

impl Cuelight {
    fn start_waits(_parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        let (counter, group) = (Counter::default(), TaskGroup::new());
        for emitter in emitters {
            let (emitter, counter) = (emitter.clone(), counter.clone());
            let _detached = group.spawn(async move {
                loop {
                    emitter.signals().fired().wait().await;
                    counter.increment();
                }
            });
        }
        Box::new(Self { counter, _group: group })
    }

    fn start_kept_waits(_parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        let (counter, group) = (Counter::default(), TaskGroup::new());
        for emitter in emitters {
            let (fired, counter) = (emitter.signals().fired().to_untyped(), counter.clone());
            let _detached = group.spawn(async move {
                loop {
                    let (_amount,): (i64,) = fired.wait().await;
                    counter.increment();
                }
            });
        }
        Box::new(Self { counter, _group: group })
    }

    fn start_streams(_parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        let (counter, group) = (Counter::default(), TaskGroup::new());
        for emitter in emitters {
            let (mut fired, counter) = (emitter.signals().fired().stream(), counter.clone());
            let _detached = group.spawn(async move {
                while fired.next().await.is_some() {
                    counter.increment();
                }
            });
        }
        Box::new(Self { counter, _group: group })
    }
}

impl Listeners for Cuelight {
    fn heard(&self) -> u64 {
        self.counter.get()
    }

    fn end(self: Box<Self>) {}
}

// ---------------------------------------------------------------- godot::task

struct GodotTask {
    counter: Counter,
    tasks: Vec<TaskHandle>,
}

impl GodotTask {
    fn start(_parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        let counter = Counter::default();
        let tasks = emitters.iter().map(|emitter| {
            let (emitter, counter) = (emitter.clone(), counter.clone());
            godot::task::spawn(async move {
                loop {
                    emitter.signals().fired().to_future().await;
                    counter.increment();
                }
            })
        });
        let tasks = tasks.collect();
        Box::new(Self { counter, tasks })
    }

    fn start_kept(_parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        let counter = Counter::default();
        let tasks = emitters.iter().map(|emitter| {
            let (fired, counter) = (emitter.signals().fired().to_untyped(), counter.clone());
            godot::task::spawn(async move {
                loop {
                    let (_amount,): (i64,) = fired.to_future().await;
                    counter.increment();
                }
            })
        });
        let tasks = tasks.collect();
        Box::new(Self { counter, tasks })
    }
}

impl Listeners for GodotTask {
    fn heard(&self) -> u64 {
        self.counter.get()
    }

    fn end(self: Box<Self>) {
        for task in self.tasks {
            task.cancel();
        }
    }
}

// ---------------------------------------------------------------- GDScript

struct Script {
    node: Gd<Node>,
}

impl Script {
    fn start(parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        let mut node = Node::new_alloc();
        node.set_script(&load::<GDScript>("res://signal_loops.gd"));
        parent.clone().add_child(&node);
        let emitters: VarArray = emitters.iter().map(ToGodot::to_variant).collect();
        node.call("start", &[emitters.to_variant()]);
        Box::new(Self { node })
    }
}

impl Listeners for Script {
    fn heard(&self) -> u64 {
        self.node.get("resumes").to::<i64>() as u64
    }

    fn end(self: Box<Self>) {
        // Its coroutines end with it, or with the emitters.
        self.node.free();
    }
}

// ---------------------------------------------------------------- Closures

/// Closures that are connected: the floor, with nobody to be resumed.
struct Closures {
    counter: Counter,
    emitters: Vec<Gd<Emitter>>,
    is_one_shot: bool,
}

impl Closures {
    fn start(_parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        Self::connected(emitters, false)
    }

    fn start_one_shot(_parent: &Gd<Node>, emitters: &[Gd<Emitter>]) -> Box<dyn Listeners> {
        Self::connected(emitters, true)
    }

    fn connected(emitters: &[Gd<Emitter>], is_one_shot: bool) -> Box<dyn Listeners> {
        let emitters = emitters.to_vec();
        let mut this = Self { counter: Counter::default(), emitters, is_one_shot };
        this.connect();
        Box::new(this)
    }

    fn connect(&mut self) {
        for emitter in &self.emitters {
            let counter = self.counter.clone();
            let fired = emitter.signals().fired();
            let builder = fired.builder();
            let builder =
                if self.is_one_shot { builder.flags(ConnectFlags::ONE_SHOT) } else { builder };
            builder.connect(move |_amount| counter.increment());
        }
    }
}

impl Listeners for Closures {
    fn heard(&self) -> u64 {
        self.counter.get()
    }

    fn again(&mut self) {
        if self.is_one_shot {
            self.connect();
        }
    }

    fn end(self: Box<Self>) {}
}
