//! What happens to a node at any exit of a script.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use godot::obj::{Gd, GodotClass};

/// Guard of [`NodeScript::at_exit`](super::NodeScript::at_exit). Dropping it runs its function, unless the node was freed.
#[must_use = "the function runs when the guard is dropped: bind it to a name"]
pub struct NodeAtExit<T: GodotClass, F: FnOnce(&mut Gd<T>)> {
    /// Taken when it runs, or is let go.
    parts: Option<(Gd<T>, F)>,
}

impl<T: GodotClass, F: FnOnce(&mut Gd<T>)> NodeAtExit<T, F> {
    pub(super) fn new(node: Gd<T>, exit: F) -> Self {
        Self { parts: Some((node, exit)) }
    }

    /// Lets go: the function never runs.
    pub fn keep(mut self) {
        self.parts = None;
    }
}

impl<T: GodotClass, F: FnOnce(&mut Gd<T>)> Drop for NodeAtExit<T, F> {
    fn drop(&mut self) {
        let Some((mut node, exit)) = self.parts.take() else {
            return;
        };
        if !node.is_instance_valid() {
            return;
        }
        if thread::panicking() {
            // A second panic on the way would end the process. The hook has heard of this one too.
            let caught = catch_unwind(AssertUnwindSafe(|| exit(&mut node)));
            if let Err(panic) = caught {
                mem::forget(panic);
            }
        } else {
            exit(&mut node);
        }
    }
}

impl<T: GodotClass, F: FnOnce(&mut Gd<T>)> fmt::Debug for NodeAtExit<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeAtExit").finish_non_exhaustive()
    }
}
