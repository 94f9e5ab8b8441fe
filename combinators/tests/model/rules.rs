//! The rules of the runtime, written as plainly as they can be: every tick walks all clocks, and
//! everything is found by searching lists from their start. Nothing in here is fast, and nothing is
//! shared with the runtime, so that the two agree only if both follow the rules.
//!
//! User code (a script's steps, a guard's actions, a condition) is called in `script.rs`, which
//! comes back into the rules.

use std::cell::Cell;

use super::groups::Group;
use super::program::{Guard, How, MAX_TASKS, Place, Program, SIGNALS, pick};
use super::skips::Skip;
use super::waits::{Waiting, Waker};

/// A drain ends after so many rounds.
const ROUNDS: usize = 1_000;

/// Spawns that are nested deeper than this start in the next drain.
const NESTED_SPAWNS: usize = 32;

/// The reference model, with the log of what happened in it.
pub struct Model<'a> {
    /// What it runs.
    pub program: &'a Program,
    /// What happened, a line each.
    pub log: Vec<String>,
    /// Tasks in spawn order, those that are gone included.
    pub tasks: Vec<Task<'a>>,
    /// Those that the program knows, by their numbers.
    pub numbered: Vec<usize>,
    /// Waits in the order in which they were made, those that are gone included.
    pub waits: Vec<Waiting<'a>>,
    /// Waits that no task holds.
    pub stash: Vec<usize>,
    /// How often each event was given, and who is woken at the next time.
    pub events: [(u64, Vec<Waker>); SIGNALS],
    /// What conditions ask for.
    pub flags: [bool; SIGNALS],
    /// How often each cue was given.
    pub cues: [u64; SIGNALS],
    /// The flags of the runtime.
    pub raised: [bool; SIGNALS],
    /// Cooldowns: the group, the seconds, and the wait for the end of the last start.
    pub cooldowns: [Option<Cooldown>; SIGNALS],
    /// Slots: the group, and which queue.
    pub slots: [Option<(usize, usize)>; SIGNALS],
    /// The tasks of slots, those of dropped slots included: the first of each runs.
    pub queues: Vec<Vec<usize>>,
    /// The slow guards that are held: the group, and the guard's number in it.
    pub slows: Vec<(usize, u64)>,
    /// The tasks whose polls are on the stack, innermost last.
    pub stack: Vec<usize>,
    pub groups: Vec<Group>,
    /// Set if the runtime has been started, and not shut down since.
    pub open: bool,
    /// Set if there is an engine to report to: until the shutdown is over.
    pub engine: bool,
    /// Set if a tick or a flush is running.
    pub busy: bool,
    /// Set if a flush has been asked for.
    pub rung: bool,
    /// Set while a livelock goes on that has been reported.
    pub livelock: bool,
    /// The number of spawns on the stack that poll their task.
    pub nested: usize,
    /// The wall time, which the ticks move on.
    pub real: u64,
    /// What of that the runtime has heard last.
    pub real_heard: Cell<u64>,
    /// What numbers the first polls, and the slow guards.
    pub counter: u64,
    /// Tasks that are polled in the next round, or in the next drain if none is running.
    pub ready: Vec<usize>,
    /// Tasks that are polled in the next drain, though one is running.
    pub later: Vec<usize>,
    /// Tasks that were ready while their group was frozen.
    pub kept: Vec<usize>,
    /// Cancelled tasks whose futures are still to be dropped.
    pub doomed: Vec<usize>,
    /// The groups that are skipped, in the order in which that began.
    pub skips: Vec<Skip>,
    /// Set if the last tick was one of the physics.
    pub mid_frame: bool,
    /// Set when a wait was due that somebody polls outside of all tasks.
    pub woken_outside: bool,
}

/// A cooldown.
#[derive(Clone, Copy)]
pub struct Cooldown {
    pub group: usize,
    pub seconds: f64,
    /// The wait for the end of the last start.
    pub wait: Option<usize>,
}

