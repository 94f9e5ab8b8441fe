//! Waits for frames, for time and for conditions.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::TickWatch;
pub use cuelight_runtime::{
    NextFrame, WaitFrames, WaitPhysicsFrames, WaitSeconds, WaitUntilTime, next_frame, wait_frames,
    wait_physics_frames, wait_seconds, wait_until_time,
};

use crate::utils::POLLED_AFTER_COMPLETION;

/// Waits until a condition is true: checked at once, then once a tick of the clock, in the stage of its group.
///
/// While the clock is frozen it is not checked. A panic in the condition is the task's. Dropping the wait leaves
/// nothing behind.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{join, wait_frames, wait_until};
///
/// # run(async {
/// let door = Cell::new("shut");
/// let opening = async {
///     wait_frames(3).await;
///     door.set("open");
/// };
/// join((opening, wait_until(|| door.get() == "open"))).await;
/// # });
/// ```
pub fn wait_until<P: FnMut() -> bool>(condition: P) -> WaitUntil<P> {
    WaitUntil { condition, state: Watching::New }
}

/// Future of [`wait_until`]. Dropping it leaves nothing behind.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitUntil<P> {
    condition: P,
    state: Watching,
}

#[derive(Debug)]
enum Watching {
    /// Condition has not been checked.
    New,
    /// Condition is checked at each tick.
    Ticks(TickWatch),
    /// Condition has come true.
    Done,
}

// The condition is called, and never pinned.
impl<P> Unpin for WaitUntil<P> {}

impl<P: FnMut() -> bool> Future for WaitUntil<P> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let is_checked = match &mut this.state {
            Watching::New => true,
            Watching::Ticks(watch) => watch.poll_tick(cx).is_ready(),
            Watching::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        if is_checked && (this.condition)() {
            this.state = Watching::Done;
            return Poll::Ready(());
        }
        if let Watching::New = this.state {
            let mut watch = TickWatch::new();
            let _begun = watch.poll_tick(cx);
            this.state = Watching::Ticks(watch);
        }
        Poll::Pending
    }
}

impl<P> fmt::Debug for WaitUntil<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitUntil").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Lets the other ready tasks run, and goes on in the next drain: at the next tick, or earlier if the engine flushes.
///
/// Dropping it does nothing.
pub fn yield_now() -> YieldNow {
    YieldNow { polls: 0 }
}

/// Future of [`yield_now`]. Dropping it does nothing.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct YieldNow {
    polls: u8,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(self.polls < 2, "{POLLED_AFTER_COMPLETION}");
        self.polls += 1;
        if self.polls == 2 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
