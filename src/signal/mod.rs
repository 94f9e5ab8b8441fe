//! Waiting for signals. What listens, listens from its creation.
//!
//! Waiters on one signal share a [`connection`], and a [`hub`] behind it.

mod args;
mod connection;
mod error;
mod future;
mod hub;
mod listener;
mod select;
mod stream;

pub use args::SignalArgs;
pub(crate) use connection::{arm_next, disconnect_all, list_waits};
pub use error::SignalError;
pub use future::{FallibleSignalFuture, SignalExt, SignalFuture, TypedSignalExt};
pub(crate) use listener::Listener;
pub use select::{SelectSignal, SignalList, SignalPart, marker, select_signal};
pub use stream::{SignalStream, WaitIf};
