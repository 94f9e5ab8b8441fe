//! What the combinators share, so that their `poll`s read as the algorithm.

use std::pin::Pin;
use std::task::{Context, Poll};

pub(crate) use cuelight_runtime::POLLED_AFTER_COMPLETION;

/// Polls a part that is dropped when its combinator is ready.
///
/// # Panics
/// If it has been dropped.
#[inline]
pub(crate) fn poll_part<F: Future>(
    part: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    part.as_pin_mut().expect(POLLED_AFTER_COMPLETION).poll(cx)
}
