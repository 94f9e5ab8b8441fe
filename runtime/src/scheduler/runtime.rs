//! The runtime of a thread: its queues, and how tasks run, wake and end.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use slab::Slab;

use super::groups::{Freeze, GroupKey, Groups, Over, ROOT};
use super::inbox::{self, Inbox};
use super::key::TaskKey;
use super::skip::{Jump, MAX_JUMPS, Until};
use super::slots::{Slot, Slots, State};
use super::time::{Due, NEVER};
use super::waits::Woken;
use crate::engine::{Counts, Engine};
use crate::pool::{Pool, Work};
use crate::raw::cell::{AnyTask, Joiner};
use crate::raw::waker::with_waker;
use crate::waiters::Label;
use crate::{Phase, TaskError, TaskId, TaskReport};

/// The number of rounds after which a drain leaves the rest to the next one.
const MAX_ROUNDS: u32 = 1_000;

/// How many of the last rounds of a livelock are looked at for the names of its tasks.
const NAMED_ROUNDS: u32 = 2;

/// The depth of nested spawns up to which they run at once.
const MAX_DEPTH: u32 = 32;

#[cfg(not(all(test, loom)))]
thread_local! {
    /// The runtime of this thread, if there is one. It has no destructor, so that it can be asked at any time, from the
    /// destructors of other thread-locals too.
    static CURRENT: Cell<Option<&'static Runtime>> = const { Cell::new(None) };
}

// Loom's threads are no threads of the system's.
#[cfg(all(test, loom))]
loom::thread_local! {
    static CURRENT: Cell<Option<&'static Runtime>> = Cell::new(None);
}

/// The order of spawns over the whole process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Returns the runtime of this thread, if there is one.
#[inline]
pub(crate) fn try_current() -> Option<&'static Runtime> {
    CURRENT.with(Cell::get)
}

/// Returns the runtime of this thread.
///
/// # Panics
/// If there is none, naming the caller's line.
#[inline]
#[track_caller]
pub(crate) fn current() -> &'static Runtime {
    match try_current() {
        Some(runtime) => runtime,
        None => no_runtime(),
    }
}

#[cold]
#[track_caller]
fn no_runtime() -> ! {
    let thread = thread::current();
    let name = thread.name().unwrap_or("without a name");
    panic!(
        "the thread \"{name}\" has no runtime: tasks and waits belong to the thread that started the runtime, in a \
         game the main thread; to get there from here, wake a task that waits there"
    );
}

/// Returns the runtime of this thread, a new one if there is none yet.
pub(crate) fn current_or_new() -> &'static Runtime {
    try_current().unwrap_or_else(|| {
        let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new()));
        CURRENT.with(|current| current.set(Some(runtime)));
        runtime
    })
}

/// Wakes a task, from any thread.
#[inline]
pub(crate) fn wake(key: TaskKey) {
    match try_current() {
        Some(runtime) if runtime.number == key.runtime() => runtime.wake(key),
        _ => inbox::send(key),
    }
}

/// Notes that a task has come to its end, before its future is dropped: what that cancels is no longer the task itself.
pub(crate) fn note_ready(key: TaskKey) {
    let Some(runtime) = try_current() else {
        return;
    };
    runtime.with(|core| match core.slots.get_mut(key) {
        Some(slot) if slot.state == State::Alive => slot.state = State::Ready,
        _ => {}
    });
}

/// What `on_task_panic` was given.
type Hook = Rc<dyn Fn(&TaskReport)>;

/// Where a task is spawned.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) group: GroupKey,
    /// Whether its first poll waits for the next drain.
    pub(crate) deferred: bool,
}

