//! Waits for the next frame: the most common of all, so they have lists of their own, with no more than an order and a
//! waiter in a word each.
//!
//! A list only grows at its end until it is emptied, as a whole, by a tick. So a wait's future finds it by its order at
//! the position where it was put, or it is due.

use std::task::Waker;

use slab::Slab;
use smallvec::SmallVec;

use super::groups::{GroupKey, Groups};
use super::grow::room_beyond;
use super::key::{NO_RUNTIME, TaskKey};
use super::time::Due;
use super::waits::{Waiter, Woken};
use crate::Phase;
use crate::raw::waker::key_of;

/// The waits of a list, in the order of their first polls. Each is what it wakes, so that a long list can become the round
/// itself; but its key may also be a [`Packed`] one, as long as it is in the list.
pub(super) type NextList = SmallVec<[Woken; 1]>;

impl Woken {
    /// Returns whether the wait was not dropped.
    pub(super) fn is_live(&self) -> bool {
        Packed(self.key) != Packed::NOBODY
    }

    /// Fires the wait. The task's slot is left alone, since it is looked at when the task has its turn.
    #[inline]
    pub(super) fn fire(self, foreign: &mut Slab<Waker>, due: &mut Due<'_>) {
        if self.is_task() {
            due.ready.push(self);
        } else if self.is_live() {
            due.push(Packed(self.key).take(foreign));
        }
    }

    /// Returns whether it wakes a task of ours.
    #[inline]
    fn is_task(&self) -> bool {
        Packed(self.key).is_task()
    }

    /// Returns the task that it wakes, if that is one of ours.
    pub(super) fn task(&self) -> Option<TaskKey> {
        self.is_task().then_some(self.key)
    }
}

/// Fires all waits of a list.
#[inline]
pub(super) fn fire_all(list: &mut NextList, foreign: &mut Slab<Waker>, due: &mut Due<'_>) {
    if let &[only] = &list[..] {
        only.fire(foreign, due);
        list.clear();
        return;
    }
    // There may be thousands. They are counted to the end, which the processor does for several at once.
    if list.iter().filter(|entry| !entry.is_task()).count() > 0 {
        list.drain(..).for_each(|entry| entry.fire(foreign, due));
    } else if due.ready.is_empty() && list.len() > due.ready.capacity() / 2 {
        // It becomes the round, and gets the memory of the one before, which is no longer than it needs.
        let round = std::mem::take(list).into_vec();
        *list = std::mem::replace(due.ready, round).into();
    } else {
        due.ready.extend_from_slice(list);
        list.clear();
    }
}

/// Adds to the end of a list, and returns the position.
#[inline(always)]
fn push(list: &mut NextList, next: Woken) -> u32 {
    if list.spilled() {
        let position = list.len();
        if position != list.capacity() {
            list.push(next);
            return position as u32;
        }
    }
    push_to_short(list, next)
}

/// Adds to a list that is short, or full.
#[inline(never)]
fn push_to_short(list: &mut NextList, next: Woken) -> u32 {
    let position = list.len();
    if position == list.capacity() {
        // Short ones are doubled, as most have one or two.
        list.reserve_exact(room_beyond(position).min(position.max(1)));
    }
    list.push(next);
    position as u32
}

/// A [`Waiter`] in a word: a task's key; or, under a number that no runtime has, the place of somebody else's waker.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed(TaskKey);

impl Packed {
    /// The wait was dropped, or nobody has polled it.
    const NOBODY: Self = Self(TaskKey::NOBODY);

    /// The bits that say that the others are a place.
    const FOREIGN: u64 = (NO_RUNTIME as u64) << 48;

    fn new(waiter: Waiter, foreign: &mut Slab<Waker>) -> Self {
        match waiter {
            Waiter::Nobody => Self::NOBODY,
            Waiter::Task(key) => Self(key),
            Waiter::Other(waker) => {
                Self(TaskKey::from_bits(Self::FOREIGN | foreign.insert(waker) as u64))
            }
        }
    }

    #[inline]
    fn is_task(self) -> bool {
        self.0.runtime() != NO_RUNTIME
    }

    fn place(self) -> usize {
        (self.0.to_bits() & !Self::FOREIGN) as usize
    }

    /// Takes the waiter out.
    fn take(self, foreign: &mut Slab<Waker>) -> Waiter {
        match self {
            Self::NOBODY => Waiter::Nobody,
            Self(key) if self.is_task() => Waiter::Task(key),
            _ => Waiter::Other(foreign.remove(self.place())),
        }
    }

