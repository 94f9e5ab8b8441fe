//! The futures of one signal, and the traits that make them.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{POLLED_AFTER_COMPLETION, fail_task};
use godot::builtin::{Signal, Variant};
use godot::meta::FromGodot;
use godot::obj::WithSignals;
use godot::signal::TypedSignal;

use super::hub::Kind;
use super::{Listener, SignalArgs, SignalError, SignalStream, WaitIf};

/// The methods of a [`Signal`]; the arguments' types are inferred or given.
///
/// All of them listen from the call on, not from the first await. Dropping what they return stops listening. They resume
/// in the frame of the emission, in a fresh call stack: never inside the `emit`.
///
/// A skip waits for them, in real frames, unless they have an answer ([`or_skip`](crate::ScriptFutureExt::or_skip)).
///
/// # Who hears an emission
/// Everything that listened when it began, in the order of creation; what is made in the middle of it, in a callback or
/// a task that one spawns, hears the next one. There is one exception, since Godot does not tell whether an object is
/// emitting: where a callback that was connected before the first wait *keeps* a wait (it does not spawn the task that
/// makes it), and the emission is made by a task that has been resumed, that wait hears that emission.
///
/// # Threads
/// An object that is no node may emit on any thread; Godot carries the arguments to the main thread, with the deferred
/// calls of the frame. Nodes emit on the main thread. In the editor all do: there, and for a node outside of the tree, an
/// emission on another thread is a [`SignalError::OtherThread`].
///
/// # Arguments
/// An argument is taken as any type that a `Variant` converts to ([`FromGodot`]): the engine's own, `Gd`, `Option<Gd>`,
/// `DynGd`, typed arrays and dictionaries, enums and bitfields, and types of your own with `#[derive(GodotConvert)]`.
/// Fewer than the signal has are the first ones.
///
/// # Panics
/// If the calling thread is not the main thread.
pub trait SignalExt {
    /// Waits for the next emission; a freed emitter fails the task.
    #[track_caller]
    fn wait<T: SignalArgs>(&self) -> SignalFuture<T>;

    /// Waits for the next emission, whatever its arguments are; a freed emitter fails the task.
    #[track_caller]
    fn wait_any(&self) -> SignalFuture<Vec<Variant>>;

    /// Waits for the next emission; a freed emitter is an error.
    #[track_caller]
    fn try_wait<T: SignalArgs>(&self) -> FallibleSignalFuture<T>;

    /// Waits for an emission whose arguments fit; a freed emitter fails the task.
    ///
    /// No emission is lost while the task does not run: all since the call are looked at, in order, in the task's own
    /// polls.
    #[track_caller]
    fn wait_if<T: SignalArgs, P: FnMut(&T) -> bool>(&self, fits: P) -> WaitIf<T, P>;

    /// Returns a stream of all emissions from now on, none lost; it ends when the emitter is freed.
    #[track_caller]
    fn stream<T: SignalArgs>(&self) -> SignalStream<T>;
}

impl SignalExt for Signal {
    fn wait<T: SignalArgs>(&self) -> SignalFuture<T> {
        SignalFuture { inner: self.try_wait() }
    }

    fn wait_any(&self) -> SignalFuture<Vec<Variant>> {
        self.wait()
    }

    fn try_wait<T: SignalArgs>(&self) -> FallibleSignalFuture<T> {
        FallibleSignalFuture::new(self)
    }

    fn wait_if<T: SignalArgs, P: FnMut(&T) -> bool>(&self, fits: P) -> WaitIf<T, P> {
        WaitIf::new(self, fits)
    }

    fn stream<T: SignalArgs>(&self) -> SignalStream<T> {
        SignalStream::new(self)
    }
}

/// The methods of a typed signal, as in `door.signals().opened().wait()`.
///
/// They are those of [`SignalExt`], with the arguments' types known.
///
/// # Panics
/// If the calling thread is not the main thread.
pub trait TypedSignalExt {
    /// The arguments, as a tuple.
    type Args: SignalArgs;

    /// Waits for the next emission; a freed emitter fails the task.
    #[track_caller]
    fn wait(&self) -> SignalFuture<Self::Args> {
        self.untyped().wait()
    }

    /// Waits for the next emission; a freed emitter is an error.
    #[track_caller]
    fn try_wait(&self) -> FallibleSignalFuture<Self::Args> {
        self.untyped().try_wait()
    }

    /// Waits for an emission whose arguments fit; a freed emitter fails the task.
    ///
    /// No emission is lost while the task does not run: all since the call are looked at, in order, in the task's own
    /// polls.
    #[track_caller]
    fn wait_if<P: FnMut(&Self::Args) -> bool>(&self, fits: P) -> WaitIf<Self::Args, P> {
        self.untyped().wait_if(fits)
    }