/// A thread's runtime. It lives as long as the process, since wakers may name it for ever; a shutdown empties it.
pub(crate) struct Runtime {
    number: u16,
    inbox: &'static Inbox,
    engine: RefCell<Option<Rc<dyn Engine>>>,
    /// What hears of every report, in the order in which they were added.
    hooks: RefCell<Vec<Hook>>,
    /// The threads of background work, from its first use after a start.
    pool: RefCell<Option<Pool>>,
    core: RefCell<Core>,
    /// The round that is polled, and the position of the one whose turn it is.
    round: RefCell<Vec<Woken>>,
    turn: Cell<usize>,
    /// Set between a start and the shutdown.
    open: Cell<bool>,
    draining: Cell<bool>,
    /// Set while what is drained is a tick's, and not a flush's.
    ticking: Cell<bool>,
    /// Set from the moment the engine is asked for a flush until it comes.
    rung: Cell<bool>,
    /// Set while something has to be done before the next poll: futures to drop, an engine to settle.
    attention: Cell<bool>,
    settle: Cell<bool>,
    /// The depth of nested spawns on the stack.
    depth: Cell<u32>,
    /// Set if a flush has come while a spawn was on the stack.
    missed: Cell<bool>,
    /// The task that is being polled, and its group; nobody's if there is none.
    task: Cell<TaskKey>,
    group: Cell<GroupKey>,
    /// The number of what is being polled: another one for each poll, and whenever the clock of the running code changes.
    /// What was made under the present number was made now, on the present clock. It only grows.
    scope: Cell<u64>,
    /// The order of the wait for the next frame that has come to the task which the drain polls; 0 if it was another
    /// event.
    came: Cell<u64>,
    /// How many waits for the next frame were made under the present number and not polled yet.
    loose: Cell<u32>,
    /// Set if a task that is on the stack has failed, or was cancelled.
    disturbed: Cell<bool>,
    /// Set while a livelock goes on that has been reported.
    livelock: Cell<bool>,
    /// The wall time when the engine was asked last.
    real_time: Cell<Duration>,
    /// The polls so far.
    polls: Cell<u64>,
    /// What has happened, while a rehearsal writes it down.
    log: RefCell<Option<Vec<LogLine>>>,
    logging: Cell<bool>,
}

/// What has happened to a task in a rehearsal.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// The time since the start of the rehearsal.
    pub(crate) time: Duration,
    pub(crate) who: String,
    pub(crate) what: String,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What a runtime borrows for moments at a time.
