//! The tree of groups: who lives in which, who is frozen, how many are alive.
//!
//! A closed group stays in the tree until its last task has been dropped, the groups below it are gone, and the clock
//! above has taken its lists over; then its entry is used again, under a new generation.

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;

use super::heap::Heap;
use super::key::TaskKey;
use super::next::Made;
use super::skip::Skip;
use super::slots::{NONE, Slots};
use super::time::Clock;
use super::waits::{List, Waits};
use crate::Phase;

/// The root group's key: it is there as long as its runtime.
pub(crate) const ROOT: GroupKey = GroupKey { index: 0, generation: 0 };

/// A group's place, and which of the groups that were there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GroupKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl GroupKey {
    /// A key that no group has: for handles to what never came to be.
    pub(crate) const NOWHERE: Self = Self { index: u32::MAX, generation: u32::MAX };

    /// Returns the key, unless it is the one that no group has.
    #[inline]
    pub(super) fn somewhere(self) -> Option<Self> {
        (self.index != u32::MAX).then_some(self)
    }
}

/// Who froze a group. It thaws when none of them holds it any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freeze {
    /// `GroupHandle::pause`.
    Pause = 1,
    /// The engine: the group's node cannot process.
    Suspend = 2,
}

/// One group.
// In this order, and at the start of a line of the processor's memory: with what comes first in a clock, what each tick and
// each poll look at lies in two lines, since there may be a group for each of thousands of nodes.
#[repr(C, align(64))]
pub(crate) struct Group {
    pub(crate) generation: u32,
    /// Set when the group is closed: it takes no tasks, and its clock is its parent's.
    pub(crate) closed: bool,
    /// Whether it or a group above it is frozen.
    pub(crate) frozen: bool,
    /// The [`Freeze`]s that hold it, as bits.
    freezes: u8,
    /// Set if its clock keeps its own time whatever is skipped above it.
    pub(crate) keeps_time: bool,
    /// The order of creation in this runtime: siblings are stepped in it.
    pub(crate) order: u64,
    /// Links of the tree, as indices.
    pub(crate) parent: u32,
    pub(crate) first_child: u32,
    pub(crate) clock: Clock,
    last_child: u32,
    previous_sibling: u32,
    pub(crate) next_sibling: u32,
    /// The group's own tasks, in the order of their spawns.
    first_task: u32,
    last_task: u32,
    /// Set if it closes with the end of its last task.
    pub(crate) lapses: bool,
    /// The stage of its seconds and conditions, unless it is its parent's.
    pub(crate) phase: Option<Phase>,
    /// The number of tasks here and below whose futures have not been dropped.
    pub(crate) live: usize,
    /// What was woken while frozen, each with its place in the order of such wakes.
    kept: Vec<(u64, TaskKey)>,
    /// Who waits for it to be empty, each under the number of its wait.
    pub(super) joiners: Vec<(u64, Waker)>,
    /// Its children that have a name and are open, so that none is looked for among all the others.
    channels: BTreeMap<Rc<str>, GroupKey>,
    /// The name that its parent knows it by, if it has one.
    pub(super) name: Option<Rc<str>>,
    /// What the engine says that it belongs to.
    pub(crate) owner: Option<NonZeroU64>,
    /// Set while its clock is skipped.
    pub(crate) skip: Option<Box<Skip>>,
    /// What is dropped when it closes.
    pub(crate) attached: Vec<Box<dyn Any>>,
}

/// What has come loose when groups were closed. It is woken, and dropped, when nothing is borrowed.
#[derive(Default)]
pub(crate) struct Over {
    pub(crate) wakers: Vec<Waker>,
    pub(crate) attached: Vec<Box<dyn Any>>,
}

