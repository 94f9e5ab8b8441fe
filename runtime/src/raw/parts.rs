//! Lists of parts that are pinned where they lie: what the combinators of arrays and lists are made of.
//!
//! The parts stay in the container that the caller passed, with nothing around each of them. Which of them are alive is
//! noted beside the container: as a number while it is all or none, part by part after that.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use smallvec::{Array, SmallVec};

/// A container of parts, pinned in place: polled and dropped one by one, in listed order, and each dropped once. For
/// who writes a combinator of their own.
///
/// It takes an array, a `Vec` or a `SmallVec` as it is. Making one allocates nothing; dropping single parts of a list
/// of more than 128 allocates once, for the notes.
///
/// Dropping it drops the parts that are alive, in listed order. When a part's destructor panics, the others are dropped
/// all the same, as those of a slice are. A part whose poll panics stays alive.
///
/// It is `Unpin` where its parts are; that of a `Vec` always, since its parts do not move with it.
///
/// # Examples
/// ```
/// use std::future::{pending, ready};
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
///
/// use cuelight_runtime::Parts;
///
/// let mut cx = Context::from_waker(Waker::noop());
/// let mut parts = pin!(Parts::new([ready(1), ready(2)]));
/// assert_eq!(parts.as_mut().poll_part(1, &mut cx), Poll::Ready(2));
/// assert!(parts.as_mut().drop_part(1));
/// assert!(parts.is_alive(0) && !parts.is_alive(1));
///
/// let mut parts = Parts::new(vec![pending::<()>()]);
/// assert!(std::pin::Pin::new(&mut parts).poll_first(&mut cx).is_pending());
/// ```
pub struct Parts<L: PartList> {
    /// The container. It drops no part.
    memory: L::Memory,
    alive: Alive<L::Flags>,
    owned: PhantomData<L>,
}

impl<L: PartList> Parts<L> {
    /// Pins the parts of a container, all of them alive.
    #[inline]
    pub fn new(list: L) -> Self {
        let (memory, len) = list.into_memory();
        Self { memory, alive: Alive { len, count: len, flags: Flags::new() }, owned: PhantomData }
    }

    /// Returns the number of parts, dead ones included.
    #[inline]
    pub fn len(&self) -> usize {
        self.alive.len()
    }

    /// Returns whether there has never been a part.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.alive.len() == 0
    }

    /// Returns the number of parts that are alive.
    #[inline]
    pub fn count_alive(&self) -> usize {
        self.alive.count
    }

    /// Returns whether a part is alive. One that was never there is not.
    #[inline]
    pub fn is_alive(&self, index: usize) -> bool {
        self.alive.has(index)
    }

    /// Returns a part, if it is alive.
    #[inline]
    pub fn part(self: Pin<&mut Self>, index: usize) -> Option<Pin<&mut L::Part>> {
        let (alive, base) = self.split();
        if !alive.has(index) {
            return None;
        }
        // SAFETY: rules 5 and 6, the part is alive, and it is borrowed for as long as the whole.
        Some(unsafe { Pin::new_unchecked(&mut *base.add(index)) })
    }

    /// Drops a part where it lies. Returns whether it was alive.
    #[inline]
    pub fn drop_part(self: Pin<&mut Self>, index: usize) -> bool {
        let (alive, base) = self.split();
        if !alive.has(index) {
            return false;
        }
        alive.strike(index);
        // SAFETY: rule 6, it was alive, and has been struck off.
        unsafe { ptr::drop_in_place(base.add(index)) };
        true
    }

    /// Drops the parts that are alive, in listed order.
    #[inline]
    pub fn drop_all(self: Pin<&mut Self>) {
        let (alive, base) = self.split();
        drop_alive(alive, base);
    }

    /// Returns the notes, and where the parts begin.
    #[inline]
    fn split(self: Pin<&mut Self>) -> (&mut Alive<L::Flags>, *mut L::Part) {
        // SAFETY: rule 5, no part is moved through this reference.
        let this = unsafe { self.get_unchecked_mut() };
        (&mut this.alive, L::parts(&mut this.memory))
    }
}

