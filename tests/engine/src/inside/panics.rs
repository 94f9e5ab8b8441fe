//! Catches panics, with their place, which the payload alone does not have.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// A panic.
#[derive(Clone, Debug)]
pub(super) struct Panic {
    message: String,
    place: String,
}

impl Panic {
    /// Says where it was, and why.
    pub(super) fn report(&self) -> String {
        format!("panicked at {}: {}", self.place, self.message)
    }

    /// Returns its file and line.
    pub(super) fn place(&self) -> &str {
        self.place.rsplit_once(':').map_or(&self.place, |(line, _column)| line)
    }
}

/// Makes panics keep their place, besides what the hook before does (`godot`'s makes an engine error of each).
pub(super) fn listen() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let message = info.payload_as_str().unwrap_or("a value that is no text").to_string();
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        LAST.set(Some(Panic { message, place }));
        before(info);
    }));
}

/// Runs `f`. A panic in it is returned.
pub(super) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        // A payload's `Drop` may panic, which nobody would catch.
        std::mem::forget(payload);
        LAST.take().unwrap_or_else(|| Panic {
            message: "resumed from elsewhere".to_string(),
            place: "an unknown place".to_string(),
        })
    })
}
