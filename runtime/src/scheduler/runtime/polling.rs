//! How tasks are polled: rounds and turns, the scopes that waits are made in, the end of a poll.

use std::collections::HashSet;
use std::task::{Poll, Waker};
use std::thread;

use super::reports::end_of;
use super::{Core, Runtime, nanoseconds_of};
use crate::raw::hold::{Hold, poll_held};
use crate::scheduler::groups::GroupKey;
use crate::scheduler::key::TaskKey;
use crate::scheduler::skip::{Jump, MAX_JUMPS};
use crate::scheduler::slots::State;
use crate::scheduler::waits::Woken;
use crate::{TaskError, TaskId, TaskReport};

/// The number of rounds after which a drain leaves the rest to the next one.
pub(super) const MAX_ROUNDS: u32 = 1_000;

/// How many of the last rounds of a livelock are looked at for the names of its tasks.
const NAMED_ROUNDS: u32 = 2;

impl Core {
    /// Jumps on the first skipped clock on which there is something to jump to. Returns whether there was one.
    fn jump(&mut self, real: u64, others: &mut Vec<Waker>) -> Option<(GroupKey, Jump)> {
        let mut position = 0;
        while let Some(key) = self.groups.skip_at(position) {
            let Some(index) = self.groups.find_open(key).filter(|&it| self.groups.may_jump(it))
            else {
                // One that is over is no longer there.
                position += usize::from(self.groups.skip_at(position) == Some(key));
                continue;
            };
            let has_yielded = self.take_yielded(index);
            let mut jumped = Jump::Nowhere;
            others.append(&mut self.make_due(|groups, due| {
                jumped = groups.jump(index, has_yielded, real, due);
            }));
            if jumped == Jump::TooFar || !self.ready.is_empty() || !others.is_empty() {
                return Some((key, jumped));
            }
            if jumped == Jump::Nowhere {
                position += 1;
            }
        }
        None
    }

    /// Queues the tasks of a skipped clock that wait for the next drain: a jump is one for them. Returns whether there are
    /// any.
    fn take_yielded(&mut self, index: u32) -> bool {
        let Self { slots, groups, ready, later, .. } = self;
        let before = later.len();
        later.retain(|&(key, group)| {
            let group = groups.find_open(group).filter(|_| slots.is_alive(key));
            let goes_along = group.is_some_and(|group| groups.goes_with(group, index));
            if goes_along {
                ready.push(Woken::new(key));
            }
            !goes_along
        });
        later.len() != before
    }

    /// Finds out whose turn it is, with the slot's hold on the task, and its group; nobody's if the task is over, or has had
    /// its turn, or is frozen.
    #[inline(always)]
    fn begin_poll(&mut self, woken: Woken) -> Option<(&Hold, GroupKey)> {
        let round = self.slots.round();
        let slot = self.slots.in_turn(woken)?;
        let index = slot.group;
        if self.groups.at(index).frozen {
            // What is kept for one reason needs no other.
            if !slot.queued || !woken.is_by_frame() {
                slot.queued = true;
                self.groups.keep(index, woken.key);
            }
            return None;
        }
        slot.take_turn(woken, round);
        Some((slot.task.as_ref()?, self.groups.key_at(index)))
    }
}

impl Runtime {
    /// Polls a new task on the stack of its spawn, frozen or not.
    pub(super) fn poll_new(&self, key: TaskKey) {
        let (outer_task, outer_group) = (self.task.get(), self.group.get());
        self.renew_scope();
        let polled = poll_held(&self.core, key, |core| {
            let slot = core.slots.get(key).filter(|slot| slot.state == State::Alive)?;
            self.polls.set(self.polls.get() + 1);
            self.task.set(key);
            self.group.set(core.groups.key_at(slot.group));
            slot.task.as_ref()
        });
        let Some(polled) = polled else {
            return;
        };
        self.renew_scope();
        self.task.set(outer_task);
        self.group.set(outer_group);
        if !matches!(polled, Ok(Poll::Pending)) || self.disturbed.get() {
            self.end_poll(key, polled, true);
        }
    }

    /// Polls a task in a drain, if it is its turn. It stays the running one until another takes its place.
    #[inline]
    fn poll(&self, woken: Woken) {
        let Woken { key, by } = woken;
        let polled = poll_held(&self.core, key, |core| {
            let (task, group) = core.begin_poll(woken)?;
            self.came.set(by);
            self.task.set(key);
            self.group.set(group);
            self.scope.set(self.scope.get() + 1);
            Some(task)
        });
        let Some(polled) = polled else {
            self.polls.set(self.polls.get() - 1);
            return;
        };
        let is_ordinary = matches!(polled, Ok(Poll::Pending)) && !self.disturbed.get();
        if !is_ordinary || self.loose.get() > 0 {
            self.leave_task();
            self.end_poll(key, polled, false);
            self.attend();
            // Nothing else is on the stack of a drain.
            self.disturbed.set(false);
        }
    }

