//! Skipping: clocks that run ahead of the ones above, from one deadline to the next.
//!
//! A skipped clock is a game of its own, at a steady sixty frames a second, whose empty frames are left out. A jump goes
//! to the first frame in which something is due, steps both stages of it, and visits them as a tick does: so what is
//! skipped happens in the order in which it would have been watched.
//!
//! Conditions ask for no frames: nothing but a frame of the real game may bring what they wait for. But each is checked
//! once after something has happened, at the time at which it would have been, since that may be what it waits for.

use smallvec::SmallVec;

use super::groups::{GroupKey, Groups, ROOT};
use super::heap::Owner;
use super::slots::{NONE, Slots};
use super::time::{Due, GRACE, NEVER};
use super::waits::{Lane, Waiter, Woken};
use crate::Phase;

/// The length of a frame, in nanoseconds, that a jump counts in.
pub(crate) const FRAME: u64 = 16_666_667;

/// The number of jumps after which a skip is given up: a loop that counts frames for almost three minutes ends before.
pub(crate) const MAX_JUMPS: u32 = 10_000;

/// When a skip is over by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Until {
    /// When no task is left in the group, or one of them has passed a checkpoint.
    Idle,
    /// Never: whoever has begun it ends it.
    Ended,
    /// When a checkpoint of this name is passed.
    Checkpoint(Box<str>),
}

/// What is known of a clock that is skipped.
pub(crate) struct Skip {
    until: Until,
    /// Set if the skip is over but for the rest of its last frame.
    is_over: bool,
    /// The checkpoints that were passed, each once.
    passed: Vec<Box<str>>,
    /// The jumps that counted: a script without an end, whatever it waits for, comes to too many.
    jumps: u32,
    /// Set if something has happened since the last jump that counted.
    has_stirred: bool,
    /// The rest of a jump: the process stage of its last frame.
    half: Option<Leap>,
    /// The conditions that are checked every so many seconds and are up to this place in the order of waits have not been
    /// checked since something happened.
    unchecked: u64,
    /// Set if those that are checked at each tick have not been.
    ticks_unchecked: bool,
}

impl Groups {
    // ---------------------------------------------------------------- Beginning and ending

    /// Returns whether a clock, or one above it, is skipped, and this one goes with it.
    pub(crate) fn is_skipping(&self, mut index: u32) -> bool {
        if self.skips.is_empty() {
            return false;
        }
        while index != NONE {
            let group = self.at(index);
            if group.skip.as_ref().is_some_and(|skip| !skip.is_over) {
                return true;
            }
            if group.keeps_time {
                return false;
            }
            index = group.parent;
        }
        false
    }

    /// Begins to skip a clock. Who watches for that is due.
    pub(crate) fn begin_skip(&mut self, index: u32, until: Until, due: &mut Due<'_>) {
        let unchecked = self.waits.last_order();
        let fresh = |until, half| {
            let (is_over, passed, jumps) = (false, Vec::new(), 0);
            let (has_stirred, ticks_unchecked) = (false, true);
            Skip { until, is_over, passed, jumps, has_stirred, half, unchecked, ticks_unchecked }
        };
        match &mut self.at_mut(index).skip {
            Some(skip) if skip.is_over => **skip = fresh(until, skip.half),
            Some(skip) if until == Until::Ended => skip.until = until,
            Some(_) => {}
            none => {
                *none = Some(Box::new(fresh(until, None)));
                let key = self.key_at(index);
                self.skips.push(key);
            }
        }
        for wait in self.skip_watches.all(&mut self.waits) {
            let group = self.waits.at(wait).group;
            if self.find_open(group).is_some_and(|group| self.is_skipping(group)) {
                let mut watches = std::mem::take(&mut self.skip_watches);
                watches.remove(wait, &mut self.waits);
                self.skip_watches = watches;
                self.fire(wait, due);
            }
        }
    }

