//! A steady beat.

use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{BeatWatch, check_seconds};
use futures_core::Stream;

/// Returns a stream that is ready every so many seconds of the task's clock, and does not drift.
///
/// It starts when it is created: the first item comes one period later. Each item is the number of periods that have
/// passed since the item before: 1, or more after a stall, which is a step that was longer than a period, or a body that
/// took longer than one. So none is lost, and none piles up; a loop that is to do something once for each period does
/// it as many times as the item says.
///
/// It is scaled and frozen with the clock; at speed 0 no beat comes. While the clock is skipped they come at once, each in
/// its order. Beats keep their distance to the start however
/// late they are taken, and periods shorter than a frame come several in one item. Infinity never comes. Made outside
/// of any task, or first polled on another clock, it starts at its first poll. The stream never ends. Dropping it
/// leaves nothing behind.
///
/// # Panics
/// If `seconds` is 0, negative or not a number: nothing would ever be waited for.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{every, wait_seconds};
///
/// # run(async {
/// let mut poison = every(0.5);
/// let mut health = 10;
/// for _ in 0..3 {
///     health -= poison.next().await;
/// }
/// assert_eq!(health, 7);
/// wait_seconds(1.2).await; // A stall.
/// assert_eq!(poison.next().await, 2);
/// # });
/// ```
#[track_caller]
pub fn every(seconds: f64) -> Every {
    check_seconds("every", seconds);
    assert!(
        seconds > 0.0,
        "every({seconds}): a period is more than 0 seconds; for each frame, use `next_frame` in a loop"
    );
    Every { watch: BeatWatch::new(seconds) }
}

/// Stream of [`every`]. Each item is the number of periods that passed: more than 1 after a stall. Dropping it leaves
/// nothing behind.
#[must_use = "streams do nothing unless polled"]
#[derive(Debug)]
pub struct Every {
    watch: BeatWatch,
}

impl Every {
    /// Waits for the next beat, and returns the number of periods that passed since the one before.
    #[expect(clippy::should_implement_trait, reason = "it is awaited")]
    pub fn next(&mut self) -> EveryNext<'_> {
        EveryNext { every: self }
    }
}

impl Stream for Every {
    type Item = u64;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        self.watch.poll_beats(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// Future of [`Every::next`]. Dropping it loses no beat. Polled after it was ready, it waits for the one after.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct EveryNext<'a> {
    every: &'a mut Every,
}

impl Future for EveryNext<'_> {
    type Output = u64;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        self.every.watch.poll_beats(cx)
    }
}