impl<L: PartList<Part: Future>> Parts<L> {
    /// Polls a part. It stays alive when it is ready: dropping it is the caller's turn.
    ///
    /// # Panics
    /// If the part is not alive.
    #[inline]
    #[track_caller]
    pub fn poll_part(
        self: Pin<&mut Self>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<<L::Part as Future>::Output> {
        match self.part(index) {
            Some(part) => part.poll(cx),
            None => panic!("poll_part({index}): the part is not alive"),
        }
    }

    /// Polls the parts that are alive, in listed order, up to the first that is ready. Then it drops all, in listed
    /// order, and returns that one's index and output.
    #[inline]
    pub fn poll_first(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<(usize, <L::Part as Future>::Output)> {
        let (alive, base) = self.split();
        let (len, are_all) = (alive.len(), alive.count == alive.len());
        let mut index = 0;
        loop {
            // Nobody ends before one is ready, so this is decided once.
            if !are_all {
                match alive.next(index) {
                    Some(next) => index = next,
                    None => return Poll::Pending,
                }
            } else if index == len {
                return Poll::Pending;
            }
            // SAFETY: rules 5 and 6, the part is alive, and nothing else reaches it meanwhile.
            let part = unsafe { Pin::new_unchecked(&mut *base.add(index)) };
            if let Poll::Ready(output) = part.poll(cx) {
                drop_alive(alive, base);
                return Poll::Ready((index, output));
            }
            index += 1;
        }
    }

    /// Polls the parts that are alive, each once, in listed order. One that is ready is dropped at once; then its index
    /// and output are handed to the function, which can stop the round.
    #[inline]
    pub fn poll_each<B>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut ready: impl FnMut(usize, <L::Part as Future>::Output) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let (alive, base) = self.split();
        let mut next = 0;
        while let Some(index) = alive.next(next) {
            // SAFETY: rules 5 and 6, the part is alive, and nothing else reaches it meanwhile.
            let part = unsafe { Pin::new_unchecked(&mut *base.add(index)) };
            if let Poll::Ready(output) = part.poll(cx) {
                alive.strike(index);
                // SAFETY: rule 6, it was alive, and has been struck off.
                unsafe { ptr::drop_in_place(base.add(index)) };
                ready(index, output)?;
            }
            next = index + 1;
        }
        ControlFlow::Continue(())
    }
}

impl<L: PartList> Drop for Parts<L> {
    #[inline]
    fn drop(&mut self) {
        drop_alive(&mut self.alive, L::parts(&mut self.memory));
    }
}

// Rule 5: what has to be `Unpin` is what would move.
impl<L: PartList> Unpin for Parts<L> where L::Moved: Unpin {}

impl<L: PartList> fmt::Debug for Parts<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("len", &self.alive.len())
            .field("alive", &self.alive.count)
            .finish_non_exhaustive()
    }
}

/// Drops the parts that are alive, in listed order, also past one whose destructor panics.
#[inline]
fn drop_alive<P>(alive: &mut Alive<impl Flags>, base: *mut P) {
    if alive.count == alive.len() {
        alive.count = 0;
        // SAFETY: rule 6, all were alive, and have been struck off.
        unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(base, alive.len())) };
    } else if alive.count > 0 {
        Rest { alive, base, next: 0 }.go_on();
    }
}

/// What is alive of a list that is being dropped.
struct Rest<'a, P, A: Flags> {
    alive: &'a mut Alive<A>,
    base: *mut P,
    next: usize,
}

impl<P, A: Flags> Rest<'_, P, A> {
    fn go_on(&mut self) {
        while let Some(index) = self.alive.next(self.next) {
            self.next = index + 1;
            self.alive.strike(index);
            // SAFETY: rule 6, it was alive, and has been struck off.
            unsafe { ptr::drop_in_place(self.base.add(index)) };
        }
    }
}

impl<P, A: Flags> Drop for Rest<'_, P, A> {
    // Past a part whose destructor panics: nothing is left otherwise. A second panic aborts, as it does in a slice.
    fn drop(&mut self) {
        self.go_on();
    }
}

// ---------------------------------------------------------------- What is alive

/// Which parts of a list are alive.
struct Alive<A> {
    /// The number of parts.
    len: usize,
    /// How many of them are alive.
    count: usize,
    /// Which are, while it is neither all nor none.
    flags: A,
}

impl<A: Flags> Alive<A> {
    #[inline]
    fn len(&self) -> usize {
        A::LEN.unwrap_or(self.len)
    }

    #[inline]
    fn has(&self, index: usize) -> bool {
        self.count > 0 && index < self.len() && (self.count == self.len() || self.flags.has(index))
    }

    /// Returns the first part that is alive, from an index on.
    #[inline]
    fn next(&self, from: usize) -> Option<usize> {
        if self.count == self.len() {
            return (from < self.len()).then_some(from);
        }
        if self.count == 0 {
            return None;
        }
        self.flags.next(from)
    }

    /// Notes that a part that was alive is so no more.
    #[inline]
    fn strike(&mut self, index: usize) {
        self.flags.strike(index, self.len());
        self.count -= 1;
    }
}

/// A flag for each part: set until it is struck.
#[doc(hidden)]
pub trait Flags: sealed::Sealed {
    /// The number of parts, where the compiler can know it: it unrolls loops by it.
    const LEN: Option<usize>;

    fn new() -> Self;
    fn has(&self, index: usize) -> bool;
    /// Returns the first that is set, from an index on. It is asked only after one has been struck.
    fn next(&self, from: usize) -> Option<usize>;
    fn strike(&mut self, index: usize, len: usize);
}

/// The flags of an array.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArrayFlags<const N: usize>([bool; N]);

impl<const N: usize> Flags for ArrayFlags<N> {
    const LEN: Option<usize> = Some(N);