/// All groups of a runtime, with their clocks and the waits on those.
pub(crate) struct Groups {
    pub(crate) groups: Vec<Group>,
    pub(crate) waits: Waits,
    /// Waits for the next frame that were made and not polled yet, by the number of the scope.
    pub(super) made: BTreeMap<u64, Made>,
    /// The wakers of others that wait for the next frame.
    pub(super) foreign: Slab<Waker>,
    /// The waits for a wall time.
    pub(super) real: Heap,
    /// The clocks that are skipped, in the order in which that began.
    pub(super) skips: Vec<GroupKey>,
    /// The clocks that keep their own time, parents before children.
    pub(super) keepers: Vec<GroupKey>,
    /// Who waits for a clock to be skipped.
    pub(super) skip_watches: List,
    /// Set between the physics tick of a frame and its process tick.
    pub(super) is_mid_frame: bool,
    /// Set during a jump.
    pub(super) is_jumping: bool,
    /// Set when something was due that was no condition, or a condition is watched no longer.
    pub(super) has_fired: bool,
    /// The groups that close with the task that has just ended.
    pub(super) lapsed: Vec<GroupKey>,
    /// The ticks of each stage, those in which the root clock is frozen and the jumps of skipped clocks included.
    pub(crate) ticks: [u64; 2],
    /// What that was in the last tick of the engine's.
    pub(super) last_ticks: [u64; 2],
    /// The process ticks of the engine's.
    pub(crate) process_ticks: u64,
    empty: Vec<u32>,
    created: u64,
    kept: u64,
    joins: u64,
}

impl Groups {
    pub(crate) fn new() -> Self {
        let mut groups = Self {
            groups: Vec::new(),
            waits: Waits::default(),
            made: BTreeMap::new(),
            foreign: Slab::new(),
            real: Heap::default(),
            skips: Vec::new(),
            keepers: Vec::new(),
            skip_watches: List::default(),
            is_mid_frame: false,
            is_jumping: false,
            has_fired: false,
            lapsed: Vec::new(),
            ticks: [0; 2],
            last_ticks: [0; 2],
            process_ticks: 0,
            empty: Vec::new(),
            created: 0,
            kept: 0,
            joins: 0,
        };
        let root = groups.add(NONE);
        debug_assert_eq!(root, ROOT);
        groups
    }

    // ---------------------------------------------------------------- The tree

    /// Makes a child of a group; a closed one gives none.
    pub(crate) fn add_child(&mut self, parent: GroupKey) -> Option<GroupKey> {
        let parent = self.find_open(parent)?;
        Some(self.add(parent))
    }

    /// Returns the child of a group that has a name, made if there is none that is open; a closed group gives none.
    pub(crate) fn channel(&mut self, parent: GroupKey, name: &str) -> Option<GroupKey> {
        let parent = self.find_open(parent)?;
        if let Some(&channel) = self.at(parent).channels.get(name) {
            return Some(channel);
        }
        let channel = self.add(parent);
        let name: Rc<str> = name.into();
        self.at_mut(channel.index).name = Some(name.clone());
        self.at_mut(parent).channels.insert(name, channel);
        Some(channel)
    }

    fn add(&mut self, parent: u32) -> GroupKey {
        let generation = match self.empty.last() {
            Some(&index) => self.groups[index as usize].generation,
            None => 0,
        };
        self.created += 1;
        let frozen = parent != NONE && self.groups[parent as usize].frozen;
        let group = Group {
            generation,
            closed: false,
            order: self.created,
            parent,
            first_child: NONE,
            last_child: NONE,
            previous_sibling: NONE,
            next_sibling: NONE,
            first_task: NONE,
            last_task: NONE,
            live: 0,
            freezes: 0,
            frozen,
            kept: Vec::new(),
            phase: None,
            clock: Clock::new(),
            joiners: Vec::new(),
            channels: BTreeMap::new(),
            name: None,
            owner: None,
            skip: None,
            keeps_time: false,
            lapses: false,
            attached: Vec::new(),
        };
        let index = match self.empty.pop() {
            Some(index) => {
                self.groups[index as usize] = group;
                index
            }
            None => {
                self.groups.push(group);
                self.groups.len() as u32 - 1
            }
        };
        if parent != NONE {
            let last = self.groups[parent as usize].last_child;
            self.groups[index as usize].previous_sibling = last;
            match last {
                NONE => self.groups[parent as usize].first_child = index,
                _ => self.groups[last as usize].next_sibling = index,
            }
            self.groups[parent as usize].last_child = index;
            self.start_clock(index);
        }
        GroupKey { index, generation }
    }