    /// Says that no task is running.
    pub(super) fn leave_task(&self) {
        self.renew_scope();
        self.task.set(TaskKey::NOBODY);
        self.group.set(GroupKey::NOWHERE);
    }

    // ---------------------------------------------------------------- Scopes

    /// Returns the number of what is being polled, if anything is, for a wait that is made now.
    #[inline]
    pub(crate) fn add_loose(&self) -> Option<u64> {
        let is_inside = self.task_group().is_some();
        self.loose.set(self.loose.get() + u32::from(is_inside));
        is_inside.then_some(self.scope.get())
    }

    /// Returns whether the wait for the next frame of an order has come, as far as it has woken the running task.
    #[inline]
    pub(crate) fn has_come(&self, order: u64) -> bool {
        self.came.get() == order
    }

    /// Returns the present group, unless a number is an older one. Something was made under it, so that there is a group.
    #[inline]
    pub(crate) fn group_of(&self, scope: u64) -> Option<GroupKey> {
        (scope == self.scope.get()).then(|| self.group.get())
    }

    /// Takes a wait back that was made under the present number.
    #[inline]
    pub(crate) fn take_loose(&self) {
        self.loose.set(self.loose.get() - 1);
    }

    /// Begins with another number: what is being polled, or its clock, is another one from here on.
    #[inline]
    pub(super) fn renew_scope(&self) {
        if self.loose.get() > 0 {
            self.keep_loose();
        }
        self.scope.set(self.scope.get() + 1);
    }

    /// Writes down for the waits that were made, and not polled yet, on which clock and when that was.
    #[cold]
    fn keep_loose(&self) {
        let (scope, count) = (self.scope.get(), self.loose.take());
        if let Some(group) = self.task_group() {
            self.with(|core| core.groups.keep_made(scope, group, count));
        }
    }

    /// Ends a task whose poll was its last, unless the failure is another task's.
    #[inline(never)]
    fn end_poll(&self, key: TaskKey, polled: thread::Result<Poll<()>>, is_first: bool) {
        let found = self.with(|core| {
            let slot = core.slots.get(key)?;
            Some((TaskId::new(slot.id), slot.task.as_ref()?.share()))
        });
        let Some((id, task)) = found else {
            return;
        };
        let failure = if self.disturbed.get() { self.take_failure(key) } else { None };
        let panicked = polled.is_err();
        let is_pending = matches!(polled, Ok(Poll::Pending));
        let went_on = is_pending && failure.is_none();
        let cancelled = self.with(|core| match core.slots.get_mut(key) {
            Some(slot) if slot.state == State::Alive => {
                if !went_on {
                    slot.state = State::Gone;
                }
                false
            }
            Some(slot) => slot.state != State::Ready,
            None => true,
        });
        if went_on && !cancelled {
            return;
        }
        if cancelled && is_pending && self.open.get() {
            // Its future has its turn among those that are dropped next.
            self.attend_soon();
            return;
        }
        if cancelled {
            self.with(|core| core.doomed.retain(|&(doomed, _)| doomed != key));
        }
        // From here on the task is over; only its memory is left to be dropped.
        if let Err(panic) = polled {
            let place = if task.has_result() { "in a destructor" } else { "" };
            self.report_panic(id, &*task, panic, place);
        }
        let error = if cancelled {
            TaskError::Cancelled
        } else if let Some(reason) = failure.filter(|_| !panicked) {
            let error = TaskError::Failed(reason.clone());
            self.report(TaskReport::new(id, &*task, error.clone(), reason));
            error
        } else {
            TaskError::Panicked
        };
        let is_whole = !task.has_result() && !panicked;
        if is_whole && is_first {
            // The spawner is on the stack, perhaps with a borrow of what the future's guards want to reach.
            self.with(|core| core.doomed.push_back((key, error)));
            self.attend_soon();
            return;
        }
        let how = if task.has_result() && !cancelled { "ends" } else { end_of(&error) };
        if cancelled || error != TaskError::Panicked || !task.has_result() {
            self.end_cell(id, &task, error);
        }
        self.finish(key, &task, how);
        self.drop_cell(id, task);
    }

    #[cold]
    fn take_failure(&self, key: TaskKey) -> Option<String> {
        self.with(|core| {
            let position = core.failures.iter().position(|(failed, _)| *failed == key);
            position.map(|position| core.failures.remove(position).1)
        })
    }

