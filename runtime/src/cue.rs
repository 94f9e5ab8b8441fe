//! Cues and flags: awaitable events and conditions without an engine.
//!
//! They need no runtime on their thread: they wake whatever executor polls their waits.

use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::POLLED_AFTER_COMPLETION;
use crate::waiters::{Label, Waiters};

/// An event that carries a value to all who wait for it. Clones are the same cue.
///
/// For moments that belong to no node: a choice in a dialogue, the beat of a song. A signal is the better choice where
/// GDScript listens, too; a [`Flag`] where what matters is that something *is*, not that it happens.
///
/// A cue that nobody gives any more leaves those who wait pending for ever: end them with their group, or with
/// `until`.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> Duration { Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use cuelight_runtime::{Cue, engine, spawn};
///
/// let choice = Cue::new();
/// let asked = choice.clone();
/// let dialogue = spawn(async move {
///     match asked.wait().await {
///         0 => "friend",
///         _ => "foe",
///     }
/// });
/// choice.give(1);
/// engine::flush();
/// assert_eq!(dialogue.take(), Some(Ok("foe")));
/// ```
pub struct Cue<T> {
    waiters: Rc<Waiters<T>>,
}

impl<T: Clone> Cue<T> {
    /// Makes a cue that nobody waits for yet. Snapshots name the line that it was made in.
    #[track_caller]
    pub fn new() -> Self {
        let label = Label::Cue(type_name::<T>(), Location::caller());
        Self { waiters: Rc::new(Waiters::new(label)) }
    }

    /// Gives the value to all who wait at this moment. Nobody resumes within the call: tasks do so in the next drain, in
    /// the order in which their waits were made.
    ///
    /// Each wait gets a clone, made here, and the last one the value itself; where nobody waits it is dropped. Whoever
    /// begins to wait later, in the clone of a value too, hears the next one. A wait that has its value keeps it until it
    /// is polled, whatever is given meanwhile: so each gets the first, and a frozen task gets it at its resume.
    ///
    /// # Panics
    /// If a clone panics, the panic is the caller's; who has not got the value by then waits on. A panic of another
    /// executor's waker comes out when all have got it.
    pub fn give(&self, value: T) {
        self.waiters.give(value);
    }

    /// Waits for the next value, from now on: what is given before the first poll counts.
    ///
    /// Dropping the wait stops listening, and drops the value if it has come.
    pub fn wait(&self) -> CueWait<T> {
        CueWait { index: Some(self.waiters.add()), waiters: self.waiters.clone() }
    }
}

impl<T> Clone for Cue<T> {
    fn clone(&self) -> Self {
        Self { waiters: self.waiters.clone() }
    }
}

impl<T: Clone> Default for Cue<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Cue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cue").finish_non_exhaustive()
    }
}

/// Future of [`Cue::wait`]. Dropping it stops listening.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CueWait<T> {
    waiters: Rc<Waiters<T>>,
    /// None once it has been ready.
    index: Option<u32>,
}

impl<T> Future for CueWait<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let polled = self.waiters.poll(self.index.expect(POLLED_AFTER_COMPLETION), cx);
        if polled.is_ready() {
            self.index = None;
        }
        polled
    }
}

impl<T> Drop for CueWait<T> {
    fn drop(&mut self) {
        if let Some(index) = self.index.take() {
            self.waiters.remove(index);
        }
    }
}

impl<T> fmt::Debug for CueWait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CueWait").field("done", &self.index.is_none()).finish_non_exhaustive()
    }
}

/// A condition that is set or clear, and can be waited for. Clones are the same flag; a new one is clear.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> Duration { Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use cuelight_runtime::{Flag, engine, spawn};
///
/// let gate_open = Flag::new();
/// let gate = gate_open.clone();
/// let patrol = spawn(async move {
///     gate.wait_set().await;
///     "through"
/// });
/// gate_open.set();
/// gate_open.clear();
/// engine::flush();
/// assert_eq!(patrol.take(), Some(Ok("through")));
/// ```
#[derive(Clone)]
pub struct Flag {
    state: Rc<FlagState>,
}

struct FlagState {
    is_set: Cell<bool>,
    waiters: Waiters<()>,
}

impl Flag {
    /// Makes a flag that is clear. Snapshots name the line that it was made in.
    #[track_caller]
    pub fn new() -> Self {
        let waiters = Waiters::new(Label::Flag(Location::caller()));
        let state = FlagState { is_set: Cell::new(false), waiters };
        Self { state: Rc::new(state) }
    }

    /// Sets the flag, and releases all who wait for that, even if it is cleared again before they are polled. Tasks
    /// resume in the next drain, in the order in which their waits were made. Setting a flag that is set does nothing.
    ///
    /// # Panics
    /// If another executor's waker panics, when all have been released.
    pub fn set(&self) {
        if !self.state.is_set.replace(true) {
            self.state.waiters.give(());
        }
    }

    /// Clears the flag. Whoever was released before stays so.
    pub fn clear(&self) {
        self.state.is_set.set(false);
    }

    /// Returns whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.state.is_set.get()
    }

    /// Waits until the flag is set; at once if it is set now.
    ///
    /// It listens from its creation: if the flag was set then, or since, it is ready at its first poll, whether or not
    /// the flag has been cleared by then. Dropping it stops listening.
    pub fn wait_set(&self) -> FlagWait {
        let step = match self.is_set() {
            true => Step::Released,
            false => Step::Waiting(self.state.waiters.add()),
        };
        FlagWait { state: self.state.clone(), step }
    }
}

impl Default for Flag {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flag").field("set", &self.is_set()).finish_non_exhaustive()
    }
}

/// Future of [`Flag::wait_set`]. Dropping it stops listening.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FlagWait {
    state: Rc<FlagState>,
    step: Step,
}

/// Where a wait for a flag is in its life.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Wait is among those who are released when the flag is set.
    Waiting(u32),
    /// Wait was made while the flag was set.
    Released,
    /// Wait has been ready.
    Done,
}

impl Future for FlagWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = match self.step {
            Step::Waiting(index) => self.state.waiters.poll(index, cx),
            Step::Released => Poll::Ready(()),
            Step::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        if polled.is_ready() {
            self.step = Step::Done;
        }
        polled
    }
}

impl Drop for FlagWait {
    fn drop(&mut self) {
        if let Step::Waiting(index) = self.step {
            self.state.waiters.remove(index);
        }
    }
}

impl fmt::Debug for FlagWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagWait").field("step", &self.step).finish_non_exhaustive()
    }
}
