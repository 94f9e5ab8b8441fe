//! Values that travel between threads, and come out only where that is safe.

/// A value that may travel between threads, but comes out only where that is safe.
///
/// # Safety
/// Unless the value is `Send`, `extract_if_safe` returns it only on the thread that it was made on, and nothing else
/// gives access to it, its destructor included.
pub unsafe trait DynamicSend: Send {
    /// The value inside.
    type Inner;

    /// Takes the value out, or leaks it and returns `None` where taking it out is not safe.
    fn extract_if_safe(self) -> Option<Self::Inner>;
}

/// A value that can be wrapped for travelling between threads.
pub trait IntoDynamicSend {
    /// The wrapper: the type itself where it is `Send`, a [`ThreadConfined`](crate::ThreadConfined) elsewhere.
    type Target: DynamicSend<Inner = Self>;

    /// Wraps the value.
    fn into_dynamic_send(self) -> Self::Target;
}
