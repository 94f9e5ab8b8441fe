//! What the tests play with: a node, an object that is no node, and a script that leaves a trace.

use std::cell::Cell;
use std::rc::Rc;

use cuelight::prelude::*;
use godot::prelude::*;

use crate::inside::Context;

/// A node with signals and something to borrow.
#[derive(GodotClass)]
#[class(init, tool, base = Node)]
pub(crate) struct Actor {
    pub hp: i64,
    pub ready_script: Option<fn(Gd<Actor>)>,
    base: Base<Node>,
}

#[godot_api]
impl Actor {
    #[signal]
    pub(crate) fn hit(amount: i64);
    #[signal]
    pub(crate) fn moved(from: Vector2, to: Vector2);
    #[signal]
    pub(crate) fn rested();
}

#[godot_api]
impl INode for Actor {
    fn ready(&mut self) {
        if let Some(script) = self.ready_script {
            self.lend(script);
        }
    }
}

/// An object that is no node.
#[derive(GodotClass)]
#[class(init, tool, base = Object)]
pub(crate) struct Bell {
    base: Base<Object>,
}

#[godot_api]
impl Bell {
    #[signal]
    pub(crate) fn rung(times: i64, by: Gd<RefCounted>);
}

/// What a script leaves behind: how often it ran, and how often its guard was dropped.
#[derive(Clone, Default)]
pub(crate) struct Trace {
    pub steps: Rc<Cell<u32>>,
    pub drops: Rc<Cell<u32>>,
}

impl Trace {
    pub(crate) fn guard(&self) -> Guard {
        Guard { trace: self.clone() }
    }

    pub(crate) fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    /// A script that counts each frame, for ever.
    pub(crate) async fn count_frames(self) {
        let _guard = self.guard();
        loop {
            self.step();
            next_frame().await;
        }
    }

    pub(crate) fn seen(&self) -> (u32, u32) {
        (self.steps.get(), self.drops.get())
    }
}

/// Counts its own end.
pub(crate) struct Guard {
    trace: Trace,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.trace.drops.set(self.trace.drops.get() + 1);
    }
}

/// Makes an actor under a node.
pub(crate) fn actor(parent: &Gd<Node>) -> Gd<Actor> {
    let actor = Actor::new_alloc();
    parent.clone().add_child(&actor);
    actor
}

/// Returns the number of the frame.
pub(crate) fn frame() -> u64 {
    godot::classes::Engine::singleton().get_process_frames()
}

/// Has a function of `helpers/threads.gd` called with an object: it works on another thread, and has ended then.
pub(crate) fn on_another_thread<T: Inherits<Object>>(ctx: &Context, function: &str, it: &Gd<T>) {
    let mut threads = ctx.object::<RefCounted>("res://helpers/threads.gd");
    threads.call(function, &[it.clone().upcast::<Object>().to_variant()]);
}
