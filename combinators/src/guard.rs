//! What happens at any exit, and what no exit stops.

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use cuelight_runtime::spawn_rest;
use pin_project_lite::pin_project;

use crate::utils::{POLLED_AFTER_COMPLETION, poll_part};

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

pin_project! {
    /// Future of [`ScriptFutureExt::on_cancel`](crate::ScriptFutureExt::on_cancel). Dropping it before it was ready drops
    /// the future inside, and then runs the function.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct OnCancel<F, C: FnOnce()> {
        #[pin]
        future: Option<F>,
        // Behind the future, so that it is dropped after it, whether or not that panics.
        guard: Option<AtExit<C>>,
    }
}

impl<F, C: FnOnce()> OnCancel<F, C> {
    pub(crate) fn new(future: F, cancelled: C) -> Self {
        Self { future: Some(future), guard: Some(at_exit(cancelled)) }
    }
}

impl<F: Future, C: FnOnce()> Future for OnCancel<F, C> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let polled = poll_part(this.future.as_mut(), cx);
        if polled.is_ready() {
            // Before the future is dropped: it was ready, whatever its destructor does.
            if let Some(guard) = this.guard.take() {
                guard.keep();
            }
            this.future.set(None);
        }
        polled
    }
}

/// Runs a future that cannot be stopped half-way: what has begun is done to its end.
///
/// Polled to its end, it is the future itself. Dropped half-way (it has been polled, and was not ready), the rest of it
/// goes on in the root group, from the next drain on: so it **outlives its node**, its group and their pause, and must
/// not touch what may be freed. A wait that it is in goes on on the clock that it was made on, the waits after it are on
/// the root group's. Its output is dropped then, and a panic is reported with the line that called `uncancellable`.
///
/// Dropped before its first poll, it is just dropped: nothing has begun. At the shutdown, too, when the game ends.
///
/// It allocates once, at its first poll, and a task when it is dropped half-way.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// use cuelight_combinators::{ScriptFutureExt, uncancellable, wait_frames};
///
/// # run(async {
/// let saved = Rc::new(Cell::new(0));
/// let file = saved.clone();
/// let save = async move {
///     file.set(1); // The first half …
///     wait_frames(3).await;
///     file.set(2); // … would be worth nothing without the second.
/// };
/// assert_eq!(uncancellable(save).until(wait_frames(1)).await, None);
/// assert_eq!(saved.get(), 1);
/// wait_frames(4).await;
/// assert_eq!(saved.get(), 2);
/// # });
/// ```
#[track_caller]
pub fn uncancellable<F: Future + 'static>(future: F) -> Uncancellable<F> {
    Uncancellable { stage: Stage::New(future), location: Location::caller() }
}

/// Future of [`uncancellable`]. Dropping it half-way moves the rest to the root group.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Uncancellable<F: Future + 'static> {
    stage: Stage<F>,
    location: &'static Location<'static>,
}

enum Stage<F> {
    /// Future has not been polled.
    New(F),
    /// Future has begun, and can be moved as a whole.
    Begun(Pin<Box<F>>),
    /// Future is being polled, has been ready, or has panicked.
    Gone,
}

// The future is pinned in its box only.
impl<F: Future + 'static> Unpin for Uncancellable<F> {}

impl<F: Future + 'static> Future for Uncancellable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out, so that one that panics is dropped, and not polled again elsewhere.
        let mut future = match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::New(future) => Box::pin(future),
            Stage::Begun(future) => future,
            Stage::Gone => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            self.stage = Stage::Begun(future);
        }
        polled
    }
}

impl<F: Future + 'static> Drop for Uncancellable<F> {
    fn drop(&mut self) {
        if let Stage::Begun(future) = std::mem::replace(&mut self.stage, Stage::Gone) {
            spawn_rest(self.location, async move {
                let _output = future.await;
            });
        }
    }
}

impl<F: Future + 'static> fmt::Debug for Uncancellable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uncancellable").field("location", &self.location).finish_non_exhaustive()
    }
}