/// A task. Its place in the list is its number, and its output.
pub struct Task<'a> {
    /// The number that the program knows it by: what goes on as a task has none.
    pub number: Option<usize>,
    /// The wait that it is the rest of, if it runs no script.
    pub rest: Option<usize>,
    /// Which script it runs.
    pub script: usize,
    /// The step that it is at.
    pub step: usize,
    /// The laps that it has behind it.
    pub laps: u32,
    /// What it waits for.
    pub awaiting: Option<Vec<usize>>,
    /// The guards that it has made in this lap.
    pub locals: Vec<&'a Guard>,
    /// Set while a panic of its own goes through it: a second one would abort.
    pub unwinding: bool,
    /// Set if its handle is kept in the table.
    pub handle: bool,
    /// Who awaits its handle.
    pub waiter: Option<Waker>,
    /// Set if its handle is shared, whoever has it.
    pub shared: bool,
    /// Which queue of a slot it is in until it is gone.
    pub queue: Option<usize>,
    /// Set if it has been the first of its queue when it was polled.
    pub begun: bool,
    /// Set if it is woken when it is.
    pub queuing: bool,
    /// How it ended. Set if its future is gone.
    pub result: Option<End>,
    pub group: usize,
    /// Set if its group knows it: unless it was spawned after the shutdown.
    pub counts: bool,
    pub life: Life,
    /// Set if it is in `ready`, in `later` or in `kept`.
    pub queued: bool,
    pub polling: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Life {
    /// It can be polled.
    Alive,
    /// It was cancelled, and its future is to be dropped.
    Doomed,
    /// It has ended by itself, or its future is being dropped, or is gone.
    Ended,
}

/// How a task ended.
#[derive(Clone)]
pub enum End {
    Output(usize),
    Cancelled,
    Panicked,
}

/// What a poll of a task comes to.
pub enum Polled {
    Pending,
    Ready,
    Panicked(String),
}

impl<'a> Model<'a> {
    /// Makes a model that has been started.
    pub fn new(program: &'a Program, root_time: [u64; 2]) -> Self {
        let mut root = Group::new(0);
        root.time = root_time;
        Model {
            program,
            log: Vec::new(),
            tasks: Vec::new(),
            numbered: Vec::new(),
            waits: Vec::new(),
            stash: Vec::new(),
            events: Default::default(),
            flags: Default::default(),
            cues: Default::default(),
            raised: Default::default(),
            cooldowns: Default::default(),
            slots: Default::default(),
            queues: Vec::new(),
            slows: Vec::new(),
            stack: Vec::new(),
            groups: vec![root],
            open: true,
            engine: true,
            busy: false,
            rung: false,
            livelock: false,
            nested: 0,
            real: 0,
            real_heard: Cell::new(0),
            counter: 0,
            ready: Vec::new(),
            later: Vec::new(),
            kept: Vec::new(),
            doomed: Vec::new(),
            skips: Vec::new(),
            mid_frame: false,
            woken_outside: false,
        }
    }

    // What the engine calls.

    pub fn tick(&mut self, stage: usize, delta: u64) {
        if !self.open {
            return;
        }
        self.busy = true;
        self.mid_frame = stage == 1;
        self.step_clocks(0, stage, delta);
        self.fire_real();
        self.drain();
    }

    pub fn flush(&mut self) {
        self.rung = false;
        if self.open {
            self.drain();
        }
    }

    pub fn shutdown(&mut self) {
        if !self.open {
            return;
        }
        self.open = false;
        for list in [&mut self.ready, &mut self.later, &mut self.kept, &mut self.doomed] {
            list.clear();
        }
        for task in &mut self.tasks {
            if task.life == Life::Alive {
                task.life = Life::Doomed;
            }
        }
        // What is spawned meanwhile is dropped at once, so the list has no more of them at its end.
        for task in 0..self.tasks.len() {
            if self.tasks[task].life != Life::Ended {
                self.end(task, End::Cancelled);
            }
        }
        for group in &mut self.groups[1..] {
            group.closed = true;
        }
        self.skips.clear();
        self.engine = false;
    }

