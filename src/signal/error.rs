//! Why a signal cannot be waited for.

use std::fmt;

/// Why a signal cannot be waited for, or its arguments not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalError {
    /// The emitter was freed.
    Freed {
        /// The signal, as `Class.signal`. Of an object that was gone before the wait was made, as `#id.signal`: its
        /// class is not known any more. Of no object at all, as `null.signal`.
        signal: String,
    },
    /// The emitter has no such signal.
    NoSuchSignal {
        /// The signal, as `Class.signal`.
        signal: String,
    },
    /// An argument is missing, or has another type.
    Argument {
        /// The signal, as `Class.signal`.
        signal: String,
        /// Which argument, from 0.
        position: usize,
        /// The type that is awaited.
        expected: String,
        /// The type that came, or "nothing".
        found: String,
    },
    /// The signal was emitted on another thread, from where its arguments could not be taken.
    OtherThread {
        /// The signal, as `Class.signal`.
        signal: String,
    },
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Freed { signal } => {
                write!(f, "the emitter of signal {signal} was freed, so the signal can never come")
            }
            Self::NoSuchSignal { signal } => {
                write!(f, "there is no signal {signal}; check its name and its class")
            }
            Self::Argument { signal, position, expected, found } => write!(
                f,
                "argument {position} of signal {signal} is awaited as {expected}, but the emission had {found}"
            ),
            Self::OtherThread { signal } => write!(
                f,
                "signal {signal} was emitted on another thread, from where a node's arguments cannot be taken; emit it \
                 with `call_deferred`, or from an object that is no node"
            ),
        }
    }
}

impl std::error::Error for SignalError {}