    /// Ends the skip of a clock, if there is one: from here on its time is that of the clock above again, but for the rest
    /// of a frame that it is in. Returns the checkpoint that it was for, with those that were passed.
    pub(crate) fn end_skip(&mut self, index: u32) -> Option<(Box<str>, Vec<Box<str>>)> {
        let skip = self.at_mut(index).skip.as_mut().filter(|skip| !skip.is_over)?;
        skip.is_over = true;
        let passed = std::mem::take(&mut skip.passed);
        let unreached = match std::mem::replace(&mut skip.until, Until::Ended) {
            Until::Checkpoint(label) => Some((label, passed)),
            Until::Idle | Until::Ended => None,
        };
        if skip.half.is_none() {
            self.remove_skip(index);
        }
        unreached
    }

    fn remove_skip(&mut self, index: u32) {
        let key = self.key_at(index);
        self.at_mut(index).skip = None;
        self.skips.retain(|&other| other != key);
    }

    /// Registers a wait for the moment when a clock is skipped, and returns its index.
    pub(crate) fn add_skip_watch(&mut self, index: u32, waiter: Waiter) -> u32 {
        let wait = self.waits.insert(self.key_at(index), 0, Lane::Skips, waiter);
        let mut watches = std::mem::take(&mut self.skip_watches);
        watches.push(wait, &mut self.waits);
        self.skip_watches = watches;
        wait
    }

    /// Notes that a checkpoint was passed on a clock: the skips that lead there are over.
    pub(crate) fn pass_checkpoint(&mut self, mut index: u32, label: &str) {
        while index != NONE && !self.skips.is_empty() {
            if let Some(skip) = &mut self.at_mut(index).skip
                && !skip.is_over
            {
                let is_over = match &skip.until {
                    Until::Idle => true,
                    Until::Ended => false,
                    Until::Checkpoint(wanted) => **wanted == *label,
                };
                if !skip.passed.iter().any(|passed| **passed == *label) {
                    skip.passed.push(label.into());
                }
                if is_over {
                    self.end_skip(index);
                }
            }
            index = self.at(index).parent;
        }
    }

    /// Marks a clock as one that keeps its own time whatever is skipped above it.
    pub(crate) fn keep_time(&mut self, index: u32) {
        self.at_mut(index).keeps_time = true;
        self.keepers.push(self.key_at(index));
    }

    /// Forgets what is noted of the skipping of a group that is closing.
    pub(crate) fn forget_skipping(&mut self, index: u32) {
        let group = self.at(index);
        if group.skip.is_none() && !group.keeps_time {
            return;
        }
        let key = self.key_at(index);
        let group = self.at_mut(index);
        group.skip = None;
        group.keeps_time = false;
        self.skips.retain(|&other| other != key);
        self.keepers.retain(|&other| other != key);
    }

    /// Notes that something may have happened outside of the skips, so that conditions have to be checked: those that are
    /// checked every so many seconds only on demand, since a skip that waits for nothing else would go on for their sake.
    pub(crate) fn uncheck_conditions(&mut self, beats: bool) {
        for at in 0..self.skips.len() {
            let Some(index) = self.find_open(self.skips[at]) else {
                continue;
            };
            if beats {
                self.uncheck(index);
            } else if let Some(skip) = &mut self.at_mut(index).skip {
                skip.ticks_unchecked = true;
            }
        }
    }

    fn uncheck(&mut self, index: u32) {
        let order = self.waits.last_order();
        if let Some(skip) = &mut self.at_mut(index).skip {
            skip.unchecked = order;
            skip.ticks_unchecked = true;
        }
    }

    // ---------------------------------------------------------------- Jumping

    /// Returns one of the groups that are skipped; none while a frame is not whole, since what is due in the rest of it
    /// comes before what is due in the next one.
    pub(crate) fn skip_at(&self, position: usize) -> Option<GroupKey> {
        self.skips.get(position).copied().filter(|_| !self.is_mid_frame)
    }

