//! The slots that tasks live in.
//!
//! ```text
//!             1 spawn               2 ready
//!   Empty ─────────────▶ Alive ─────────────────▶ Ready
//!     ▲                    │                        │
//!     │                    │ 3 panicked, failed,    │
//!     │                    │   cancelled, its       │
//!     │                    ▼   group closed         │
//!     │                  Gone                       │
//!     │                    │                        │
//!     └────────────────────┴────────────────────────┘
//!         4 the future has been dropped, the result is out
//! ```
//!
//! Whether a poll of the task is on the stack is not written down here, where each poll would have to find the slot a
//! second time: the task's cell knows.
//!
//! Each way back to *Empty* raises the slot's generation, so that a stale key never reaches a newer task. A slot whose
//! generations are used up is retired. Generations survive a shutdown: the slots stay.

use super::grow::reserve_one;
use super::key::{LAST_GENERATION, MAX_SLOTS, TaskKey};
use super::waits::Woken;
use crate::raw::hold::Hold;

/// "No slot", as a link.
pub(crate) const NONE: u32 = u32::MAX;

/// Where a slot is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Slot has no task.
    Empty,
    /// Slot holds a task that waits to be polled, or whose poll is on the stack.
    Alive,
    /// Slot holds a task that has come to its end, and whose future is being dropped for that.
    Ready,
    /// Slot holds a task that was cancelled, has failed or panicked, and whose future is about to be dropped.
    Gone,
}

impl State {
    /// Returns whether the task is never polled again.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Ready | Self::Gone)
    }
}

/// A place for one task at a time.
pub(crate) struct Slot {
    /// How many tasks the slot has held before.
    generation: u32,
    pub(crate) state: State,
    /// Set while the task's key is in a queue, or kept for a frozen group's resume; but not for the sake of a wait for the
    /// next frame that has come.
    pub(crate) queued: bool,
    /// Set if the next of its keys in the queues is passed over, since such a wait has come before.
    has_stale: bool,
    /// The round of a drain in which the task was polled last.
    polled_in: u32,
    /// The index of the task's group, which is in the tree as long as the task is.
    pub(crate) group: u32,
    /// The neighbours in the group's list of tasks, which is in the order of spawns. `next` also links empty slots.
    pub(crate) previous: u32,
    pub(crate) next: u32,
    /// The order of spawns over the whole process.
    pub(crate) id: u64,
    pub(crate) task: Option<Hold>,
}

impl Slot {
    /// Notes that the task has its turn in this round.
    #[inline]
    pub(crate) fn take_turn(&mut self, woken: Woken, round: u32) {
        if self.queued {
            // What it was queued for otherwise is met by this poll.
            self.has_stale |= woken.is_by_frame();
            self.queued = false;
        }
        self.polled_in = round;
    }

    /// Returns whether a poll of the task is on the stack, and the task is not over.
    pub(crate) fn is_polling(&self) -> bool {
        self.state == State::Alive && self.task.as_ref().is_some_and(|task| task.is_busy())
    }
}

/// The most memory that a task may take beside its future.
#[cfg(not(cuelight_shared_wakers))]
const MAX_MEMORY: usize = 128;

// Its slot, and its cell with the two counts of the `Rc`. Shared wakers are for smaller pointers, where all is smaller.
#[cfg(not(cuelight_shared_wakers))]
const _: () = {
    type Parked = std::future::Ready<[u64; 16]>;
    let cell = size_of::<crate::raw::cell::TaskCell<Parked>>() - size_of::<Parked>();
    assert!(size_of::<Slot>() + 2 * size_of::<usize>() + cell <= MAX_MEMORY);
};

/// All slots of a runtime.
pub(crate) struct Slots {
    runtime: u16,
    slots: Vec<Slot>,
    first_empty: u32,
    /// The number of the round that is polled, from 1 on. It begins anew after four billions.
    round: u32,
}

impl Slots {
    pub(crate) fn new(runtime: u16) -> Self {
        Self { runtime, slots: Vec::new(), first_empty: NONE, round: 0 }
    }