pub(crate) struct Core {
    pub(crate) slots: Slots,
    pub(crate) groups: Groups,
    /// What is polled in the next round, or in the next drain while there is none.
    ready: Vec<Woken>,
    /// What is polled in the next drain, while there is one, each with the group whose clock was the current one.
    later: Vec<(TaskKey, GroupKey)>,
    /// Tasks that have ended, whose futures are to be dropped, each with the reason.
    doomed: VecDeque<(TaskKey, TaskError)>,
    /// Tasks on the stack that wait for what cannot come, each with the reason.
    failures: Vec<(TaskKey, String)>,
    /// What tasks wait for in lists outside of the scheduler, for snapshots.
    pub(super) notes: Slab<(TaskKey, Label)>,
    /// Memory for the keys of the inbox.
    arrived: Vec<TaskKey>,
}

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
    /// Queues a task, unless it is queued already. Returns whether it is there to be polled.
    #[inline]
    fn enqueue(&mut self, key: TaskKey, draining: bool, current: Option<GroupKey>) -> bool {
        let Some(slot) = self.slots.get_mut(key) else {
            return false;
        };
        if slot.queued || slot.state.is_over() {
            return slot.queued;
        }
        slot.queued = true;
        let slot = &*slot;
        match current {
            // A task that is woken while it is polled has woken itself, one way or another.
            Some(group) if draining && slot.is_polling() => self.later.push((key, group)),
            _ => self.ready.push(Woken::new(key)),
        }
        true
    }

    /// Queues the tasks that a function makes due, and returns the wakers of others.
    #[inline]
    fn make_due(&mut self, make: impl FnOnce(&mut Groups, &mut Due<'_>)) -> Vec<Waker> {
        let Self { slots, groups, ready, .. } = self;
        let mut due = Due { slots, ready, others: Vec::new() };
        make(groups, &mut due);
        due.others
    }

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

    /// Finds out whose turn it is, with the task's cell and its group; nobody's if the task is over, or has had its turn,
    /// or is frozen.
    #[inline(always)]
    fn begin_poll(&mut self, woken: Woken) -> Option<(Rc<dyn AnyTask>, GroupKey)> {
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
        Some((slot.task.clone()?, self.groups.key_at(index)))
    }

    /// Returns the first task whose future is to be dropped, with the reason and its number.
    fn next_doomed(&mut self) -> Option<(TaskKey, TaskError, u64, Rc<dyn AnyTask>)> {
        loop {
            let (key, error) = self.doomed.pop_front()?;
            if let Some(slot) = self.slots.get(key)
                && let Some(task) = slot.task.clone()
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
    fn new() -> Self {
        let (number, inbox) = inbox::open();
        Self {
            number,
            inbox,
            engine: RefCell::new(None),
            hooks: RefCell::new(Vec::new()),
            pool: RefCell::new(None),
            core: RefCell::new(Core {
                slots: Slots::new(number),
                groups: Groups::new(),
                ready: Vec::new(),
                later: Vec::new(),
                doomed: VecDeque::new(),
                failures: Vec::new(),
                notes: Slab::new(),
                arrived: Vec::new(),
            }),
            round: RefCell::new(Vec::new()),
            turn: Cell::new(0),
            open: Cell::new(false),
            draining: Cell::new(false),
            ticking: Cell::new(false),
            rung: Cell::new(false),
            attention: Cell::new(false),
            settle: Cell::new(false),
            depth: Cell::new(0),
            missed: Cell::new(false),
            task: Cell::new(TaskKey::NOBODY),
            group: Cell::new(GroupKey::NOWHERE),
            scope: Cell::new(0),
            came: Cell::new(0),
            loose: Cell::new(0),
            disturbed: Cell::new(false),
            livelock: Cell::new(false),
            real_time: Cell::new(Duration::ZERO),
            polls: Cell::new(0),
            log: RefCell::new(None),
            logging: Cell::new(false),
        }
    }

    // ---------------------------------------------------------------- Asking

    /// Borrows the core for one function, which must not run code of the caller.
    #[inline]
    pub(crate) fn with<T>(&self, function: impl FnOnce(&mut Core) -> T) -> T {
        function(&mut self.core.borrow_mut())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.get()
    }

    /// Returns the task that is being polled.
    pub(crate) fn task(&self) -> Option<TaskKey> {
        Some(self.task.get()).filter(|&task| task != TaskKey::NOBODY)
    }

    /// Returns the group of the task that is being polled.
    #[inline]
    pub(crate) fn task_group(&self) -> Option<GroupKey> {
        self.group.get().somewhere()
    }

    /// Returns whether a task's future has not been dropped yet.
    pub(crate) fn has_task(&self, key: TaskKey) -> bool {
        self.with(|core| core.slots.get(key).is_some())
    }

    /// Returns whether a task is still to be polled.
    pub(crate) fn is_alive(&self, key: TaskKey) -> bool {
        self.with(|core| core.slots.is_alive(key))
    }

    /// Asks the engine for the wall time; while there is none, or it panics, the time stands still.
    pub(crate) fn real_time(&self) -> Duration {
        if let Some(engine) = self.engine() {
            self.guard("asking for the real time", || self.real_time.set(engine.real_time()));
        }
        self.real_time.get()
    }

    /// Returns the number of process ticks so far.
    pub(crate) fn frame(&self) -> u64 {
        self.with(|core| core.groups.process_ticks)
    }

    /// Returns the number of polls so far.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.get()
    }

    /// Counts what is alive.
    pub(crate) fn counts(&self) -> Counts {
        self.with(|core| Counts {
            tasks: core.groups.at(ROOT.index).live,
            groups: core.groups.count(),
            waits: core.groups.wait_count(),
        })
    }

    /// Returns whether a task is being polled by the drain, and not by a spawn.
    pub(crate) fn is_fresh_poll(&self) -> bool {
        self.draining.get() && self.depth.get() == 0 && self.task().is_some()
    }

    /// Returns whether a poll may be on the stack.
    fn is_busy(&self) -> bool {
        self.draining.get() || self.depth.get() > 0
    }

    pub(super) fn engine(&self) -> Option<Rc<dyn Engine>> {
        self.engine.borrow().clone()
    }

    // ---------------------------------------------------------------- Spawning

    /// Spawns a task.
    pub(crate) fn spawn(&self, place: Place, task: Rc<dyn AnyTask>) -> (Option<TaskKey>, TaskId) {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        if !self.open.get() {
            self.end_cell(TaskId::new(id), &task, TaskError::Cancelled);
            task.header().finished.set(true);
            return (None, TaskId::new(id));
        }
        let deferred = place.deferred || self.depth.get() >= MAX_DEPTH;
        let (key, runs_now) = self.with(|core| {
            let group = core.groups.find_open(place.group);
            let index = core.groups.nearest_open(place.group);
            task.header().spawned.set(core.groups.milliseconds());
            let key = core.slots.insert(index, id, task);
            core.groups.add_task(index, key, &mut core.slots);
            if group.is_none() {
                self.doom(core, key);
                self.attention.set(true);
            } else if deferred {
                if let Some(slot) = core.slots.get_mut(key) {
                    slot.queued = true;
                }
                match self.draining.get() {
                    true => core.later.push((key, place.group)),
                    false => core.ready.push(Woken::new(key)),
                }
            }
            (key, group.is_some() && !deferred)
        });
        if self.logging.get() {
            self.log_task(key, "begins");
        }
        if runs_now {
            self.depth.set(self.depth.get() + 1);
            self.poll_new(key);
            self.depth.set(self.depth.get() - 1);
            if self.depth.get() == 0 {
                if !self.draining.get() {
                    self.disturbed.set(false);
                }
                if self.missed.replace(false) {
                    self.ring();
                }
            }
        } else {
            self.ring();
        }
        (Some(key), TaskId::new(id))
    }

    // ---------------------------------------------------------------- Waking

    #[inline]
    fn wake(&self, key: TaskKey) {
        if !self.open.get() {
            return;
        }
        let draining = self.draining.get();
        let current = self.task_group();
        if self.with(|core| core.enqueue(key, draining, current)) {
            self.ring();
        }
    }

    /// Asks the engine for a flush, unless a drain is on or a flush is on its way.
    #[inline]
    fn ring(&self) {
        if !self.draining.get() && !self.rung.get() {
            self.rung.set(true);
            if let Some(engine) = self.engine() {
                self.guard("asking for a flush", || engine.call_soon());
            }
        }
    }

    // ---------------------------------------------------------------- Ending

    /// Cancels a task.
    pub(crate) fn cancel(&self, key: TaskKey) {
        if self.with(|core| self.doom(core, key)) {
            self.attend_soon();
        }
    }

    /// Dooms a task. Returns whether that has to be asked for.
    #[inline]
    fn doom(&self, core: &mut Core, key: TaskKey) -> bool {
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

    fn attend_soon(&self) {
        self.attention.set(true);
        if self.open.get() {
            self.ring();
        }
    }

    /// Does what has to be done on a clean stack before anything else is polled.
    #[inline]
    fn attend(&self) {
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
    fn reap(&self) {
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
    fn end_cell(&self, id: TaskId, task: &Rc<dyn AnyTask>, error: TaskError) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task.end(error))) {
            self.report_panic(id, &**task, panic, "in a destructor");
        }
    }

    /// Gives up the scheduler's share of a cell: the last owner drops the output that nobody took.
    fn drop_cell(&self, id: TaskId, task: Rc<dyn AnyTask>) {
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
    fn finish(&self, key: TaskKey, task: &Rc<dyn AnyTask>, how: &str) {
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

    // ---------------------------------------------------------------- Skipping

    /// Returns whether the clock of a group is skipped.
    pub(crate) fn is_skipping(&self, group: GroupKey) -> bool {
        self.with(|core| core.groups.is_skipping(core.groups.nearest_open(group)))
    }

    /// Begins to skip the clock of a group; a closed one's is not.
    pub(crate) fn begin_skip(&self, group: GroupKey, until: Until) {
        if !self.open.get() {
            return;
        }
        let mut others = Vec::new();
        let has_begun = self.with(|core| {
            let Some(index) = core.groups.find_open(group) else {
                return false;
            };
            others = core.make_due(|groups, due| groups.begin_skip(index, until, due));
            true
        });
        self.wake_all(others);
        if has_begun {
            self.ring();
        }
    }

    /// Ends the skip of a group's clock, and returns the checkpoint that it was for, with those that were passed.
    pub(crate) fn end_skip(&self, group: GroupKey) -> Option<(Box<str>, Vec<Box<str>>)> {
        self.with(|core| core.groups.end_skip(core.groups.find_open(group)?))
    }

    /// Makes a group for a clock that futures of the running task have for themselves.
    pub(crate) fn add_own_clock(&self, keeps_time: bool) -> GroupKey {
        let parent = self.task_group().unwrap_or(ROOT);
        self.with(|core| {
            let open = if self.open.get() { core.groups.add_child(parent) } else { None };
            let key = open.unwrap_or(GroupKey::NOWHERE);
            if let (true, Some(index)) = (keeps_time, core.groups.find_open(key)) {
                core.groups.keep_time(index);
            }
            key
        })
    }

    /// Lets go of such a group: it closes with the last of its tasks.
    pub(crate) fn release_own_clock(&self, group: GroupKey) {
        self.end_skip(group);
        let is_over = self.with(|core| {
            let index = core.groups.find_open(group)?;
            let group = core.groups.at_mut(index);
            group.lapses = true;
            Some(group.live == 0)
        });
        if is_over == Some(true) {
            self.cancel_group(group, true);
        }
    }

    /// Calls a function in which another group is the running task's.
    pub(crate) fn within<T>(&self, group: GroupKey, function: impl FnOnce() -> T) -> T {
        let is_open = self.with(|core| core.groups.find_open(group).is_some());
        if !is_open {
            return function();
        }
        let outer = self.group.get();
        self.renew_scope();
        self.group.set(group);
        let _restored = Restored { runtime: self, group: outer };
        function()
    }

    // ---------------------------------------------------------------- Polling

    /// Polls a new task on the stack of its spawn, frozen or not.
    fn poll_new(&self, key: TaskKey) {
        let begun = self.with(|core| {
            let slot = core.slots.get_mut(key)?;
            let is_alive = slot.state == State::Alive;
            let group = core.groups.key_at(slot.group);
            is_alive.then_some((slot.task.clone()?, group))
        });
        let Some((task, group)) = begun else {
            return;
        };
        self.polls.set(self.polls.get() + 1);
        self.renew_scope();
        let outer_task = self.task.replace(key);
        let outer_group = self.group.replace(group);
        let polled = Self::poll_cell(key, &task);
        self.renew_scope();
        self.task.set(outer_task);
        self.group.set(outer_group);
        if !matches!(polled, Ok(Poll::Pending)) || self.disturbed.get() {
            self.end_poll(key, task, polled, true);
        }
    }

    /// Polls a task in a drain, if it is its turn. It stays the running one until another takes its place.
    #[inline]
    fn poll(&self, woken: Woken) {
        let Woken { key, by } = woken;
        let Some((task, group)) = self.with(|core| core.begin_poll(woken)) else {
            self.polls.set(self.polls.get() - 1);
            return;
        };
        self.came.set(by);
        self.task.set(key);
        self.group.set(group);
        self.scope.set(self.scope.get() + 1);
        let polled = Self::poll_cell(key, &task);
        let is_ordinary = matches!(polled, Ok(Poll::Pending)) && !self.disturbed.get();
        if !is_ordinary || self.loose.get() > 0 {
            self.leave_task();
            self.end_poll(key, task, polled, false);
            // Nothing else is on the stack of a drain.
            self.disturbed.set(false);
        }
    }

    #[inline(always)]
    fn poll_cell(key: TaskKey, task: &Rc<dyn AnyTask>) -> thread::Result<Poll<()>> {
        with_waker(key, &**task, |waker| {
            let mut cx = Context::from_waker(waker);
            catch_unwind(AssertUnwindSafe(|| task.poll(&mut cx, key)))
        })
    }

    /// Says that no task is running.
    fn leave_task(&self) {
        self.renew_scope();
        self.task.set(TaskKey::NOBODY);
        self.group.set(GroupKey::NOWHERE);
    }

    // ---------------------------------------------------------------- Scopes

    /// Returns the number of what is being polled, if anything is, for a wait that is made now.
    #[inline]
    pub(crate) fn add_loose(&self) -> Option<u64> {
        self.task_group()?;
        self.loose.set(self.loose.get() + 1);
        Some(self.scope.get())
    }

    /// Returns whether the wait for the next frame of an order has come, as far as it has woken the running task.
    #[inline]
    pub(crate) fn has_come(&self, order: u64) -> bool {
        self.came.get() == order
    }

    /// Returns the present group, unless a number is an older one.
    #[inline]
    pub(crate) fn group_of(&self, scope: u64) -> Option<GroupKey> {
        if scope == self.scope.get() { self.task_group() } else { None }
    }

    /// Takes a wait back that was made under the present number.
    #[inline]
    pub(crate) fn take_loose(&self) {
        self.loose.set(self.loose.get() - 1);
    }

    /// Begins with another number: what is being polled, or its clock, is another one from here on.
    #[inline]
    fn renew_scope(&self) {
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
    fn end_poll(
        &self,
        key: TaskKey,
        task: Rc<dyn AnyTask>,
        polled: thread::Result<Poll<()>>,
        is_first: bool,
    ) {
        let Some(id) = self.with(|core| core.slots.get(key).map(|slot| TaskId::new(slot.id)))
        else {
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
    fn drain(&self) {
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
                self.attend();
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
    pub(super) fn coming_turns(&self) -> HashSet<TaskKey> {
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

    // ---------------------------------------------------------------- The engine's calls

    /// Opens the runtime, or replaces the engine of one that is open.
    pub(crate) fn start(&self, engine: Rc<dyn Engine>) {
        let before = self.engine.borrow_mut().replace(engine);
        drop(before);
        if self.open.get() {
            // What the engine before was asked for, this one has not heard.
            if self.rung.replace(false) {
                self.ring();
            }
            return;
        }
        self.with(|core| core.groups.reset_root());
        self.rung.set(false);
        self.inbox.set_open(true);
        self.open.set(true);
    }

    /// Steps all clocks of a stage, and polls what that makes ready.
    pub(crate) fn tick(&self, phase: Phase, step: Duration) {
        if !self.open.get() || self.is_busy() {
            return;
        }
        let step = nanoseconds_of(step);
        let (others, waits_for_real) = self.with(|core| {
            let others = core.make_due(|groups, due| groups.tick(phase, step, due));
            (others, core.groups.waits_for_real())
        });
        self.wake_all(others);
        if waits_for_real {
            self.fire_real();
        }
        self.ticking.set(true);
        self.drain();
        self.ticking.set(false);
    }

    /// Queues who waits for a wall time that has come.
    #[cold]
    fn fire_real(&self) {
        let now = nanoseconds_of(self.real_time());
        let others = self.with(|core| core.make_due(|groups, due| groups.fire_real(now, due)));
        self.wake_all(others);
    }

    /// Polls what has become ready since the last tick or flush.
    pub(crate) fn flush(&self) {
        self.rung.set(false);
        // The stack of a spawn is not a clean one; what is ready gets another flush after it.
        self.missed.set(self.depth.get() > 0);
        self.drain();
    }

    /// Drops every future, in spawn order, and closes the runtime.
    pub(crate) fn shutdown(&self) {
        if !self.open.replace(false) {
            return;
        }
        self.inbox.set_open(false);
        let pool = self.pool.take();
        // From here on nothing of it begins.
        let work = pool.as_ref().map(Pool::close).unwrap_or_default();
        self.with(|core| {
            core.ready.clear();
            core.later.clear();
            for key in core.groups.tasks_of(ROOT.index, &mut core.slots) {
                self.doom(core, key);
            }
        });
        self.attention.set(false);
        self.settle.set(false);
        let doomed = self.with(|core| {
            // Those that were cancelled before have their place among the others.
            let mut doomed: Vec<_> = core.doomed.drain(..).collect();
            doomed.sort_by_key(|&(key, _)| core.slots.get(key).map(|slot| slot.id));
            doomed
        });
        self.with(|core| core.doomed.extend(doomed));
        self.reap();
        let mut over = Over::default();
        self.with(|core| {
            // Handles to groups of before must not reach groups of after.
            for group in core.groups.children(ROOT.index) {
                core.groups.close(group, &mut over);
            }
            core.groups.forget_skipping(ROOT.index);
            over.attached.append(&mut core.groups.at_mut(ROOT.index).attached);
        });
        self.drop_all(over.attached);
        for work in work {
            self.guard("dropping background work", || work.discard());
        }
        if let Some(pool) = pool {
            pool.join();
        }
        // They would be code of before for what comes after.
        for hook in self.hooks.take() {
            self.guard("dropping a hook of `on_task_panic`", || drop(hook));
        }
        let engine = self.engine.borrow_mut().take();
        drop(engine);
    }

    /// Freezes or thaws a group for one reason.
    pub(crate) fn set_freeze(&self, group: GroupKey, freeze: Freeze, on: bool) {
        let woke = self.with(|core| {
            let Some(index) = core.groups.find_open(group) else {
                return false;
            };
            let mut thawed = Vec::new();
            core.groups.set_freeze(index, freeze, on, &mut thawed);
            // What was cancelled meanwhile needs no poll.
            thawed.retain(|&key| core.slots.is_alive(key));
            core.ready.extend(thawed.iter().map(|&key| Woken::new(key)));
            !thawed.is_empty()
        });
        if woke {
            self.ring();
        }
    }

    /// Hands work to the threads, and returns whether there are any. After the shutdown it is dropped.
    pub(crate) fn run_in_background(&self, work: Arc<dyn Work>) -> bool {
        if !self.open.get() {
            work.discard();
            return true;
        }
        if self.pool.borrow().is_none() {
            let mut limit = 0;
            if let Some(engine) = self.engine() {
                self.guard("asking for the number of threads", || {
                    limit = engine.background_threads();
                });
            }
            self.pool.borrow_mut().get_or_insert_with(|| Pool::new(limit));
        }
        self.pool.borrow_mut().as_mut().is_some_and(|pool| pool.push(work))
    }

    // ---------------------------------------------------------------- Reports

    fn report_panic(
        &self,
        id: TaskId,
        task: &dyn AnyTask,
        panic: Box<dyn Any + Send>,
        place: &str,
    ) {
        let message = match place {
            "" => message_of(panic),
            place => format!("{place}: {}", message_of(panic)),
        };
        self.report(TaskReport::new(id, task, TaskError::Panicked, message));
    }

    fn report(&self, report: TaskReport) {
        if self.logging.get() {
            let who = who_of(report.name.as_deref(), report.location);
            self.add_log(who, format!("{}: {}", end_of(&report.error), report.message));
        }
        if let Some(engine) = self.engine() {
            // A report that panics must not take the drain with it.
            shield(|| engine.report(&report));
        }
        // Those that a hook adds hear of the next report, and a shutdown ends the round.
        let count = self.hooks.borrow().len();
        for index in 0..count {
            let Some(hook) = self.hooks.borrow().get(index).cloned() else {
                break;
            };
            self.guard("a hook of `on_task_panic`", || {
                // Moved in, since it may be the last owner.
                let hook = hook;
                hook(&report);
            });
        }
    }

    // ---------------------------------------------------------------- Rehearsals

    /// Starts with a clock at 0, writing down what happens from now on.
    pub(crate) fn start_rehearsal(&self, engine: Rc<dyn Engine>) {
        self.start(engine);
        self.with(|core| core.groups.restart_clock());
        self.log.replace(Some(Vec::new()));
        self.logging.set(true);
    }

    /// Ends what [`start_rehearsal`](Self::start_rehearsal) has begun.
    pub(crate) fn end_rehearsal(&self) {
        self.logging.set(false);
        self.shutdown();
        self.log.replace(None);
    }

    /// Returns whether a task waits for the next drain.
    pub(crate) fn has_ready(&self) -> bool {
        self.with(|core| !core.ready.is_empty()) || self.inbox.is_filled()
    }

    /// Returns what is written down so far.
    pub(crate) fn log(&self) -> Vec<LogLine> {
        self.log.borrow().clone().unwrap_or_default()
    }

    /// Writes something down about the running task, if there is a rehearsal.
    pub(crate) fn note(&self, what: &str) {
        if !self.logging.get() {
            return;
        }
        match self.task() {
            Some(key) => self.log_task(key, what),
            None => self.add_log("rehearsal".to_owned(), what.to_owned()),
        }
    }

    fn log_task(&self, key: TaskKey, what: &str) {
        let who = self.with(|core| {
            let task = core.slots.get(key)?.task.as_ref()?;
            let header = task.header();
            Some(who_of(header.name.as_deref().map(|name| &**name), header.location))
        });
        self.add_log(who.unwrap_or_default(), what.to_owned());
    }

    fn add_log(&self, who: String, what: String) {
        let time = self.real_time();
        if let Some(log) = &mut *self.log.borrow_mut() {
            log.push(LogLine { time, who, what });
        }
    }

    /// Adds a hook that hears of every report until the shutdown.
    pub(crate) fn add_hook(&self, hook: Hook) {
        if self.open.get() {
            self.hooks.borrow_mut().push(hook);
        }
    }

    pub(crate) fn report_error(&self, message: &str) {
        if self.logging.get() {
            self.add_log("cuelight".to_owned(), message.to_owned());
        }
        if let Some(engine) = self.engine() {
            shield(|| engine.error(message));
        }
    }

    /// Calls what belongs to the engine or to another executor; a panic in it is reported, and goes no further.
    pub(super) fn guard(&self, what: &str, call: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
            self.report_error(&format!("{what} panicked: {}", message_of(panic)));
        }
    }

    fn drop_all(&self, values: Vec<Box<dyn Any>>) {
        for value in values {
            self.guard("dropping what was attached to a group", || drop(value));
        }
    }

    fn wake_all(&self, wakers: Vec<Waker>) {
        for waker in wakers {
            self.guard("waking somebody else's task", || waker.wake());
        }
    }

    /// Adds the names of a round's tasks, each once.
    #[cold]
    fn note_names(&self, round: &[Woken], names: &mut Vec<String>) {
        self.with(|core| {
            for &Woken { key, .. } in round {
                let Some(slot) = core.slots.get(key) else {
                    continue;
                };
                let Some(task) = &slot.task else { continue };
                let name = TaskReport::title(TaskId::new(slot.id), &**task);
                if !names.contains(&name) && names.len() < 16 {
                    names.push(name);
                }
            }
        });
    }

    #[cold]
    fn report_livelock(&self, names: &[String]) {
        self.report_error(&format!(
            "tasks have woken each other for {MAX_ROUNDS} rounds in one frame, and go on in the next: {}; let one of \
             them wait for a frame",
            names.join(", ")
        ));
    }
}

/// Returns how a task is called in a log, where numbers would differ from run to run.
fn who_of(name: Option<&str>, location: &Location<'_>) -> String {
    match name {
        Some(name) => name.to_owned(),
        None => format!("{}:{}", location.file(), location.line()),
    }
}

/// Returns how a task has ended that has no result.
fn end_of(error: &TaskError) -> &'static str {
    match error {
        TaskError::Cancelled => "is cancelled",
        TaskError::Failed(_) => "fails",
        TaskError::Panicked => "panics",
    }
}

/// Puts the running task's group back when it is dropped.
struct Restored<'a> {
    runtime: &'a Runtime,
    group: GroupKey,
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.runtime.renew_scope();
        self.runtime.group.set(self.group);
    }
}

/// Returns a length of time in nanoseconds: one that is too long is almost for ever.
pub(crate) fn nanoseconds_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER).min(NEVER - 1)
}

/// Calls what nobody is left to hear a panic of. Its payload is leaked, since its destructor may panic in its turn.
fn shield(call: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
        std::mem::forget(panic);
    }
}

/// Returns the text of a panic.
fn message_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => match panic.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => {
                shield(|| drop(panic));
                "a panic without a text".to_owned()
            }
        },
    }
}
