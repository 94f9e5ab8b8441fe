//! What the streams share.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// Future of a stream's next item; `None` at its end. Dropping it loses no item.
///
/// It is what the streams' own `next` returns, so that a loop needs no extension trait:
/// `while let Some(item) = stream.next().await`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct Next<'a, S: ?Sized> {
    stream: &'a mut S,
}

impl<'a, S: Stream + Unpin + ?Sized> Next<'a, S> {
    /// Makes the future of a stream's next item: for who writes a stream of their own.
    pub fn new(stream: &'a mut S) -> Self {
        Self { stream }
    }
}

impl<S: ?Sized> Unpin for Next<'_, S> {}

impl<S: Stream + Unpin + ?Sized> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.stream).poll_next(cx)
    }
}
