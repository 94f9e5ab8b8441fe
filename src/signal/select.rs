//! The first of several signals.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_combinators::{Select2, Select3, Select4, Select5, Select6, Select7, Select8};
use cuelight_runtime::POLLED_AFTER_COMPLETION;
use godot::builtin::{Signal, Variant};
use smallvec::SmallVec;

use super::future::fail;
use super::hub::Kind;
use super::{Listener, SignalArgs, SignalError, TypedSignalExt};

/// Returns which signal was emitted first, with its arguments: by the order of emission, not by that of the list.
///
/// Takes a tuple of references to two to eight signals, typed or not, or a reference to a list of one kind. It listens
/// from the call on; dropping it stops listening. An emitter that is freed drops out; when all of them are, the task
/// fails, as it does when the arguments of the first emission have other types. An empty list never resolves.
///
/// # Panics
/// If the calling thread is not the main thread.
pub fn select_signal<M, L: SignalList<M>>(signals: L) -> SelectSignal<L::Output> {
    let parts = signals.signals().iter().map(listen).collect();
    SelectSignal { parts, done: false, convert: L::convert }
}

fn listen(signal: &Signal) -> Part {
    match Listener::to(signal, Kind::Emission) {
        Ok(Some(listener)) => Part::Listening(listener),
        Ok(None) => Part::Closed,
        Err(error) => Part::Over(error),
    }
}

/// Future of [`select_signal`]. Dropping it stops listening.
///
/// # Panics
/// If it is polled after it was ready; and instead of failing, in somebody else's executor.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SelectSignal<T> {
    parts: SmallVec<[Part; 4]>,
    done: bool,
    convert: fn(usize, &[Variant], &str) -> Result<T, SignalError>,
}

/// One of the signals.
enum Part {
    /// Signal is listened to.
    Listening(Listener),
    /// Signal can never come.
    Over(SignalError),
    /// The library is closed.
    Closed,
}

impl<T> Future for SelectSignal<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        assert!(!this.done, "{POLLED_AFTER_COMPLETION}");
        let fired = |part: &Part| match part {
            Part::Listening(listener) => listener.fired(),
            Part::Over(_) | Part::Closed => None,
        };
        let first =
            this.parts.iter().enumerate().filter_map(|(i, part)| Some((fired(part)?, i))).min();
        let mut over = None;
        let mut is_waiting = this.parts.is_empty();
        for (index, part) in this.parts.iter_mut().enumerate() {
            if first.is_some_and(|(_, first)| first != index) {
                continue;
            }
            let polled = match part {
                Part::Listening(listener) => listener.poll(cx),
                Part::Over(error) => Poll::Ready(Err(error.clone())),
                Part::Closed => Poll::Pending,
            };
            let result = match (polled, &*part) {
                (Poll::Pending, _) => {
                    is_waiting = true;
                    continue;
                }
                (Poll::Ready(Ok((_, args))), Part::Listening(listener)) => {
                    (this.convert)(index, &args, listener.label())
                }
                (Poll::Ready(Ok(_)), _) => continue,
                (Poll::Ready(Err(error @ SignalError::Freed { .. })), _) => {
                    *part = Part::Over(error.clone());
                    over = over.or(Some(error));
                    continue;
                }
                (Poll::Ready(Err(error)), _) => Err(error),
            };
            this.done = true;
            this.parts.clear();
            return match result {
                Ok(output) => Poll::Ready(output),
                Err(error) => fail(&error),
            };
        }
        match over {
            Some(error) if !is_waiting => {
                this.done = true;
                fail(&error)
            }
            _ => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for SelectSignal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |part: &Part| match part {
            Part::Listening(listener) => listener.label().to_owned(),
            Part::Over(error) => error.to_string(),
            Part::Closed => "closed".to_owned(),
        };
        let labels: Vec<_> = self.parts.iter().map(label).collect();
        f.debug_struct("SelectSignal").field("signals", &labels).finish()
    }
}

/// One signal of a [`select_signal`]; its marker is inferred.
pub trait SignalPart<M> {
    /// Its arguments.
    type Args: SignalArgs;

    #[doc(hidden)]
    fn to_signal(&self) -> Signal;
}