    /// Polls what is ready, in rounds.
    pub(super) fn drain(&self) {
        if !self.open.get() || self.is_busy() {
            return;
        }
        self.draining.set(true);
        self.take_inbox();
        self.attend();
        let mut rounds = 0;
        let mut has_jumped = false;
        let mut last = Vec::new();
        loop {
            let is_over = self.swap_round();
            if is_over && self.jump(rounds > 0 && !has_jumped) {
                has_jumped = true;
                rounds = 0;
                continue;
            }
            if is_over || rounds == MAX_ROUNDS {
                self.leave_rest();
                if !is_over && !self.livelock.get() {
                    self.report_livelock(&last);
                }
                self.livelock.set(!is_over);
                break;
            }
            rounds += 1;
            if rounds > MAX_ROUNDS - NAMED_ROUNDS {
                self.note_names(&self.round.borrow(), &mut last);
            }
            self.poll_round();
        }
        self.draining.set(false);
    }

    /// Makes a round of what is ready. Returns whether that is nothing.
    fn swap_round(&self) -> bool {
        let mut round = self.round.borrow_mut();
        self.with(|core| std::mem::swap(&mut *round, &mut core.ready));
        round.is_empty()
    }

    /// Polls a round. It stays borrowed, which only snapshots do as well.
    fn poll_round(&self) {
        {
            let round = self.round.borrow();
            self.with(|core| core.slots.begin_round());
            self.polls.set(self.polls.get() + round.len() as u64);
            for (turn, &woken) in round.iter().enumerate() {
                self.turn.set(turn);
                self.poll(woken);
            }
        }
        self.leave_task();
        let mut round = self.round.borrow_mut();
        round.clear();
        self.with(|core| {
            // The memory goes to where the next tick needs it; else the other list would grow to that size, too.
            if core.ready.is_empty() {
                std::mem::swap(&mut *round, &mut core.ready);
            }
        });
    }

    /// Leaves to the next drain what is left of a round, and then what was woken for that drain.
    fn leave_rest(&self) {
        let mut round = self.round.borrow_mut();
        self.with(|core| {
            round.append(&mut core.ready);
            round.extend(core.later.drain(..).map(|(key, _)| Woken::new(key)));
            std::mem::swap(&mut *round, &mut core.ready);
        });
    }

    /// Returns the tasks that a frame has woken, and whose turn is still to come.
    pub(in crate::scheduler) fn coming_turns(&self) -> HashSet<TaskKey> {
        let round = self.round.borrow();
        self.with(|core| {
            let rest = round.iter().skip(self.turn.get() + 1).chain(&core.ready);
            rest.filter(|woken| woken.is_by_frame()).map(|woken| woken.key).collect()
        })
    }

    /// Jumps on a skipped clock, if there is one with something to jump to. Returns whether something is to be polled.
    #[inline]
    fn jump(&self, has_polled: bool) -> bool {
        self.with(|core| core.groups.skip_at(0).is_some()) && self.jump_now(has_polled)
    }

    #[cold]
    fn jump_now(&self, has_polled: bool) -> bool {
        let real = match self.with(|core| core.groups.waits_for_real()) {
            true => nanoseconds_of(self.real_time()),
            false => 0,
        };
        if has_polled {
            // What has come from elsewhere may be what a condition waits for.
            let beats = !self.ticking.get();
            self.with(|core| core.groups.uncheck_conditions(beats));
        }
        let mut others = Vec::new();
        let jumped = self.with(|core| core.jump(real, &mut others));
        self.wake_all(others);
        self.attend();
        if let Some((group, Jump::TooFar)) = jumped {
            self.give_up_skip(group);
        }
        jumped.is_some()
    }

    /// Ends a skip that does not end by itself, and says which tasks it was about.
    fn give_up_skip(&self, group: GroupKey) {
        let due = self.with(|core| {
            if let Some(index) = core.groups.find_open(group) {
                core.groups.end_skip(index);
            }
            core.ready.clone()
        });
        let mut names = Vec::new();
        self.note_names(&due, &mut names);
        self.report_error(&format!(
            "a skip was given up after {MAX_JUMPS} frames with something to do, and the clock goes on at its own speed: \
             {}; what has no end belongs outside of what is skipped, or breaks off while `is_skipping()`",
            names.join(", ")
        ));
    }

    /// Queues what other threads have woken.
    fn take_inbox(&self) {
        if self.inbox.is_filled() {
            self.with(|core| {
                let mut arrived = std::mem::take(&mut core.arrived);
                self.inbox.swap(&mut arrived);
                for key in arrived.drain(..) {
                    core.enqueue(key, false, None);
                }
                core.arrived = arrived;
            });
        }
    }
}
