//! The pump: what makes the runtime run inside Godot.
//!
//! It ticks on the tree's `process_frame` and `physics_frame`, which come before the nodes' own callbacks, and flushes
//! in a deferred call, so that a task resumes in the frame of its signal. All its connections and deferred calls go by
//! name to the singleton: those are dropped with it, and never run code that a hot reload has taken away.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use cuelight_runtime::{Phase, TaskReport, engine};
use godot::classes::{Engine, Object, SceneTree, Time, Window};
use godot::prelude::*;

use crate::{node, signal};

thread_local! {
    /// The pump's state, on the main thread between the start and the end of the library.
    static STATE: State = const { State::new() };
}

/// What the pump knows of the engine.
struct State {
    singleton: RefCell<Option<Gd<Object>>>,
    /// The deferred call of a flush: made once, since that costs most of it.
    flush: RefCell<Option<Callable>>,
    /// The deferred call that arms a wait, likewise.
    arm: RefCell<Option<Callable>>,
    /// The scene tree that it is called by, during a tick.
    ticking: Cell<Option<InstanceId>>,
    tree: RefCell<Option<Connected>>,
    /// What rounding the steps to nanoseconds has left over, in nanoseconds, for each stage.
    left_over: [Cell<f64>; 2],
}

/// A scene tree that the pump ticks on.
struct Connected {
    tree: Gd<SceneTree>,
    /// It goes before the tree does, with all nodes.
    root: Gd<Window>,
    /// The connections: signal and callable.
    connections: [(&'static str, Callable); 2],
}

impl State {
    const fn new() -> Self {
        Self {
            singleton: RefCell::new(None),
            flush: RefCell::new(None),
            arm: RefCell::new(None),
            ticking: Cell::new(None),
            tree: RefCell::new(None),
            left_over: [Cell::new(0.0), Cell::new(0.0)],
        }
    }
}

/// Owns the pump: it runs until this is dropped.
pub(crate) struct Pump;

impl Pump {
    /// Opens the runtime, and begins to look for a scene tree.
    pub(crate) fn start(mut singleton: Gd<Object>) -> Self {
        engine::start(GodotEngine);
        STATE.with(|state| {
            let flush = Callable::from_object_method(&singleton, "_flush");
            *state.flush.borrow_mut() = Some(flush);
            *state.arm.borrow_mut() = Some(Callable::from_object_method(&singleton, "_arm"));
            *state.singleton.borrow_mut() = Some(singleton.clone());
        });
        // There is no tree yet when the library is loaded with the game; there is one when it is loaded again.
        singleton.call_deferred("_begin", &[]);
        Self
    }

    /// Connects to the frames of the scene tree, if there is one and that has not been done.
    pub(crate) fn connect() {
        STATE.with(|state| {
            if state.tree.borrow().is_some() {
                return;
            }
            let Some(singleton) = state.singleton.borrow().clone() else {
                return;
            };
            let Some(main_loop) = Engine::singleton().get_main_loop() else {
                return;
            };
            let Ok(tree) = main_loop.try_cast::<SceneTree>() else {
                return;
            };
            let Some(root) = tree.get_root() else { return };
            let connections =
                [("process_frame", "_process_frame"), ("physics_frame", "_physics_frame")].map(
                    |(signal, method)| (signal, Callable::from_object_method(&singleton, method)),
                );
            for (signal, callable) in &connections {
                // By name: `godot`'s own `connect` keeps a clone of callables in the editor.
                let mut emitter = tree.clone().upcast::<Object>();
                emitter.call("connect", &[signal.to_variant(), callable.to_variant()]);
            }
            *state.tree.borrow_mut() = Some(Connected { tree, root, connections });
        });
    }

    /// Steps the clocks of a stage.
    pub(crate) fn tick(phase: Phase) {
        let Some((tree, seconds)) = STATE.with(|state| {
            let connected = state.tree.borrow();
            let Connected { tree, root, .. } = connected.as_ref()?;
            let seconds = root.is_instance_valid().then(|| match phase {
                Phase::Process => root.get_process_delta_time(),
                Phase::Physics => root.get_physics_process_delta_time(),
            })?;
            Some((tree.instance_id_unchecked(), seconds))
        }) else {
            return;
        };
        // Carried over, so that sixty steps of a sixtieth are a second to the nanosecond.
        let delta = STATE.with(|state| {
            let left_over = &state.left_over[phase as usize];
            let exact = seconds * 1e9 + left_over.get();
            let whole = exact.max(0.0).round();
            left_over.set(exact - whole);
            Duration::from_nanos(whole as u64)
        });
        node::hear_freed_elsewhere();
        STATE.with(|state| state.ticking.set(Some(tree)));
        engine::tick(phase, delta);
        STATE.with(|state| state.ticking.set(None));
    }

    /// Returns whether the pump runs in a signal of this object: of the scene tree, in a tick.
    pub(crate) fn is_called_by(id: InstanceId) -> bool {
        STATE.with(|state| state.ticking.get() == Some(id))
    }

    /// Asks for one deferred call of [`signal::arm_next`].
    pub(crate) fn arm_soon() {
        STATE.with(|state| {
            let arm = state.arm.borrow();
            if let Some(arm) = &*arm {
                arm.call_deferred(&[]);
            }
        });
    }

    /// Runs what has become ready, unless the tree is gone: then nothing runs any more.
    pub(crate) fn flush() {
        Self::connect();
        let tree_is_gone = STATE.with(|state| {
            let connected = state.tree.borrow();
            connected.as_ref().is_some_and(|connected| !connected.root.is_instance_valid())
        });
        if tree_is_gone {
            engine::shutdown();
        } else {
            node::hear_freed_elsewhere();
            engine::flush();
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        engine::shutdown();
        signal::disconnect_all();
        node::unbind_all();
        STATE.with(|state| {
            let connected = state.tree.borrow_mut().take();
            if let Some(Connected { tree, connections, .. }) = connected
                && tree.is_instance_valid()
            {
                let mut emitter = tree.upcast::<Object>();
                for (signal, callable) in &connections {
                    emitter.call("disconnect", &[signal.to_variant(), callable.to_variant()]);
                }
            }
            *state.flush.borrow_mut() = None;
            *state.arm.borrow_mut() = None;
            *state.singleton.borrow_mut() = None;
        });
    }
}

/// Godot, as the runtime sees it.
struct GodotEngine;

impl engine::Engine for GodotEngine {
    fn real_time(&self) -> Duration {
        Duration::from_micros(Time::singleton().get_ticks_usec())
    }

    fn call_soon(&self) {
        STATE.with(|state| {
            let flush = state.flush.borrow();
            if let Some(flush) = &*flush {
                flush.call_deferred(&[]);
            }
        });
    }

    fn settle(&self) {
        node::settle();
    }

    fn report(&self, report: &TaskReport) {
        self.error(&report.to_string());
    }

    fn error(&self, message: &str) {
        godot_error!("cuelight: {message}");
    }
}
