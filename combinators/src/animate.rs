//! Values that change over time.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{Countdown, TickWatch, check_seconds, is_skipping};
use easer::functions::{Back, Bounce, Cubic, Easing, Elastic, Quad, Sine};

use crate::utils::POLLED_AFTER_COMPLETION;

/// Calls a function with 0 to 1, eased, over so many seconds of the task's clock.
///
/// The time starts when it is created. The function is called at the first poll, with the progress by then (0, if it is
/// awaited at once), then once a tick of the clock, in the stage of its group, and exactly once with 1, in the first tick
/// in which the time is over: then the future is ready. 0 and negative seconds are one call with 1; infinite ones call it
/// with 0 each tick, and never end.
///
/// While the clock is skipped the function is called with 1 only, at the end of the time.
///
/// It is scaled and frozen with the clock; while it is frozen the function is not called. A panic in the function is the
/// task's. Dropping it leaves the value where it is.
///
/// # Panics
/// If `seconds` is not a number.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{Ease, animate};
///
/// # run(async {
/// let alpha = Cell::new(0.0);
/// animate(0.5, Ease::OutQuad, |t| alpha.set(t)).await;
/// assert_eq!(alpha.get(), 1.0);
/// // From one value to another:
/// let (from, to) = (40.0, 200.0);
/// animate(0.5, Ease::InOutSine, |t| alpha.set(from + (to - from) * t)).await;
/// assert_eq!(alpha.get(), 200.0);
/// # });
/// ```
#[track_caller]
pub fn animate<F: FnMut(f64)>(seconds: f64, ease: Ease, step: F) -> Animate<F> {
    Animate { step, steps: AnimateSteps::new(seconds, ease) }
}

/// Future of [`animate`]. Dropping it leaves the value where it is.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Animate<F> {
    step: F,
    steps: AnimateSteps,
}

// The function is called, and never pinned.
impl<F> Unpin for Animate<F> {}

impl<F: FnMut(f64)> Future for Animate<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.steps.poll_step(cx, &mut this.step)
    }
}

/// The steps of a change over time: what [`animate`] is made of, for who hands more to the function than a number.
///
/// Dropping them leaves the value where it is.
#[derive(Debug)]
pub struct AnimateSteps {
    ease: Ease,
    countdown: Countdown,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Function has not been called.
    New,
    /// Function is called at each tick.
    Ticks(TickWatch),
    /// Function has been called with 1.
    Done,
}

impl AnimateSteps {
    /// Makes the steps; the time starts now.
    ///
    /// # Panics
    /// If `seconds` is not a number.
    #[track_caller]
    pub fn new(seconds: f64, ease: Ease) -> Self {
        check_seconds("animate", seconds);
        Self { ease, countdown: Countdown::new(seconds), stage: Stage::New }
    }

    /// Calls the function with where the change is, once a tick; it is ready when that is 1.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    pub fn poll_step(&mut self, cx: &mut Context<'_>, step: impl FnOnce(f64)) -> Poll<()> {
        match &mut self.stage {
            Stage::New => {}
            Stage::Ticks(watch) => {
                if watch.poll_tick(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            Stage::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        }
        let Some(progress) = self.countdown.progress() else {
            // Before the call, which may panic: there is one with 1 only.
            self.stage = Stage::Done;
            step(1.0);
            return Poll::Ready(());
        };
        if let Stage::New = self.stage {
            let mut watch = TickWatch::new();
            let _begun = watch.poll_tick(cx);
            self.stage = Stage::Ticks(watch);
        }
        if !is_skipping() {
            step(self.ease.at(progress));
        }
        Poll::Pending
    }
}

impl<F> fmt::Debug for Animate<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Animate");
        text.field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// The shape of a change: Penner's curves, as on <https://easings.net>.
///
/// All of them begin at exactly 0 and end at exactly 1. For a change that comes back, use [`Linear`](Self::Linear), and
/// let the function that is called go there and back.
#[derive(Debug, Clone, Copy, Default)]
pub enum Ease {
    /// At one speed.
    #[default]
    Linear,
    /// Slow at first, as a sine.
    InSine,
    /// Slow at last, as a sine.
    OutSine,
    /// Slow at both ends, as a sine.
    InOutSine,
    /// Slow at first, as a square.
    InQuad,
    /// Slow at last, as a square.
    OutQuad,
    /// Slow at both ends, as a square.
    InOutQuad,
    /// Slow at first, as a cube.
    InCubic,
    /// Slow at last, as a cube.
    OutCubic,
    /// Slow at both ends, as a cube.
    InOutCubic,
    /// Draws back first: by a tenth of the way.
    InBack,
    /// Goes beyond its end by a tenth of the way, and back.
    OutBack,
    /// Goes beyond its end, and swings.
    OutElastic,
    /// Falls on its end, and bounces.
    OutBounce,
    /// A function of one's own, from 0 to 1; at the ends it is not asked.
    Custom(fn(f64) -> f64),
}

impl Ease {
    /// Returns the eased progress: exactly 0 at 0 and below, exactly 1 at 1 and above. In between, some shapes go beyond.
    ///
    /// # Examples
    /// ```
    /// use cuelight_combinators::Ease;
    ///
    /// assert_eq!(Ease::InQuad.at(0.5), 0.25);
    /// assert_eq!(Ease::Custom(|t| t.powi(4)).at(0.5), 0.0625);
    /// ```
    pub fn at(self, progress: f64) -> f64 {
        let t = progress;
        if t <= 0.0 {
            return 0.0;
        }
        if t >= 1.0 {
            return 1.0;
        }
        // From 0, by 1, in 1.
        match self {
            Self::Linear => t,
            Self::InSine => Sine::ease_in(t, 0.0, 1.0, 1.0),
            Self::OutSine => Sine::ease_out(t, 0.0, 1.0, 1.0),
            Self::InOutSine => Sine::ease_in_out(t, 0.0, 1.0, 1.0),
            Self::InQuad => Quad::ease_in(t, 0.0, 1.0, 1.0),
            Self::OutQuad => Quad::ease_out(t, 0.0, 1.0, 1.0),
            Self::InOutQuad => Quad::ease_in_out(t, 0.0, 1.0, 1.0),
            Self::InCubic => Cubic::ease_in(t, 0.0, 1.0, 1.0),
            Self::OutCubic => Cubic::ease_out(t, 0.0, 1.0, 1.0),
            Self::InOutCubic => Cubic::ease_in_out(t, 0.0, 1.0, 1.0),
            Self::InBack => Back::ease_in(t, 0.0, 1.0, 1.0),
            Self::OutBack => Back::ease_out(t, 0.0, 1.0, 1.0),
            Self::OutElastic => Elastic::ease_out(t, 0.0, 1.0, 1.0),
            Self::OutBounce => Bounce::ease_out(t, 0.0, 1.0, 1.0),
            Self::Custom(curve) => curve(t),
        }
    }
}
