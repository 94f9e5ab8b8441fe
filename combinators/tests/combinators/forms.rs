//! The forms in which several futures are passed, so that all have the same tests.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_combinators::{Select2, Select3, Select8};

use crate::common::{Log, Part, wake_myself};

/// The number of parts of a long list: more than the bits that are kept without memory.
pub const MANY: usize = 150;

pub mod tuple {
    macro_rules! tuple_list { ($($part:expr),* $(,)?) => { ($($part,)*) }; }
    pub(crate) use tuple_list as list;
}

pub mod array {
    macro_rules! array_list { ($($part:expr),* $(,)?) => { [$($part),*] }; }
    pub(crate) use array_list as list;

    pub type Empty<F> = [F; 0];

    pub fn many<F>(make: impl FnMut(usize) -> F) -> [F; super::MANY] {
        std::array::from_fn(make)
    }
}

pub mod vec {
    pub(crate) use std::vec as list;

    pub type Empty<F> = Vec<F>;

    pub fn many<F>(make: impl FnMut(usize) -> F) -> Vec<F> {
        (0..super::MANY).map(make).collect()
    }
}

/// Two parts fit into it; three are in memory of their own.
pub mod small_vec {
    macro_rules! small_list {
        ($($part:expr),* $(,)?) => {
            smallvec::SmallVec::<[_; 2]>::from_iter([$($part),*])
        };
    }
    pub(crate) use small_list as list;

    pub type Empty<F> = smallvec::SmallVec<[F; 2]>;

    pub fn many<F>(make: impl FnMut(usize) -> F) -> Empty<F> {
        (0..super::MANY).map(make).collect()
    }
}

/// Writes tests for tuples, arrays, `Vec`s and `SmallVec`s, and those of lists for the last three. `list![…]` is the
/// form; `Empty<F>` an empty list, and `many` makes a long one.
macro_rules! for_all_forms {
    (all { $($all:tt)* } lists { $($lists:tt)* }) => {
        mod tuple {
            use super::*;
            use crate::forms::tuple::*;
            $($all)*
        }
        for_all_forms! { @list array { $($all)* $($lists)* } }
        for_all_forms! { @list vec { $($all)* $($lists)* } }
        for_all_forms! { @list small_vec { $($all)* $($lists)* } }
    };
    (@list $form:ident { $($tests:tt)* }) => {
        mod $form {
            use super::*;
            use crate::forms::$form::*;
            $($tests)*
        }
    };
}
pub(crate) use for_all_forms;

// ---------------------------------------------------------------- Outputs

/// An output of `select`, whatever the form.
pub trait Numbered<T> {
    fn numbered(self) -> (usize, T);
}

impl<T> Numbered<T> for (usize, T) {
    fn numbered(self) -> (usize, T) {
        self
    }
}

impl<T> Numbered<T> for Select2<T, T> {
    fn numbered(self) -> (usize, T) {
        match self {
            Self::First(output) => (0, output),
            Self::Second(output) => (1, output),
        }
    }
}

impl<T> Numbered<T> for Select3<T, T, T> {
    fn numbered(self) -> (usize, T) {
        match self {
            Self::First(output) => (0, output),
            Self::Second(output) => (1, output),
            Self::Third(output) => (2, output),
        }
    }
}

impl<T> Numbered<T> for Select8<T, T, T, T, T, T, T, T> {
    fn numbered(self) -> (usize, T) {
        match self {
            Self::First(output) => (0, output),
            Self::Second(output) => (1, output),
            Self::Third(output) => (2, output),
            Self::Fourth(output) => (3, output),
            Self::Fifth(output) => (4, output),
            Self::Sixth(output) => (5, output),
            Self::Seventh(output) => (6, output),
            Self::Eighth(output) => (7, output),
        }
    }
}

/// Outputs of `join`, whatever the form.
pub trait Listed<T> {
    fn listed(self) -> Vec<T>;
}

impl<T> Listed<T> for Vec<T> {
    fn listed(self) -> Vec<T> {
        self
    }
}

impl<T, const N: usize> Listed<T> for [T; N] {
    fn listed(self) -> Vec<T> {
        self.into()
    }
}

impl<T> Listed<T> for (T, T) {
    fn listed(self) -> Vec<T> {
        vec![self.0, self.1]
    }
}

impl<T> Listed<T> for (T, T, T) {
    fn listed(self) -> Vec<T> {
        vec![self.0, self.1, self.2]
    }
}

// ---------------------------------------------------------------- Parts

/// A part that panics.
pub struct Trap<T> {
    part: Part<T>,
    when: When,
}

/// When a trap panics.
#[derive(Clone, Copy, PartialEq)]
pub enum When {
    Never,
    Polled,
    Dropped,
}

impl<T> Trap<T> {
    /// As [`Part::new`].
    pub fn new(log: &Log, name: &'static str, polls: usize, output: T, when: When) -> Self {
        Self { part: Part::new(log, name, polls, output), when }
    }
}

impl<T> Future for Trap<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let polled = Pin::new(&mut self.part).poll(cx);
        assert!(self.when != When::Polled, "boo");
        polled
    }
}

impl<T> Drop for Trap<T> {
    fn drop(&mut self) {
        // Once only: a second panic would abort.
        assert!(self.when != When::Dropped || std::thread::panicking(), "boo");
    }
}

/// A part that must not move: it holds a reference to itself over its polls.
pub async fn pinned(log: Log, name: &'static str, polls: usize, output: u32) -> u32 {
    let guard = log.guard(name);
    let outputs = [output; 3];
    let inside = &outputs;
    Part::new(&log, name, polls, ()).await;
    drop(guard);
    inside[1]
}

thread_local! {
    /// How many parts without a size have been dropped.
    pub static DROPPED: Cell<usize> = const { Cell::new(0) };
}

/// A part without a size, which is ready at once.
pub struct Nothing;

impl Future for Nothing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl Drop for Nothing {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

/// Gives an output in a poll after so many others.
pub async fn after<T>(polls: usize, output: T) -> T {
    for _ in 0..polls {
        wake_myself().await;
    }
    output
}

/// Is ready in a poll after so many others.
pub async fn pending_for(polls: usize) {
    after(polls, ()).await;
}