    /// Returns whether a waker would wake the same.
    #[inline]
    fn is(self, waker: &Waker, foreign: &Slab<Waker>) -> bool {
        if self.is_task() {
            return key_of(waker) == Some(self.0);
        }
        self != Self::NOBODY && foreign[self.place()].will_wake(waker)
    }
}

/// Where a wait for the next frame is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    /// The group whose clock has it. Its index is enough: no order comes twice, so the list of another group that has taken
    /// the place of this one has no such wait.
    pub(crate) index: u32,
    pub(crate) phase: Phase,
    pub(crate) position: u32,
    pub(crate) order: u64,
}

/// When waits were made that nobody had polled by the end of the code that made them.
pub(super) struct Made {
    group: GroupKey,
    /// What its clock's count of process frames was.
    frame: u64,
    /// How many of these waits have been neither polled nor dropped.
    count: u32,
}

impl Groups {
    /// Writes down that so many waits for the next frame were made now, in a scope, on the clock of a group.
    pub(super) fn keep_made(&mut self, scope: u64, group: GroupKey, count: u32) {
        let frame = self.frame(self.nearest_open(group), Phase::Process);
        self.made.insert(scope, Made { group, frame, count });
    }

    /// Strikes off one of the waits that were made in a scope. Returns the group, and its clock's frame of then.
    pub(crate) fn take_made(&mut self, scope: u64) -> Option<(GroupKey, u64)> {
        let made = self.made.get_mut(&scope)?;
        let when = (made.group, made.frame);
        made.count -= 1;
        if made.count == 0 {
            self.made.remove(&scope);
        }
        Some(when)
    }

    /// Adds a wait for the next frame.
    pub(crate) fn add_next(&mut self, index: u32, phase: Phase, waiter: Waiter) -> Listed {
        let waiter = Packed::new(waiter, &mut self.foreign);
        self.push_next(index, phase, waiter)
    }

    /// Adds a task's wait for the next process frame to the list of a group, unless that is closed.
    #[inline(always)]
    pub(crate) fn add_next_if_open(&mut self, group: GroupKey, key: TaskKey) -> Option<Listed> {
        let index = self.find_open(group)?;
        Some(self.push_next(index, Phase::Process, Packed(key)))
    }

    #[inline(always)]
    fn push_next(&mut self, index: u32, phase: Phase, waiter: Packed) -> Listed {
        let order = self.waits.next_order();
        let stage = self.stage_mut(index, phase as usize);
        let position = push(&mut stage.next, Woken { key: waiter.0, by: order });
        if !stage.is_active {
            self.activate(index, phase as usize);
        }
        Listed { index, phase, position, order }
    }

    /// Polls a wait for the next frame: unless it is due, returns whether it wakes this waker.
    #[inline]
    pub(crate) fn poll_next(&mut self, listed: Listed, waker: &Waker) -> Option<bool> {
        let waiter = Packed(self.find_next(listed)?.key);
        Some(waiter.is(waker, &self.foreign))
    }

    #[inline]
    fn find_next(&mut self, listed: Listed) -> Option<&mut Woken> {
        // A closed clock keeps its list until another one takes it over, which makes all of it due.
        let list = &mut self.stage_mut(listed.index, listed.phase as usize).next;
        list.get_mut(listed.position as usize).filter(|entry| entry.by == listed.order)
    }

    /// Has another waiter woken by a wait, unless it is due. The former is handed back, since dropping it may run foreign
    /// code.
    pub(crate) fn rename_next(&mut self, listed: Listed, waiter: Waiter) -> Waiter {
        let Some(former) = self.find_next(listed).map(|entry| Packed(entry.key)) else {
            return waiter;
        };
        let waiter = Packed::new(waiter, &mut self.foreign);
        if let Some(entry) = self.find_next(listed) {
            entry.key = waiter.0;
        }
        former.take(&mut self.foreign)
    }

    /// Forgets a wait for the next frame, due or not, and hands its waiter back.
    pub(crate) fn remove_next(&mut self, listed: Listed) -> Waiter {
        let Some(entry) = self.find_next(listed) else {
            return Waiter::Nobody;
        };
        let waiter = Packed(std::mem::replace(&mut entry.key, TaskKey::NOBODY));
        let index = listed.index;
        let own = self.stage_mut(index, listed.phase as usize);
        // What is dropped in reverse order, as by races in a loop, leaves nothing behind until the next frame either.
        while own.next.last().is_some_and(|entry| !entry.is_live()) {
            own.next.pop();
        }
        if own.orphans > 0 {
            own.orphans -= 1;
            self.remove_if_closed(index);
        }
        waiter.take(&mut self.foreign)
    }
}
