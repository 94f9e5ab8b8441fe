//! All of several futures.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::utils::poll_part;

/// Returns all outputs, in listed order.
///
/// Takes a tuple of up to eight futures. They are polled in listed order; each is dropped as soon as it is ready.
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

/// What [`join`] takes: tuples of two to eight futures.
pub trait JoinInput {
    /// The outputs, in the shape of the input.
    type Output;

    #[doc(hidden)]
    type Parts: Future<Output = Self::Output>;

    #[doc(hidden)]
    fn into_parts(self) -> Self::Parts;
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
