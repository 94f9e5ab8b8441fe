//! Takes snapshots. What tasks wait for is found in the lists that wake them, so that it costs nothing until it is asked
//! for.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::task::Waker;

use super::groups::{Groups, ROOT};
use super::key::TaskKey;
use super::runtime::{Core, Runtime, nanoseconds_of, try_current};
use super::slots::State;
use super::time::NEVER;
use super::waits::{Lane, Waiter, Woken};
use crate::engine::Engine;
use crate::raw::cell::Joiner;
use crate::raw::waker::key_of;
use crate::waiters::Label;
use crate::{GroupInfo, Phase, TaskId, TaskInfo, TaskState, WaitInfo};

/// What each task waits for.
type AllWaits = HashMap<TaskKey, Vec<WaitInfo>>;

impl Runtime {
    /// Takes a snapshot of the root group, and of all below it.
    pub(crate) fn inspect(&self) -> GroupInfo {
        let real = nanoseconds_of(self.real_time());
        let mut waits = self.with(|core| {
            let mut waits = AllWaits::new();
            core.find_joins(&mut waits);
            core.groups.find_group_joins(&mut waits);
            core.find_notes(&mut waits);
            core.groups.find_waits(real, &mut waits);
            waits
        });
        let engine = self.engine();
        if let Some(engine) = &engine {
            let found = &mut |waker: &Waker, what: &str| {
                if let Some(waiting) = key_of(waker) {
                    waits.entry(waiting).or_default().push(WaitInfo::Event(what.to_owned()));
                }
            };
            self.guard("asking for the engine's waits", || engine.list_waits(found));
        }
        for of_task in waits.values_mut() {
            of_task.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        }
        let turns = self.coming_turns();
        self.inspect_group(ROOT.index, engine.as_deref(), &mut waits, &turns)
    }

    fn inspect_group(
        &self,
        index: u32,
        engine: Option<&dyn Engine>,
        waits: &mut AllWaits,
        turns: &HashSet<TaskKey>,
    ) -> GroupInfo {
        let (mut info, owner, below) = self.with(|core| {
            let tasks = core.groups.own_tasks(index, &mut core.slots);
            let tasks = tasks.into_iter().filter_map(|key| core.inspect_task(key, waits, turns));
            let tasks = tasks.collect();
            let info = GroupInfo {
                tasks,
                name: core.groups.name(index).map(str::to_owned),
                speed: core.groups.speed(index),
                frozen: core.groups.at(index).frozen,
                skipping: core.groups.is_skipping(index),
                groups: Vec::new(),
            };
            (info, core.groups.at(index).owner, core.groups.children(index))
        });
        if let (None, Some(owner), Some(engine)) = (&info.name, owner, engine) {
            self.guard("asking for a group's name", || info.name = engine.owner_name(owner));
        }
        let groups = below.into_iter().map(|it| self.inspect_group(it, engine, waits, turns));
        // The clocks of scripts that are skipped, and the like, are groups in which mostly nobody is.
        let is_seen = |group: &GroupInfo| group.name.is_some() || group.count_tasks() > 0;
        info.groups = groups.filter(is_seen).collect();
        info
    }
}

impl Core {
    fn inspect_task(
        &mut self,
        key: TaskKey,
        waits: &mut AllWaits,
        turns: &HashSet<TaskKey>,
    ) -> Option<TaskInfo> {
        let slot = self.slots.get(key)?;
        let task = slot.task.as_ref()?;
        let header = task.header();
        let state = match slot.state {
            State::Empty | State::Ready | State::Gone => TaskState::Ending,
            State::Alive if task.is_busy() => TaskState::Running,
            State::Alive if slot.queued || turns.contains(&key) => TaskState::Ready,
            State::Alive => TaskState::Waiting,
        };
        let age = self.groups.milliseconds().wrapping_sub(header.spawned.get());
        Some(TaskInfo {
            id: TaskId::new(slot.id),
            name: header.name.as_deref().cloned(),
            location: header.location,
            state,
            waits_for: waits.remove(&key).unwrap_or_default(),
            age: f64::from(age) / 1e3,
            polls: task.polls(),
        })
    }