    /// Returns whether a clock is skipped with all below it right now: not if it is frozen, nor if a skip above goes
    /// first. A skip that is over is ended.
    pub(crate) fn may_jump(&mut self, index: u32) -> bool {
        let group = self.at(index);
        let is_idle = group.live == 0;
        let Some(skip) = &group.skip else {
            return false;
        };
        if group.frozen {
            return false;
        }
        if skip.is_over || skip.half.is_some() {
            return true;
        }
        if skip.until == Until::Idle && is_idle {
            self.end_skip(index);
            return false;
        }
        let is_free = group.keeps_time || group.parent == NONE;
        is_free || !self.is_skipping(group.parent)
    }

    /// Returns whether a group is below another, and goes with it when that is skipped.
    pub(crate) fn goes_with(&self, mut index: u32, other: u32) -> bool {
        while index != other {
            if index == NONE || self.at(index).keeps_time {
                return false;
            }
            index = self.at(index).parent;
        }
        true
    }

    /// Jumps to what is due next on a skipped clock, or to the next frame if that is asked for.
    pub(crate) fn jump(
        &mut self,
        index: u32,
        to_next_frame: bool,
        real: u64,
        due: &mut Due<'_>,
    ) -> Jump {
        let mut has_stirred = std::mem::take(&mut self.has_fired);
        if has_stirred {
            self.uncheck_conditions(true);
        }
        // Those that have yielded may do what a condition waits for.
        self.has_fired |= to_next_frame;
        let half = self.at_mut(index).skip.as_mut().and_then(|skip| skip.half.take());
        let (phase, leap) = match half {
            Some(leap) => (Phase::Process, leap),
            None => {
                let Some(leap) = self.next_jump(index, to_next_frame, real) else {
                    return match self.fire_standing(index, due) {
                        true => self.count_jump(index),
                        false => Jump::Nowhere,
                    };
                };
                if let Some(skip) = &mut self.at_mut(index).skip {
                    skip.half = Some(leap);
                    skip.ticks_unchecked = false;
                }
                let empty = leap.frames - 1;
                if empty > 0 {
                    for phase in [Phase::Physics, Phase::Process] {
                        self.advance(index, phase, empty, leap.step.saturating_mul(empty));
                    }
                }
                (Phase::Physics, leap)
            }
        };
        self.advance(index, phase, 1, leap.step);
        self.is_jumping = true;
        self.visit(index, phase, due);
        self.is_jumping = false;
        // Wall time is the same in both stages of a frame, and is looked at in both.
        let passed = if phase == Phase::Physics { leap.frames } else { 0 };
        self.jump_real(index, passed, real, due);
        if phase == Phase::Process && self.at(index).skip.as_ref().is_some_and(|it| it.is_over) {
            self.remove_skip(index);
        }
        has_stirred |= self.has_fired;
        let Some(skip) = &mut self.at_mut(index).skip else {
            return Jump::Done;
        };
        skip.has_stirred |= has_stirred;
        if phase == Phase::Process && std::mem::take(&mut skip.has_stirred) {
            return self.count_jump(index);
        }
        Jump::Done
    }

    fn count_jump(&mut self, index: u32) -> Jump {
        let Some(skip) = &mut self.at_mut(index).skip else {
            return Jump::Done;
        };
        skip.jumps += 1;
        if skip.jumps > MAX_JUMPS { Jump::TooFar } else { Jump::Done }
    }

    /// Finds the next frame in which something is due on a skipped clock.
    fn next_jump(&mut self, index: u32, to_next_frame: bool, real: u64) -> Option<Leap> {
        let frame = match self.speed(index) {
            0.0 => FRAME,
            speed => ((FRAME as f64 * speed) as u64).max(1),
        };
        let skip = self.at(index).skip.as_ref()?;
        let (unchecked, ticks_unchecked) = (skip.unchecked, skip.ticks_unchecked);
        let mut asks = Asks { next: to_next_frame, ..Asks::default() };
        let mut frames = u64::MAX;
        for phase in [Phase::Process, Phase::Physics] {
            let stage = phase as usize;
            self.collect_asks(index, stage, &mut asks);
            if let Some(deadline) = self.first_deadline(index, stage, false, 0, &mut asks) {
                frames = frames.min(deadline.saturating_sub(self.frame(index, phase)));
            }
            if let Some(left) = self.first_left(index, phase, 0, &mut asks) {
                frames = frames.min(left.div_ceil(frame));
            }
        }
        if let Some(left) = self.first_real(index, real) {
            frames = frames.min(left.div_ceil(FRAME));
        }
        if asks.beats {
            // On the way to something each check has its time; with nothing else to come, only what has not been checked.
            let checked = if frames == u64::MAX { unchecked } else { u64::MAX };
            for phase in [Phase::Process, Phase::Physics] {
                if let Some(left) = self.first_left(index, phase, checked, &mut asks) {
                    frames = frames.min(left.div_ceil(frame));
                }
            }
        }
        if asks.next || asks.tick && ticks_unchecked && frames != u64::MAX {
            frames = 1;
        }
        if frames == u64::MAX {
            return None;
        }
        Some(Leap { frames: frames.max(1), step: frame })
    }

