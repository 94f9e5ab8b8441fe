//! The first of several futures of one type.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use smallvec::{Array, SmallVec, smallvec};

use crate::rush::{Boxes, boxed};
use crate::select::{
    Select, Select2, Select3, Select4, Select5, Select6, Select7, Select8, SelectInput, select,
};

/// Returns the first output; the other futures are dropped before that.
///
/// Takes a tuple of two to eight futures, an array, a `Vec` or a `SmallVec`. They are polled in listed order, so that
/// the first listed wins a tie. For outputs of several types, and to know who won, use
/// [`select`](crate::select()); for what an iterator gives, [`race_iter`]; when the losers are to go on,
/// [`rush`](crate::rush()).
///
/// The futures start when it is first awaited. An empty list never resolves. It is frozen with the task that awaits it,
/// and allocates nothing.
///
/// Dropping it drops all of its parts, in listed order.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{race, wait_frames, wait_seconds};
///
/// # run(async {
/// race((wait_seconds(3.0), wait_frames(2))).await; // Two frames later.
///
/// let bark = async |frames, text| {
///     wait_frames(frames).await;
///     text
/// };
/// assert_eq!(race([bark(3, "halt!"), bark(2, "who's there?")]).await, "who's there?");
/// # });
/// ```
pub fn race<R: RaceInput>(futures: R) -> Race<R> {
    Race { select: select(futures) }
}

/// Returns the first output of the futures that an iterator gives; the others are dropped before that.
///
/// It is [`race`] for a list that is made on the way: up to four futures are kept in it, more are allocated. If the
/// iterator gives none, it never resolves.
///
/// Dropping it drops all of its parts, in listed order.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{race_iter, wait_frames};
///
/// # run(async {
/// let walkers = [(30, "Mara"), (20, "Finn")];
/// let first = race_iter(walkers.into_iter().map(async |(frames, name)| {
///     wait_frames(frames).await;
///     name
/// }));
/// assert_eq!(first.await, "Finn");
/// # });
/// ```
pub fn race_iter<F: Future>(futures: impl IntoIterator<Item = F>) -> RaceIter<F> {
    RaceIter { race: race(futures.into_iter().collect()) }
}

pin_project! {
    /// Future of [`race`]. Dropping it drops all of its parts, in listed order.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Race<R: RaceInput> {
        #[pin]
        select: Select<R>,
    }
}

impl<R: RaceInput> Future for Race<R> {
    type Output = <R as RaceInput>::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().select.poll(cx).map(R::merge)
    }
}

pin_project! {
    /// Future of [`race_iter`]. Dropping it drops all of its parts, in listed order.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct RaceIter<F: Future> {
        #[pin]
        race: Race<SmallVec<[F; 4]>>,
    }
}

impl<F: Future> Future for RaceIter<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().race.poll(cx)
    }
}

/// What [`race`] and [`rush`](crate::rush()) take: tuples of two to eight futures with one output type, arrays, `Vec`s
/// and `SmallVec`s.
pub trait RaceInput: SelectInput {
    /// The output that all of its futures have.
    type Output;

    #[doc(hidden)]
    fn merge(first: <Self as SelectInput>::Output) -> <Self as RaceInput>::Output;

    #[doc(hidden)]
    fn into_boxes(self) -> Boxes<<Self as RaceInput>::Output>
    where
        Self: 'static,
        <Self as RaceInput>::Output: 'static;
}

impl<F: Future> RaceInput for Vec<F> {
    type Output = F::Output;

    #[inline]
    fn merge((_, output): (usize, F::Output)) -> F::Output {
        output
    }

    fn into_boxes(self) -> Boxes<F::Output>
    where
        Self: 'static,
    {
        self.into_iter().map(boxed).collect()
    }
}

impl<F: Future, const N: usize> RaceInput for [F; N] {
    type Output = F::Output;

    #[inline]
    fn merge((_, output): (usize, F::Output)) -> F::Output {
        output
    }

    fn into_boxes(self) -> Boxes<F::Output>
    where
        Self: 'static,
    {
        self.into_iter().map(boxed).collect()
    }
}

impl<A: Array<Item: Future>> RaceInput for SmallVec<A> {
    type Output = <A::Item as Future>::Output;

    #[inline]
    fn merge((_, output): <Self as SelectInput>::Output) -> <Self as RaceInput>::Output {
        output
    }

    fn into_boxes(self) -> Boxes<<A::Item as Future>::Output>
    where
        Self: 'static,
    {
        self.into_iter().map(boxed).collect()
    }
}

macro_rules! race_tuple {
    ($name:ident: $($future:ident $field:ident $variant:ident),+) => {
        impl<Out, $($future: Future<Output = Out>),+> RaceInput for ($($future,)+) {
            type Output = Out;

            #[inline]
            fn merge(first: <Self as SelectInput>::Output) -> Out {
                match first {
                    $($name::$variant(output) => output,)+
                }
            }

            fn into_boxes(self) -> Boxes<Out>
            where
                Self: 'static,
                Out: 'static,
            {
                let ($($field,)+) = self;
                smallvec![$(boxed($field)),+]
            }
        }
    };
}

race_tuple!(Select2: A a First, B b Second);
race_tuple!(Select3: A a First, B b Second, C c Third);
race_tuple!(Select4: A a First, B b Second, C c Third, D d Fourth);
race_tuple!(Select5: A a First, B b Second, C c Third, D d Fourth, E e Fifth);
race_tuple!(Select6: A a First, B b Second, C c Third, D d Fourth, E e Fifth, F f Sixth);
race_tuple!(Select7: A a First, B b Second, C c Third, D d Fourth, E e Fifth, F f Sixth, G g Seventh);
race_tuple!(Select8: A a First, B b Second, C c Third, D d Fourth, E e Fifth, F f Sixth, G g Seventh, H h Eighth);
