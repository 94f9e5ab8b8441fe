//! The library in its process: how it starts and ends by itself.

use godot::prelude::*;

use crate::pump::Pump;

/// The singleton that the pump lives and ends with. Godot makes it when the game's library is loaded, and frees it
/// before the code is unloaded: at the exit, and at a hot reload.
///
/// Games have nothing to do with it.
#[derive(GodotClass)]
#[class(singleton, tool, base = Object)]
pub struct Cuelight {
    /// Runs until it is dropped.
    _pump: Pump,
    base: Base<Object>,
}

#[godot_api]
impl IObject for Cuelight {
    fn init(base: Base<Object>) -> Self {
        let me = base.to_init_gd();
        Self { _pump: Pump::start(me.upcast()), base }
    }
}

// What the engine calls takes the object, not a borrow of it: scripts run in here, and may come back to the singleton.
#[godot_api]
impl Cuelight {
    /// Looks for the scene tree, and connects to its frames.
    #[func(gd_self, rename = _begin)]
    fn begin(_this: Gd<Self>) {
        Pump::connect();
    }

    /// Does what the runtime has asked for.
    #[func(gd_self, rename = _flush)]
    fn flush(_this: Gd<Self>) {
        Pump::flush();
    }

    /// Comes after what was emitted before a wait was made.
    #[func(gd_self, rename = _arm)]
    fn arm(_this: Gd<Self>) {
        crate::signal::arm_next();
    }

    /// Hears `SceneTree.process_frame`.
    #[func(gd_self, rename = _process_frame)]
    fn process_frame(_this: Gd<Self>) {
        Pump::tick(crate::Phase::Process);
    }

    /// Hears `SceneTree.physics_frame`.
    #[func(gd_self, rename = _physics_frame)]
    fn physics_frame(_this: Gd<Self>) {
        Pump::tick(crate::Phase::Physics);
    }
}
