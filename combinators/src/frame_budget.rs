//! Work that is spread over frames.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use cuelight_runtime::{NextFrame, engine, next_frame};

use crate::utils::POLLED_AFTER_COMPLETION;

/// A budget of time in each frame, for work that is too long for one: a level that is built, a hundred paths.
///
/// Ask [`tick`](Self::tick) before each piece of the work. A frame's budget is counted in wall time, from the first
/// `tick` in that frame on; frames are the process frames.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::FrameBudget;
///
/// # run(async {
/// let mut budget = FrameBudget::new(4.0);
/// let mut sum = 0;
/// for piece in 0..10_000 {
///     budget.tick().await;
///     sum += piece; // The work: a fraction of a millisecond, or more.
/// }
/// assert_eq!(sum, 49_995_000);
/// # });
/// ```
#[derive(Debug)]
pub struct FrameBudget {
    milliseconds: f64,
    /// The frame in which it was asked last, and when in that frame first.
    start: Option<(u64, Duration)>,
}

impl FrameBudget {
    /// Makes a budget of so many milliseconds a frame.
    ///
    /// 0 and less are one piece of work a frame; infinity never waits.
    ///
    /// # Panics
    /// If `milliseconds` is not a number.
    #[track_caller]
    pub fn new(milliseconds: f64) -> Self {
        assert!(
            !milliseconds.is_nan(),
            "FrameBudget::new(NaN): the milliseconds are not a number; for no limit, use infinity"
        );
        Self { milliseconds, start: None }
    }

    /// Is ready at once until this frame's budget is spent, then in the next frame of the task's clock.
    ///
    /// While the clock is frozen the work is, too. Dropping it leaves nothing behind.
    pub fn tick(&mut self) -> FrameBudgetTick<'_> {
        FrameBudgetTick { budget: self, step: Step::New }
    }

    /// Returns whether something is left for the frame; its first question begins a frame.
    fn is_open(&mut self) -> bool {
        let (frame, now) = (engine::frame(), engine::real_time());
        match self.start {
            Some((begun, start)) if begun == frame => {
                now.saturating_sub(start).as_secs_f64() * 1e3 < self.milliseconds
            }
            _ => {
                self.start = Some((frame, now));
                true
            }
        }
    }
}

/// Future of [`FrameBudget::tick`]. Dropping it leaves nothing behind.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct FrameBudgetTick<'a> {
    budget: &'a mut FrameBudget,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// Budget has not been looked at.
    New,
    /// Budget was spent: its next frame is waited for.
    Waits(NextFrame),
    /// Tick has been ready.
    Done,
}

impl Future for FrameBudgetTick<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Step::Done = this.step {
            panic!("{POLLED_AFTER_COMPLETION}");
        }
        loop {
            if let Step::Waits(wait) = &mut this.step
                && Pin::new(wait).poll(cx).is_pending()
            {
                return Poll::Pending;
            }
            if this.budget.is_open() {
                this.step = Step::Done;
                return Poll::Ready(());
            }
            this.step = Step::Waits(next_frame());
        }
    }
}
