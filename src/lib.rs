//! Async game scripting for Godot 4: cutscenes and behaviours as `async fn`s, tied to the lifetimes of nodes.
//!
//! `use cuelight::prelude::*;` brings all that a script needs.

mod library;
mod node;
mod pump;
mod signal;

pub mod prelude;

pub use cuelight_combinators::*;
pub use cuelight_runtime::*;

#[cfg(feature = "engine-classes")]
pub use library::Cuelight;
pub use library::{stage_deinit, stage_init};
pub use node::{
    AnimateNode, CancelOn, GroupExt, NodeAtExit, NodeScript, NodeTasks, ObjectFutureExt,
    ScriptedNode, TimelineExt, WaitFreed, WhileAlive, wait_freed,
};
pub use signal::{
    FallibleSignalFuture, SelectSignal, SignalArgs, SignalError, SignalExt, SignalFuture,
    SignalList, SignalPart, SignalStream, TypedSignalExt, WaitIf, marker, select_signal,
};
