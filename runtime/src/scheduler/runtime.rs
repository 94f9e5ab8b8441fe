//! The runtime of a thread: what it holds, what it is asked, and what the engine calls.

mod ending;
mod polling;
mod reports;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use slab::Slab;

pub(crate) use self::reports::LogLine;
use super::groups::{Freeze, GroupKey, Groups, Over, ROOT};
use super::inbox::{self, Inbox};
use super::key::TaskKey;
use super::skip::Until;
use super::slots::{Slots, State};
use super::time::{Due, NEVER};
use super::waits::Woken;
use crate::engine::{Counts, Engine};
use crate::pool::{Pool, Work};
use crate::raw::cell::AnyTask;
use crate::raw::hold::Hold;
use crate::waiters::Label;
use crate::{Phase, TaskError, TaskId, TaskReport};

/// The number of the first scope. Those of orders lie below, so that one word can hold either.
pub(crate) const FIRST_SCOPE: u64 = 1 << 63;

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
    /// Set if a task that is on the stack has failed, or was cancelled, or if something is to be done before the next poll.
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
            scope: Cell::new(FIRST_SCOPE),
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
    #[inline(always)]
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
        let (key, runs_now, is_late) = self.with(|core| {
            let group = core.groups.find_open(place.group);
            let index = core.groups.nearest_open(place.group);
            task.header().spawned.set(core.groups.milliseconds());
            let key = core.slots.insert(index, id, Hold::new(task));
            core.groups.add_task(index, key, &mut core.slots);
            if group.is_none() {
                self.doom(core, key);
            } else if deferred {
                if let Some(slot) = core.slots.get_mut(key) {
                    slot.queued = true;
                }
                match self.draining.get() {
                    true => core.later.push((key, place.group)),
                    false => core.ready.push(Woken::new(key)),
                }
            }
            (key, group.is_some() && !deferred, group.is_none())
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
        } else if is_late {
            self.attend_soon();
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