    // ---------------------------------------------------------------- The root's time

    /// Returns what the root clock has to wait for.
    pub(crate) fn next_of_root(&mut self, real: u64) -> NextOfRoot {
        let mut asks = Asks { all: true, ..Asks::default() };
        let (mut frames, mut left, mut sure) = (u64::MAX, u64::MAX, false);
        let speed = self.at(ROOT.index).clock.speed();
        for phase in [Phase::Process, Phase::Physics] {
            let stage = phase as usize;
            if self.is_held(ROOT.index) {
                break;
            }
            self.collect_asks(ROOT.index, stage, &mut asks);
            if let Some(it) = self.first_deadline(ROOT.index, stage, false, u64::MAX, &mut asks) {
                frames = frames.min(it.saturating_sub(self.frame(ROOT.index, phase)));
            }
            if speed > 0.0 {
                sure |= self.first_left(ROOT.index, phase, 0, &mut asks).is_some();
                if let Some(it) = self.first_left(ROOT.index, phase, u64::MAX, &mut asks) {
                    left = left.min((it as f64 / speed) as u64);
                }
            }
        }
        let items = self.real.items();
        let first_real = items.iter().map(|item| item.deadline).filter(|&it| it != NEVER).min();
        left = left.min(first_real.map_or(u64::MAX, |it| it.saturating_sub(real)));
        sure |= frames != u64::MAX || first_real.is_some() || asks.next;
        if asks.next || asks.tick {
            frames = frames.min(1);
        }
        NextOfRoot { frames, left, sure }
    }

    /// Lets frames pass on the root clock in which nothing is due.
    pub(crate) fn pass_frames(&mut self, frames: u64, step: u64) {
        for phase in [Phase::Physics, Phase::Process] {
            let stage = phase as usize;
            self.ticks[stage] += 1;
            self.last_ticks[stage] = self.ticks[stage];
            if self.is_held(ROOT.index) {
                continue;
            }
            let step = self.at(ROOT.index).clock.scale(step);
            let root = self.stage_mut(ROOT.index, stage);
            root.pass(step, frames);
        }
        self.process_ticks += frames;
    }

    /// Returns whether anything but the check of a condition was due since this was asked last.
    pub(crate) fn take_fired(&mut self) -> bool {
        std::mem::take(&mut self.has_fired)
    }

    /// Finds out whether something below asks for the next frame, or checks a condition there.
    fn collect_asks(&self, index: u32, stage: usize, asks: &mut Asks) {
        let own = self.stage(index, stage);
        let closed = own.bequests().iter().filter_map(|&key| self.find(key));
        for index in closed.chain([index]) {
            let own = self.stage(index, stage);
            asks.next |= own.next.iter().any(Woken::is_live);
            asks.tick |= own.has_ticks();
        }
        for key in own.active_below() {
            if let Some(below) = self.find_open(key)
                && !self.is_held(below)
                && (asks.all || !self.at(below).keeps_time)
            {
                self.collect_asks(below, stage, asks);
            }
        }
    }

