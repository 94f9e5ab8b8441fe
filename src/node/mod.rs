//! Scripts on nodes: their groups, how they start, and what binds them to other objects.

mod alive;
mod animate;
#[cfg(not(feature = "engine-classes"))]
#[path = "asker.rs"]
mod binder;
#[cfg(feature = "engine-classes")]
mod binder;
mod freed;
mod group;
mod guard;
mod script;
mod tasks;

pub use alive::{ObjectFutureExt, WaitFreed, WhileAlive, wait_freed};
pub use animate::{AnimateNode, TimelineExt};
#[cfg(not(feature = "engine-classes"))]
pub(crate) use binder::ask;
pub(crate) use freed::hear_freed_elsewhere;
pub use group::{CancelOn, GroupExt};
pub use guard::NodeAtExit;
pub use script::{NodeScript, ScriptedNode};
pub use tasks::NodeTasks;
pub(crate) use tasks::{name_of, unbind_all};

/// Does on a clean stack what was put off to it.
pub(crate) fn settle() {
    tasks::settle();
    freed::settle();
}
