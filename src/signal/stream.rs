//! All emissions of a signal, one after the other.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_combinators::{Next, Stream};
use cuelight_runtime::POLLED_AFTER_COMPLETION;
use godot::builtin::Signal;

use super::future::fail;
use super::hub::Kind;
use super::{Listener, SignalArgs, SignalError};

/// Stream of [`SignalExt::stream`](crate::SignalExt::stream): the arguments of every emission, in order. Dropping it
/// stops listening.
///
/// It listens from its creation, and loses nothing: what is emitted while nobody polls it waits in the stream, however
/// much that is ([`latest`](Self::latest) keeps one). When the emitter is freed, what has come before is still handed
/// out; then the stream ends, and stays at its end. One that is made when the emitter is already gone is at its end.
///
/// While the task that polls it is frozen, emissions gather, and come one after the other at the resume.
///
/// # Errors
/// An emission whose arguments do not convert **fails** the task that polls the stream, in the place of that emission: the
/// report names the signal, the argument and both types. So does a signal that does not exist, and an emission on
/// another thread whose arguments could not be taken. In somebody else's executor it panics instead. The stream itself
/// stays good: who polls it after that gets the next emission.
///
/// # Examples
/// ```no_run
/// use cuelight::prelude::*;
/// use godot::prelude::*;
///
/// async fn count(bell: Gd<Node>) -> i64 {
///     let mut rung = Signal::from_object_signal(&bell, "rung").stream::<(i64,)>();
///     let mut sum = 0;
///     while let Some((times,)) = rung.next().await {
///         sum += times; // Every emission, also those of one frame.
///     }
///     sum // The bell was freed.
/// }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct SignalStream<T> {
    state: State,
    args: PhantomData<fn() -> T>,
}

enum State {
    /// Stream listens.
    Listening(Listener),
    /// Stream has found an error when it was made, which its first poll tells.
    Error(Box<SignalError>),
    /// Stream is at its end.
    Over,
    /// The library is closed: nothing comes any more.
    Closed,
}

impl<T: SignalArgs> SignalStream<T> {
    /// Begins to listen.
    #[track_caller]
    pub(super) fn new(signal: &Signal) -> Self {
        let state = match Listener::to(signal, Kind::Emissions) {
            Ok(Some(listener)) => State::Listening(listener),
            Ok(None) => State::Closed,
            Err(error) => State::Error(Box::new(error)),
        };
        Self { state, args: PhantomData }
    }

    /// Keeps only the latest emission between polls, and forgets what has come before it.
    pub fn latest(self) -> Self {
        if let State::Listening(listener) = &self.state {
            listener.keep_latest();
        }
        self
    }

    /// Waits for the next emission; `None` when the emitter has been freed. Dropping the wait loses no emission.
    #[expect(clippy::should_implement_trait, reason = "it is awaited")]
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }

    /// Waits for the next emission; the emitter's end, too, is an error, and comes once.
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, SignalError>>> {
        let next = match &mut self.state {
            State::Listening(listener) => match listener.poll_next(cx, T::from_args) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(result)) => return Poll::Ready(Some(result)),
                Poll::Ready(None) => {
                    Some(Err(SignalError::Freed { signal: listener.label().to_owned() }))
                }
            },
            State::Error(error) => Some(Err((**error).clone())),
            State::Over => None,
            State::Closed => return Poll::Pending,
        };
        self.state = State::Over;
        Poll::Ready(next)
    }
}

impl<T: SignalArgs> Stream for SignalStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match self.poll_result(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(args))) => Poll::Ready(Some(args)),
            Poll::Ready(Some(Err(SignalError::Freed { .. })) | None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => fail(&error),
        }
    }
}

impl<T> fmt::Debug for SignalStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "SignalStream", &self.state)
    }
}

/// Future of [`SignalExt::wait_if`](crate::SignalExt::wait_if): the arguments of the first emission that fits. Dropping
/// it stops listening.
///
/// It listens from its creation, and looks at every emission since, in order, so that none is lost between two polls. The
/// condition is called where the future is polled, in the awaiting task, and never inside the emission: a panic in it is
/// that task's.
///
/// Where no emission can come (the emitter was freed), or one has arguments that do not convert, it fails the task that
/// awaits it, as [`SignalFuture`](crate::SignalFuture) does.
///
/// # Panics
/// If it is polled after it was ready; and instead of failing, in somebody else's executor.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitIf<T, P> {
    /// Gone when the future has been ready.
    stream: Option<SignalStream<T>>,
    fits: P,
}

impl<T: SignalArgs, P> WaitIf<T, P> {
    /// Begins to listen.
    #[track_caller]
    pub(super) fn new(signal: &Signal, fits: P) -> Self {
        Self { stream: Some(SignalStream::new(signal)), fits }
    }
}

impl<T: SignalArgs, P: FnMut(&T) -> bool> Future for WaitIf<T, P> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Self { stream, fits } = &mut *self;
        loop {
            let listening = stream.as_mut().expect(POLLED_AFTER_COMPLETION);
            let result = match listening.poll_result(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(result)) => result,
                // It has failed before, and somebody has gone on polling.
                Poll::Ready(None) => panic!("{POLLED_AFTER_COMPLETION}"),
            };
            match result {
                Ok(args) if fits(&args) => {
                    *stream = None;
                    return Poll::Ready(args);
                }
                Ok(_) => {}
                Err(error) => return fail(&error),
            }
        }
    }
}

// The condition is called, and never pinned.
impl<T, P> Unpin for WaitIf<T, P> {}

impl<T, P> fmt::Debug for WaitIf<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = State::Over;
        debug(f, "WaitIf", self.stream.as_ref().map_or(&over, |stream| &stream.state))
    }
}

fn debug(f: &mut fmt::Formatter<'_>, name: &str, state: &State) -> fmt::Result {
    let signal = match state {
        State::Listening(listener) => listener.label().to_owned(),
        State::Error(error) => error.to_string(),
        State::Over => "over".to_owned(),
        State::Closed => "closed".to_owned(),
    };
    f.debug_struct(name).field("signal", &signal).finish()
}
