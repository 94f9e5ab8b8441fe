//! The model's waits: for time and frames, for conditions, and for empty groups.

use super::program::Wait;
use super::rules::Model;

/// A wait that is this close to its deadline, in nanoseconds, is due.
const GRACE: u64 = 1_000;

/// What a wait wakes: a task, or what polled it outside of all tasks.
#[derive(Clone, Copy)]
pub enum Waker {
    Task(usize),
    Outside,
}

/// A wait.
pub struct Waiting<'a> {
    /// What it waits for.
    pub kind: &'a Wait,
    /// The group that it joins.
    pub group: usize,
    /// The task whose handle it holds.
    pub task: Option<usize>,
    /// How often its event had been given when it was made.
    pub seen: u64,
    /// Set if a yield has been polled.
    pub yielded: bool,
    /// How often its condition has been checked.
    pub checks: u8,
    /// Set if it has been dropped.
    pub gone: bool,
    /// Whom it wakes. Set if it was polled and is not ready.
    pub waker: Option<Waker>,
    /// Set if its time has come, or its condition is to be checked.
    pub due: bool,
    /// When it was first polled, and when last.
    pub order: Option<u64>,
    pub last_poll: u64,
    /// Set if its clock knows it.
    pub registered: bool,
    /// The group on whose clock it has begun, if it has.
    pub made_on: Option<usize>,
    /// The clock and the stage that it counts on: that group's, unless it is closed.
    pub clock: Option<(usize, usize)>,
    /// When it is due, in nanoseconds or in frames of its clock.
    pub deadline: u64,
}

const TIME: u8 = 0;
const FRAMES: u8 = 1;
const CONDITION: u8 = 2;

impl Waiting<'_> {
    /// In a tick of a clock, what is of a lower rank comes first.
    fn rank(&self) -> u8 {
        match self.kind {
            Wait::Seconds(_) | Wait::ClockSeconds(..) => TIME,
            Wait::Frames(..) => FRAMES,
            _ => CONDITION,
        }
    }
}

impl<'a> Model<'a> {
    /// Makes a wait, which begins here if a task is running.
    pub fn make(&mut self, kind: &'a Wait) -> usize {
        let wait = self.waits.len();
        self.waits.push(Waiting {
            kind,
            group: 0,
            task: None,
            seen: 0,
            yielded: false,
            checks: 0,
            gone: false,
            waker: None,
            due: false,
            order: None,
            last_poll: 0,
            registered: false,
            made_on: None,
            clock: None,
            deadline: 0,
        });
        match *kind {
            Wait::Frames(..) | Wait::Seconds(_) if !self.stack.is_empty() => {
                self.begin(wait, self.here());
            }
            Wait::ClockSeconds(group, _) => {
                self.begin(wait, self.group(group));
                self.waits[wait].registered = true;
            }
            Wait::Join(group) => self.waits[wait].group = self.group(group),
            _ => {}
        }
        wait
    }

    /// Notes the place of a poll among all polls of waits, and returns whether it is the wait's first.
    pub fn note_poll(&mut self, wait: usize) -> bool {
        self.counter += 1;
        self.waits[wait].last_poll = self.counter;
        let first = self.waits[wait].order.is_none();
        self.waits[wait].order.get_or_insert(self.counter);
        first
    }

    /// Polls a wait for time or frames.
    pub fn poll_timer(&mut self, wait: usize, waker: Waker) -> bool {
        let here = self.here();
        let first = self.note_poll(wait);
        if first && self.waits[wait].made_on != Some(here) && !self.waits[wait].registered {
            self.begin(wait, here);
        }
        let ready = self.waits[wait].due || (first && self.has_passed(wait));
        if !ready {
            self.waits[wait].waker = Some(waker);
            self.waits[wait].registered = true;
        }
        ready
    }

