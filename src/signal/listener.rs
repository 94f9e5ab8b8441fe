//! Those who listen to a signal, from their creation.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll};

use cuelight_runtime::{POLLED_AFTER_COMPLETION, engine};
use godot::builtin::{Signal, Variant};

use super::SignalError;
use super::connection::{listen, note_taken};
use super::hub::{Arrived, Hub, Kind};

/// One who listens to a signal, from its creation. Dropping it stops listening.
pub(crate) struct Listener {
    hub: Arc<Hub>,
    /// Where the hub has it; nowhere when it has had its one emission.
    index: Cell<Option<usize>>,
    kind: Kind,
}

impl Listener {
    pub(super) fn new_in(hub: Arc<Hub>, index: usize, kind: Kind) -> Self {
        Self { hub, index: Cell::new(Some(index)), kind }
    }

    /// Begins to listen to a signal. `Ok(None)` where the library is closed: nothing comes any more.
    ///
    /// # Panics
    /// If the calling thread is not the main thread.
    #[track_caller]
    pub(crate) fn to(signal: &Signal, kind: Kind) -> Result<Option<Self>, SignalError> {
        if !is_open(|| signal.name().to_string()) {
            return Ok(None);
        }
        listen(signal, kind).map(Some)
    }

    /// Returns the signal, as `Class.signal`.
    pub(crate) fn label(&self) -> &str {
        &self.hub.label
    }

    /// Waits for the emission, and reads its arguments; the emitter's end is an error.
    pub(crate) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        convert: impl FnOnce(&[Variant], &str) -> Result<T, SignalError>,
    ) -> Poll<Result<T, SignalError>> {
        self.poll_next(cx, convert).map(|arrived| match arrived {
            Some(result) => result,
            None => Err(SignalError::Freed { signal: self.hub.label.clone() }),
        })
    }

    /// Waits for the next emission, and reads its arguments; `None` when the emitter is gone.
    ///
    /// # Panics
    /// If it waits for one emission, and has had it.
    pub(super) fn poll_next<T>(
        &self,
        cx: &mut Context<'_>,
        convert: impl FnOnce(&[Variant], &str) -> Result<T, SignalError>,
    ) -> Poll<Option<Result<T, SignalError>>> {
        let Some(arrived) = self.take(cx) else {
            return Poll::Pending;
        };
        Poll::Ready(arrived.map(|arrived| arrived.read(&self.hub.label, convert)))
    }

    /// Takes the next emission, `Some(None)` if the emitter is gone, or has the task woken by it.
    fn take(&self, cx: &mut Context<'_>) -> Option<Option<Arrived>> {
        let index = self.index.get().expect(POLLED_AFTER_COMPLETION);
        let arrived = self.hub.take(index, cx.waker().clone())?;
        if arrived.is_some() && self.kind == Kind::Emission {
            self.index.set(None);
            note_taken(self.hub.emitter);
        }
        Some(arrived)
    }

    /// Has only the latest emission kept from now on.
    pub(super) fn keep_latest(&self) {
        if let Some(index) = self.index.get() {
            self.hub.keep_latest(index);
        }
    }

    /// Returns the place of the emission in the order of all, if it has come.
    pub(super) fn fired(&self) -> Option<u64> {
        self.hub.order(self.index.get()?)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(index) = self.index.get() {
            self.hub.remove(index);
        }
    }
}

/// Returns whether the library is open.
///
/// # Panics
/// If the calling thread is not the main thread.
#[track_caller]
fn is_open(signal: impl Fn() -> String) -> bool {
    let is_open = engine::is_open();
    assert!(
        is_open || godot::init::is_main_thread(),
        "signal \"{}\" is awaited on another thread than the main one; spawn a task there that awaits it",
        signal()
    );
    is_open
}
