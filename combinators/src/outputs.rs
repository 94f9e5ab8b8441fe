//! The outputs of lists of futures, until all are there.

use crate::utils::POLLED_AFTER_COMPLETION;

/// The outputs so far.
#[doc(hidden)]
pub trait Outputs<T> {
    /// All outputs, in listed order.
    type List;

    /// Makes room for so many.
    fn new(len: usize) -> Self;

    /// Keeps one.
    fn put(&mut self, index: usize, output: T);

    /// Takes all.
    ///
    /// # Panics
    /// If one is missing: its future's destructor has panicked.
    fn take(&mut self) -> Self::List;

    /// Drops what is there.
    fn clear(&mut self);
}

/// The outputs of an array.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArrayOutputs<T, const N: usize>([Option<T>; N]);

impl<T, const N: usize> Outputs<T> for ArrayOutputs<T, N> {
    type List = [T; N];

    #[inline]
    fn new(_len: usize) -> Self {
        Self([const { None }; N])
    }

    #[inline]
    fn put(&mut self, index: usize, output: T) {
        self.0[index] = Some(output);
    }

    #[inline]
    fn take(&mut self) -> [T; N] {
        self.0.each_mut().map(|output| output.take().expect(POLLED_AFTER_COMPLETION))
    }

    fn clear(&mut self) {
        self.0 = [const { None }; N];
    }
}

/// The outputs of a list.
#[doc(hidden)]
#[derive(Debug)]
pub struct ListOutputs<T>(Vec<Option<T>>);

impl<T> Outputs<T> for ListOutputs<T> {
    type List = Vec<T>;

    #[inline]
    fn new(len: usize) -> Self {
        Self((0..len).map(|_| None).collect())
    }

    #[inline]
    fn put(&mut self, index: usize, output: T) {
        self.0[index] = Some(output);
    }

    // In place: the outputs keep their memory.
    #[inline]
    fn take(&mut self) -> Vec<T> {
        let outputs = std::mem::take(&mut self.0).into_iter();
        outputs.map(|output| output.expect(POLLED_AFTER_COMPLETION)).collect()
    }

    fn clear(&mut self) {
        self.0 = Vec::new();
    }
}
