//! Lists of waits that get a value from elsewhere: what cues, flags and shared tasks are made of.
//!
//! An entry is there from the moment that its wait begins to listen until the wait has taken its value or is dropped;
//! then it is used again, so waiting in a loop allocates nothing. No borrow is held while a value is cloned or dropped,
//! nor while a waker is cloned, woken or dropped: all of them may come back here.

use std::any::Any;
use std::cell::{RefCell, RefMut};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::task::{Context, Poll, Waker};

use crate::TaskId;
use crate::scheduler::WaitNote;

/// The head of the list of those who wait. Entries link in rings, so that one is taken out without a look at its head.
const WAITING: u32 = 0;

/// "No entry", as a link.
const NONE: u32 = u32::MAX;

/// See the module's documentation.
pub(crate) struct Waiters<T> {
    entries: RefCell<Entries<T>>,
    /// What is waited for, for snapshots.
    label: Label,
}

/// What is waited for in a list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label {
    /// A cue, with the type of its value and the place where it was made.
    Cue(&'static str, &'static Location<'static>),
    /// A flag, with the place where it was made.
    Flag(&'static Location<'static>),
    /// A task's end.
    Task(TaskId),
}

struct Entries<T> {
    entries: Vec<Entry<T>>,
    first_empty: u32,
    /// How many entries there have been.
    added: u64,
}

/// A wait; the head of a ring; or empty.
struct Entry<T> {
    /// The order of all entries: no two ever have the same number.
    number: u64,
    waker: Option<Waker>,
    /// The note of its task's wait, for snapshots.
    note: Option<WaitNote>,
    /// What it was given; then it is in no ring but its own.
    value: Option<T>,
    previous: u32,
    /// Links empty entries, too.
    next: u32,
}

impl<T> Waiters<T> {
    pub(crate) fn new(label: Label) -> Self {
        let mut entries = Entries { entries: Vec::new(), first_empty: NONE, added: 0 };
        let head = entries.insert();
        debug_assert_eq!(head, WAITING);
        Self { entries: RefCell::new(entries), label }
    }

