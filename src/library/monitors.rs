//! The custom monitors in the debugger's Monitors tab.
//!
//! They go by name to the singleton, and are taken out with it: a hot reload finds none that would call code that is gone.

use cuelight_runtime::engine;
use godot::classes::{Engine, Object, Performance};
use godot::prelude::*;

use crate::pump::Pump;

/// What is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Monitor {
    /// The live tasks.
    Tasks,
    /// The polls of the last frame.
    Polls,
    /// The groups.
    Groups,
}

impl Monitor {
    const ALL: [Self; 3] = [Self::Tasks, Self::Polls, Self::Groups];

    /// Returns the names of the monitor, and of the method that it asks.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Tasks => ("cuelight/tasks", "_count_tasks"),
            Self::Polls => ("cuelight/polls", "_count_polls"),
            Self::Groups => ("cuelight/groups", "_count_groups"),
        }
    }

    pub(super) fn value(self) -> i64 {
        let value = match self {
            Self::Tasks => engine::counts().tasks as u64,
            Self::Polls => Pump::polls_of_last_frame(),
            Self::Groups => engine::counts().groups as u64,
        };
        i64::try_from(value).unwrap_or(i64::MAX)
    }
}

/// Adds the monitors, unless they are there. The editor has none of its own: its tab shows the game's.
pub(super) fn add(singleton: &Gd<Object>) {
    if Engine::singleton().is_editor_hint() {
        return;
    }
    let mut performance = Performance::singleton();
    for (monitor, method) in Monitor::ALL.map(Monitor::names) {
        if !performance.has_custom_monitor(monitor) {
            let callable = Callable::from_object_method(singleton, method);
            performance.add_custom_monitor(monitor, &callable);
        }
    }
}

/// Takes the monitors out.
pub(super) fn remove() {
    // At the exit it may be gone before the libraries are.
    if !Engine::singleton().has_singleton("Performance") {
        return;
    }
    let mut performance = Performance::singleton();
    for (monitor, _) in Monitor::ALL.map(Monitor::names) {
        if performance.has_custom_monitor(monitor) {
            performance.remove_custom_monitor(monitor);
        }
    }
}