    /// Starts the runtime again: nothing of before is in it, but the root clock goes on.
    pub fn start(&mut self) {
        if !self.open {
            self.slows.clear();
            self.drop_stash();
            self.cooldowns = Default::default();
            self.slots = Default::default();
            let mut root = Group::new(0);
            root.time = self.groups[0].time;
            root.frames = self.groups[0].frames;
            self.groups[0] = root;
            self.rung = false;
            self.mid_frame = false;
            self.engine = true;
            self.open = true;
        }
    }

    // Tasks.

    pub fn spawn(&mut self, script: u8, place: Place, deferred: bool, keep: bool) {
        if self.numbered.len() == MAX_TASKS {
            return;
        }
        let group = match place {
            Place::Root => 0,
            Place::Current => self.here(),
            Place::Group(group) => self.group(group),
            Place::Channel(group, name) => self.channel(self.group(group), name),
        };
        self.spawn_into(script, group, deferred, keep, None);
    }

    /// Hands a task to a slot.
    pub fn start_in_slot(&mut self, slot: usize, group: usize, how: How, script: u8, keep: bool) {
        if self.numbered.len() == MAX_TASKS {
            return;
        }
        let (group, queue) = *self.slots[slot].get_or_insert_with(|| {
            self.queues.push(Vec::new());
            (group, self.queues.len() - 1)
        });
        match how {
            How::Replace => self.cancel_queue(queue),
            How::IfIdle if !self.is_idle(queue) => {
                self.log.push(format!("slot {slot} is busy"));
                return;
            }
            How::IfIdle | How::Enqueue => {}
        }
        self.spawn_into(script, group, true, keep, Some(queue));
    }

    pub fn cancel_queue(&mut self, queue: usize) {
        for task in self.queues[queue].clone() {
            self.cancel(task);
        }
    }

    pub fn is_idle(&self, queue: usize) -> bool {
        self.queues[queue].iter().all(|&task| self.tasks[task].life != Life::Alive)
    }

    fn spawn_into(
        &mut self,
        script: u8,
        group: usize,
        deferred: bool,
        keep: bool,
        queue: Option<usize>,
    ) {
        let number = self.numbered.len();
        self.log.push(format!("t{number}: spawn"));
        self.numbered.push(self.tasks.len());
        let script = pick(script, self.program.scripts.len());
        let task = self.start_task(Some(number), script, None, group, deferred, queue);
        self.tasks[task].handle = keep;
        let finished = self.tasks[task].result.is_some();
        self.log.push(format!("t{number}: spawned, finished {finished}"));
    }

    /// Has what is left of a wait go on as a task of a group.
    pub fn spawn_rest(&mut self, wait: usize, group: usize, deferred: bool) {
        self.start_task(None, 0, Some(wait), group, deferred, None);
    }

    fn start_task(
        &mut self,
        name: Option<usize>,
        script: usize,
        rest: Option<usize>,
        group: usize,
        deferred: bool,
        queue: Option<usize>,
    ) -> usize {
        let number = self.tasks.len();
        self.tasks.push(Task {
            number: name,
            rest,
            // A task of a closed group is nobody's but the next group's above.
            group: self.living(group),
            script,
            step: 0,
            laps: 0,
            awaiting: None,
            locals: Vec::new(),
            unwinding: false,
            handle: false,
            waiter: None,
            shared: false,
            queue,
            begun: queue.is_none(),
            queuing: false,
            result: None,
            counts: self.open,
            life: Life::Alive,
            queued: false,
            polling: false,
        });
        if let Some(queue) = queue {
            self.queues[queue].push(number);
        }
        if !self.open {
            self.end(number, End::Cancelled);
        } else if self.groups[group].closed {
            self.cancel(number);
        } else if deferred || self.nested == NESTED_SPAWNS {
            self.tasks[number].queued = true;
            if self.busy {
                self.later.push(number);
            } else {
                self.ready.push(number);
                self.ring();
            }
        } else {
            self.nested += 1;
            self.poll(number);
            self.nested -= 1;
        }
        number
    }