    /// Finds the tasks that wait for other tasks.
    fn find_joins(&mut self, waits: &mut AllWaits) {
        for key in self.groups.tasks_of(ROOT.index, &mut self.slots) {
            let Some(slot) = self.slots.get(key) else { continue };
            let Some(task) = &slot.task else { continue };
            let joiner = task.header().joiner.take();
            if let Joiner::One(waker) = &joiner
                && let Some(waiting) = key_of(waker)
            {
                let awaited = WaitInfo::Task(TaskId::new(slot.id));
                waits.entry(waiting).or_default().push(awaited);
            }
            task.header().joiner.set(joiner);
        }
    }
}

/// The note that a task waits in a list outside of the scheduler. Dropping it takes it back.
pub(crate) struct WaitNote {
    runtime: &'static Runtime,
    place: u32,
}

impl WaitNote {
    /// Notes what a task waits for, if the waker is one of ours.
    pub(crate) fn new(waker: &Waker, label: Label) -> Option<Self> {
        let (key, runtime) = (key_of(waker)?, try_current()?);
        let place = runtime.with(|core| core.notes.insert((key, label)));
        Some(Self { runtime, place: place as u32 })
    }
}

impl Drop for WaitNote {
    fn drop(&mut self) {
        self.runtime.with(|core| core.notes.try_remove(self.place as usize));
    }
}

impl Core {
    /// Finds the tasks that wait for cues, flags and shared tasks.
    fn find_notes(&self, waits: &mut AllWaits) {
        for &(key, label) in self.notes.iter().map(|(_, note)| note) {
            let info = match label {
                Label::Cue(of, location) => WaitInfo::Event(format!("a cue of {of} ({location})")),
                Label::Flag(location) => WaitInfo::Event(format!("a flag ({location})")),
                Label::Task(id) => WaitInfo::Task(id),
                Label::Named(name) => WaitInfo::Named(name),
            };
            waits.entry(key).or_default().push(info);
        }
    }
}

impl Groups {
    /// Finds the tasks that wait for groups to be empty.
    fn find_group_joins(&self, waits: &mut AllWaits) {
        for group in &self.groups {
            let what = match &group.name {
                Some(name) => format!("the tasks of group \"{name}\""),
                None => "the tasks of a group".to_owned(),
            };
            for key in group.joiners.iter().filter_map(|(_, waker)| key_of(waker)) {
                waits.entry(key).or_default().push(WaitInfo::Event(what.clone()));
            }
        }
    }

    /// Finds what the clocks, and the wall's at a time in nanoseconds, will wake.
    fn find_waits(&mut self, real: u64, waits: &mut AllWaits) {
        for index in 0..self.groups.len() as u32 {
            for phase in [Phase::Process, Phase::Physics] {
                for key in self.stage(index, phase as usize).next.iter().filter_map(Woken::task) {
                    waits.entry(key).or_default().push(frames(1, phase));
                }
            }
        }
        for wait in self.waits.indices() {
            let entry = self.waits.at(wait);
            let Waiter::Task(key) = entry.waiter else { continue };
            if !entry.queued {
                continue;
            }
            let phase = entry.phase();
            let info = match entry.lane {
                Lane::Skips => continue,
                Lane::Ticks => WaitInfo::Tick,
                Lane::Real => WaitInfo::RealSeconds(left(entry.deadline, real)),
                Lane::Seconds => {
                    let (clock, deadline) = self.queued_for(wait);
                    WaitInfo::Seconds(left(deadline, self.time(clock, phase)))
                }
                Lane::Frames => {
                    let (clock, deadline) = self.queued_for(wait);
                    frames(deadline.saturating_sub(self.frame(clock, phase)), phase)
                }
            };
            waits.entry(key).or_default().push(info);
        }
    }
}

fn frames(left: u64, phase: Phase) -> WaitInfo {
    match phase {
        Phase::Process => WaitInfo::Frames(left),
        Phase::Physics => WaitInfo::PhysicsFrames(left),
    }
}

/// Returns the seconds up to a deadline.
fn left(deadline: u64, now: u64) -> f64 {
    match deadline {
        NEVER => f64::INFINITY,
        _ => deadline.saturating_sub(now) as f64 / 1e9,
    }
}
