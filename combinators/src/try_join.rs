//! All of several futures that can fail.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{PartList, Parts};
use pin_project_lite::pin_project;
use smallvec::{Array, SmallVec};

use crate::outputs::{ArrayOutputs, ListOutputs, Outputs};
use crate::utils::{POLLED_AFTER_COMPLETION, poll_part};

/// Returns all outputs if they are `Ok`, in listed order, or the first `Err`; the rest is dropped before that.
///
/// Takes a tuple of two to eight futures of `Result`s with one type of error, an array, a `Vec` or a `SmallVec`; of both
/// lists the outputs are a `Vec`. The futures are polled in listed order, so that of two errors at one moment the first
/// listed is returned; each future is dropped as soon as it is ready. At an error the futures that are left are dropped,
/// in listed order, then the outputs so far. For futures that cannot fail, use [`join`](crate::join()).
///
/// The futures start when it is first awaited. An empty list is `Ok` at once. It is frozen with the task that awaits it.
/// Each wake polls all parts that are left; it allocates nothing but the memory for the outputs of a list.
///
/// Dropping it drops the parts that are left, in listed order, and the outputs so far.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{Elapsed, ScriptFutureExt, try_join, wait_frames};
///
/// # run(async {
/// let both = try_join((wait_frames(3).timeout(1.0), wait_frames(5).timeout(1.0)));
/// assert_eq!(both.await, Ok(((), ())));
///
/// let all = try_join(vec![wait_frames(3).timeout(1.0), wait_frames(500).timeout(1.0)]);
/// assert_eq!(all.await, Err(Elapsed));
/// # });
/// ```
pub fn try_join<J: TryJoinInput>(futures: J) -> TryJoin<J> {
    TryJoin { parts: futures.into_parts() }
}

pin_project! {
    /// Future of [`try_join`]. Dropping it drops the parts that are left, in listed order.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct TryJoin<J: TryJoinInput> {
        #[pin]
        parts: J::Parts,
    }
}

impl<J: TryJoinInput> Future for TryJoin<J> {
    type Output = J::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<J::Output> {
        self.project().parts.poll(cx)
    }
}

/// What [`try_join`] takes: tuples of two to eight futures of `Result`s, arrays, `Vec`s and `SmallVec`s.
pub trait TryJoinInput {
    /// The `Ok` values in the shape of the input, or the first `Err`.
    type Output;

    #[doc(hidden)]
    type Parts: Future<Output = Self::Output>;

    #[doc(hidden)]
    fn into_parts(self) -> Self::Parts;
}

pin_project! {
    #[doc(hidden)]
    pub struct TryJoinList<L: PartList, O> {
        #[pin]
        parts: Parts<L>,
        outputs: O,
        done: bool,
    }
}

impl<L: PartList, O> TryJoinList<L, O> {
    fn new<T>(list: L) -> Self
    where
        O: Outputs<T>,
    {
        let parts = Parts::new(list);
        Self { outputs: O::new(parts.len()), parts, done: false }
    }
}

impl<T, E, F, L, O> Future for TryJoinList<L, O>
where
    F: Future<Output = Result<T, E>>,
    L: PartList<Part = F>,
    O: Outputs<T>,
{
    type Output = Result<O::List, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(!*this.done, "{POLLED_AFTER_COMPLETION}");
        let polled = this.parts.as_mut().poll_each(cx, |index, output| match output {
            Ok(output) => {
                this.outputs.put(index, output);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        });
        if let ControlFlow::Break(error) = polled {
            *this.done = true;
            this.parts.drop_all();
            this.outputs.clear();
            return Poll::Ready(Err(error));
        }
        if this.parts.count_alive() > 0 {
            return Poll::Pending;
        }
        *this.done = true;
        Poll::Ready(Ok(this.outputs.take()))
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> TryJoinInput for Vec<F> {
    type Output = Result<Vec<T>, E>;
    type Parts = TryJoinList<Self, ListOutputs<T>>;

    fn into_parts(self) -> Self::Parts {
        TryJoinList::new(self)
    }
}

impl<T, E, F: Future<Output = Result<T, E>>, const N: usize> TryJoinInput for [F; N] {
    type Output = Result<[T; N], E>;
    type Parts = TryJoinList<Self, ArrayOutputs<T, N>>;

    fn into_parts(self) -> Self::Parts {
        TryJoinList::new(self)
    }
}

impl<T, E, A: Array<Item: Future<Output = Result<T, E>>>> TryJoinInput for SmallVec<A> {
    type Output = Result<Vec<T>, E>;
    type Parts = TryJoinList<Self, ListOutputs<T>>;

    fn into_parts(self) -> Self::Parts {
        TryJoinList::new(self)
    }
}

macro_rules! try_join_tuple {
    ($parts:ident: $($future:ident $field:ident $value:ident $output:ident),+) => {
        pin_project! {
            #[doc(hidden)]
            pub struct $parts<$($future, $value),+> {
                $(
                    #[pin]
                    $field: Option<$future>,
                    $output: Option<$value>,
                )+
            }
        }

        impl<Err, $($value, $future: Future<Output = Result<$value, Err>>),+> Future
            for $parts<$($future, $value),+>
        {
            type Output = Result<($($value,)+), Err>;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                let error = 'failed: {
                    $(
                        if this.$output.is_none()
                            && let Poll::Ready(output) = poll_part(this.$field.as_mut(), cx)
                        {
                            this.$field.set(None);
                            match output {
                                Ok(output) => *this.$output = Some(output),
                                Err(error) => break 'failed error,
                            }
                        }
                    )+
                    // Nothing is taken before all is there.
                    if $(this.$output.is_none())||+ {
                        return Poll::Pending;
                    }
                    return match ($(this.$output.take(),)+) {
                        ($(Some($output),)+) => Poll::Ready(Ok(($($output,)+))),
                        _ => Poll::Pending,
                    };
                };
                $(this.$field.set(None);)+
                $(*this.$output = None;)+
                Poll::Ready(Err(error))
            }
        }

        impl<Err, $($value, $future: Future<Output = Result<$value, Err>>),+> TryJoinInput
            for ($($future,)+)
        {
            type Output = Result<($($value,)+), Err>;
            type Parts = $parts<$($future, $value),+>;

            fn into_parts(self) -> Self::Parts {
                let ($($field,)+) = self;
                $parts { $($field: Some($field), $output: None),+ }
            }
        }
    };
}

try_join_tuple!(TryJoin2: A a TA oa, B b TB ob);
try_join_tuple!(TryJoin3: A a TA oa, B b TB ob, C c TC oc);
try_join_tuple!(TryJoin4: A a TA oa, B b TB ob, C c TC oc, D d TD od);
try_join_tuple!(TryJoin5: A a TA oa, B b TB ob, C c TC oc, D d TD od, E e TE oe);
try_join_tuple!(TryJoin6: A a TA oa, B b TB ob, C c TC oc, D d TD od, E e TE oe, F f TF of);
try_join_tuple!(TryJoin7:
    A a TA oa, B b TB ob, C c TC oc, D d TD od, E e TE oe, F f TF of, G g TG og);
try_join_tuple!(TryJoin8:
    A a TA oa, B b TB ob, C c TC oc, D d TD od, E e TE oe, F f TF of, G g TG og, H h TH oh);
