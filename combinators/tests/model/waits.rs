//! The model's waits: for time and frames, for conditions, and for empty groups.

use super::program::Wait;
use super::rules::{Cooldown, Model};

/// A wait that is this close to its deadline, in nanoseconds, is due.
pub const GRACE: u64 = 1_000;

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
    /// When it is due, for one that waits for a time of its clock.
    pub time: u64,
    /// Where a stream's beats are counted from on its clock, and which one is next.
    pub beats: (u64, u64),
    /// The group that one for wall time was first polled in.
    pub real_group: usize,
    /// What its cue or its flag has given it.
    pub given: Option<u64>,
    /// The parts that it is made of, each until it is dropped.
    pub parts: Vec<Option<usize>>,
    /// What its parts have come to.
    pub outputs: Vec<Option<String>>,
}

pub const TIME: u8 = 0;
pub const FRAMES: u8 = 1;
pub const CONDITION: u8 = 2;
pub const REAL: u8 = 3;

impl Waiting<'_> {
    /// In a tick of a clock, what is of a lower rank comes first.
    pub fn rank(&self) -> u8 {
        match self.kind {
            Wait::Seconds(_)
            | Wait::ClockSeconds(..)
            | Wait::UntilTime(_)
            | Wait::Beats(..)
            | Wait::FlagEvery(..)
            | Wait::Priority(_, Some(_), _)
            | Wait::Timeout(..)
            | Wait::Cooled(_) => TIME,
            Wait::RealSeconds(_) => REAL,
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
            time: 0,
            beats: (0, 1),
            real_group: 0,
            given: None,
            parts: Vec::new(),
            outputs: Vec::new(),
        });
        match *kind {
            Wait::UntilTime(seconds) => {
                let time = self.now(self.here()) as f64 / 1e9 + seconds;
                self.waits[wait].time = (time * 1e9).round() as u64;
                if !self.stack.is_empty() {
                    self.begin(wait, self.here());
                }
            }
            Wait::RealSeconds(seconds) if self.open => {
                self.waits[wait].deadline = self.real_time().saturating_add(nanoseconds(seconds));
                self.waits[wait].made_on = Some(0);
            }
            Wait::Frames(..) | Wait::Seconds(_) | Wait::Beats(..) | Wait::Timeout(..)
                if !self.stack.is_empty() =>
            {
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
        // A closed group's clock is no longer the one that it began on.
        let is_elsewhere = self.waits[wait].made_on != Some(here) || self.groups[here].closed;
        if first && is_elsewhere && !self.waits[wait].registered {
            self.begin(wait, here);
        }
        let ready = self.waits[wait].due || (first && self.has_passed(wait));
        if !ready {
            self.waits[wait].waker = Some(waker);
            self.waits[wait].registered = true;
        }
        ready
    }

    /// The wall time: it stands still while there is no engine to ask.
    fn real_time(&self) -> u64 {
        if self.engine {
            self.real_heard.set(self.real);
        }
        self.real_heard.get()
    }

    /// Polls a wait for wall time, which nothing but that holds up.
    pub fn poll_real(&mut self, wait: usize, waker: Waker) -> bool {
        if self.waits[wait].made_on.is_none() {
            let Wait::RealSeconds(seconds) = *self.waits[wait].kind else { unreachable!() };
            self.waits[wait].deadline = self.real_time().saturating_add(nanoseconds(seconds));
            self.waits[wait].made_on = Some(0);
        }
        let first = !self.waits[wait].registered;
        let ready = self.waits[wait].due || (first && self.has_passed(wait));
        if !ready {
            if first {
                self.note_poll(wait);
                self.waits[wait].real_group = self.living(self.here());
            }
            self.waits[wait].registered = true;
            self.waits[wait].waker = Some(waker);
        }
        ready
    }

    /// Makes a countdown, which begins here if a task is running. It wakes nobody.
    pub fn make_countdown(&mut self, seconds: f64) -> usize {
        let countdown = self.make(&Wait::Cooled(0));
        if !self.stack.is_empty() {
            self.begin_seconds(countdown, self.here(), seconds);
        }
        countdown
    }

    /// Polls a value that changes over time: a countdown, made with it, and a look at it in each tick.
    pub fn poll_animate(&mut self, wait: usize, seconds: f64, waker: Waker) -> Option<String> {
        let countdown = self.waits[wait].parts[0].expect("it is there until it is dropped");
        let is_first = !self.waits[wait].registered;
        if is_first {
            let here = self.here();
            let is_elsewhere =
                self.waits[countdown].made_on != Some(here) || self.groups[here].closed;
            if is_elsewhere {
                self.begin_seconds(countdown, here, seconds);
            }
            self.note_poll(countdown);
            self.waits[countdown].registered = true;
            self.waits[countdown].due = self.has_passed(countdown);
        } else {
            self.waits[wait].waker = Some(waker);
            if !std::mem::take(&mut self.waits[wait].due) {
                return None;
            }
        }
        if self.waits[countdown].due {
            self.log.push("animate 1.000000".into());
            return Some(String::new());
        }
        if is_first {
            self.note_poll(wait);
            self.begin(wait, self.here());
            self.waits[wait].registered = true;
            self.waits[wait].waker = Some(waker);
        }
        let (clock, stage) = self.waits[countdown].clock.expect("it has begun");
        let progress = match self.waits[countdown].deadline {
            u64::MAX => 0.0,
            deadline => {
                let left = deadline.saturating_sub(self.groups[clock].time[stage]);
                let amount = nanoseconds(seconds);
                amount.saturating_sub(left) as f64 / amount as f64
            }
        };
        if !self.is_skipped_here() {
            self.log.push(format!("animate {progress:.6}"));
        }
        None
    }

    /// Polls a stream of beats, and returns how many have come since the last time.
    pub fn poll_beats(&mut self, wait: usize, period: f64, waker: Waker) -> Option<u64> {
        let here = self.here();
        if !self.waits[wait].registered {
            if self.waits[wait].made_on != Some(here) || self.groups[here].closed {
                self.begin(wait, here);
            }
            self.waits[wait].order = None;
            self.note_poll(wait);
            self.waits[wait].registered = true;
        }
        let (clock, stage) = self.waits[wait].clock.expect("it has begun");
        let is_closed = self.groups[clock].closed;
        if !self.waits[wait].due && !self.has_passed(wait) {
            self.waits[wait].waker = Some(waker);
            return None;
        }
        let now = self.groups[clock].time[stage] + GRACE;
        let (mut start, mut next) = self.waits[wait].beats;
        let mut taken = 1;
        if is_closed {
            // It came before its group was closed; the ones after it are the next clock's.
            let clock = self.living(clock);
            start = self.groups[clock].time[stage];
            next = 0;
            self.waits[wait].clock = Some((clock, stage));
        } else {
            while beat(start, period, next + taken) <= now {
                taken += 1;
            }
        }
        let waiting = &mut self.waits[wait];
        next += taken;
        waiting.beats = (start, next);
        waiting.deadline = beat(start, period, next);
        waiting.due = false;
        waiting.waker = None;
        waiting.order = None;
        self.note_poll(wait);
        Some(taken)
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

    fn begin_seconds(&mut self, wait: usize, made_on: usize, seconds: f64) {
        let group = self.living(made_on);
        self.waits[wait].made_on = Some(made_on);
        self.waits[wait].clock = Some((group, self.stage(group)));
        self.waits[wait].deadline = self.now(group).saturating_add(nanoseconds(seconds));
    }

    /// Sets a wait's clock, and its deadline from now.
    pub fn begin(&mut self, wait: usize, made_on: usize) {
        let group = self.living(made_on);
        let (stage, deadline) = match *self.waits[wait].kind {
            Wait::Frames(phase, frames) => {
                (phase as usize, self.groups[group].frames[phase as usize] + frames)
            }
            Wait::Seconds(seconds) | Wait::ClockSeconds(_, seconds) | Wait::Timeout(seconds, _) => {
                (self.stage(group), self.now(group).saturating_add(nanoseconds(seconds)))
            }
            Wait::UntilTime(_) => (self.stage(group), self.waits[wait].time),
            Wait::Beats(period, _)
            | Wait::FlagEvery(_, period)
            | Wait::Priority(_, Some(period), _) => {
                self.waits[wait].beats = (self.now(group), 1);
                (self.stage(group), beat(self.now(group), period, 1))
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
            let is_beating = matches!(
                waiting.kind,
                Wait::Beats(..) | Wait::FlagEvery(..) | Wait::Priority(_, Some(_), _)
            );
            if waiting.due && is_beating {
                // The beat has come; the ones after it are counted when it is taken.
                continue;
            }
            let (from, heir) = (&self.groups[from], &self.groups[to]);
            let (shown, shows) = match waiting.rank() {
                FRAMES => (from.frames[stage], heir.frames[stage]),
                _ => (from.time[stage], heir.time[stage]),
            };
            if waiting.rank() != CONDITION && waiting.deadline != u64::MAX {
                waiting.deadline = waiting.deadline.saturating_sub(shown) + shows;
                // What comes after the beat that is waited for is counted from that one.
                waiting.beats = (waiting.deadline, 0);
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

    /// Gives a value to all who wait for a cue or a flag, in the order in which they were made.
    pub fn give(&mut self, value: u64, is_for: impl Fn(&Wait) -> bool) {
        let waiting: Vec<_> = (0..self.waits.len())
            .filter(|&wait| !self.waits[wait].gone && self.waits[wait].given.is_none())
            .filter(|&wait| is_for(self.waits[wait].kind))
            .collect();
        for wait in waiting {
            self.waits[wait].given = Some(value);
            if let Some(waker) = self.waits[wait].waker.take() {
                self.wake(waker);
            }
        }
    }

    /// Polls a wait for a cue or a flag.
    pub fn poll_given(&mut self, wait: usize, waker: Waker) -> Option<u64> {
        let given = self.waits[wait].given;
        if given.is_none() {
            self.waits[wait].waker = Some(waker);
        }
        given
    }

    /// Makes a cooldown's wait for the end of its last start.
    pub fn start_cooldown(&mut self, cooldown: usize) -> bool {
        let Some(Cooldown { group, seconds, wait }) = self.cooldowns[cooldown] else {
            return false;
        };
        if wait.is_some_and(|wait| !self.waits[wait].due) {
            return false;
        }
        if let Some(wait) = wait {
            self.waits[wait].gone = true;
        }
        let wait = self.make(&Wait::Cooled(0));
        self.begin_seconds(wait, group, seconds);
        self.waits[wait].registered = true;
        // What is over at once is not registered.
        self.waits[wait].due = self.has_passed(wait);
        self.cooldowns[cooldown].as_mut().unwrap().wait = Some(wait);
        true
    }

    /// Makes a wait for the end of what a cooldown runs for.
    pub fn cooled(&mut self, wait: usize, cooldown: usize) {
        let running = self.cooldowns[cooldown].and_then(|cooldown| cooldown.wait);
        match running.filter(|&running| !self.waits[running].due) {
            Some(running) => {
                let (clock, deadline) = (self.waits[running].clock, self.waits[running].deadline);
                let waiting = &mut self.waits[wait];
                (waiting.clock, waiting.deadline, waiting.registered) = (clock, deadline, true);
            }
            None => self.waits[wait].due = true,
        }
    }

    /// Has the waits for wall time wake that are due, each by deadline, then by first poll.
    pub fn fire_real(&mut self) {
        let mut due: Vec<_> = (0..self.waits.len())
            .filter(|&wait| self.waits[wait].rank() == REAL && self.waits[wait].registered)
            .filter(|&wait| !self.waits[wait].gone && !self.waits[wait].due)
            .filter(|&wait| self.has_passed(wait))
            .map(|wait| (self.waits[wait].deadline, self.waits[wait].order, wait))
            .collect();
        due.sort();
        for (.., wait) in due {
            self.waits[wait].due = true;
            if let Some(waker) = self.waits[wait].waker.take() {
                self.wake(waker);
            }
        }
    }

    pub fn has_passed(&self, wait: usize) -> bool {
        let waiting = &self.waits[wait];
        if waiting.rank() == REAL {
            return self.real_time() >= waiting.deadline;
        }
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

    /// Wakes those who have a share of a task's handle, in the order of their first polls.
    pub fn wake_shared(&mut self, task: usize) {
        let mut waiting: Vec<_> = (0..self.waits.len())
            .filter(|&wait| !self.waits[wait].gone && self.waits[wait].waker.is_some())
            .filter(|&wait| matches!(self.waits[wait].kind, Wait::Shared(_)))
            .filter(|&wait| self.waits[wait].task == Some(task))
            .collect();
        waiting.sort_by_key(|&wait| self.waits[wait].order);
        for wait in waiting {
            let waker = self.waits[wait].waker.take().unwrap();
            self.wake(waker);
        }
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

fn nanoseconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e9).round() as u64
}

/// When a beat is due.
fn beat(start: u64, period: f64, number: u64) -> u64 {
    start.saturating_add((number as f64 * (period * 1e9).max(1.0)).round() as u64)
}