    #[inline]
    fn new() -> Self {
        Self([true; N])
    }

    #[inline]
    fn has(&self, index: usize) -> bool {
        self.0[index]
    }

    #[inline]
    fn next(&self, from: usize) -> Option<usize> {
        (from..N).find(|&index| self.0[index])
    }

    #[inline]
    fn strike(&mut self, index: usize, _len: usize) {
        self.0[index] = false;
    }
}

/// The flags of a list: bits, of which there are none before the first is struck.
#[doc(hidden)]
#[derive(Debug)]
pub struct ListFlags(SmallVec<[u64; 2]>);

impl Flags for ListFlags {
    const LEN: Option<usize> = None;

    #[inline]
    fn new() -> Self {
        Self(SmallVec::new())
    }

    #[inline]
    fn has(&self, index: usize) -> bool {
        self.0.get(index / 64).is_none_or(|word| word >> (index % 64) & 1 == 1)
    }

    #[inline]
    fn next(&self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut word = self.0.get(at)? & (u64::MAX << (from % 64));
        while word == 0 {
            at += 1;
            word = *self.0.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize)
    }

    #[inline]
    fn strike(&mut self, index: usize, len: usize) {
        if self.0.is_empty() {
            self.0.resize(len.div_ceil(64), u64::MAX);
            // None beyond the end: the last word may not be full.
            if let (Some(last), 1..) = (self.0.last_mut(), len % 64) {
                *last = u64::MAX >> (64 - len % 64);
            }
        }
        self.0[index / 64] &= !(1 << (index % 64));
    }
}

// ---------------------------------------------------------------- The containers

/// What [`Parts`] takes: arrays, `Vec`s and `SmallVec`s.
///
/// # Safety
/// Once a container has become memory, that memory drops no part, and `parts` returns the same place for as long as
/// the memory is not moved, or as long as it lives if `Moved` is `()`: the first of `len` parts that lie side by side.
pub unsafe trait PartList: sealed::Sealed + Sized {
    /// One of its parts.
    type Part;

    /// The container, when it drops no part.
    #[doc(hidden)]
    type Memory;

    /// What moves when the memory does.
    #[doc(hidden)]
    type Moved;

    /// Which parts are alive.
    #[doc(hidden)]
    type Flags: Flags;

    /// Returns the memory, and the number of parts.
    #[doc(hidden)]
    fn into_memory(self) -> (Self::Memory, usize);

    /// Returns where the parts begin.
    #[doc(hidden)]
    fn parts(memory: &mut Self::Memory) -> *mut Self::Part;
}

// SAFETY: rules 5 and 6, an array lies in its `ManuallyDrop`.
unsafe impl<P, const N: usize> PartList for [P; N] {
    type Part = P;
    type Memory = ManuallyDrop<[P; N]>;
    type Moved = P;
    type Flags = ArrayFlags<N>;

    #[inline]
    fn into_memory(self) -> (Self::Memory, usize) {
        (ManuallyDrop::new(self), N)
    }

    #[inline]
    fn parts(memory: &mut Self::Memory) -> *mut P {
        ptr::from_mut(memory).cast()
    }
}

// SAFETY: rules 5 and 6, the parts lie in the buffer, and a `Vec` of the length 0 only frees it.
unsafe impl<P> PartList for Vec<P> {
    type Part = P;
    type Memory = Vec<P>;
    type Moved = ();
    type Flags = ListFlags;

    #[inline]
    fn into_memory(mut self) -> (Self::Memory, usize) {
        let len = self.len();
        // SAFETY: rule 6, the parts are dropped by who has asked for the memory.
        unsafe { self.set_len(0) };
        (self, len)
    }

    #[inline]
    fn parts(memory: &mut Self::Memory) -> *mut P {
        memory.as_mut_ptr()
    }
}

// SAFETY: rules 5 and 6, the parts lie in it or in its buffer, and one of the length 0 only frees that.
unsafe impl<A: Array> PartList for SmallVec<A> {
    type Part = A::Item;
    type Memory = SmallVec<A>;
    type Moved = A::Item;
    type Flags = ListFlags;

    #[inline]
    fn into_memory(mut self) -> (Self::Memory, usize) {
        let len = self.len();
        // SAFETY: rule 6, the parts are dropped by who has asked for the memory.
        unsafe { self.set_len(0) };
        (self, len)
    }

    #[inline]
    fn parts(memory: &mut Self::Memory) -> *mut A::Item {
        memory.as_mut_ptr()
    }
}

/// Keeps others from implementing the traits of this file.
mod sealed {
    use smallvec::{Array, SmallVec};

    pub trait Sealed {}

    impl<P, const N: usize> Sealed for [P; N] {}
    impl<P> Sealed for Vec<P> {}
    impl<A: Array> Sealed for SmallVec<A> {}
    impl<const N: usize> Sealed for super::ArrayFlags<N> {}
    impl Sealed for super::ListFlags {}
}
