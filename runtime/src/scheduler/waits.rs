//! The waits that are registered on clocks, and the lists that hold those of one tick.

use std::task::Waker;

use super::groups::GroupKey;
use super::grow::reserve_one;
use super::key::TaskKey;
use super::slots::NONE;
use crate::Phase;
use crate::raw::waker::key_of;

/// Who is woken.
pub(crate) enum Waiter {
    /// Nobody yet.
    Nobody,
    /// A task of ours: its key is all there is to it.
    Task(TaskKey),
    /// Somebody else's executor.
    Other(Waker),
}

impl Waiter {
    /// Returns the waiter of a waker.
    #[inline]
    pub(crate) fn new(waker: &Waker) -> Self {
        match key_of(waker) {
            Some(key) => Self::Task(key),
            None => Self::Other(waker.clone()),
        }
    }

    /// Returns whether a waker would wake the same.
    #[inline]
    pub(crate) fn is(&self, waker: &Waker) -> bool {
        match self {
            Self::Nobody => false,
            Self::Task(key) => key_of(waker) == Some(*key),
            Self::Other(own) => own.will_wake(waker),
        }
    }
}

/// A task that is to be polled.
#[derive(Clone, Copy)]
pub(crate) struct Woken {
    pub(crate) key: TaskKey,
    /// The order of the wait for the next frame that has come, so that it need not be looked for; 0 if it was another
    /// event.
    pub(crate) by: u64,
}

impl Woken {
    pub(crate) fn new(key: TaskKey) -> Self {
        Self { key, by: 0 }
    }

    #[inline]
    pub(crate) fn is_by_frame(self) -> bool {
        self.by != 0
    }
}

/// Which of a clock's queues a wait is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lane {
    /// For a time, in nanoseconds.
    Seconds,
    /// For a number of frames.
    Frames,
    /// For every tick: a condition.
    Ticks,
    /// For a wall time, in nanoseconds: on no clock.
    Real,
    /// For the moment when the clock is skipped.
    Skips,
}

/// A registered wait.
pub(crate) struct Wait {
    pub(crate) waiter: Waiter,
    /// The order of first polls.
    pub(crate) order: u64,
    /// Whose clock it is on; that group is open as long as the wait is queued for a time.
    pub(crate) group: GroupKey,
    /// When it is due; of no meaning for a condition.
    pub(crate) deadline: u64,
    pub(crate) stage: u8,
    pub(crate) lane: Lane,
    /// Set while it is in its lane.
    pub(crate) queued: bool,
    /// Set when it is due; a condition's, until it has been checked.
    pub(crate) fired: bool,
    /// Set if nothing comes of it but the check of a condition.
    pub(crate) is_condition: bool,
    /// Its position in a heap, or its neighbour in a list.
    pub(crate) position: u32,
    /// Its neighbour in a list; links empty entries too.
    pub(crate) next: u32,
}

impl Wait {
    /// Returns the stage that it is due in.
    pub(crate) fn phase(&self) -> Phase {
        [Phase::Process, Phase::Physics][usize::from(self.stage)]
    }
}

/// All registered waits of a runtime.
#[derive(Default)]
pub(crate) struct Waits {
    waits: Vec<Wait>,
    empty: Vec<u32>,
    ordered: u64,
}

impl Waits {
    /// Returns the place of a first poll in the order of all.
    #[inline]
    pub(crate) fn next_order(&mut self) -> u64 {
        self.ordered += 1;
        self.ordered
    }

    /// Returns the place of the last first poll.
    pub(crate) fn last_order(&self) -> u64 {
        self.ordered
    }

    pub(crate) fn insert(&mut self, group: GroupKey, stage: u8, lane: Lane, waiter: Waiter) -> u32 {
        let order = self.next_order();
        let wait = Wait {
            waiter,
            order,
            group,
            deadline: 0,
            stage,
            lane,
            queued: false,
            fired: false,
            is_condition: false,
            position: NONE,
            next: NONE,
        };
        match self.empty.pop() {
            Some(index) => {
                self.waits[index as usize] = wait;
                index
            }
            None => {
                reserve_one(&mut self.waits);
                self.waits.push(wait);
                self.waits.len() as u32 - 1
            }
        }
    }

    /// Frees an entry, and hands its waiter back, since dropping it may run foreign code.
    pub(crate) fn remove(&mut self, index: u32) -> Waiter {
        self.empty.push(index);
        std::mem::replace(&mut self.waits[index as usize].waiter, Waiter::Nobody)
    }

    #[inline]
    pub(crate) fn at(&mut self, index: u32) -> &mut Wait {
        &mut self.waits[index as usize]
    }

    /// Returns the indices of all entries, empty ones included: those have no waiter.
    pub(super) fn indices(&self) -> std::ops::Range<u32> {
        0..self.waits.len() as u32
    }

    /// Returns the number of registered waits.
    pub(crate) fn len(&self) -> usize {
        self.waits.len() - self.empty.len()
    }
}

/// A list of waits in the order of their first polls, linked through the waits themselves.
#[derive(Clone, Copy)]
pub(crate) struct List {
    pub(crate) first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl List {
    pub(crate) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Puts a wait to the end: no other has been polled first after it.
    pub(crate) fn push(&mut self, index: u32, waits: &mut Waits) {
        let last = std::mem::replace(&mut self.last, index);
        match last {
            NONE => self.first = index,
            _ => waits.at(last).next = index,
        }
        let wait = waits.at(index);
        wait.position = last;
        wait.next = NONE;
        wait.queued = true;
    }

    /// Returns all waits, in order.
    pub(crate) fn all(self, waits: &mut Waits) -> Vec<u32> {
        let mut all = Vec::new();
        let mut next = self.first;
        while next != NONE {
            all.push(next);
            next = waits.at(next).next;
        }
        all
    }

    pub(crate) fn remove(&mut self, index: u32, waits: &mut Waits) {
        let wait = waits.at(index);
        wait.queued = false;
        let (previous, next) = (wait.position, wait.next);
        match previous {
            NONE => self.first = next,
            _ => waits.at(previous).next = next,
        }
        match next {
            NONE => self.last = previous,
            _ => waits.at(next).position = previous,
        }
    }
}