    pub fn cancel(&mut self, task: usize) {
        if self.open && self.tasks[task].life == Life::Alive {
            self.tasks[task].life = Life::Doomed;
            self.doomed.push(task);
            // One that is being polled may yet come to its end, and leave nothing to be dropped.
            if !self.tasks[task].polling {
                self.ring();
            }
        }
    }

    pub fn wake(&mut self, waker: Waker) {
        let Waker::Task(number) = waker else {
            self.woken_outside = true;
            self.log.push("outside: woken".into());
            return;
        };
        let task = &mut self.tasks[number];
        if !self.open || task.life != Life::Alive {
            return;
        }
        if std::mem::replace(&mut task.queued, true) {
            self.ring();
            return;
        }
        if self.busy && task.polling {
            self.later.push(number);
        } else {
            self.ready.push(number);
            self.ring();
        }
    }

    pub fn ring(&mut self) {
        if !self.busy {
            self.rung = true;
        }
    }

    fn drain(&mut self) {
        self.busy = true;
        self.drop_doomed();
        loop {
            self.rounds();
            if !self.ready.is_empty() || !self.jump() {
                break;
            }
        }
        let livelock = !self.ready.is_empty();
        if livelock && !self.livelock {
            self.log.push("error".into());
        }
        self.livelock = livelock;
        self.ready.append(&mut self.later);
        self.busy = false;
    }

    fn rounds(&mut self) {
        for _ in 0..ROUNDS {
            if self.ready.is_empty() {
                break;
            }
            for task in std::mem::take(&mut self.ready) {
                self.drop_doomed();
                if self.tasks[task].life != Life::Alive {
                    continue;
                }
                if self.frozen(self.tasks[task].group) {
                    self.kept.push(task);
                    continue;
                }
                self.tasks[task].queued = false;
                self.poll(task);
            }
            self.drop_doomed();
        }
    }

    fn poll(&mut self, task: usize) {
        self.stack.push(task);
        self.tasks[task].polling = true;
        let polled = self.run(task);
        self.tasks[task].polling = false;
        // If it was cancelled meanwhile, that is its result; if it has come to its end too, its future
        // need not wait for its turn.
        let cancelled = self.tasks[task].life == Life::Doomed;
        let result = |end| if cancelled { End::Cancelled } else { end };
        if !matches!(polled, Polled::Pending) {
            self.doomed.retain(|&doomed| doomed != task);
        } else if cancelled {
            self.ring();
        }
        // The drop after a ready poll is still the task's own; after a panic it is not.
        if let Polled::Ready = polled {
            let output = self.tasks[task].number.unwrap_or_default();
            self.end(task, result(End::Output(output)));
        }
        self.stack.pop();
        if let Polled::Panicked(message) = polled {
            self.report(&message);
            self.end(task, result(End::Panicked));
        }
    }

    fn drop_doomed(&mut self) {
        while !self.doomed.is_empty() {
            let task = self.doomed.remove(0);
            self.end(task, End::Cancelled);
        }
    }

    /// Drops a task's future and then makes its result known.
    fn end(&mut self, task: usize, end: End) {
        self.tasks[task].life = Life::Ended;
        if let Some(message) = self.drop_future(task) {
            self.report(&message);
        }
        self.tasks[task].result = Some(end);
        if let Some(waiter) = self.tasks[task].waiter.take() {
            self.wake(waiter);
        }
        self.wake_shared(task);
        if !self.tasks[task].counts {
            return;
        }
        let group = self.tasks[task].group;
        for above in self.with_ancestors(group) {
            if self.alive(above).len() <= 1 {
                self.wake_joiners(above);
            }
        }
    }

    fn report(&mut self, message: &str) {
        if self.engine {
            self.log.push(format!("report: {message}"));
        }
    }
}