    /// Returns what is left of the first wait for a time, as [`first_deadline`](Self::first_deadline) finds it.
    fn first_left(
        &mut self,
        index: u32,
        phase: Phase,
        checked: u64,
        asks: &mut Asks,
    ) -> Option<u64> {
        let deadline = self.first_deadline(index, phase as usize, true, checked, asks)?;
        Some(deadline.saturating_sub(GRACE).saturating_sub(self.time(index, phase)))
    }

    /// Returns the first deadline of a clock and those below it, in its own time. Of the conditions only those count that
    /// are up to a place in the order of waits.
    fn first_deadline(
        &mut self,
        index: u32,
        stage: usize,
        is_seconds: bool,
        checked: u64,
        asks: &mut Asks,
    ) -> Option<u64> {
        let mut first = None;
        for at in 0..self.stage(index, stage).bequests().len() {
            if let Some(closed) = self.find(self.stage(index, stage).bequests()[at]) {
                let deadline = self.first_deadline(closed, stage, is_seconds, checked, asks);
                first = first.into_iter().chain(deadline).min();
            }
        }
        let mut position = 0;
        while let Some(item) = self.stage(index, stage).item(is_seconds, position) {
            position += 1;
            if item.deadline == NEVER || first.is_some_and(|first| first <= item.deadline) {
                continue;
            }
            match item.owner {
                Owner::Wait(wait) => {
                    let entry = self.waits.at(wait);
                    asks.beats |= entry.is_condition;
                    if !entry.is_condition || entry.order <= checked {
                        first = Some(item.deadline);
                    }
                }
                Owner::Clock(clock) if self.at(clock).keeps_time && !asks.all => {}
                Owner::Clock(clock) => {
                    let below = self
                        .first_deadline(clock, stage, is_seconds, checked, asks)
                        .and_then(|it| self.in_parent(clock, stage, is_seconds, it));
                    first = first.into_iter().chain(below).min();
                }
            }
        }
        // What a clock below is about to take over from a closed one has no place in the queues above yet.
        let mut position = 0;
        while let Some(key) = self.stage(index, stage).active_below_at(position) {
            position += 1;
            if let Some(clock) = self.find_open(key)
                && !self.stage(clock, stage).is_entered(is_seconds)
                && (asks.all || !self.at(clock).keeps_time)
            {
                let below = self
                    .first_deadline(clock, stage, is_seconds, checked, asks)
                    .and_then(|it| self.in_parent(clock, stage, is_seconds, it));
                first = first.into_iter().chain(below).min();
            }
        }
        first
    }

    /// Returns what is left of the first wait for a wall time in a group.
    fn first_real(&mut self, index: u32, real: u64) -> Option<u64> {
        let mut first = None;
        for position in 0..self.real.items_mut().len() {
            let item = self.real.items_mut()[position];
            if item.deadline != NEVER && self.is_real_below(item.owner, index) {
                let left = item.deadline.saturating_sub(GRACE).saturating_sub(real);
                first = first.into_iter().chain([left]).min();
            }
        }
        first
    }

    fn is_real_below(&mut self, owner: Owner, index: u32) -> bool {
        let Owner::Wait(wait) = owner else {
            return false;
        };
        let group = self.waits.at(wait).group;
        self.find_open(group).is_some_and(|group| self.goes_with(group, index))
    }

    /// Brings the waits for a wall time in a group nearer by a jump, and fires those that are due.
    fn jump_real(&mut self, index: u32, frames: u64, real: u64, due: &mut Due<'_>) {
        if self.real.is_empty() {
            return;
        }
        let items = self.real.items().to_vec();
        let mut below: Vec<_> =
            items.into_iter().filter(|item| self.is_real_below(item.owner, index)).collect();
        below.sort_by_key(|item| (item.deadline, item.order));
        for item in below {
            let Owner::Wait(wait) = item.owner else { continue };
            if item.deadline == NEVER {
                continue;
            }
            let deadline = item.deadline.saturating_sub(frames.saturating_mul(FRAME));
            if frames > 0 {
                self.move_real(wait, deadline);
            }
            if deadline <= real.saturating_add(GRACE) {
                self.fire_one_real(wait, due);
            }
        }
    }

