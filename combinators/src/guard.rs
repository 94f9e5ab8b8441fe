//! What happens at any exit.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Returns a guard that runs a function when it is dropped: at the end of the script, or when it is cancelled.
///
/// A panic in the function is the task's, as in any destructor; while a panic is on its way already it is caught, so that
/// several guards can fail without an abort.
///
/// Bind it to a name: `let _lamp = at_exit(…)`. With `let _ = …` it would run at once.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{ScriptFutureExt, at_exit, wait_frames};
///
/// # run(async {
/// let lamp = Cell::new("off");
/// let scene = async {
///     lamp.set("on");
///     let _lamp = at_exit(|| lamp.set("off"));
///     wait_frames(500).await;
/// };
/// scene.until(wait_frames(3)).await;
/// assert_eq!(lamp.get(), "off");
/// # });
/// ```
pub fn at_exit<F: FnOnce()>(exit: F) -> AtExit<F> {
    AtExit { exit: Some(exit) }
}

/// Guard of [`at_exit`]. Dropping it runs its function.
#[must_use = "the function runs when the guard is dropped: bind it to a name"]
pub struct AtExit<F: FnOnce()> {
    /// Taken when it runs, or is let go.
    exit: Option<F>,
}

impl<F: FnOnce()> AtExit<F> {
    /// Lets go: the function never runs.
    pub fn keep(mut self) {
        self.exit = None;
    }
}

impl<F: FnOnce()> Drop for AtExit<F> {
    fn drop(&mut self) {
        let Some(exit) = self.exit.take() else {
            return;
        };
        if thread::panicking() {
            // A second panic on the way would abort the process. The first one is what ends the script; the panic hook
            // has heard of this one too.
            let _ = catch_unwind(AssertUnwindSafe(exit));
        } else {
            exit();
        }
    }
}

impl<F: FnOnce()> fmt::Debug for AtExit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtExit").finish_non_exhaustive()
    }
}
