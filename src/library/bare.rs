//! The library without classes in the engine.
//!
//! What the engine calls is an object of its own class `Object` with signals added to it. Each call emits one of them, by
//! name: so a connection to a frame, or a deferred call that waits, goes with the object, and none runs code that a hot
//! reload has taken away. Only the object's own signals are connected to our code.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use godot::builtin::RustCallable;
use godot::prelude::*;

use crate::pump::{Call, Pump};

thread_local! {
    /// The running library, on the main thread.
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

struct Running {
    pump: Pump,
    object: Gd<Object>,
}

/// Starts the library, unless it runs.
pub(super) fn start() {
    if RUNNING.with_borrow(Option::is_some) {
        return;
    }
    let mut object = Object::new_alloc();
    for call in Call::ALL {
        object.add_user_signal(call.name());
        // By name: `godot`'s own `connect` keeps a clone of the callable in the editor.
        let callable = Callable::from_custom(Hook(call));
        object.call("connect", &[call.name().to_variant(), callable.to_variant()]);
    }
    let pump = Pump::start(Host { object: object.clone() });
    RUNNING.set(Some(Running { pump, object }));
}

/// Ends the library.
pub(super) fn end() {
    if let Some(Running { pump, object }) = RUNNING.take() {
        drop(pump);
        object.free();
    }
}

/// What the engine calls: an object, by the names of its signals.
pub(crate) struct Host {
    object: Gd<Object>,
}

impl Host {
    pub(crate) fn callable(&self, call: Call) -> Callable {
        Callable::from_object_method(&self.object, "emit_signal").bind(&[call.name().to_variant()])
    }

    /// The monitors are those of the library with classes.
    pub(crate) fn add_monitors(&self) {}

    pub(crate) fn remove_monitors() {}
}

/// What one of the object's signals is connected to.
#[derive(PartialEq, Hash)]
struct Hook(Call);

impl RustCallable for Hook {
    // `&mut self` may exist twice here, when a flush comes inside of another: nothing is changed through it.
    fn invoke(&mut self, _args: &[&Variant]) -> Variant {
        Pump::call(self.0);
        Variant::nil()
    }

    fn callable_name(&self) -> Cow<'static, str> {
        Cow::Borrowed("cuelight")
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuelight{}", self.0.name())
    }
}