    /// Returns a stream of all emissions from now on, none lost; it ends when the emitter is freed.
    #[track_caller]
    fn stream(&self) -> SignalStream<Self::Args> {
        self.untyped().stream()
    }

    /// Returns the signal without its types.
    #[doc(hidden)]
    fn untyped(&self) -> Signal;
}

macro_rules! impl_typed_signal {
    ($($argument:ident)*) => {
        impl<C, $($argument),*> TypedSignalExt for TypedSignal<'_, C, ($($argument,)*)>
        where
            C: WithSignals,
            $($argument: FromGodot + fmt::Debug + 'static,)*
        {
            type Args = ($($argument,)*);

            fn untyped(&self) -> Signal {
                self.to_untyped()
            }
        }
    };
}

impl_typed_signal!();
impl_typed_signal!(P0);
impl_typed_signal!(P0 P1);
impl_typed_signal!(P0 P1 P2);
impl_typed_signal!(P0 P1 P2 P3);
impl_typed_signal!(P0 P1 P2 P3 P4);
impl_typed_signal!(P0 P1 P2 P3 P4 P5);
impl_typed_signal!(P0 P1 P2 P3 P4 P5 P6);
impl_typed_signal!(P0 P1 P2 P3 P4 P5 P6 P7);
impl_typed_signal!(P0 P1 P2 P3 P4 P5 P6 P7 P8);
impl_typed_signal!(P0 P1 P2 P3 P4 P5 P6 P7 P8 P9);

/// Future of [`SignalExt::try_wait`]: the arguments of the next emission, or why there is none. Dropping it stops
/// listening.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FallibleSignalFuture<T> {
    state: State,
    args: PhantomData<fn() -> T>,
}

enum State {
    /// Future listens.
    Listening(Listener),
    /// Future has found an error when it was made.
    Error(Box<SignalError>),
    /// The library is closed: nothing comes any more.
    Closed,
    /// Future has been ready.
    Done,
}

impl<T: SignalArgs> FallibleSignalFuture<T> {
    #[track_caller]
    fn new(signal: &Signal) -> Self {
        let state = match Listener::to(signal, Kind::Emission) {
            Ok(Some(listener)) => State::Listening(listener),
            Ok(None) => State::Closed,
            Err(error) => State::Error(Box::new(error)),
        };
        Self { state, args: PhantomData }
    }
}

impl<T: SignalArgs> Future for FallibleSignalFuture<T> {
    type Output = Result<T, SignalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &self.state {
            State::Listening(listener) => match listener.poll(cx, T::from_args) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(result) => result,
            },
            State::Error(error) => Err((**error).clone()),
            State::Closed => return Poll::Pending,
            State::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        self.state = State::Done;
        Poll::Ready(result)
    }
}

impl<T> fmt::Debug for FallibleSignalFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "FallibleSignalFuture", &self.state)
    }
}

/// Future of [`SignalExt::wait`]: the arguments of the next emission. Dropping it stops listening.
///
/// Where there can be none (the emitter was freed, the arguments have other types), it **fails** the task that awaits
/// it: the task ends with [`TaskError::Failed`](crate::TaskError::Failed), which is reported and names the signal. The
/// fallible form is [`FallibleSignalFuture`].
///
/// # Panics
/// If it is polled after it was ready; and instead of failing, in somebody else's executor.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SignalFuture<T> {
    inner: FallibleSignalFuture<T>,
}

impl<T: SignalArgs> Future for SignalFuture<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match Pin::new(&mut self.inner).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(args)) => Poll::Ready(args),
            Poll::Ready(Err(error)) => fail(&error),
        }
    }
}

impl<T> fmt::Debug for SignalFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "SignalFuture", &self.inner.state)
    }
}

/// Ends the awaiting task, since what it waits for cannot come.
///
/// # Panics
/// In somebody else's executor: there is no task to end.
pub(super) fn fail<T>(error: &SignalError) -> Poll<T> {
    let text = error.to_string();
    if fail_task(&text) { Poll::Pending } else { panic!("{text}") }
}

fn debug(f: &mut fmt::Formatter<'_>, name: &str, state: &State) -> fmt::Result {
    let signal = match state {
        State::Listening(listener) => listener.label().to_owned(),
        State::Error(error) => error.to_string(),
        State::Closed => "closed".to_owned(),
        State::Done => "done".to_owned(),
    };
    f.debug_struct(name).field("signal", &signal).finish()
}
