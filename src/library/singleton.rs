//! The library as a singleton, which Godot makes and frees.

use cuelight_runtime::inspect;
use godot::classes::Engine;
use godot::prelude::*;

use super::monitors::{self, Monitor};
use super::snapshot::group_dictionary;
use crate::pump::{Call, Pump};

/// The singleton that the pump lives and ends with. Godot makes it when the game's library is loaded, and frees it
/// before the code is unloaded: at the exit, and at a hot reload.
///
/// GDScript reads from it what is running: `Cuelight.print_tree()`, `Cuelight.snapshot()`. The debugger's Monitors tab
/// has the custom monitors `cuelight/tasks`, `cuelight/polls` (those of the last frame) and `cuelight/groups`; a game
/// reads them with `Performance.get_custom_monitor`.
#[derive(GodotClass)]
#[class(singleton, tool, base = Object)]
pub struct Cuelight {
    /// Runs until it is dropped. There is none in a library that is one too many.
    _pump: Option<Pump>,
    base: Base<Object>,
}

#[godot_api]
impl IObject for Cuelight {
    fn init(base: Base<Object>) -> Self {
        if Engine::singleton().has_singleton("Cuelight") {
            godot_error!(
                "cuelight: two libraries of this project have cuelight's classes, which a process can hold once; in the \
                 Cargo.toml of all but one write `cuelight = {{ version = \"…\", default-features = false }}`, and call \
                 `cuelight::stage_init` and `cuelight::stage_deinit` from its `ExtensionLibrary`"
            );
            return Self { _pump: None, base };
        }
        let host = Host { object: base.to_init_gd().upcast() };
        Self { _pump: Some(Pump::start(host)), base }
    }
}

// What the engine calls takes the object, not a borrow of it: scripts run in here, and may come back to the singleton.
#[godot_api]
impl Cuelight {
    /// Prints all groups and tasks as a tree: who they are, and what they wait for.
    #[func(gd_self)]
    fn print_tree(_this: Gd<Self>) {
        godot_print!("{}", inspect());
    }

    /// Returns the root group: its `name`, its `speed`, whether it is `frozen` or `skipping`, its `tasks`, and the
    /// `groups` below it, which are such dictionaries too. Of a task: its `id`, its `name`, the `location` of its spawn, its `state`
    /// ("waiting", "ready", "running" or "ending"), what it `waits_for` as strings, its `age` in seconds, and how many
    /// `polls` it has had.
    #[func(gd_self)]
    fn snapshot(_this: Gd<Self>) -> VarDictionary {
        group_dictionary(&inspect().root)
    }

    #[func(gd_self, rename = _count_tasks)]
    fn count_tasks(_this: Gd<Self>) -> i64 {
        Monitor::Tasks.value()
    }

    #[func(gd_self, rename = _count_polls)]
    fn count_polls(_this: Gd<Self>) -> i64 {
        Monitor::Polls.value()
    }

    #[func(gd_self, rename = _count_groups)]
    fn count_groups(_this: Gd<Self>) -> i64 {
        Monitor::Groups.value()
    }

    #[func(gd_self, rename = _begin)]
    fn begin(_this: Gd<Self>) {
        Pump::call(Call::Begin);
    }

    #[func(gd_self, rename = _flush)]
    fn flush(_this: Gd<Self>) {
        Pump::call(Call::Flush);
    }

    #[func(gd_self, rename = _arm)]
    fn arm(_this: Gd<Self>) {
        Pump::call(Call::Arm);
    }

    #[func(gd_self, rename = _process_frame)]
    fn process_frame(_this: Gd<Self>) {
        Pump::call(Call::ProcessFrame);
    }

    #[func(gd_self, rename = _physics_frame)]
    fn physics_frame(_this: Gd<Self>) {
        Pump::call(Call::PhysicsFrame);
    }
}

/// What the engine calls: the singleton, by the names of its methods.
pub(crate) struct Host {
    object: Gd<Object>,
}

impl Host {
    pub(crate) fn callable(&self, call: Call) -> Callable {
        Callable::from_object_method(&self.object, call.name())
    }

    /// Puts the monitors into the debugger's tab.
    pub(crate) fn add_monitors(&self) {
        monitors::add(&self.object);
    }

    /// Takes them out again.
    pub(crate) fn remove_monitors() {
        monitors::remove();
    }
}
