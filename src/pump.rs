//! The pump: what makes the runtime run inside Godot.
//!
//! It ticks on the tree's `process_frame` and `physics_frame`, which come before the nodes' own callbacks, and flushes
//! in a deferred call, so that a task resumes in the frame of its signal. All its connections and deferred calls go by
//! name to one object, the [`Host`]: those are dropped with it, and never run code that a hot reload has taken away.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU64;
use std::task::Waker;
use std::time::Duration;

use cuelight_runtime::{Phase, TaskReport, engine};
use godot::classes::{Engine, Object, SceneTree, Time, Window};
use godot::prelude::*;

use crate::library::Host;
use crate::{node, signal};

thread_local! {
    /// The pump's state, on the main thread between the start and the end of the library.
    static STATE: State = const { State::new() };
}

/// What the pump knows of the engine.
struct State {
    host: RefCell<Option<Host>>,
    /// The deferred call of a flush: made once, since that costs most of it.
    flush: RefCell<Option<Callable>>,
    /// The deferred call that arms a wait, likewise.
    arm: RefCell<Option<Callable>>,
    /// The scene tree that it is called by, during a tick.
    ticking: Cell<Option<InstanceId>>,
    tree: RefCell<Option<Connected>>,
    /// What rounding the steps to nanoseconds has left over, in nanoseconds, for each stage.
    left_over: [Cell<f64>; 2],
    /// The polls up to the last process tick, and those of the frame before it.
    polls: Cell<(u64, u64)>,
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
            host: RefCell::new(None),
            flush: RefCell::new(None),
            arm: RefCell::new(None),
            ticking: Cell::new(None),
            tree: RefCell::new(None),
            left_over: [Cell::new(0.0), Cell::new(0.0)],
            polls: Cell::new((0, 0)),
        }
    }
}

/// What the engine calls, by the name of a method or a signal of the [`Host`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Call {
    /// Looks for the scene tree, and connects to its frames.
    Begin,
    /// Does what the runtime has asked for.
    Flush,
    /// Comes after what was emitted before a wait was made.
    Arm,
    /// Hears `SceneTree.process_frame`.
    ProcessFrame,
    /// Hears `SceneTree.physics_frame`.
    PhysicsFrame,
}

impl Call {
    /// All of them.
    #[cfg(not(feature = "engine-classes"))]
    pub(crate) const ALL: [Self; 5] =
        [Self::Begin, Self::Flush, Self::Arm, Self::ProcessFrame, Self::PhysicsFrame];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Begin => "_begin",
            Self::Flush => "_flush",
            Self::Arm => "_arm",
            Self::ProcessFrame => "_process_frame",
            Self::PhysicsFrame => "_physics_frame",
        }
    }
}

/// Owns the pump: it runs until this is dropped.
pub(crate) struct Pump;

impl Pump {
    /// Opens the runtime, and begins to look for a scene tree.
    pub(crate) fn start(host: Host) -> Self {
        engine::start(GodotEngine);
        // There is no tree yet when the library is loaded with the game; there is one when it is loaded again.
        host.callable(Call::Begin).call_deferred(&[]);
        STATE.with(|state| {
            *state.flush.borrow_mut() = Some(host.callable(Call::Flush));
            *state.arm.borrow_mut() = Some(host.callable(Call::Arm));
            *state.host.borrow_mut() = Some(host);
        });
        Self
    }

    /// Connects to the frames of the scene tree, if there is one and that has not been done.
    fn connect() {
        STATE.with(|state| {
            if state.tree.borrow().is_some() {
                return;
            }
            let host = state.host.borrow();
            let Some(host) = &*host else { return };
            let Some(main_loop) = Engine::singleton().get_main_loop() else {
                return;
            };
            let Ok(tree) = main_loop.try_cast::<SceneTree>() else {
                return;
            };
            let Some(root) = tree.get_root() else { return };
            let connections =
                [("process_frame", Call::ProcessFrame), ("physics_frame", Call::PhysicsFrame)]
                    .map(|(signal, call)| (signal, host.callable(call)));
            for (signal, callable) in &connections {
                // By name: `godot`'s own `connect` keeps a clone of callables in the editor.
                let mut emitter = tree.clone().upcast::<Object>();
                emitter.call("connect", &[signal.to_variant(), callable.to_variant()]);
            }
            host.add_monitors();
            *state.tree.borrow_mut() = Some(Connected { tree, root, connections });
        });
    }

    /// Does what the engine calls for.
    pub(crate) fn call(call: Call) {
        match call {
            Call::Begin => Self::connect(),
            Call::Flush => Self::flush(),
            Call::Arm => signal::arm_next(),
            Call::ProcessFrame => Self::tick(Phase::Process),
            Call::PhysicsFrame => Self::tick(Phase::Physics),
        }
    }

    /// Steps the clocks of a stage.
    fn tick(phase: Phase) {
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
        if phase == Phase::Process {
            STATE.with(|state| {
                let (before, now) = (state.polls.get().0, engine::polls());
                state.polls.set((now, now - before));
            });
        }
        node::hear_freed_elsewhere();
        #[cfg(not(feature = "engine-classes"))]
        node::ask();
        STATE.with(|state| state.ticking.set(Some(tree)));
        engine::tick(phase, delta);
        STATE.with(|state| state.ticking.set(None));
    }

    /// Returns the polls of the last whole frame.
    #[cfg(feature = "engine-classes")]
    pub(crate) fn polls_of_last_frame() -> u64 {
        STATE.with(|state| state.polls.get().1)
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
    fn flush() {
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
            let connected_before = connected.is_some();
            if let Some(Connected { tree, connections, .. }) = connected
                && tree.is_instance_valid()
            {
                let mut emitter = tree.upcast::<Object>();
                for (signal, callable) in &connections {
                    emitter.call("disconnect", &[signal.to_variant(), callable.to_variant()]);
                }
            }
            if connected_before {
                Host::remove_monitors();
            }
            *state.flush.borrow_mut() = None;
            *state.arm.borrow_mut() = None;
            *state.host.borrow_mut() = None;
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

    fn owner_name(&self, owner: NonZeroU64) -> Option<String> {
        node::name_of(owner)
    }

    fn list_waits(&self, found: &mut dyn FnMut(&Waker, &str)) {
        signal::list_waits(found);
    }

    fn report(&self, report: &TaskReport) {
        self.error(&report.to_string());
    }

    fn error(&self, message: &str) {
        godot_error!("cuelight: {message}");
    }
}
