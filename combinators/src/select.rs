//! The first of several futures of any types.

use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{PartList, Parts};
use pin_project_lite::pin_project;
use smallvec::{Array, SmallVec};

use crate::utils::{POLLED_AFTER_COMPLETION, poll_part};

/// Returns which future was first, with its output; the others are dropped before that.
///
/// A tuple of two to eight futures gives [`Select2`] and so on; an array, a `Vec` or a `SmallVec` gives
/// `(index, output)`. The futures are polled in listed order, so that the first listed wins a tie. For outputs of one
/// type, when nobody asks who won, use [`race`](crate::race()).
///
/// The futures start when it is first awaited. An empty list never resolves. It is frozen with the task that awaits it,
/// and allocates nothing.
///
/// Dropping it drops all of its parts, in listed order.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{Select2, select, wait_frames, wait_seconds};
///
/// # run(async {
/// let cooldown = wait_seconds(3.0);
/// match select((cooldown, wait_frames(2))).await {
///     Select2::First(()) => panic!("three seconds are more than two frames"),
///     Select2::Second(()) => {}
/// }
///
/// let roads = vec![wait_frames(30), wait_frames(10), wait_frames(20)];
/// assert_eq!(select(roads).await, (1, ()));
/// # });
/// ```
pub fn select<S: SelectInput>(futures: S) -> Select<S> {
    Select { parts: futures.into_parts() }
}

pin_project! {
    /// Future of [`select`](crate::select()). Dropping it drops all of its parts, in listed order.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Select<S: SelectInput> {
        #[pin]
        parts: S::Parts,
    }
}

impl<S: SelectInput> Future for Select<S> {
    type Output = S::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Output> {
        self.project().parts.poll(cx)
    }
}

/// What [`select`](crate::select()) takes: tuples of two to eight futures, arrays, `Vec`s and `SmallVec`s.
pub trait SelectInput {
    /// Which future was first, with its output.
    type Output;

    #[doc(hidden)]
    type Parts: Future<Output = Self::Output>;

    #[doc(hidden)]
    fn into_parts(self) -> Self::Parts;
}

pin_project! {
    #[doc(hidden)]
    pub struct SelectList<L: PartList> {
        #[pin]
        parts: Parts<L>,
    }
}

impl<L: PartList> SelectList<L> {
    fn new(list: L) -> Self {
        Self { parts: Parts::new(list) }
    }
}

impl<L: PartList<Part: Future>> Future for SelectList<L> {
    type Output = (usize, <L::Part as Future>::Output);

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let parts = self.project().parts;
        // All parts go at once, so that none is left only when it was ready, or has no part at all.
        assert!(parts.count_alive() > 0 || parts.is_empty(), "{POLLED_AFTER_COMPLETION}");
        parts.poll_first(cx)
    }
}

impl<F: Future> SelectInput for Vec<F> {
    type Output = (usize, F::Output);
    type Parts = SelectList<Self>;

    fn into_parts(self) -> Self::Parts {
        SelectList::new(self)
    }
}

impl<F: Future, const N: usize> SelectInput for [F; N] {
    type Output = (usize, F::Output);
    type Parts = SelectList<Self>;

    fn into_parts(self) -> Self::Parts {
        SelectList::new(self)
    }
}

impl<A: Array<Item: Future>> SelectInput for SmallVec<A> {
    type Output = (usize, <A::Item as Future>::Output);
    type Parts = SelectList<Self>;

    fn into_parts(self) -> Self::Parts {
        SelectList::new(self)
    }
}

macro_rules! select_tuple {
    (
        $name:ident $parts:ident, $count:literal:
        $($future:ident $field:ident $variant:ident $ordinal:literal),+
    ) => {
        #[doc = concat!("Which of ", $count, " was first, with its output.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name<$($future),+> {
            $(
                #[doc = concat!("The ", $ordinal, " one was.")]
                $variant($future),
            )+
        }

        pin_project! {
            #[doc(hidden)]
            pub struct $parts<$($future),+> {
                $(
                    #[pin]
                    $field: Option<$future>,
                )+
            }
        }

        impl<$($future: Future),+> Future for $parts<$($future),+> {
            type Output = $name<$($future::Output),+>;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                let output = 'first: {
                    $(
                        if let Poll::Ready(output) = poll_part(this.$field.as_mut(), cx) {
                            break 'first $name::$variant(output);
                        }
                    )+
                    return Poll::Pending;
                };
                $(this.$field.set(None);)+
                Poll::Ready(output)
            }
        }

        impl<$($future: Future),+> SelectInput for ($($future,)+) {
            type Output = $name<$($future::Output),+>;
            type Parts = $parts<$($future),+>;

            fn into_parts(self) -> Self::Parts {
                let ($($field,)+) = self;
                $parts { $($field: Some($field)),+ }
            }
        }
    };
}

select_tuple!(Select2 Parts2, "two": A a First "first", B b Second "second");
select_tuple!(Select3 Parts3, "three":
    A a First "first", B b Second "second", C c Third "third");
select_tuple!(Select4 Parts4, "four":
    A a First "first", B b Second "second", C c Third "third", D d Fourth "fourth");
select_tuple!(Select5 Parts5, "five":
    A a First "first", B b Second "second", C c Third "third", D d Fourth "fourth",
    E e Fifth "fifth");
select_tuple!(Select6 Parts6, "six":
    A a First "first", B b Second "second", C c Third "third", D d Fourth "fourth",
    E e Fifth "fifth", F f Sixth "sixth");
select_tuple!(Select7 Parts7, "seven":
    A a First "first", B b Second "second", C c Third "third", D d Fourth "fourth",
    E e Fifth "fifth", F f Sixth "sixth", G g Seventh "seventh");
select_tuple!(Select8 Parts8, "eight":
    A a First "first", B b Second "second", C c Third "third", D d Fourth "fourth",
    E e Fifth "fifth", F f Sixth "sixth", G g Seventh "seventh", H h Eighth "eighth");
