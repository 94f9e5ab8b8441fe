//! Scripts on nodes: their groups, how they start, and what binds them to other objects.

mod alive;
mod binder;
mod script;
mod tasks;

pub use alive::{ObjectFutureExt, WaitFreed, WhileAlive, wait_freed};
pub use script::{NodeScript, ScriptedNode};
pub use tasks::NodeTasks;
pub(crate) use tasks::{hear_freed_elsewhere, settle, unbind_all};