    /// Returns the index of a group that is in the tree, closed or not.
    #[inline]
    pub(crate) fn find(&self, key: GroupKey) -> Option<u32> {
        let group = self.groups.get(key.index as usize)?;
        // An entry that is not in use has a generation that no key has yet.
        (group.generation == key.generation).then_some(key.index)
    }

    /// Returns the index of a group that is open.
    #[inline]
    pub(crate) fn find_open(&self, key: GroupKey) -> Option<u32> {
        self.find(key).filter(|&index| !self.groups[index as usize].closed)
    }

    /// Returns the group itself, or the nearest open one above it; the root for one that is closed and without tasks,
    /// whether or not its entry is still there.
    #[inline]
    pub(crate) fn nearest_open(&self, key: GroupKey) -> u32 {
        let Some(mut index) = self.find(key) else {
            return ROOT.index;
        };
        if self.at(index).closed && self.at(index).live == 0 {
            return ROOT.index;
        }
        while self.groups[index as usize].closed {
            index = self.groups[index as usize].parent;
        }
        index
    }

    #[inline]
    pub(crate) fn key_at(&self, index: u32) -> GroupKey {
        GroupKey { index, generation: self.groups[index as usize].generation }
    }

    #[inline]
    pub(crate) fn at(&self, index: u32) -> &Group {
        &self.groups[index as usize]
    }

    pub(crate) fn at_mut(&mut self, index: u32) -> &mut Group {
        &mut self.groups[index as usize]
    }

    /// Returns a group and all below it, parents before children, siblings by creation.
    pub(crate) fn subtree(&self, index: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut next = index;
        loop {
            found.push(next);
            let mut group = self.at(next);
            if group.first_child != NONE {
                next = group.first_child;
                continue;
            }
            while next != index && group.next_sibling == NONE {
                next = group.parent;
                group = self.at(next);
            }
            if next == index {
                return found;
            }
            next = group.next_sibling;
        }
    }

    /// Returns the groups right below a group, by creation.
    pub(crate) fn children(&self, index: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut next = self.at(index).first_child;
        while next != NONE {
            found.push(next);
            next = self.at(next).next_sibling;
        }
        found
    }

    /// Takes back what was set on the root group. Its time goes on.
    pub(crate) fn reset_root(&mut self) {
        self.is_mid_frame = false;
        self.rebase(ROOT.index, |root| {
            root.freezes = 0;
            root.frozen = false;
            root.phase = None;
            root.kept = Vec::new();
            root.clock.reset_speed();
        });
    }

    /// Returns whether a group is another one, or below it.
    pub(crate) fn is_below(&self, mut index: u32, other: u32) -> bool {
        while index != NONE {
            if index == other {
                return true;
            }
            index = self.at(index).parent;
        }
        false
    }

    /// Returns what a group belongs to, or the nearest above it that belongs to something.
    pub(crate) fn owner(&self, mut index: u32) -> Option<NonZeroU64> {
        while index != NONE {
            let group = self.at(index);
            if group.owner.is_some() {
                return group.owner;
            }
            index = group.parent;
        }
        None
    }

    /// Returns the stage of a group's seconds and conditions.
    pub(crate) fn phase(&self, mut index: u32) -> Phase {
        loop {
            let group = self.at(index);
            match group.phase {
                Some(phase) => return phase,
                None if group.parent == NONE => return Phase::Process,
                None => index = group.parent,
            }
        }
    }

    /// Returns the number of groups in the tree, closed ones with living tasks included.
    pub(crate) fn count(&self) -> usize {
        self.groups.len() - self.empty.len()
    }

