//! The combinators as methods.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cuelight_runtime::SkipWatch;
use pin_project_lite::pin_project;

use crate::guard::OnCancel;
use crate::select::{Select, Select2, select};
use crate::utils::{POLLED_AFTER_COMPLETION, poll_part};
use crate::{Timeout, timeout};

/// A boxed future that stays on its thread: for futures of several types in one list or field.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

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

    /// Changes the output by a function, which is called after the future has been dropped.
    ///
    /// Dropping it drops the future, and then the function, which does not run.
    ///
    /// ```
    /// # use cuelight_combinators::doc_example::run;
    /// use cuelight_combinators::{ScriptFutureExt, race, wait_frames, wait_seconds};
    ///
    /// # run(async {
    /// let key = wait_frames(3).map(|()| "skipped");
    /// let end = wait_seconds(10.0).map(|()| "watched");
    /// assert_eq!(race((key, end)).await, "skipped");
    /// # });
    /// ```
    fn map<T, M: FnOnce(Self::Output) -> T>(self, map: M) -> Map<Self, M> {
        Map { future: Some(self), map: Some(map) }
    }

    /// Gives the future an answer for when its clock is skipped: it is dropped then, and the answer is the output.
    ///
    /// For what no passing of time brings: a key, a cue, a condition. If the future is ready, its own output counts. The
    /// answer is dropped where it is not used. Dropping it drops the future, then the answer.
    ///
    /// ```
    /// # use cuelight_combinators::doc_example::run;
    /// use std::future::pending;
    ///
    /// use cuelight_combinators::{ScriptFutureExt, skippable, wait_seconds};
    ///
    /// # run(async {
    /// let key = pending::<&str>();
    /// let scene = key.or_skip("as if pressed");
    /// assert_eq!(skippable(scene, wait_seconds(3.0)).await, "as if pressed");
    /// # });
    /// ```
    fn or_skip(self, answer: Self::Output) -> OrSkip<Self> {
        OrSkip { future: Some(self), answer: Some(answer), watch: SkipWatch::new() }
    }

    /// Runs a function if the future is dropped before it was ready: polled or not, cancelled, or ended by a panic of its
    /// own.
    ///
    /// The future is dropped first, then the function runs, also if dropping the future panics. A panic in the function is
    /// the task's; while one is on its way already it is caught, as with [`at_exit`](crate::at_exit), which is the one to
    /// use for what has to happen at any exit.
    ///
    /// ```
    /// # use cuelight_combinators::doc_example::run;
    /// use std::cell::Cell;
    ///
    /// use cuelight_combinators::{ScriptFutureExt, wait_frames};
    ///
    /// # run(async {
    /// let song = Cell::new("playing");
    /// let verse = wait_frames(500).on_cancel(|| song.set("cut off"));
    /// verse.until(wait_frames(3)).await;
    /// assert_eq!(song.get(), "cut off");
    /// # });
    /// ```
    fn on_cancel<C: FnOnce()>(self, cancelled: C) -> OnCancel<Self, C> {
        OnCancel::new(self, cancelled)
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

pin_project! {
    /// Future of [`ScriptFutureExt::map`]. Dropping it drops the future inside.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Map<F, M> {
        #[pin]
        future: Option<F>,
        map: Option<M>,
    }
}

impl<T, F: Future, M: FnOnce(F::Output) -> T> Future for Map<F, M> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        match poll_part(this.future.as_mut(), cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(output) => {
                this.future.set(None);
                let map = this.map.take().expect(POLLED_AFTER_COMPLETION);
                Poll::Ready(map(output))
            }
        }
    }
}

pin_project! {
    /// Future of [`ScriptFutureExt::or_skip`]. Dropping it drops the future inside, then the answer.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct OrSkip<F: Future> {
        #[pin]
        future: Option<F>,
        answer: Option<F::Output>,
        watch: SkipWatch,
    }
}

impl<F: Future> Future for OrSkip<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let output = match poll_part(this.future.as_mut(), cx) {
            Poll::Ready(output) => output,
            Poll::Pending => {
                ready!(this.watch.poll_skipping(cx));
                this.future.set(None);
                this.answer.take().expect(POLLED_AFTER_COMPLETION)
            }
        };
        this.future.set(None);
        *this.answer = None;
        Poll::Ready(output)
    }
}
