//! The scheduler: one runtime for each thread that asks for one.
//!
//! Invariants:
//! 1. No borrow of the [`Core`] is held while code of the caller runs: a poll, a `Drop`, an engine's or a waker's
//!    function. Whatever may run such code is moved out first.
//! 2. A task is polled by [`Runtime::poll`] or on the stack of its spawn, and dropped by [`Runtime::reap`] or at the
//!    end of its last poll.
//! 3. A task has one turn in a round, however many events have woken it. The slot's `queued` tells those that wake it that
//!    its key is in a queue. A wait for the next frame is queued without a look at the slot, so the key may be there twice:
//!    then `Slots::in_turn` passes over the second.
//! 4. Outside a drain, what has to be done soon has been asked for with `Engine::call_soon`.

mod groups;
mod grow;
mod heap;
mod inbox;
mod inspect;
mod key;
mod next;
mod runtime;
mod skip;
mod slots;
mod time;
mod waits;

#[cfg(all(test, loom))]
mod loom_tests;

pub(crate) use groups::{Freeze, GroupKey, Groups, ROOT};
pub(crate) use inspect::WaitNote;
pub(crate) use key::TaskKey;
pub(crate) use next::Listed;
pub(crate) use runtime::{
    FIRST_SCOPE, LogLine, Place, Runtime, current, current_or_new, nanoseconds_of, note_ready,
    try_current, wake,
};
pub(crate) use skip::{NextOfRoot, Until};
pub(crate) use time::{GRACE, NEVER, nanoseconds};
pub(crate) use waits::{Lane, Waiter};