    /// Polls a wait for a condition.
    pub fn poll_condition(
        &mut self,
        wait: usize,
        waker: Waker,
        check: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        let registered = self.waits[wait].registered;
        let due = std::mem::take(&mut self.waits[wait].due);
        if registered {
            self.waits[wait].waker = Some(waker);
        }
        if (due || !registered) && check(self) {
            return true;
        }
        if !registered {
            // What its first check has done came first.
            self.note_poll(wait);
            self.begin(wait, self.here());
            self.waits[wait].waker = Some(waker);
            self.waits[wait].registered = true;
        }
        false
    }

    /// Sets a wait's clock, and its deadline from now.
    fn begin(&mut self, wait: usize, made_on: usize) {
        let group = self.living(made_on);
        let (stage, deadline) = match *self.waits[wait].kind {
            Wait::Frames(phase, frames) => {
                (phase as usize, self.groups[group].frames[phase as usize] + frames)
            }
            Wait::Seconds(seconds) | Wait::ClockSeconds(_, seconds) => {
                let nanoseconds = (seconds.max(0.0) * 1e9).round() as u64;
                (self.stage(group), self.now(group).saturating_add(nanoseconds))
            }
            _ => (self.stage(group), 0),
        };
        self.waits[wait].made_on = Some(made_on);
        self.waits[wait].clock = Some((group, stage));
        self.waits[wait].deadline = deadline;
    }

    /// Moves the waits on a clock to another one, with what they have left.
    pub fn leave_waits(&mut self, from: usize, to: usize) {
        for waiting in &mut self.waits {
            let Some((_, stage)) = waiting.clock.filter(|&(clock, _)| clock == from) else {
                continue;
            };
            let (from, heir) = (&self.groups[from], &self.groups[to]);
            let (shown, shows) = match waiting.rank() {
                FRAMES => (from.frames[stage], heir.frames[stage]),
                _ => (from.time[stage], heir.time[stage]),
            };
            if waiting.rank() != CONDITION && waiting.deadline != u64::MAX {
                waiting.deadline = waiting.deadline.saturating_sub(shown) + shows;
            }
            waiting.clock = Some((to, stage));
        }
    }

    /// Has the waits that are due on a clock wake: those for a time, for frames, for conditions; each by
    /// deadline, then by first poll.
    pub fn fire(&mut self, group: usize, stage: usize) {
        let mut due: Vec<_> = (0..self.waits.len())
            .filter(|&wait| self.is_due(wait, group, stage))
            .map(|wait| (&self.waits[wait], wait))
            .map(|(waiting, wait)| (waiting.rank(), waiting.deadline, waiting.order, wait))
            .collect();
        due.sort();
        for (.., wait) in due {
            self.waits[wait].due = true;
            // Whoever wants to be woken again polls the wait again.
            if let Some(waker) = self.waits[wait].waker.take() {
                self.wake(waker);
            }
        }
    }

    fn has_passed(&self, wait: usize) -> bool {
        let waiting = &self.waits[wait];
        let Some((clock, stage)) = waiting.clock else {
            return false;
        };
        match waiting.rank() {
            TIME => self.groups[clock].time[stage] + GRACE >= waiting.deadline,
            FRAMES => self.groups[clock].frames[stage] >= waiting.deadline,
            _ => true,
        }
    }

    fn is_due(&self, wait: usize, group: usize, stage: usize) -> bool {
        let waiting = &self.waits[wait];
        let here = waiting.registered && waiting.clock == Some((group, stage));
        let again = waiting.rank() == CONDITION;
        here && !waiting.gone && (again || !waiting.due) && self.has_passed(wait)
    }

    /// Wakes who waits for a group to be empty: one task that is left may be the waiting one itself.
    pub fn wake_joiners(&mut self, group: usize) {
        let mut joiners: Vec<_> = (0..self.waits.len())
            .filter(|&wait| !self.waits[wait].gone && self.waits[wait].waker.is_some())
            .filter(|&wait| matches!(self.waits[wait].kind, Wait::Join(_)))
            .filter(|&wait| self.waits[wait].group == group)
            .collect();
        joiners.sort_by_key(|&wait| self.waits[wait].last_poll);
        for wait in joiners {
            let waker = self.waits[wait].waker.take().unwrap();
            self.wake(waker);
        }
    }
}