    /// Sets a clock ahead of the one above. Those below that keep their own time stay where they are.
    fn advance(&mut self, index: u32, phase: Phase, frames: u64, step: u64) {
        let stage = phase as usize;
        let (time, frame) = (self.time(index, phase), self.frame(index, phase));
        let kept: Vec<_> = self
            .keepers
            .iter()
            .filter_map(|&key| self.find_open(key))
            .filter(|&it| it != index && self.is_below(it, index))
            .map(|it| (it, self.time(it, phase), self.frame(it, phase)))
            .collect();
        self.ticks[stage] += 1;
        self.anchor(index, phase, time.saturating_add(step), frame.saturating_add(frames));
        self.set_step(index, stage, step);
        // Those further down after those above them, on whose time theirs depends.
        for (keeper, time, frame) in kept {
            self.anchor(keeper, phase, time, frame);
            self.project(keeper, stage);
        }
    }

    /// With nothing else to jump to, fires the wait of a task that goes on for a clock that stands still: the one with the
    /// least time left. Returns whether there was one.
    fn fire_standing(&mut self, index: u32, due: &mut Due<'_>) -> bool {
        let mut first: Option<(u64, u64, u32)> = None;
        let mut standing = Vec::new();
        for group in self.subtree(index) {
            let parent = self.at(group).parent;
            let stands = group != index && (standing.contains(&parent) || self.stands_still(group));
            if !stands || self.at(group).closed || !self.goes_with(group, index) {
                continue;
            }
            standing.push(group);
            for phase in [Phase::Process, Phase::Physics] {
                let (stage, now) = (phase as usize, self.time(group, phase));
                // What it inherits from closed clocks it takes over with its next tick, which may be long to come.
                let closed = self.stage(group, stage).bequests().to_vec();
                let closed = closed.into_iter().filter_map(|key| self.find(key));
                let lists: SmallVec<[u32; 4]> = closed.chain([group]).collect();
                for index in lists {
                    let mut position = 0;
                    while let Some(item) = self.stage(index, stage).item(true, position) {
                        position += 1;
                        let Owner::Wait(wait) = item.owner else { continue };
                        if item.deadline == NEVER || !self.is_of_running(wait, due.slots) {
                            continue;
                        }
                        let left = (item.deadline.saturating_sub(now), item.order, wait);
                        first = first.into_iter().chain([left]).min();
                    }
                }
            }
        }
        let Some((.., wait)) = first else {
            return false;
        };
        self.fire_early(wait, due);
        true
    }

    /// Returns whether a wait is a task's that is not frozen, and no condition.
    fn is_of_running(&mut self, wait: u32, slots: &mut Slots) -> bool {
        let entry = self.waits.at(wait);
        let (is_condition, key) = (entry.is_condition, &entry.waiter);
        let Waiter::Task(key) = *key else {
            return false;
        };
        let group = slots.get(key).map(|slot| slot.group);
        !is_condition && group.is_some_and(|group| !self.at(group).frozen)
    }
}

/// What the root clock has to wait for: the sooner of both is next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextOfRoot {
    /// Frames; `u64::MAX` if there is nothing that waits for such.
    pub(crate) frames: u64,
    /// Nanoseconds of the engine's; likewise.
    pub(crate) left: u64,
    /// Set if there is more than conditions.
    pub(crate) sure: bool,
}

/// What has come of a jump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Jump {
    /// Nothing that a jump would bring is waited for.
    Nowhere,
    /// Jump was made; what is due is queued.
    Done,
    /// Jump was made, and was one too many.
    TooFar,
}

/// How far a jump goes: to the last one of some frames, of which all others are empty.
#[derive(Clone, Copy)]
struct Leap {
    frames: u64,
    /// The step of a frame, in the clock's own time.
    step: u64,
}

/// What asks for the next frame.
#[derive(Default)]
struct Asks {
    /// Set if those that keep their own time are asked, too.
    all: bool,
    /// A wait for it.
    next: bool,
    /// A condition that is checked at each tick.
    tick: bool,
    /// One that is checked every so many seconds.
    beats: bool,
}