    // ---------------------------------------------------------------- Tasks

    /// Puts a task at the end of its group's list.
    pub(crate) fn add_task(&mut self, index: u32, key: TaskKey, slots: &mut Slots) {
        let group = &mut self.groups[index as usize];
        let last = std::mem::replace(&mut group.last_task, key.index());
        match last {
            NONE => group.first_task = key.index(),
            _ => slots.at(last).next = key.index(),
        }
        slots.at(key.index()).previous = last;
        let mut above = index;
        while above != NONE {
            self.groups[above as usize].live += 1;
            above = self.groups[above as usize].parent;
        }
    }

    /// Takes a task out of its group's list, and adds to `wakers` who waits for an empty group.
    pub(crate) fn remove_task(&mut self, key: TaskKey, slots: &mut Slots, wakers: &mut Vec<Waker>) {
        let slot = slots.at(key.index());
        let (index, previous, next) = (slot.group, slot.previous, slot.next);
        match previous {
            NONE => self.groups[index as usize].first_task = next,
            _ => slots.at(previous).next = next,
        }
        match next {
            NONE => self.groups[index as usize].last_task = previous,
            _ => slots.at(next).previous = previous,
        }
        let mut above = index;
        while above != NONE {
            let group = &mut self.groups[above as usize];
            group.live -= 1;
            if group.live == 0 && group.lapses && !group.closed {
                self.lapsed.push(GroupKey { index: above, generation: group.generation });
            }
            // One task may be left, since who joins its own group does not wait for itself.
            if group.live <= 1 {
                wakers.extend(group.joiners.drain(..).map(|(_, waker)| waker));
            }
            above = group.parent;
        }
        self.remove_if_over(index, wakers);
    }

    /// Returns a group that closes with the task that has just ended.
    #[inline]
    pub(super) fn take_lapsed(&mut self) -> Option<GroupKey> {
        self.lapsed.pop()
    }

    /// Returns the name of a group, if it is a channel.
    pub(super) fn name(&self, index: u32) -> Option<&str> {
        self.at(index).name.as_deref()
    }

    /// Returns a group's own tasks, in the order of their spawns.
    pub(super) fn own_tasks(&self, index: u32, slots: &mut Slots) -> Vec<TaskKey> {
        let mut found = Vec::new();
        let mut next = self.at(index).first_task;
        while next != NONE {
            found.push(slots.key_at(next));
            next = slots.at(next).next;
        }
        found
    }

    /// Returns the tasks of a group and of all below it, in the order of their spawns.
    pub(crate) fn tasks_of(&self, index: u32, slots: &mut Slots) -> Vec<TaskKey> {
        let mut found = Vec::new();
        for group in self.subtree(index) {
            let mut next = self.at(group).first_task;
            while next != NONE {
                let slot = slots.at(next);
                found.push((slot.id, next));
                next = slot.next;
            }
        }
        found.sort_by_key(|&(id, _)| id);
        found.into_iter().map(|(_, index)| slots.key_at(index)).collect()
    }

    // ---------------------------------------------------------------- Closing

    /// Closes a group and all below it, and moves the waits of others on their clocks to the parent's. The caller has
    /// ended the tasks, and drops what was attached.
    pub(crate) fn close(&mut self, index: u32, over: &mut Over) {
        let heir = self.nearest_open(self.key_at(self.at(index).parent));
        let subtree = self.subtree(index);
        // Those that were closed before have handed their waits to one of the others.
        let open: Vec<_> = subtree.iter().copied().filter(|&it| !self.at(it).closed).collect();
        for &group in &open {
            self.forget_skipping(group);
            let group = self.at_mut(group);
            group.closed = true;
            group.kept = Vec::new();
            group.channels = BTreeMap::new();
            over.attached.append(&mut group.attached);
            let (parent, name) = (group.parent, group.name.take());
            if let Some(name) = name {
                self.at_mut(parent).channels.remove(&name);
            }
        }
        for &group in &open {
            self.bequeath(group, heir);
        }
        for &group in subtree.iter().rev() {
            self.remove_if_over(group, &mut over.wakers);
        }
    }