    /// Begins with another round.
    #[inline]
    pub(crate) fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.restart_rounds();
        }
    }

    #[cold]
    fn restart_rounds(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.polled_in = 0);
        self.round = 1;
    }

    /// Returns the slot of a task whose turn it is, unless it is over, or has had its turn: several events may have woken
    /// it, and it is polled once for all of them.
    #[inline]
    pub(crate) fn in_turn(&mut self, woken: Woken) -> Option<&mut Slot> {
        let round = self.round;
        let slot = self.get_mut(woken.key).filter(|slot| slot.state == State::Alive)?;
        if woken.is_by_frame() {
            return (slot.polled_in != round).then_some(slot);
        }
        (!std::mem::take(&mut slot.has_stale)).then_some(slot)
    }

    /// Returns the number of the round that is polled.
    #[inline]
    pub(crate) fn round(&self) -> u32 {
        self.round
    }

    /// Fills an empty slot, and returns its key.
    ///
    /// # Panics
    /// If four million tasks are alive.
    pub(crate) fn insert(&mut self, group: u32, id: u64, task: Hold) -> TaskKey {
        let index = if self.first_empty == NONE {
            let index = self.slots.len() as u32;
            assert!(index < MAX_SLOTS, "{MAX_SLOTS} tasks are alive; no more fit");
            reserve_one(&mut self.slots);
            self.slots.push(Slot {
                generation: 0,
                state: State::Empty,
                queued: false,
                has_stale: false,
                polled_in: 0,
                group,
                previous: NONE,
                next: NONE,
                id,
                task: None,
            });
            index
        } else {
            let index = self.first_empty;
            self.first_empty = self.slots[index as usize].next;
            index
        };
        let slot = &mut self.slots[index as usize];
        debug_assert_eq!(slot.state, State::Empty);
        slot.state = State::Alive;
        slot.queued = false;
        slot.has_stale = false;
        slot.polled_in = 0;
        slot.group = group;
        slot.previous = NONE;
        slot.next = NONE;
        slot.id = id;
        slot.task = Some(task);
        TaskKey::new(self.runtime, slot.generation, index)
    }

    /// Empties a slot, and returns the task: its last owner may run the caller's destructors.
    pub(crate) fn remove(&mut self, key: TaskKey) -> Option<Hold> {
        let slot = &mut self.slots[key.index() as usize];
        slot.state = State::Empty;
        slot.queued = false;
        slot.generation += 1;
        if slot.generation < LAST_GENERATION {
            slot.next = self.first_empty;
            self.first_empty = key.index();
        }
        slot.task.take()
    }

    /// Returns the slot of a key, unless its task is no longer in it.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: TaskKey) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(key.index() as usize)?;
        (slot.generation == key.generation() && slot.state != State::Empty).then_some(slot)
    }

    /// Returns the slot of a key, unless its task is no longer in it.
    pub(crate) fn get(&self, key: TaskKey) -> Option<&Slot> {
        let slot = self.slots.get(key.index() as usize)?;
        (slot.generation == key.generation() && slot.state != State::Empty).then_some(slot)
    }

    /// Notes that a task is put into a queue, unless it is in one, or over. Returns whether it has to be put there.
    #[inline]
    pub(crate) fn mark_queued(&mut self, key: TaskKey) -> bool {
        match self.get_mut(key) {
            Some(slot) if slot.state == State::Alive && !slot.queued => {
                slot.queued = true;
                true
            }
            _ => false,
        }
    }

    /// Returns whether a task is still to be polled.
    pub(crate) fn is_alive(&self, key: TaskKey) -> bool {
        self.get(key).is_some_and(|slot| !slot.state.is_over())
    }

    /// Returns whether a task was cancelled, or has failed, and its future is about to be dropped.
    pub(crate) fn is_ending(&self, key: TaskKey) -> bool {
        self.get(key).is_some_and(|slot| slot.state == State::Gone)
    }

    /// Returns the slot at an index that is known to be in use: a link of a group's list.
    pub(crate) fn at(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    /// Returns the key of the task at an index that is known to be in use.
    pub(crate) fn key_at(&self, index: u32) -> TaskKey {
        TaskKey::new(self.runtime, self.slots[index as usize].generation, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_round_is_taken_for_one_of_four_billions_before() {
        let mut slots = Slots::new(0);
        slots.begin_round();
        slots.slots.push(Slot {
            generation: 0,
            state: State::Alive,
            queued: false,
            has_stale: false,
            polled_in: 0,
            group: 0,
            previous: NONE,
            next: NONE,
            id: 1,
            task: None,
        });
        let woken = Woken { key: TaskKey::new(0, 0, 0), by: 1 };
        let round = slots.round();
        slots.in_turn(woken).expect("it is alive").take_turn(woken, round);
        assert!(slots.in_turn(woken).is_none(), "it has had its turn");
        slots.round = u32::MAX;
        slots.begin_round();
        assert_eq!(slots.round(), round);
        assert!(slots.in_turn(woken).is_some());
    }
}
