//! The combinators as methods.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::select::{Select, Select2, select};
use crate::{Timeout, timeout};

/// The methods of every future.
pub trait ScriptFutureExt: Future + Sized {
    /// Runs the future for at most so many seconds, as [`timeout`](crate::timeout()) does.
    ///
    /// # Panics
    /// If `seconds` is not a number.
    #[track_caller]
    fn timeout(self, seconds: f64) -> Timeout<Self> {
        timeout(seconds, self)
    }

    /// Runs the future unless another is ready first: then it is dropped, and the output is `None`. The future wins a
    /// tie.
    ///
    /// ```
    /// # use cuelight_combinators::doc_example::run;
    /// use cuelight_combinators::{ScriptFutureExt, wait_frames, wait_seconds};
    ///
    /// # run(async {
    /// let patrol = async {
    ///     loop {
    ///         wait_frames(1).await;
    ///     }
    /// };
    /// let alarm = wait_seconds(2.0);
    /// assert_eq!(patrol.until(alarm).await, None::<()>);
    /// # });
    /// ```
    fn until<S: Future>(self, stop: S) -> Until<Self, S> {
        Until { select: select((self, stop)) }
    }
}

impl<F: Future> ScriptFutureExt for F {}

pin_project! {
    /// Future of [`ScriptFutureExt::until`]. Dropping it drops both of its parts.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Until<F: Future, S: Future> {
        #[pin]
        select: Select<(F, S)>,
    }
}

impl<F: Future, S: Future> Future for Until<F, S> {
    type Output = Option<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().select.poll(cx).map(|first| match first {
            Select2::First(output) => Some(output),
            Select2::Second(_) => None,
        })
    }
}
