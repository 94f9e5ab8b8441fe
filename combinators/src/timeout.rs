//! A limit of time.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{WaitSeconds, check_seconds, wait_seconds};
use pin_project_lite::pin_project;

use crate::utils::poll_part;

/// Runs a future for at most so many seconds of the task's clock; the future wins a tie.
///
/// The time starts when the timeout is created, and the future when it is first awaited. When the time is over first,
/// the future is dropped before the timeout returns. While the clock is frozen, so is the timeout. While it is skipped, the
/// time is over when all has happened that comes before. Negative and 0
/// seconds give the future one poll; infinite ones never end.
///
/// Dropping it drops the future inside.
///
/// # Panics
/// If `seconds` is not a number.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{Elapsed, ScriptFutureExt, timeout, wait_frames};
///
/// # run(async {
/// assert_eq!(timeout(1.0, wait_frames(5)).await, Ok(()));
/// assert_eq!(wait_frames(500).timeout(1.0).await, Err(Elapsed));
/// # });
/// ```
#[track_caller]
pub fn timeout<F: Future>(seconds: f64, future: F) -> Timeout<F> {
    check_seconds("timeout", seconds);
    Timeout { future: Some(future), limit: wait_seconds(seconds) }
}

pin_project! {
    /// Future of [`timeout`]. Dropping it drops the future inside.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<F> {
        #[pin]
        future: Option<F>,
        limit: WaitSeconds,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let output = match poll_part(this.future.as_mut(), cx) {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => match Pin::new(this.limit).poll(cx) {
                Poll::Ready(()) => Err(Elapsed),
                Poll::Pending => return Poll::Pending,
            },
        };
        this.future.set(None);
        Poll::Ready(output)
    }
}

/// The time was over first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was over first")
    }
}

impl std::error::Error for Elapsed {}