    fn entries(&self) -> RefMut<'_, Entries<T>> {
        self.entries.borrow_mut()
    }

    /// Adds a wait behind the others, and returns its index.
    pub(crate) fn add(&self) -> u32 {
        let mut entries = self.entries();
        let index = entries.insert();
        entries.link_before(WAITING, index);
        index
    }

    /// Polls a wait. One that has its value is forgotten.
    pub(crate) fn poll(&self, index: u32, cx: &mut Context<'_>) -> Poll<T> {
        {
            let mut entries = self.entries();
            if let Some(value) = entries.take(index) {
                return Poll::Ready(value);
            }
            let waker = &entries.at(index).waker;
            if waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
        }
        let waker = cx.waker().clone();
        let mut entries = self.entries();
        // The clone may have been what gave the value.
        let (polled, former) = match entries.take(index) {
            Some(value) => (Poll::Ready(value), Some(waker)),
            None => {
                let entry = entries.at(index);
                entry.note = WaitNote::new(&waker, self.label);
                (Poll::Pending, entry.waker.replace(waker))
            }
        };
        drop(entries);
        drop(former);
        polled
    }

    /// Forgets a wait that has not been ready.
    pub(crate) fn remove(&self, index: u32) {
        let entry = self.entries().remove(index);
        drop(entry);
    }

    /// Gives a value to all who wait now, in order. Who waits from now on gets nothing of it.
    ///
    /// A panic of a waker goes on when all have theirs; one of a clone at once, and who has not got the value then waits
    /// on.
    pub(crate) fn give(&self, value: T)
    where
        T: Clone,
    {
        let Some(giving) = Giving::begin(self) else {
            return;
        };
        let mut value = Some(value);
        let mut panic: Option<Box<dyn Any + Send>> = None;
        while let Some((index, number, is_last)) = giving.first() {
            let given = if is_last { value.take() } else { value.clone() };
            let (waker, refused) = giving.hand_over(index, number, given);
            drop(refused);
            if let Some(waker) = waker
                && let Err(caught) = catch_unwind(AssertUnwindSafe(|| waker.wake()))
            {
                match panic {
                    None => panic = Some(caught),
                    // Leaked, since its destructor may panic in its turn.
                    Some(_) => std::mem::forget(caught),
                }
            }
        }
        drop(giving);
        drop(value);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl<T> Entries<T> {
    fn at(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.entries[index as usize]
    }

    /// Fills an entry that is a ring of its own.
    fn insert(&mut self) -> u32 {
        self.added += 1;
        let number = self.added;
        let index = match self.first_empty {
            NONE => self.entries.len() as u32,
            index => index,
        };
        let entry =
            Entry { number, waker: None, note: None, value: None, previous: index, next: index };
        match self.entries.get_mut(index as usize) {
            Some(empty) => {
                self.first_empty = empty.next;
                *empty = entry;
            }
            None => self.entries.push(entry),
        }
        index
    }

    /// Takes the value of a wait, if it is there, and forgets the wait.
    fn take(&mut self, index: u32) -> Option<T> {
        let value = self.at(index).value.take()?;
        self.free(index);
        Some(value)
    }

    /// Empties an entry, and hands back what the caller has to drop.
    fn remove(&mut self, index: u32) -> (Option<Waker>, Option<T>) {
        let entry = self.at(index);
        let taken = (entry.waker.take(), entry.value.take());
        self.unlink(index);
        self.free(index);
        taken
    }

    fn free(&mut self, index: u32) {
        let first_empty = self.first_empty;
        let entry = self.at(index);
        entry.note = None;
        entry.number = 0;
        entry.next = first_empty;
        self.first_empty = index;
    }

    fn link_before(&mut self, head: u32, index: u32) {
        let last = std::mem::replace(&mut self.at(head).previous, index);
        self.at(last).next = index;
        let entry = self.at(index);
        entry.previous = last;
        entry.next = head;
    }

    fn unlink(&mut self, index: u32) {
        let entry = self.at(index);
        let (previous, next) = (entry.previous, entry.next);
        entry.previous = index;
        entry.next = index;
        self.at(previous).next = next;
        self.at(next).previous = previous;
    }

    /// Puts the entries of one ring to the front of another.
    fn splice(&mut self, from: u32, to: u32) {
        let (first, last) = (self.at(from).next, self.at(from).previous);
        if first == from {
            return;
        }
        self.at(from).next = from;
        self.at(from).previous = from;
        let behind = std::mem::replace(&mut self.at(to).next, first);
        self.at(first).previous = to;
        self.at(last).next = behind;
        self.at(behind).previous = last;
    }
}

/// A value on its way to those who waited when it was given. They are in a ring of their own, so what is given
/// meanwhile does not reach them. Dropped early, it has the rest of them wait on.
struct Giving<'a, T> {
    waiters: &'a Waiters<T>,
    head: u32,
}

impl<'a, T> Giving<'a, T> {
    /// Begins, unless nobody waits.
    fn begin(waiters: &'a Waiters<T>) -> Option<Self> {
        let mut entries = waiters.entries();
        if entries.at(WAITING).next == WAITING {
            return None;
        }
        let head = entries.insert();
        entries.splice(WAITING, head);
        Some(Self { waiters, head })
    }

    /// Returns the index and the number of the first, and whether it is the last, too.
    fn first(&self) -> Option<(u32, u64, bool)> {
        let mut entries = self.waiters.entries();
        let first = entries.at(self.head).next;
        let entry = entries.at(first);
        (first != self.head).then_some((first, entry.number, entry.next == self.head))
    }

    /// Hands a value over to a wait, and returns who has to be woken; the value, if the wait has been dropped.
    fn hand_over(&self, index: u32, number: u64, value: Option<T>) -> (Option<Waker>, Option<T>) {
        let mut entries = self.waiters.entries();
        if entries.at(index).number != number {
            return (None, value);
        }
        entries.unlink(index);
        let entry = entries.at(index);
        entry.value = value;
        entry.note = None;
        (entry.waker.take(), None)
    }
}

impl<T> Drop for Giving<'_, T> {
    fn drop(&mut self) {
        let mut entries = self.waiters.entries();
        entries.splice(self.head, WAITING);
        entries.free(self.head);
    }
}
