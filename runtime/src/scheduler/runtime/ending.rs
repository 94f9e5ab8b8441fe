//! How tasks end before their time: who is cancelled or fails, and when the futures are dropped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::reports::{end_of, message_of};
use super::{Core, Runtime};
use crate::raw::cell::{AnyTask, Joiner};
use crate::raw::hold::Hold;
use crate::scheduler::groups::{GroupKey, Over, ROOT};
use crate::scheduler::key::TaskKey;
use crate::scheduler::slots::{Slot, State};
use crate::{TaskError, TaskId, TaskReport};

/// What has become of a task that is to end.
enum Doom {
    /// It is over anyway.
    Over,
    /// It has its turn as soon as the stack is clean.
    Waiting,
    /// It is on the stack. It has its turn too, unless its poll is its last: the end of the poll sees to that.
    OnStack,
}

impl Core {
    /// Returns the first task whose future is to be dropped, with the reason and its number.
    fn next_doomed(&mut self) -> Option<(TaskKey, TaskError, u64, Rc<dyn AnyTask>)> {
        loop {
            let (key, error) = self.doomed.pop_front()?;
            if let Some(slot) = self.slots.get(key)
                && let Some(task) = slot.task.as_ref().map(Hold::share)
            {
                return Some((key, error, slot.id, task));
            }
        }
    }

    /// Ends a task whose future will be dropped when the stack is clean. Only if a poll is on the stack it can be that
    /// one's, and is worth a look into its cell.
    fn doom(&mut self, key: TaskKey, is_in_poll: bool) -> Doom {
        let Some(slot) = self.slots.get_mut(key).filter(|slot| slot.state == State::Alive) else {
            return Doom::Over;
        };
        let is_polling = is_in_poll && slot.is_polling();
        slot.state = State::Gone;
        self.doomed.push_back((key, TaskError::Cancelled));
        if is_polling {
            self.failures.retain(|(failed, _)| *failed != key);
            return Doom::OnStack;
        }
        Doom::Waiting
    }
}

impl Runtime {
    /// Cancels a task.
    pub(crate) fn cancel(&self, key: TaskKey) {
        if self.with(|core| self.doom(core, key)) {
            self.attend_soon();
        }
    }

    /// Dooms a task. Returns whether that has to be asked for.
    #[inline]
    pub(super) fn doom(&self, core: &mut Core, key: TaskKey) -> bool {
        let doom = core.doom(key, self.task().is_some());
        if matches!(doom, Doom::OnStack) {
            self.disturbed.set(true);
        }
        matches!(doom, Doom::Waiting)
    }

    /// Cancels the tasks of a group and of all below it; a closed group is gone for good.
    pub(crate) fn cancel_group(&self, group: GroupKey, close: bool) {
        let mut over = Over::default();
        let mut doomed = false;
        self.with(|core| {
            let Some(index) = core.groups.find_open(group) else {
                return;
            };
            for key in core.groups.tasks_of(index, &mut core.slots) {
                doomed |= self.doom(core, key);
            }
            if close && group != ROOT {
                core.groups.close(index, &mut over);
            }
        });
        self.wake_all(over.wakers);
        self.drop_all(over.attached);
        if doomed {
            self.attend_soon();
        }
    }

    /// Has a value dropped when a group closes; at once if it is closed.
    pub(crate) fn attach(&self, group: GroupKey, value: Box<dyn Any>) {
        let mut value = Some(value);
        self.with(|core| {
            if let Some(index) = core.groups.find_open(group).filter(|_| self.open.get()) {
                core.groups.at_mut(index).attached.extend(value.take());
            }
        });
        self.drop_all(value.into_iter().collect());
    }

    /// Ends the task that is being polled, as soon as its poll returns. Returns whether there is one.
    pub(crate) fn fail(&self, reason: String) -> bool {
        let Some(key) = self.task() else {
            return false;
        };
        self.with(|core| {
            let is_first = core.failures.iter().all(|(failed, _)| *failed != key);
            if is_first && core.slots.get(key).is_some_and(Slot::is_polling) {
                core.failures.push((key, reason));
                self.disturbed.set(true);
            }
        });
        true
    }

    /// Has the engine settled before the next poll.
    pub(crate) fn ask_settle(&self) {
        if self.open.get() {
            self.settle.set(true);
            self.attend_soon();
        }
    }

    /// Has what is to be done on a clean stack done as soon as there is one.
    pub(super) fn attend_soon(&self) {
        self.attention.set(true);
        self.disturbed.set(true);
        if self.open.get() {
            self.ring();
        }
    }

    /// Does what has to be done on a clean stack before anything else is polled.
    #[inline]
    pub(super) fn attend(&self) {
        if self.attention.get() {
            self.attend_now();
        }
    }

    #[cold]
    fn attend_now(&self) {
        self.leave_task();
        while self.attention.replace(false) {
            if self.settle.replace(false)
                && let Some(engine) = self.engine()
            {
                self.guard("settling", || engine.settle());
            }
            self.reap();
        }
    }

    /// Drops the futures of the tasks that have ended, and of those that end meanwhile.
    pub(super) fn reap(&self) {
        while let Some((key, error, id, task)) = self.with(Core::next_doomed) {
            // One that is on the stack is ended when its poll returns: this is a shutdown from inside of it.
            if !task.is_busy() {
                let how = end_of(&error);
                self.end_cell(TaskId::new(id), &task, error);
                self.finish(key, &task, how);
                self.drop_cell(TaskId::new(id), task);
            }
        }
    }

    /// Drops what a task's cell holds, and keeps an error in its place.
    pub(super) fn end_cell(&self, id: TaskId, task: &Rc<dyn AnyTask>, error: TaskError) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task.end(error))) {
            self.report_panic(id, &**task, panic, "in a destructor");
        }
    }

    /// Gives up the scheduler's share of a cell: the last owner drops the output that nobody took.
    pub(super) fn drop_cell(&self, id: TaskId, task: Rc<dyn AnyTask>) {
        if Rc::strong_count(&task) > 1 {
            return;
        }
        let (name, location) = (task.header().name.as_deref().cloned(), task.header().location);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(task))) {
            let message = format!("dropping its output: {}", message_of(panic));
            self.report(TaskReport { id, name, location, error: TaskError::Panicked, message });
        }
    }

    /// Empties the slot of a task whose future has been dropped, and lets those know who wait for that.
    pub(super) fn finish(&self, key: TaskKey, task: &Rc<dyn AnyTask>, how: &str) {
        if self.logging.get() {
            self.log_task(key, how);
        }
        let mut wakers = Vec::new();
        let (share, has_lapsed) = self.with(|core| {
            core.groups.remove_task(key, &mut core.slots, &mut wakers);
            (core.slots.remove(key), !core.groups.lapsed.is_empty())
        });
        // The caller has a share too, so this is not the last one.
        drop(share);
        if has_lapsed {
            self.close_lapsed();
        }
        task.header().finished.set(true);
        match task.header().joiner.take() {
            Joiner::Shared(None) => {}
            joiner => self.guard("waking somebody else's task", || joiner.wake()),
        }
        self.wake_all(wakers);
    }

    /// Closes the groups that were to live as long as their tasks.
    #[cold]
    fn close_lapsed(&self) {
        while let Some(group) = self.with(|core| core.groups.take_lapsed()) {
            self.cancel_group(group, true);
        }
    }
}