    /// Frees the entry of a group if it is closed, has no tasks, and another clock has taken over the last of its lists.
    pub(super) fn remove_if_closed(&mut self, index: u32) {
        let mut wakers = Vec::new();
        if self.at(index).closed {
            self.remove_if_over(index, &mut wakers);
        }
        debug_assert!(wakers.is_empty(), "who waits for a group's tasks was woken by the last");
    }

    /// Frees the entry of a closed group that has neither tasks, nor groups below it, nor a list of waits, and so on
    /// upwards.
    fn remove_if_over(&mut self, mut index: u32, wakers: &mut Vec<Waker>) {
        loop {
            let group = self.at_mut(index);
            let is_empty = group.first_task == NONE && group.first_child == NONE;
            if !group.closed || !is_empty || group.clock.has_orphans() {
                return;
            }
            group.generation += 1;
            group.closed = false;
            wakers.extend(group.joiners.drain(..).map(|(_, waker)| waker));
            let (parent, previous, next) =
                (group.parent, group.previous_sibling, group.next_sibling);
            match previous {
                NONE => self.at_mut(parent).first_child = next,
                _ => self.at_mut(previous).next_sibling = next,
            }
            match next {
                NONE => self.at_mut(parent).last_child = previous,
                _ => self.at_mut(next).previous_sibling = previous,
            }
            self.empty.push(index);
            index = parent;
        }
    }

    // ---------------------------------------------------------------- Freezing

    /// Freezes or thaws a group for one reason; what was kept goes to the end of `thawed`, in the order of its wakes.
    pub(crate) fn set_freeze(
        &mut self,
        index: u32,
        freeze: Freeze,
        on: bool,
        thawed: &mut Vec<TaskKey>,
    ) {
        let before = self.at(index).freezes;
        let after = if on { before | freeze as u8 } else { before & !(freeze as u8) };
        if (before == 0) == (after == 0) {
            self.at_mut(index).freezes = after;
            return;
        }
        self.rebase(index, |group| group.freezes = after);
        let parent = self.at(index).parent;
        let frozen_above = parent != NONE && self.at(parent).frozen;
        let mut kept = Vec::new();
        for group in self.subtree(index) {
            let above =
                if group == index { frozen_above } else { self.at(self.at(group).parent).frozen };
            let group = self.at_mut(group);
            group.frozen = above || group.freezes != 0;
            if !group.frozen {
                kept.append(&mut group.kept);
            }
        }
        kept.sort_by_key(|&(order, _)| order);
        thawed.extend(kept.into_iter().map(|(_, key)| key));
    }

    /// Returns whether the group itself is held by somebody: its clock stands still.
    #[inline]
    pub(crate) fn is_held(&self, index: u32) -> bool {
        self.at(index).freezes != 0
    }

    /// Keeps a wake for the resume.
    pub(crate) fn keep(&mut self, index: u32, key: TaskKey) {
        self.kept += 1;
        let order = self.kept;
        self.at_mut(index).kept.push((order, key));
    }

    // ---------------------------------------------------------------- Joining

    /// Adds a waiter for an empty group, and returns its number.
    pub(crate) fn add_joiner(&mut self, index: u32, waker: Waker) -> u64 {
        self.joins += 1;
        let number = self.joins;
        self.at_mut(index).joiners.push((number, waker));
        number
    }

    /// Takes a waiter out again; the waker is handed back, since dropping it may run foreign code.
    pub(crate) fn remove_joiner(&mut self, key: GroupKey, number: u64) -> Option<Waker> {
        let index = self.find(key)?;
        let joiners = &mut self.at_mut(index).joiners;
        let position = joiners.iter().position(|&(other, _)| other == number)?;
        Some(joiners.remove(position).1)
    }
}
