//! The model's groups: the tree, closing, freezing, and the clock of each group.

use super::program::{MAX_GROUPS, NAMES, pick};
use super::rules::{Life, Model};

/// A group, with its clock.
#[derive(Default)]
pub struct Group {
    pub parent: usize,
    pub closed: bool,
    pub paused: bool,
    pub owned: bool,
    pub phase: Option<usize>,
    /// Its name, if it is a channel of its parent.
    pub name: Option<usize>,
    pub speed: f64,
    /// The number and the factor of each guard.
    pub slows: Vec<(u64, f64)>,
    /// For each stage: the clock's time, and its frames.
    pub time: [u64; 2],
    pub frames: [u64; 2],
    /// For each stage: the clock's own and its parent's time when its speed was last changed.
    pub anchor: [(u64, u64); 2],
}

impl Group {
    pub fn new(parent: usize) -> Self {
        Group { parent, speed: 1.0, ..Group::default() }
    }

    pub fn own_speed(&self) -> f64 {
        self.slows.iter().fold(self.speed, |speed, (_, factor)| speed * factor)
    }
}

impl Model<'_> {
    pub fn new_group(&mut self, parent: u8, owned: bool) {
        if self.groups.len() >= MAX_GROUPS {
            return;
        }
        let parent = self.group(parent);
        let mut group = Group::new(parent);
        group.owned = owned;
        group.closed = self.groups[parent].closed || !self.open;
        self.groups.push(group);
        self.anchor(self.groups.len() - 1);
    }

    /// Returns the channel of a group of some name, a new one if there is none that is open.
    pub fn channel(&mut self, parent: usize, name: u8) -> usize {
        let name = pick(name, NAMES);
        let is_it =
            |group: &Group| group.parent == parent && group.name == Some(name) && !group.closed;
        if let Some(found) = self.groups.iter().position(is_it) {
            return found;
        }
        let mut group = Group::new(parent);
        group.name = Some(name);
        group.closed = self.groups[parent].closed || !self.open;
        self.groups.push(group);
        self.anchor(self.groups.len() - 1);
        self.groups.len() - 1
    }

    pub fn drop_group(&mut self, group: usize) {
        if std::mem::take(&mut self.groups[group].owned) {
            self.close(group);
        }
    }

    pub fn close(&mut self, group: usize) {
        self.cancel_all(group);
        if group == 0 || self.groups[group].closed {
            return;
        }
        let heir = self.living(self.groups[group].parent);
        for below in 0..self.groups.len() {
            if self.with_ancestors(below).contains(&group) && !self.groups[below].closed {
                self.groups[below].closed = true;
                self.skips.retain(|skip| skip.group != below);
                self.leave_waits(below, heir);
            }
        }
    }

    pub fn cancel_all(&mut self, group: usize) {
        for task in self.alive(group) {
            self.cancel(task);
        }
    }

    pub fn pause(&mut self, group: usize, paused: bool) {
        if self.groups[group].closed || self.groups[group].paused == paused {
            return;
        }
        self.anchor(group);
        self.groups[group].paused = paused;
        for task in std::mem::take(&mut self.kept) {
            if self.frozen(self.tasks[task].group) {
                self.kept.push(task);
            } else if self.tasks[task].life == Life::Alive {
                self.ready.push(task);
                self.ring();
            }
        }
    }

    pub fn set_speed(&mut self, group: usize, speed: f64) {
        self.anchor(group);
        self.groups[group].speed = speed;
    }

    pub fn slow(&mut self, group: usize, factor: f64) {
        self.anchor(group);
        self.counter += 1;
        self.groups[group].slows.push((self.counter, factor));
        self.slows.push((group, self.counter));
    }

    pub fn drop_slow(&mut self, index: usize) {
        let (group, guard) = self.slows.remove(index);
        self.anchor(group);
        self.groups[group].slows.retain(|(number, _)| *number != guard);
    }

    pub fn set_phase(&mut self, group: usize, stage: usize) {
        self.groups[group].phase = Some(stage);
    }

    /// The numbers of the tasks in a group and below it whose futures are still there.
    pub fn alive(&self, group: usize) -> Vec<usize> {
        (0..self.tasks.len())
            .filter(|&task| self.tasks[task].counts && self.tasks[task].result.is_none())
            .filter(|&task| self.with_ancestors(self.tasks[task].group).contains(&group))
            .collect()
    }

    pub fn group(&self, number: u8) -> usize {
        pick(number, self.groups.len())
    }

    /// The group of the running task, or the root group.
    pub fn here(&self) -> usize {
        self.stack.last().map_or(0, |&task| self.tasks[task].group)
    }

    /// The group itself, or the nearest one above it that is not closed. Of a closed group that nothing is
    /// left of, nobody knows any more where it was: then it is the root group.
    pub fn living(&self, group: usize) -> usize {
        let mut above = self.with_ancestors(group).into_iter();
        let living = above.find(|&above| !self.groups[above].closed);
        if self.is_over(group) { 0 } else { living.unwrap_or(0) }
    }

    fn is_over(&self, group: usize) -> bool {
        self.groups[group].closed && self.alive(group).is_empty()
    }

    pub fn with_ancestors(&self, group: usize) -> Vec<usize> {
        let mut groups = vec![group];
        while *groups.last().unwrap() != 0 {
            groups.push(self.groups[*groups.last().unwrap()].parent);
        }
        groups
    }

    pub fn frozen(&self, group: usize) -> bool {
        self.with_ancestors(group).iter().any(|&above| self.groups[above].paused)
    }

    pub fn now(&self, group: usize) -> u64 {
        let group = self.living(group);
        self.groups[group].time[self.stage(group)]
    }

    /// The speed of a clock and of all above it.
    pub fn speed(&self, group: usize) -> f64 {
        let group = self.living(group);
        self.with_ancestors(group).iter().map(|&above| self.groups[above].own_speed()).product()
    }

    pub fn stage(&self, group: usize) -> usize {
        let groups = self.with_ancestors(group);
        groups.iter().find_map(|&above| self.groups[above].phase).unwrap_or(0)
    }

    /// Begins anew with the clock's count, from what it shows.
    fn anchor(&mut self, group: usize) {
        let above = self.groups[group].parent;
        for stage in 0..2 {
            self.groups[group].anchor[stage] =
                (self.groups[group].time[stage], self.groups[above].time[stage]);
        }
    }

    /// Steps a clock and all below it. Only the root clock needs the delta.
    pub fn step_clocks(&mut self, group: usize, stage: usize, delta: u64) {
        if self.groups[group].paused || self.groups[group].closed {
            return;
        }
        let above = self.groups[self.groups[group].parent].time[stage];
        let clock = &mut self.groups[group];
        let (own, parent) = clock.anchor[stage];
        clock.time[stage] = match group {
            0 => clock.time[stage] + scale(delta, clock.own_speed()),
            _ => own + scale(above - parent, clock.own_speed()),
        };
        clock.frames[stage] += 1;
        self.fire(group, stage);
        for below in 1..self.groups.len() {
            if self.groups[below].parent == group {
                self.step_clocks(below, stage, delta);
            }
        }
    }
}

pub fn scale(step: u64, speed: f64) -> u64 {
    if speed == 1.0 { step } else { (step as f64 * speed) as u64 }
}
