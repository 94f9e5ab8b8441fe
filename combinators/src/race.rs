//! The first of several futures of one type.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::select::{
    Select, Select2, Select3, Select4, Select5, Select6, Select7, Select8, SelectInput, select,
};

/// Returns the first output; the other futures are dropped before that.
///
/// Takes a tuple of up to eight futures. They are polled in listed order, so that the first listed wins a tie. For
/// outputs of several types, and to know who won, use [`select`](crate::select()).
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
/// # });
/// ```
pub fn race<R: RaceInput>(futures: R) -> Race<R> {
    Race { select: select(futures) }
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

/// What [`race`] takes: tuples of two to eight futures with one output type.
pub trait RaceInput: SelectInput {
    /// The output that all of its futures have.
    type Output;

    #[doc(hidden)]
    fn merge(first: <Self as SelectInput>::Output) -> <Self as RaceInput>::Output;
}

macro_rules! race_tuple {
    ($name:ident: $($future:ident $variant:ident),+) => {
        impl<Out, $($future: Future<Output = Out>),+> RaceInput for ($($future,)+) {
            type Output = Out;

            #[inline]
            fn merge(first: <Self as SelectInput>::Output) -> Out {
                match first {
                    $($name::$variant(output) => output,)+
                }
            }
        }
    };
}

race_tuple!(Select2: A First, B Second);
race_tuple!(Select3: A First, B Second, C Third);
race_tuple!(Select4: A First, B Second, C Third, D Fourth);
race_tuple!(Select5: A First, B Second, C Third, D Fourth, E Fifth);
race_tuple!(Select6: A First, B Second, C Third, D Fourth, E Fifth, F Sixth);
race_tuple!(Select7: A First, B Second, C Third, D Fourth, E Fifth, F Sixth, G Seventh);
race_tuple!(Select8: A First, B Second, C Third, D Fourth, E Fifth, F Sixth, G Seventh, H Eighth);
