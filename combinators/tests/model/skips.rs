//! The model's skips: a group is stepped frame by frame, at sixty a second, until nothing is left that time brings.

use super::groups::scale;
use super::rules::{Life, Model, Task};
use super::waits::{CONDITION, FRAMES, GRACE, REAL, TIME, Waker};

/// The length of a frame of a skip, in nanoseconds.
const FRAME: u64 = 16_666_667;

/// A group that is skipped.
pub struct Skip {
    pub group: usize,
    /// The rest of the frame that it is in: the process stage, with its step.
    half: Option<u64>,
    /// Set if it is over but for that.
    over: bool,
}

impl Model<'_> {
    pub fn skip(&mut self, group: usize) {
        if !self.open || self.groups[group].closed || self.alive(group).is_empty() {
            return;
        }
        match self.skips.iter_mut().find(|skip| skip.group == group) {
            Some(skip) => skip.over = false,
            None => self.skips.push(Skip { group, half: None, over: false }),
        }
        self.ring();
    }

    pub fn checkpoint(&mut self) {
        if self.stack.is_empty() {
            return;
        }
        for group in self.with_ancestors(self.living(self.here())) {
            for skip in &mut self.skips {
                skip.over |= skip.group == group;
            }
        }
        self.skips.retain(|skip| !skip.over || skip.half.is_some());
    }

    pub fn is_skipping(&self, group: usize) -> bool {
        let above = self.with_ancestors(group);
        self.skips.iter().any(|skip| !skip.over && above.contains(&skip.group))
    }

    /// Whether the current clock is skipped: then it is nobody's business which frames are looked at.
    pub fn is_skipped_here(&self) -> bool {
        self.is_skipping(self.living(self.here()))
    }

    pub fn note_read(&mut self, flag: usize) {
        if !self.is_skipped_here() {
            self.log.push(format!("flag {flag}: read"));
        }
    }

    /// Goes on with the first skip that has something to go on to. Returns whether something is ready then.
    pub fn jump(&mut self) -> bool {
        let mut at = 0;
        while !self.mid_frame && at < self.skips.len() {
            let Skip { group, half, over } = self.skips[at];
            let parent = self.groups[group].parent;
            let is_covered = group != 0 && self.is_skipping(parent);
            let is_new = !over && half.is_none();
            if is_new && !self.frozen(group) && self.alive(group).is_empty() {
                self.skips.remove(at);
                continue;
            }
            if self.frozen(group) || (is_new && is_covered) {
                at += 1;
                continue;
            }
            self.woken_outside = false;
            let jumped = self.jump_on(at);
            if !self.ready.is_empty() || self.woken_outside {
                return true;
            }
            at += usize::from(!jumped);
        }
        false
    }

    fn jump_on(&mut self, at: usize) -> bool {
        let group = self.skips[at].group;
        let (later, yielded): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.later).into_iter().partition(|&task| {
                let Task { life, group: own, .. } = &self.tasks[task];
                *life != Life::Alive || !self.with_ancestors(*own).contains(&group)
            });
        let has_yielded = !yielded.is_empty();
        self.later = later;
        self.ready.extend(yielded);
        if let Some(step) = self.skips[at].half.take() {
            self.flow(group, 0, 1, step, true);
            self.jump_real(group, 0);
            if self.skips[at].over {
                self.skips.remove(at);
            }
            return true;
        }
        let step = match self.speed(group) {
            0.0 => FRAME,
            speed => ((FRAME as f64 * speed) as u64).max(1),
        };
        let empty = match self.empty_frames(group, step) {
            _ if has_yielded => 0,
            // Something may have happened in the last frame that a condition sees in the next.
            Some(_) if self.has_conditions(group) => 0,
            Some(empty) => empty,
            None => return self.fire_standing(group),
        };
        for stage in [1, 0] {
            self.flow(group, stage, empty, step.saturating_mul(empty), false);
        }
        self.skips[at].half = Some(step);
        self.flow(group, 1, 1, step, true);
        self.jump_real(group, empty + 1);
        true
    }

    /// Returns whether a condition is checked in each frame of a clock.
    fn has_conditions(&self, group: usize) -> bool {
        self.waits.iter().any(|waiting| {
            let is_checked = waiting.registered && !waiting.gone && waiting.rank() == CONDITION;
            is_checked
                && waiting
                    .clock
                    .is_some_and(|(clock, _)| self.with_ancestors(clock).contains(&group))
        })
    }

    /// Returns a number of frames in which nothing is due for certain; none if there is nothing that time brings.
    fn empty_frames(&self, group: usize, step: u64) -> Option<u64> {
        let mut empty = None;
        for (wait, waiting) in self.waits.iter().enumerate() {
            let is_there = waiting.registered && !waiting.gone && !waiting.due;
            // What was over when it was made is on no clock.
            if !is_there || waiting.deadline == u64::MAX || self.has_passed(wait) {
                continue;
            }
            let frames = match (waiting.rank(), waiting.clock) {
                (REAL, _) => {
                    let it = waiting.real_group;
                    if self.groups[it].closed || !self.with_ancestors(it).contains(&group) {
                        continue;
                    }
                    waiting.deadline.saturating_sub(self.real + GRACE) / FRAME
                }
                (rank @ (TIME | FRAMES), Some((clock, stage))) => {
                    let path: Vec<_> = self.with_ancestors(clock);
                    let Some(end) = path.iter().position(|&above| above == group) else {
                        continue;
                    };
                    let below = &path[..end];
                    let stands = |&it: &usize| {
                        let it = &self.groups[it];
                        it.paused || it.closed || (rank == TIME && it.own_speed() == 0.0)
                    };
                    if below.iter().any(stands) {
                        continue;
                    }
                    match rank {
                        FRAMES => waiting.deadline.saturating_sub(self.groups[clock].frames[stage]),
                        _ => {
                            let now = self.groups[clock].time[stage];
                            let left = waiting.deadline.saturating_sub(now + GRACE) as f64;
                            let speeds = below.iter().map(|&it| self.groups[it].own_speed());
                            (left / speeds.product::<f64>() / step as f64) as u64
                        }
                    }
                }
                _ => continue,
            };
            empty = empty.into_iter().chain([frames.saturating_sub(2)]).min();
        }
        empty
    }

    /// Steps a clock by itself, and all below it.
    fn flow(&mut self, group: usize, stage: usize, frames: u64, step: u64, fires: bool) {
        let above = self.groups[self.groups[group].parent].time[stage];
        let clock = &mut self.groups[group];
        clock.time[stage] = clock.time[stage].saturating_add(step);
        clock.frames[stage] += frames;
        clock.anchor[stage] = (clock.time[stage], above);
        self.flow_on(group, stage, frames, fires);
    }

    fn flow_on(&mut self, group: usize, stage: usize, frames: u64, fires: bool) {
        if fires {
            self.fire(group, stage);
        }
        for below in 1..self.groups.len() {
            let clock = &self.groups[below];
            if clock.parent != group || clock.paused || clock.closed {
                continue;
            }
            let (own, parent) = clock.anchor[stage];
            let step = scale(self.groups[group].time[stage] - parent, clock.own_speed());
            self.groups[below].time[stage] = own + step;
            self.groups[below].frames[stage] += frames;
            self.flow_on(below, stage, frames, fires);
        }
    }

    /// Brings the waits for wall time in a group nearer, and has those wake that are due.
    fn jump_real(&mut self, group: usize, frames: u64) {
        let mut below: Vec<_> = (0..self.waits.len())
            .filter(|&wait| {
                let it = &self.waits[wait];
                let is_real = it.rank() == REAL && it.registered && !it.gone && !it.due;
                let is_below = !self.groups[it.real_group].closed
                    && self.with_ancestors(it.real_group).contains(&group);
                is_real && is_below && it.deadline != u64::MAX
            })
            .map(|wait| (self.waits[wait].deadline, self.waits[wait].order, wait))
            .collect();
        below.sort();
        for (deadline, _, wait) in below {
            let deadline = deadline.saturating_sub(frames * FRAME);
            self.waits[wait].deadline = deadline;
            if deadline <= self.real + GRACE {
                self.waits[wait].due = true;
                if let Some(waker) = self.waits[wait].waker.take() {
                    self.wake(waker);
                }
            }
        }
    }

    /// Fires the wait of a task that goes on for a clock below that stands still: the one with the least time left.
    fn fire_standing(&mut self, group: usize) -> bool {
        let mut first = None;
        for (wait, waiting) in self.waits.iter().enumerate() {
            let Some((clock, stage)) = waiting.clock else { continue };
            let is_time = waiting.rank() == TIME && waiting.deadline != u64::MAX;
            let is_there = waiting.registered && !waiting.gone && !waiting.due;
            if !is_time || !is_there || self.has_passed(wait) {
                continue;
            }
            let Some(Waker::Task(task)) = waiting.waker else { continue };
            if self.tasks[task].life != Life::Alive {
                continue;
            }
            let path = self.with_ancestors(clock);
            let Some(end) = path.iter().position(|&above| above == group) else { continue };
            let stands = |&it: &usize| self.groups[it].paused || self.groups[it].own_speed() == 0.0;
            let is_closed = self.groups[clock].closed;
            if is_closed || !path[..end].iter().any(stands) || self.frozen(self.tasks[task].group) {
                continue;
            }
            let left = waiting.deadline.saturating_sub(self.groups[clock].time[stage]);
            first = first.into_iter().chain([(left, waiting.order, wait)]).min();
        }
        let Some((.., wait)) = first else {
            return false;
        };
        self.waits[wait].due = true;
        if let Some(waker) = self.waits[wait].waker.take() {
            self.wake(waker);
        }
        true
    }
}
