//! Waiting for signals. What listens, listens from its creation.
//!
//! Waiters on one signal share one connection, a [`hub`].

mod args;
mod error;
mod future;
mod hub;
mod select;

pub use args::SignalArgs;
pub use error::SignalError;
pub use future::{FallibleSignalFuture, SignalExt, SignalFuture, TypedSignalExt};
pub(crate) use hub::{Kind, Listener, disconnect_all};
pub use select::{SelectSignal, SignalList, SignalPart, marker, select_signal};
