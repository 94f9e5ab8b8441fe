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

/// The most signals of a tuple: so many need no allocation.
const MOST: usize = 8;

/// Returns which signal was emitted first, with its arguments: by the order of emission, not by that of the list.
///
/// Takes a tuple of references to two to eight signals, typed or not, and gives [`Select2`] and so on; or a reference to a
/// list of one kind, and gives the index in it. An untyped signal gives its arguments as they are. It listens from the
/// call on; dropping it stops listening. One emission of a signal that is listed twice is that of the first.
///
/// An emitter that is freed drops out; what it has emitted before counts. When all of them are freed, the task fails, as
/// it does when the arguments of the first emission do not convert, and when there is no such signal: a
/// [`SignalError`] says which. An empty list never resolves.
///
/// # Panics
/// If the calling thread is not the main thread.
///
/// # Examples
/// ```no_run
/// use cuelight::prelude::*;
/// use godot::classes::{Area2D, Timer};
/// use godot::prelude::*;
///
/// async fn trap(area: Gd<Area2D>, fuse: Gd<Timer>) {
///     let mut areas = area.signals();
///     match select_signal((&areas.body_entered(), &fuse.signals().timeout())).await {
///         Select2::First((body,)) => godot_print!("{body} stepped on it"),
///         Select2::Second(()) => godot_print!("too late"),
///     }
/// }
/// ```
#[track_caller]
pub fn select_signal<M, L: SignalList<M>>(signals: L) -> SelectSignal<L::Output> {
    let mut parts = SmallVec::new();
    for signal in &signals.signals() {
        parts.push(listen(signal));
    }
    SelectSignal { parts, done: false, convert: L::convert }
}

#[track_caller]
fn listen(signal: &Signal) -> Part {
    match Listener::to(signal, Kind::Emission) {
        Ok(Some(listener)) => Part::Listening(listener),
        Ok(None) => Part::Closed,
        Err(error) => Part::Over(Box::new(error)),
    }
}

/// Future of [`select_signal`]. Dropping it stops listening.
///
/// # Panics
/// If it is polled after it was ready; and instead of failing, in somebody else's executor.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SelectSignal<T> {
    parts: SmallVec<[Part; MOST]>,
    done: bool,
    convert: fn(usize, &[Variant], &str) -> Result<T, SignalError>,
}

/// One of the signals.
enum Part {
    /// Signal is listened to.
    Listening(Listener),
    /// Signal can never come.
    Over(Box<SignalError>),
    /// The library is closed.
    Closed,
}

impl Part {
    /// Returns what the author has done wrong, if the signal cannot be listened to.
    fn mistake(&self) -> Option<SignalError> {
        match self {
            Self::Over(error) if !matches!(**error, SignalError::Freed { .. }) => {
                Some((**error).clone())
            }
            _ => None,
        }
    }

    /// Returns the place of the emission in the order of all, if it has come.
    fn fired(&self) -> Option<u64> {
        match self {
            Self::Listening(listener) => listener.fired(),
            Self::Over(_) | Self::Closed => None,
        }
    }
}

impl<T> SelectSignal<T> {
    fn poll_parts(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, SignalError>> {
        // A mistake is told whoever was first.
        if let Some(mistake) = self.parts.iter().find_map(Part::mistake) {
            return Poll::Ready(Err(mistake));
        }
        let in_order = self.parts.iter().enumerate();
        let first = in_order.filter_map(|(index, part)| Some((part.fired()?, index))).min();
        let mut is_waiting = self.parts.is_empty();
        let mut gone = None;
        for (index, part) in self.parts.iter_mut().enumerate() {
            if first.is_some_and(|(_, first)| first != index) {
                continue;
            }
            match part {
                Part::Listening(listener) => {
                    match listener.poll(cx, |args, signal| (self.convert)(index, args, signal)) {
                        Poll::Ready(Ok(output)) => return Poll::Ready(Ok(output)),
                        Poll::Ready(Err(error @ SignalError::Freed { .. })) => {
                            gone.get_or_insert_with(|| error.clone());
                            *part = Part::Over(Box::new(error));
                        }
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => is_waiting = true,
                    }
                }
                Part::Over(error) => _ = gone.get_or_insert_with(|| (**error).clone()),
                Part::Closed => is_waiting = true,
            }
        }
        match gone {
            Some(error) if !is_waiting => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        }
    }
}

impl<T> Future for SelectSignal<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        assert!(!self.done, "{POLLED_AFTER_COMPLETION}");
        let Poll::Ready(result) = self.poll_parts(cx) else {
            return Poll::Pending;
        };
        self.done = true;
        self.parts.clear();
        match result {
            Ok(output) => Poll::Ready(output),
            Err(error) => fail(&error),
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
    fn signals(&self) -> SmallVec<[Signal; MOST]>;

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

            fn signals(&self) -> SmallVec<[Signal; MOST]> {
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

            fn signals(&self) -> SmallVec<[Signal; MOST]> {
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
