//! The library as a singleton, which Godot makes and frees.

use godot::prelude::*;

use crate::pump::{Call, Pump};

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
        let host = Host { object: base.to_init_gd().upcast() };
        Self { _pump: Pump::start(host), base }
    }
}

// What the engine calls takes the object, not a borrow of it: scripts run in here, and may come back to the singleton.
#[godot_api]
impl Cuelight {
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
}
