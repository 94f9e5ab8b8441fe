//! Waits for frames, for time and for conditions.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{BeatWatch, TickWatch, check_seconds};
pub use cuelight_runtime::{
    NextFrame, WaitFrames, WaitPhysicsFrames, WaitRealSeconds, WaitSeconds, WaitUntilTime,
    next_frame, wait_frames, wait_physics_frames, wait_real_seconds, wait_seconds, wait_until_time,
};

use crate::utils::POLLED_AFTER_COMPLETION;

/// Waits until a condition is true: checked at once, then once a tick of the clock, in the stage of its group.
///
/// `.every(0.2)` checks it five times a second instead. While the clock is frozen it is not checked. A panic in the
/// condition is the task's. Dropping the wait leaves nothing behind.
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
    WaitUntil { condition, checks: Checks::new() }
}

/// Waits while a condition is true: checked at once, then once a tick of the clock, in the stage of its group.
///
/// It is [`wait_until`] with the condition turned around. `.every(0.2)` checks it five times a second instead. While the
/// clock is frozen it is not checked. A panic in the condition is the task's. Dropping the wait leaves nothing behind.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{join, wait_frames, wait_while};
///
/// # run(async {
/// let is_talking = Cell::new(true);
/// let talk = async {
///     wait_frames(3).await;
///     is_talking.set(false);
/// };
/// join((talk, wait_while(|| is_talking.get()))).await;
/// # });
/// ```
pub fn wait_while<P: FnMut() -> bool>(condition: P) -> WaitWhile<P> {
    WaitWhile { condition, checks: Checks::new() }
}

/// Waits until a value differs from what it was, and returns the new one.
///
/// What it was is read when the wait is made, inside a task or not: so nothing is missed between
/// `let hit = wait_changed(|| hp.get());` and its `.await`. The value is read again at the first poll, then once a tick of
/// the clock, in the stage of its group; `.every(0.2)` reads it five times a second instead. A change that is taken back
/// between two reads is not seen. Values are compared with `!=`, so a `NaN` always counts as a change.
///
/// While the clock is frozen it is not read. A panic in the function is the task's (the caller's, when the wait is made).
/// Dropping the wait leaves nothing behind.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{join, wait_changed, wait_frames};
///
/// # run(async {
/// let health = Cell::new(3);
/// let hurt = async {
///     wait_frames(3).await;
///     health.set(2);
/// };
/// let ((), new) = join((hurt, wait_changed(|| health.get()))).await;
/// assert_eq!(new, 2);
/// # });
/// ```
pub fn wait_changed<T: PartialEq, P: FnMut() -> T>(mut value: P) -> WaitChanged<T, P> {
    let former = value();
    WaitChanged { value, former, checks: Checks::new() }
}

/// Declares the public futures that check something, and then check it again.
macro_rules! checking_future {
    ($(#[$attribute:meta])* $name:ident<$($generic:ident),+> { $($field:ident: $type:ty),+ }) => {
        $(#[$attribute])*
        ///
        /// # Panics
        /// If it is polled after it was ready.
        #[must_use = "futures do nothing unless you `.await` or poll them"]
        pub struct $name<$($generic),+> {
            $($field: $type,)+
            checks: Checks,
        }

        impl<$($generic),+> $name<$($generic),+> {
            /// Checks at once, and then every so many seconds of the clock instead of each tick.
            ///
            /// The checks do not drift, and are frozen with the clock; several that a step has made due are one. 0 and
            /// less check at each tick; infinity checks once, and never again.
            ///
            /// # Panics
            /// If `seconds` is not a number.
            #[track_caller]
            pub fn every(mut self, seconds: f64) -> Self {
                check_seconds("every", seconds);
                self.checks.set_period(seconds);
                self
            }
        }

        // The function is called, and what it gave is compared; neither is ever pinned.
        impl<$($generic),+> Unpin for $name<$($generic),+> {}

        impl<$($generic),+> fmt::Debug for $name<$($generic),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = f.debug_struct(stringify!($name));
                text.field("checks", &self.checks).finish_non_exhaustive()
            }
        }
    };
}

checking_future! {
    /// Future of [`wait_until`]. Dropping it leaves nothing behind.
    WaitUntil<P> { condition: P }
}

checking_future! {
    /// Future of [`wait_while`]. Dropping it leaves nothing behind.
    WaitWhile<P> { condition: P }
}

checking_future! {
    /// Future of [`wait_changed`]. Dropping it leaves nothing behind.
    WaitChanged<T, P> { value: P, former: T }
}

impl<P: FnMut() -> bool> Future for WaitUntil<P> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.checks.poll(cx, || (this.condition)().then_some(()))
    }
}

impl<P: FnMut() -> bool> Future for WaitWhile<P> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.checks.poll(cx, || (!(this.condition)()).then_some(()))
    }
}

impl<T: PartialEq, P: FnMut() -> T> Future for WaitChanged<T, P> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        this.checks.poll(cx, || Some((this.value)()).filter(|value| *value != this.former))
    }
}

/// When something is checked.
#[derive(Debug)]
pub(crate) struct Checks {
    /// The seconds between two checks; none for each tick.
    period: Option<f64>,
    watching: Watching,
}

#[derive(Debug)]
enum Watching {
    /// Nothing has been checked.
    New,
    /// It is checked at each tick.
    Ticks(TickWatch),
    /// It is checked every so many seconds.
    Beats(BeatWatch),
    /// The check has been passed.
    Done,
}

impl Checks {
    pub(crate) const fn new() -> Self {
        Self { period: None, watching: Watching::New }
    }

    /// Sets the seconds between two checks; 0 and less are each tick.
    pub(crate) fn set_period(&mut self, seconds: f64) {
        self.period = Some(seconds).filter(|&seconds| seconds > 0.0);
    }

    /// Checks, if it is time to.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        check: impl FnOnce() -> Option<T>,
    ) -> Poll<T> {
        let is_time = match &mut self.watching {
            Watching::New => true,
            Watching::Ticks(watch) => watch.poll_tick(cx).is_ready(),
            Watching::Beats(watch) => watch.poll_beats(cx).is_ready(),
            Watching::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        if is_time && let Some(output) = check() {
            self.watching = Watching::Done;
            return Poll::Ready(output);
        }
        match &mut self.watching {
            Watching::New => self.begin(cx),
            // Having been ready, it has to be told whom it wakes next.
            Watching::Beats(watch) if is_time => {
                let _no_beat_is_left = watch.poll_beats(cx);
            }
            _ => {}
        }
        Poll::Pending
    }

    /// Begins to watch, now that the first check is over.
    fn begin(&mut self, cx: &mut Context<'_>) {
        match self.period {
            None => {
                let mut watch = TickWatch::new();
                let _begun = watch.poll_tick(cx);
                self.watching = Watching::Ticks(watch);
            }
            Some(seconds) => {
                let mut watch = BeatWatch::for_condition(seconds);
                let _begun = watch.poll_beats(cx);
                self.watching = Watching::Beats(watch);
            }
        }
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