/// The markers that keep the kinds of signals apart.
pub mod marker {
    /// A struct that the `#[signal]` macro made, which derefs to a typed signal.
    #[derive(Debug)]
    pub struct Generated;

    /// A typed signal.
    #[derive(Debug)]
    pub struct Typed;

    /// A `Signal`.
    #[derive(Debug)]
    pub struct Untyped;
}

impl<S: Deref<Target: TypedSignalExt>> SignalPart<marker::Generated> for &S {
    type Args = <S::Target as TypedSignalExt>::Args;

    fn to_signal(&self) -> Signal {
        (**self).untyped()
    }
}

impl<S: TypedSignalExt> SignalPart<marker::Typed> for &S {
    type Args = S::Args;

    fn to_signal(&self) -> Signal {
        self.untyped()
    }
}

impl SignalPart<marker::Untyped> for &Signal {
    type Args = Vec<Variant>;

    fn to_signal(&self) -> Signal {
        (*self).clone()
    }
}

/// What [`select_signal`] takes; its marker is inferred.
pub trait SignalList<M> {
    /// Which signal was first, with its arguments.
    type Output;

    #[doc(hidden)]
    fn signals(&self) -> SmallVec<[Signal; 4]>;

    #[doc(hidden)]
    fn convert(index: usize, args: &[Variant], signal: &str) -> Result<Self::Output, SignalError>;
}

macro_rules! impl_signal_list {
    ([$($generics:tt)*] $list:ty) => {
        impl<'a, M, S, $($generics)*> SignalList<[M; 1]> for &'a $list
        where
            &'a S: SignalPart<M>,
        {
            type Output = (usize, <&'a S as SignalPart<M>>::Args);

            fn signals(&self) -> SmallVec<[Signal; 4]> {
                let list: &'a $list = self;
                list.iter().map(|signal| signal.to_signal()).collect()
            }

            fn convert(
                index: usize,
                args: &[Variant],
                signal: &str,
            ) -> Result<Self::Output, SignalError> {
                Ok((index, SignalArgs::from_args(args, signal)?))
            }
        }
    };
}

impl_signal_list!([][S]);
impl_signal_list!([] Vec<S>);
impl_signal_list!([const N: usize] [S; N]);

macro_rules! impl_signal_tuple {
    ($output:ident: $($signal:ident $marker:ident $field:tt $variant:ident),+) => {
        impl<$($marker, $signal: SignalPart<$marker>),+> SignalList<($($marker,)+)>
            for ($($signal,)+)
        {
            type Output = $output<$($signal::Args),+>;

            fn signals(&self) -> SmallVec<[Signal; 4]> {
                [$(self.$field.to_signal()),+].into_iter().collect()
            }

            fn convert(
                index: usize,
                args: &[Variant],
                signal: &str,
            ) -> Result<Self::Output, SignalError> {
                match index {
                    $($field => Ok($output::$variant(SignalArgs::from_args(args, signal)?)),)+
                    _ => unreachable!("a tuple has no signal {index}"),
                }
            }
        }
    };
}

impl_signal_tuple!(Select2: A MA 0 First, B MB 1 Second);
impl_signal_tuple!(Select3: A MA 0 First, B MB 1 Second, C MC 2 Third);
impl_signal_tuple!(Select4: A MA 0 First, B MB 1 Second, C MC 2 Third, D MD 3 Fourth);
impl_signal_tuple!(Select5:
    A MA 0 First, B MB 1 Second, C MC 2 Third, D MD 3 Fourth, E ME 4 Fifth);
impl_signal_tuple!(Select6:
    A MA 0 First, B MB 1 Second, C MC 2 Third, D MD 3 Fourth, E ME 4 Fifth, F MF 5 Sixth);
impl_signal_tuple!(Select7:
    A MA 0 First, B MB 1 Second, C MC 2 Third, D MD 3 Fourth, E ME 4 Fifth, F MF 5 Sixth,
    G MG 6 Seventh);
impl_signal_tuple!(Select8:
    A MA 0 First, B MB 1 Second, C MC 2 Third, D MD 3 Fourth, E ME 4 Fifth, F MF 5 Sixth,
    G MG 6 Seventh, H MH 7 Eighth);
