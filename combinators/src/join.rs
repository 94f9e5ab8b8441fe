//! All of several futures.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{PartList, Parts};
use pin_project_lite::pin_project;
use smallvec::{Array, SmallVec};

use crate::outputs::{ArrayOutputs, ListOutputs, Outputs};
use crate::utils::{POLLED_AFTER_COMPLETION, poll_part};

/// Returns all outputs, in listed order.
///
/// Takes a tuple of two to eight futures, an array, a `Vec` or a `SmallVec`; of both lists the outputs are a `Vec`. The
/// futures are polled in listed order; each is dropped as soon as it is ready. For futures that can fail, use
/// [`try_join`](crate::try_join()); to go on with each output as it comes, [`as_completed`](crate::as_completed()).
///
/// The futures start when it is first awaited. An empty list is ready at once. It is frozen with the task that awaits
/// it. Each wake polls all parts that are left; it allocates nothing but the memory for the outputs of a list.
///
/// Dropping it drops the parts that are left, in listed order, and the outputs so far.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{join, wait_frames};
///
/// # run(async {
/// let walk = async {
///     wait_frames(3).await;
///     "arrived"
/// };
/// let talk = async { 7 };
/// assert_eq!(join((walk, talk)).await, ("arrived", 7));
///
/// let doors = [3, 1, 2];
/// let opened = join(doors.map(async |frames| {
///     wait_frames(frames).await;
///     frames
/// }));
/// assert_eq!(opened.await, doors);
/// # });
/// ```
pub fn join<J: JoinInput>(futures: J) -> Join<J> {
    Join { parts: futures.into_parts() }
}

pin_project! {
    /// Future of [`join`]. Dropping it drops the parts that are left, in listed order.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Join<J: JoinInput> {
        #[pin]
        parts: J::Parts,
    }
}

impl<J: JoinInput> Future for Join<J> {
    type Output = J::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<J::Output> {
        self.project().parts.poll(cx)
    }
}

/// What [`join`] takes: tuples of two to eight futures, arrays, `Vec`s and `SmallVec`s.
pub trait JoinInput {
    /// The outputs, in the shape of the input.
    type Output;

    #[doc(hidden)]
    type Parts: Future<Output = Self::Output>;

    #[doc(hidden)]
    fn into_parts(self) -> Self::Parts;
}

pin_project! {
    #[doc(hidden)]
    pub struct JoinList<L: PartList, O> {
        #[pin]
        parts: Parts<L>,
        outputs: O,
        done: bool,
    }
}

impl<L, O> JoinList<L, O>
where
    L: PartList<Part: Future>,
    O: Outputs<<L::Part as Future>::Output>,
{
    fn new(list: L) -> Self {
        let parts = Parts::new(list);
        Self { outputs: O::new(parts.len()), parts, done: false }
    }
}

impl<L, O> Future for JoinList<L, O>
where
    L: PartList<Part: Future>,
    O: Outputs<<L::Part as Future>::Output>,
{
    type Output = O::List;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::List> {
        let mut this = self.project();
        assert!(!*this.done, "{POLLED_AFTER_COMPLETION}");
        let ControlFlow::<Infallible>::Continue(()) =
            this.parts.as_mut().poll_each(cx, |index, output| {
                this.outputs.put(index, output);
                ControlFlow::Continue(())
            });
        if this.parts.count_alive() > 0 {
            return Poll::Pending;
        }
        *this.done = true;
        Poll::Ready(this.outputs.take())
    }
}

impl<F: Future> JoinInput for Vec<F> {
    type Output = Vec<F::Output>;
    type Parts = JoinList<Self, ListOutputs<F::Output>>;

    fn into_parts(self) -> Self::Parts {
        JoinList::new(self)
    }
}

impl<F: Future, const N: usize> JoinInput for [F; N] {
    type Output = [F::Output; N];
    type Parts = JoinList<Self, ArrayOutputs<F::Output, N>>;

    fn into_parts(self) -> Self::Parts {
        JoinList::new(self)
    }
}

impl<A: Array<Item: Future>> JoinInput for SmallVec<A> {
    type Output = Vec<<A::Item as Future>::Output>;
    type Parts = JoinList<Self, ListOutputs<<A::Item as Future>::Output>>;

    fn into_parts(self) -> Self::Parts {
        JoinList::new(self)
    }
}

macro_rules! join_tuple {
    ($parts:ident: $($future:ident $field:ident $output:ident),+) => {
        pin_project! {
            #[doc(hidden)]
            pub struct $parts<$($future),+>
            where
                $($future: Future,)+
            {
                $(
                    #[pin]
                    $field: Option<$future>,
                    $output: Option<$future::Output>,
                )+
            }
        }

        impl<$($future: Future),+> Future for $parts<$($future),+> {
            type Output = ($($future::Output,)+);

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                $(
                    if this.$output.is_none()
                        && let Poll::Ready(output) = poll_part(this.$field.as_mut(), cx)
                    {
                        this.$field.set(None);
                        *this.$output = Some(output);
                    }
                )+
                // Nothing is taken before all is there.
                if $(this.$output.is_none())||+ {
                    return Poll::Pending;
                }
                match ($(this.$output.take(),)+) {
                    ($(Some($output),)+) => Poll::Ready(($($output,)+)),
                    _ => Poll::Pending,
                }
            }
        }

        impl<$($future: Future),+> JoinInput for ($($future,)+) {
            type Output = ($($future::Output,)+);
            type Parts = $parts<$($future),+>;

            fn into_parts(self) -> Self::Parts {
                let ($($field,)+) = self;
                $parts { $($field: Some($field), $output: None),+ }
            }
        }
    };
}

join_tuple!(Join2: A a oa, B b ob);
join_tuple!(Join3: A a oa, B b ob, C c oc);
join_tuple!(Join4: A a oa, B b ob, C c oc, D d od);
join_tuple!(Join5: A a oa, B b ob, C c oc, D d od, E e oe);
join_tuple!(Join6: A a oa, B b ob, C c oc, D d od, E e oe, F f of);
join_tuple!(Join7: A a oa, B b ob, C c oc, D d od, E e oe, F f of, G g og);
join_tuple!(Join8: A a oa, B b ob, C c oc, D d od, E e oe, F f of, G g og, H h oh);
