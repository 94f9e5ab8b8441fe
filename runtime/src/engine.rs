//! What an engine supplies to the runtime, and what it calls.
//!
//! The runtime belongs to the thread that calls [`start`]. That thread calls [`tick`] once for each stage of a frame,
//! [`flush`] when it was asked to by [`Engine::call_soon`], and [`shutdown`] before the code is unloaded. On a thread
//! without a runtime the last three do nothing. Each thread can have a runtime of its own, as the threads of a test
//! program do.

use std::any::Any;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use crate::scheduler::{Freeze, current_or_new, try_current};
use crate::{GroupHandle, Phase, TaskReport};

/// What the runtime needs from an engine.
///
/// All functions are called on the runtime's own thread. A panic in one of them is caught.
pub trait Engine: 'static {
    /// Returns the wall time since a fixed moment: it goes on while the game is paused, and no slow motion changes it.
    ///
    /// It is asked for by the waits for wall time, and once in each tick while there are any.
    fn real_time(&self) -> Duration;

    /// Asks for one [`flush`] soon, in a fresh call stack. It is asked for again only after that flush.
    fn call_soon(&self);

    /// Does what the engine has put off with [`ask_settle`]: called on a clean stack, before the next poll.
    fn settle(&self) {}

    /// Returns how many threads [`background`](crate::background()) may use: as many as the machine has processors, but
    /// at most four, unless overridden. It is asked at the first use after a start. With none, the work is done on the
    /// runtime's own thread.
    fn background_threads(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).min(4)
    }

    /// Returns the name of what groups belong to (see [`set_owner`]), for snapshots.
    fn owner_name(&self, owner: NonZeroU64) -> Option<String> {
        let _ = owner;
        None
    }

    /// Says, for snapshots, what events the engine keeps wakers for: each with the waker, and its name. It may not poll,
    /// wake or drop anything.
    fn list_waits(&self, found: &mut dyn FnMut(&Waker, &str)) {
        let _ = found;
    }

    /// Reports a task that panicked or failed. Prints it to the standard error stream unless overridden.
    fn report(&self, report: &TaskReport) {
        self.error(&report.to_string());
    }

    /// Reports another error. Prints it to the standard error stream unless overridden.
    fn error(&self, message: &str) {
        eprintln!("{message}");
    }
}

/// Opens the runtime of this thread, for the first time or after a [`shutdown`]. While it is open, a second start
/// only replaces the engine.
pub fn start(engine: impl Engine) {
    current_or_new().start(Rc::new(engine));
}

/// Steps all clocks of a stage by its delta, and runs what that makes ready.
///
/// While a task is being polled it does nothing.
pub fn tick(phase: Phase, delta: Duration) {
    if let Some(runtime) = try_current() {
        runtime.tick(phase, delta);
    }
}

/// Runs what has become ready since the last tick or flush.
///
/// While a task is being polled it does nothing; inside a `spawn`, another flush is asked for afterwards.
pub fn flush() {
    if let Some(runtime) = try_current() {
        runtime.flush();
    }
}

/// Drops every future, in the order of their spawns; nothing is polled afterwards. What touches the runtime later does
/// nothing, and says nothing, until the next [`start`].
pub fn shutdown() {
    if let Some(runtime) = try_current() {
        runtime.shutdown();
    }
}

/// Returns whether the runtime of this thread is open.
pub fn is_open() -> bool {
    try_current().is_some_and(|runtime| runtime.is_open())
}

/// Returns whether the calling code is polled on a fresh call stack: whether it is a task that has been resumed, and not
/// one in its first poll, which runs on the stack of its spawn.
pub fn is_fresh_poll() -> bool {
    try_current().is_some_and(|runtime| runtime.is_fresh_poll())
}

/// Has [`Engine::settle`] called before the next poll.
pub fn ask_settle() {
    if let Some(runtime) = try_current() {
        runtime.ask_settle();
    }
}

/// Freezes or thaws a group for the engine's own reason: its node cannot process. A group is frozen while this or
/// [`GroupHandle::pause`] holds it.
pub fn suspend(group: &GroupHandle, on: bool) {
    group.set_freeze(Freeze::Suspend, on);
}

/// Returns the wall time of this thread's engine; without an engine it stands still.
pub fn real_time() -> Duration {
    try_current().map_or(Duration::ZERO, |runtime| runtime.real_time())
}

/// Returns the number of process ticks that the runtime of this thread has had: the frame that it is in.
pub fn frame() -> u64 {
    try_current().map_or(0, |runtime| runtime.frame())
}

/// Returns how often the runtime of this thread has polled a task, or was about to when it found it frozen or ended.
pub fn polls() -> u64 {
    try_current().map_or(0, |runtime| runtime.polls())
}

/// Writes down what a group belongs to, by a number of the engine's own: a node's, say.
pub fn set_owner(group: &GroupHandle, owner: NonZeroU64) {
    group.set_owner(owner);
}

/// Returns what an open group belongs to, or the nearest above it that belongs to something.
pub fn owner(group: &GroupHandle) -> Option<NonZeroU64> {
    group.owner()
}

/// Has a value dropped when a group closes, or at the [`shutdown`]; at once if the group is closed.
///
/// It is dropped on the stack of whoever closes the group. A panic in its `Drop` is caught and reported.
pub fn attach(group: &GroupHandle, value: impl Any) {
    group.attach(Box::new(value));
}

/// What is alive in a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Tasks whose futures have not been dropped.
    pub tasks: usize,
    /// Groups, the root group included.
    pub groups: usize,
    /// Waits that are registered on clocks.
    pub waits: usize,
}

/// Counts what is alive in the runtime of this thread, for tests that nothing is left behind.
pub fn counts() -> Counts {
    try_current().map_or_else(Counts::default, |runtime| runtime.counts())
}
