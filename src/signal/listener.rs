//! Those who listen to a signal, from their creation.

use std::sync::Arc;
use std::task::{Context, Poll};

use cuelight_runtime::{DynamicSend as _, engine};
use godot::builtin::{Signal, StringName};
use godot::classes::Object;
use godot::obj::{Gd, InstanceId};

use super::SignalError;
use super::connection::listen;
use super::hub::{Args, Arrived, Hub, Kind};

/// One who listens to a signal, from its creation. Dropping it stops listening.
pub(crate) struct Listener {
    hub: Arc<Hub>,
    index: usize,
}

impl Listener {
    pub(super) fn new_in(hub: Arc<Hub>, index: usize) -> Self {
        Self { hub, index }
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
        let name = signal.name();
        match signal.object_id() {
            Some(id) => listen(id, name, kind, || signal.object()).map(Some),
            None => Err(no_object(&name)),
        }
    }

    /// Begins to listen to the signal of an object. `Ok(None)` where the library is closed: nothing comes any more.
    ///
    /// # Panics
    /// If the calling thread is not the main thread.
    #[track_caller]
    pub(crate) fn new(
        emitter: Option<Gd<Object>>,
        id: Option<InstanceId>,
        signal: StringName,
        kind: Kind,
    ) -> Result<Option<Self>, SignalError> {
        if !is_open(|| signal.to_string()) {
            return Ok(None);
        }
        match id {
            Some(id) => listen(id, signal, kind, || emitter).map(Some),
            None => Err(no_object(&signal)),
        }
    }

    /// Returns the signal, as `Class.signal`.
    pub(crate) fn label(&self) -> &str {
        &self.hub.label
    }

    /// Waits for the emission, with its place in the order of all; the emitter's end is an error.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(u64, Args), SignalError>> {
        self.poll_next(cx).map(|arrived| match arrived {
            Some(result) => result,
            None => Err(SignalError::Freed { signal: self.hub.label.clone() }),
        })
    }

    /// Waits for the next emission; `None` when the emitter is gone.
    pub(super) fn poll_next(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(u64, Args), SignalError>>> {
        let elsewhere = || Err(SignalError::OtherThread { signal: self.hub.label.clone() });
        match self.hub.take(self.index, cx.waker().clone()) {
            None => Poll::Pending,
            Some(None) => Poll::Ready(None),
            Some(Some(Arrived::Elsewhere)) => Poll::Ready(Some(elsewhere())),
            Some(Some(Arrived::Here(order, args))) => Poll::Ready(Some(
                args.extract_if_safe().map_or_else(elsewhere, |args| Ok((order, args))),
            )),
        }
    }

    /// Has only the latest emission kept from now on.
    pub(super) fn keep_latest(&self) {
        self.hub.keep_latest(self.index);
    }

    /// Returns the place of the emission in the order of all, if it has come.
    pub(super) fn fired(&self) -> Option<u64> {
        self.hub.order(self.index)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.hub.remove(self.index);
    }
}

/// Says that a signal belongs to nothing: it was made without an object.
fn no_object(signal: &StringName) -> SignalError {
    SignalError::Freed { signal: format!("null.{signal}") }
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
