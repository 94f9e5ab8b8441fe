//! Clocks: how time flows down the tree, and which waits are due.
//!
//! A clock's time is a function of its parent's: `local + (parent's time now - parent's time then) × speed`, anchored
//! anew whenever its speed changes or it is frozen or thawed. So a clock that nobody waits on costs nothing: it is not
//! stepped, but asked.
//!
//! Each clock keeps its waits in the order of their deadlines, and has at most one entry for each lane in its
//! parent's: its own first deadline in the parent's time. A tick walks down from the root, only to where something is
//! due. A clock that is frozen, or stands still, has no entry there, so that a change of speed or a freeze costs one
//! entry, however much is below.
//!
//! When a clock's group closes, its waits go to the clock above it, with what is left: their deadlines become that
//! clock's at once, but they stay where they are until it takes them over with its own next tick. So closing thousands of
//! groups one by one costs each of them the same; and most of these waits are of the tasks that end with the group, which
//! are dropped before that tick, for next to nothing.

use std::task::Waker;

use super::groups::{Group, GroupKey, Groups, ROOT};
use super::heap::{Heap, Item, Owner};
use super::next::{NextList, fire_all};
use super::slots::{NONE, Slots};
use super::waits::{Lane, List, Waiter, Waits, Woken};
use crate::Phase;

/// A wait is due when no more than a microsecond is missing, so that rounding never makes it a frame late.
pub(crate) const GRACE: u64 = 1_000;

/// "Never", as a deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// The clock of a group.
#[repr(C)]
pub(crate) struct Clock {
    stages: [Stage; 2],
    /// The product of what was set and the factors.
    speed: f64,
    /// What `set_speed` has set.
    own_speed: f64,
    /// The factors of the guards that live, each under its number, in the order of their creation.
    factors: Vec<(u64, f64)>,
    guards: u64,
}

/// A clock's time in one stage of the frame, and the waits on it.
// In this order: what every tick looks at lies together.
#[derive(Default)]
#[repr(C)]
pub(super) struct Stage {
    /// Waits for the next frame, in the order of their first polls. Most clocks have one of them.
    pub(super) next: NextList,
    /// What there is to do below.
    below: Option<Box<Below>>,
    /// Of a closed clock: how many waits for the next frame are in its list.
    pub(super) orphans: u32,
    /// Set while this clock is in its parent's list of active ones.
    pub(super) is_active: bool,
    /// Set if a tick has nothing to do here but those waits. If it is not set, there may be more, or nothing.
    is_plain: bool,
    /// Conditions.
    ticks: List,
    /// Where this clock's entries are in its parent's `seconds` and `frames`.
    entries: [u32; 2],
    /// Waits for a time, and for frames, and the first such deadlines of the clocks below.
    seconds: Heap,
    frames: Heap,
    /// The clock's and its parent's frames at the last change.
    local_frames: u64,
    parent_frames: u64,
    /// The clock's and its parent's time at the last change, in nanoseconds. The root's own time is in `local`.
    local: u64,
    parent: u64,
    /// The step of the tick in which the last change was made, as it was before the change.
    step_tick: u64,
    step: u64,
}

/// What a tick has to do below a clock. Most clocks have none below.
#[derive(Default)]
struct Below {
    /// The clocks right below that have to be visited in the next tick.
    active: Actives,
    /// Memory for that list: while it is visited, the one for the tick after is begun.
    spare: Vec<Active>,
    /// Closed clocks whose lists this one takes over with its next tick. Keys, since a group may be gone by then.
    bequests: Vec<GroupKey>,
}

/// A moment of a clock in one stage.
struct Moment {
    time: u64,
    frame: u64,
}

/// Clocks that have to be visited.
#[derive(Default)]
struct Actives {
    clocks: Vec<Active>,
    /// Set if they are not in the order in which they have to be visited.
    is_mixed: bool,
}

/// A clock that has to be visited.
#[derive(Clone, Copy)]
struct Active {
    /// Its group's order of creation.
    order: u64,
    /// A key, since the group may be gone by then.
    key: GroupKey,
}

impl Actives {
    fn push(&mut self, active: Active) {
        // Clocks are mostly activated in the order of their visits, since their tasks are polled in it.
        self.is_mixed |= self.clocks.last().is_some_and(|last| last.order > active.order);
        self.clocks.push(active);
    }
}

impl Stage {
    /// Returns whether conditions are checked at each tick of this clock.
    pub(super) fn has_ticks(&self) -> bool {
        !self.ticks.is_empty()
    }

    /// Returns an item of one of the heaps, in no order.
    pub(super) fn item(&self, is_seconds: bool, position: usize) -> Option<Item> {
        let heap = if is_seconds { &self.seconds } else { &self.frames };
        heap.items().get(position).copied()
    }

    /// Returns the closed clocks whose lists this one takes over with its next tick; their deadlines are in its time.
    pub(super) fn bequests(&self) -> &[GroupKey] {
        self.below.as_deref().map_or(&[], |below| &below.bequests)
    }

    /// Returns the clocks right below that have to be visited in the next tick.
    pub(super) fn active_below(&self) -> impl Iterator<Item = GroupKey> {
        self.below.iter().flat_map(|below| below.active.clocks.iter().map(|active| active.key))
    }

    /// Returns one of them.
    pub(super) fn active_below_at(&self, position: usize) -> Option<GroupKey> {
        Some(self.below.as_ref()?.active.clocks.get(position)?.key)
    }

    /// Returns whether this clock's first deadline is in its parent's queue.
    pub(super) fn is_entered(&self, is_seconds: bool) -> bool {
        self.entries[usize::from(!is_seconds)] != NONE
    }

    /// Lets time pass on the root clock.
    pub(super) fn pass(&mut self, step: u64, frames: u64) {
        self.local = self.local.saturating_add(step);
        self.local_frames += frames;
        self.step = step / frames;
    }

    /// Of a closed clock: returns whether something is left that the clock above has not taken over yet.
    fn has_orphans(&self) -> bool {
        let heaps = !self.seconds.is_empty() || !self.frames.is_empty();
        self.orphans > 0 || !self.ticks.is_empty() || heaps
    }

    /// Moves the deadlines of a closed clock to another one's time.
    fn move_deadlines(&mut self, from: &Moment, to: &Moment) {
        for (heap, from, to) in
            [(&mut self.seconds, from.time, to.time), (&mut self.frames, from.frame, to.frame)]
        {
            for item in heap.items_mut() {
                if item.deadline != NEVER {
                    item.deadline = to.saturating_add(item.deadline.saturating_sub(from));
                }
            }
        }
    }

    /// Returns whether something waits here for a deadline, or is entered in the clock above for one.
    fn has_deadlines(&self) -> bool {
        let is_empty = self.seconds.first().is_none() && self.frames.first().is_none();
        !is_empty || self.entries != [NONE; 2]
    }

    /// Looks whether a tick has nothing to do but the waits for the next frame.
    fn update_plain(&mut self) {
        self.is_plain = self.below.is_none() && self.ticks.is_empty() && !self.has_deadlines();
    }

    /// Adds a condition.
    fn push_tick(&mut self, wait: u32, waits: &mut Waits) {
        self.is_plain = false;
        self.ticks.push(wait, waits);
    }

    /// Returns whether the clock has to be visited in its next tick, whatever its time will be.
    fn waits_for_tick(&self) -> bool {
        let lists = !self.next.is_empty() || !self.ticks.is_empty();
        let below = self.below.as_deref();
        lists || below.is_some_and(|it| !it.active.clocks.is_empty() || !it.bequests.is_empty())
    }

    fn below_mut(&mut self) -> &mut Below {
        self.is_plain = false;
        self.below.get_or_insert_default()
    }
}

impl Group {
    /// Returns how this group at its index is listed as one that has to be visited.
    #[inline]
    fn as_active(&self, index: u32) -> Active {
        Active { order: self.order, key: GroupKey { index, generation: self.generation } }
    }
}

impl Clock {
    /// Of a closed clock: returns whether something is left that the clock above has not taken over yet.
    pub(crate) fn has_orphans(&self) -> bool {
        self.stages.iter().any(Stage::has_orphans)
    }

    pub(crate) fn new() -> Self {
        let stage = || Stage { entries: [NONE; 2], ..Stage::default() };
        Self {
            own_speed: 1.0,
            factors: Vec::new(),
            guards: 0,
            speed: 1.0,
            stages: [stage(), stage()],
        }
    }

    /// Returns the clock's speed beside the one above.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Returns a length of time of the one above in this clock's time.
    pub(super) fn scale(&self, time: u64) -> u64 {
        scale(time, self.speed)
    }

    fn update_speed(&mut self) {
        self.speed = self.factors.iter().fold(self.own_speed, |speed, &(_, factor)| speed * factor);
    }

    pub(crate) fn reset_speed(&mut self) {
        self.own_speed = 1.0;
        self.factors = Vec::new();
        self.update_speed();
    }

    pub(crate) fn set_own_speed(&mut self, speed: f64) {
        self.own_speed = speed;
        self.update_speed();
    }

    pub(crate) fn add_factor(&mut self, factor: f64) -> u64 {
        self.guards += 1;
        self.factors.push((self.guards, factor));
        self.update_speed();
        self.guards
    }

    pub(crate) fn remove_factor(&mut self, number: u64) {
        self.factors.retain(|&(other, _)| other != number);
        self.update_speed();
    }
}

/// Where a tick puts what it has made due.
pub(crate) struct Due<'a> {
    pub(crate) slots: &'a mut Slots,
    pub(crate) ready: &'a mut Vec<Woken>,
    pub(crate) others: Vec<Waker>,
}

impl Due<'_> {
    pub(super) fn push(&mut self, waiter: Waiter) {
        match waiter {
            Waiter::Nobody => {}
            Waiter::Task(key) => {
                if self.slots.mark_queued(key) {
                    self.ready.push(Woken::new(key));
                }
            }
            Waiter::Other(waker) => self.others.push(waker),
        }
    }
}

/// Returns a time in nanoseconds; none is less than 0, and what is too long for the clock never comes.
pub(crate) fn nanoseconds(seconds: f64) -> u64 {
    // The cast saturates at both ends.
    (seconds * 1e9).round() as u64
}

fn scale(time: u64, speed: f64) -> u64 {
    if speed == 1.0 { time } else { (time as f64 * speed) as u64 }
}

impl Groups {
    #[inline]
    pub(super) fn stage(&self, index: u32, stage: usize) -> &Stage {
        &self.groups[index as usize].clock.stages[stage]
    }

    #[inline]
    pub(super) fn stage_mut(&mut self, index: u32, stage: usize) -> &mut Stage {
        &mut self.groups[index as usize].clock.stages[stage]
    }

    // ---------------------------------------------------------------- Reading

    /// Returns a clock's time in a stage, in nanoseconds.
    pub(crate) fn time(&self, index: u32, phase: Phase) -> u64 {
        let (group, stage) = (self.at(index), self.stage(index, phase as usize));
        if group.parent == NONE || self.is_held(index) {
            return stage.local;
        }
        let parent = self.time(group.parent, phase);
        stage.local.saturating_add(scale(parent - stage.parent, group.clock.speed))
    }

    /// Returns whether a deadline has come on a clock.
    pub(crate) fn is_due(&self, index: u32, phase: Phase, deadline: u64) -> bool {
        deadline != NEVER && deadline <= self.time(index, phase).saturating_add(GRACE)
    }

    /// Returns the root clock's time in milliseconds, which begins anew after fifty days.
    pub(crate) fn milliseconds(&self) -> u32 {
        (self.stage(ROOT.index, Phase::Process as usize).local / 1_000_000) as u32
    }

    /// Returns a clock's count of frames in a stage.
    #[inline]
    pub(crate) fn frame(&self, mut index: u32, phase: Phase) -> u64 {
        // The differences of all clocks up to the first that stands still; they may be negative on the way.
        let mut frame = 0_u64;
        loop {
            let group = self.at(index);
            let stage = &group.clock.stages[phase as usize];
            frame = frame.wrapping_add(stage.local_frames);
            if group.parent == NONE || self.is_held(index) {
                return frame;
            }
            frame = frame.wrapping_sub(stage.parent_frames);
            index = group.parent;
        }
    }

    /// Returns a clock's last step in a stage, in nanoseconds.
    pub(crate) fn step(&self, index: u32, phase: Phase) -> u64 {
        let (group, stage) = (self.at(index), self.stage(index, phase as usize));
        if group.parent == NONE {
            return stage.step;
        }
        // Of a clock that is skipped, each jump is a tick.
        let since = match self.is_skipping(index) {
            true => self.ticks[phase as usize],
            false => self.last_ticks[phase as usize],
        };
        if stage.step_tick >= since {
            return stage.step;
        }
        if self.is_held(index) {
            return 0;
        }
        let now = self.time(group.parent, phase) - stage.parent;
        let before = now.saturating_sub(self.step(group.parent, phase));
        scale(now, group.clock.speed) - scale(before, group.clock.speed)
    }

    /// Returns a clock's speed: its own times all above it.
    pub(crate) fn speed(&self, mut index: u32) -> f64 {
        let mut speed = 1.0;
        while index != NONE {
            speed *= self.at(index).clock.speed;
            index = self.at(index).parent;
        }
        speed
    }

    // ---------------------------------------------------------------- Changing

    /// Anchors a new group's clock at its parent's time; its own starts at 0.
    pub(crate) fn start_clock(&mut self, index: u32) {
        let parent = self.at(index).parent;
        for phase in [Phase::Process, Phase::Physics] {
            let (time, frame) = (self.time(parent, phase), self.frame(parent, phase));
            let tick = self.ticks[phase as usize];
            let stage = self.stage_mut(index, phase as usize);
            stage.parent = time;
            stage.parent_frames = frame;
            stage.step_tick = tick;
        }
    }

    /// Changes what a clock's time depends on, from now on.
    pub(crate) fn rebase(&mut self, index: u32, change: impl FnOnce(&mut Group)) {
        for phase in [Phase::Process, Phase::Physics] {
            let (time, frame) = (self.time(index, phase), self.frame(index, phase));
            let step = self.step(index, phase);
            self.anchor(index, phase, time, frame);
            self.set_step(index, phase as usize, step);
        }
        change(self.at_mut(index));
        for stage in 0..2 {
            self.project(index, stage);
            let own = self.stage(index, stage);
            if own.waits_for_tick() {
                self.activate(index, stage);
            }
        }
    }

    /// Says what a clock's time in a stage is at this moment of its parent's.
    pub(super) fn anchor(&mut self, index: u32, phase: Phase, time: u64, frame: u64) {
        let (parent_time, parent_frame) = match self.at(index).parent {
            NONE => (0, 0),
            parent => (self.time(parent, phase), self.frame(parent, phase)),
        };
        let stage = self.stage_mut(index, phase as usize);
        stage.local = time;
        stage.local_frames = frame;
        stage.parent = parent_time;
        stage.parent_frames = parent_frame;
    }

    /// Says what a clock's step was in the last tick.
    pub(super) fn set_step(&mut self, index: u32, stage: usize, step: u64) {
        let tick = self.ticks[stage];
        let stage = self.stage_mut(index, stage);
        stage.step = step;
        stage.step_tick = tick;
    }

    /// Returns whether a clock stands still while the one above goes on.
    pub(super) fn stands_still(&self, index: u32) -> bool {
        self.is_held(index) || self.at(index).clock.speed == 0.0
    }

    // ---------------------------------------------------------------- Waits

    /// Registers a wait for a deadline, or for every tick. Returns its index.
    pub(crate) fn add_wait(
        &mut self,
        index: u32,
        phase: Phase,
        lane: Lane,
        deadline: u64,
        waiter: Waiter,
    ) -> u32 {
        let wait = self.waits.insert(self.key_at(index), phase as u8, lane, waiter);
        self.enter(wait, deadline);
        wait
    }

    /// Registers another wait for the deadline of one for a time; none if that is due. Returns its index.
    pub(crate) fn add_same(&mut self, wait: u32) -> Option<u32> {
        let entry = self.waits.at(wait);
        debug_assert_eq!(entry.lane, Lane::Seconds);
        let stage = entry.stage;
        if !entry.queued {
            return None;
        }
        let (clock, deadline) = self.queued_for(wait);
        let group = self.key_at(clock);
        let same = self.waits.insert(group, stage, Lane::Seconds, Waiter::Nobody);
        self.enter(same, deadline);
        Some(same)
    }

    /// Returns the clock that a wait for a time, or for frames, goes by, and its deadline there. The wait is queued; if its clock is closed,
    /// that is the clock which will take it over.
    pub(crate) fn queued_for(&mut self, wait: u32) -> (u32, u64) {
        let entry = self.waits.at(wait);
        let (index, stage, position) =
            (entry.group.index, usize::from(entry.stage), entry.position);
        let is_seconds = entry.lane == Lane::Seconds;
        let mut clock = index;
        while self.at(clock).closed {
            clock = self.at(clock).parent;
        }
        let stage = self.stage(index, stage);
        let heap = if is_seconds { &stage.seconds } else { &stage.frames };
        (clock, heap.deadline_at(position))
    }

    /// Puts a wait into its lane.
    fn enter(&mut self, wait: u32, deadline: u64) {
        let entry = self.waits.at(wait);
        entry.deadline = deadline;
        let (index, stage, order) = (entry.group.index, usize::from(entry.stage), entry.order);
        let own = &mut self.groups[index as usize].clock.stages[stage];
        match entry.lane {
            Lane::Seconds | Lane::Frames => {
                entry.queued = true;
                let is_seconds = entry.lane == Lane::Seconds;
                let heap = if is_seconds { &mut own.seconds } else { &mut own.frames };
                let first = heap.first().map(|item| item.deadline);
                let mut heap = std::mem::take(heap);
                let item = Item { deadline, order, owner: Owner::Wait(wait) };
                heap.push(item, |owner, position| self.place(owner, stage, is_seconds, position));
                self.put_back(index, stage, is_seconds, heap);
                if first.is_none_or(|first| deadline < first) {
                    self.project(index, stage);
                }
            }
            Lane::Ticks => {
                own.push_tick(wait, &mut self.waits);
                self.activate(index, stage);
            }
            Lane::Real => {
                entry.queued = true;
                let item = Item { deadline, order, owner: Owner::Wait(wait) };
                self.change_real(|heap, place| heap.push(item, place));
            }
            Lane::Skips => {}
        }
    }

    /// Gives a wait that was registered before anybody polled it its place by its first poll.
    #[cold]
    pub(crate) fn order_wait(&mut self, wait: u32) {
        let order = self.waits.next_order();
        let entry = self.waits.at(wait);
        entry.order = order;
        let (stage, position, deadline) =
            (usize::from(entry.stage), entry.position, entry.deadline);
        if entry.queued && entry.lane == Lane::Seconds {
            let index = entry.group.index;
            if self.at(index).closed {
                self.stage_mut(index, stage).seconds.items_mut()[position as usize].order = order;
                return;
            }
            self.remove_item(index, stage, true, position);
            self.enter(wait, deadline);
        }
    }

    /// Forgets a wait, due or not, and hands its waiter back.
    pub(crate) fn remove_wait(&mut self, wait: u32) -> Waiter {
        let entry = self.waits.at(wait);
        self.has_fired |= entry.is_condition || entry.lane == Lane::Ticks;
        if entry.queued {
            let (index, stage, position) =
                (entry.group.index, usize::from(entry.stage), entry.position);
            let own = &mut self.groups[index as usize].clock.stages[stage];
            match entry.lane {
                Lane::Ticks => {
                    own.ticks.remove(wait, &mut self.waits);
                    self.remove_if_closed(index);
                }
                Lane::Seconds => self.remove_item(index, stage, true, position),
                Lane::Frames => self.remove_item(index, stage, false, position),
                Lane::Real => {
                    self.change_real(|heap, place| heap.remove(position, place));
                }
                Lane::Skips => {
                    let mut watches = std::mem::take(&mut self.skip_watches);
                    watches.remove(wait, &mut self.waits);
                    self.skip_watches = watches;
                }
            }
        }
        self.waits.remove(wait)
    }

    /// Sets a wait for a time to another deadline: woken by it is nobody until somebody polls it again. Its former
    /// waiter is handed back.
    pub(crate) fn rearm(&mut self, wait: u32, group: GroupKey, deadline: u64) -> Waiter {
        let order = self.waits.next_order();
        let entry = self.waits.at(wait);
        let (index, stage, position) =
            (entry.group.index, usize::from(entry.stage), entry.position);
        if entry.queued {
            self.remove_item(index, stage, true, position);
        }
        let entry = self.waits.at(wait);
        entry.group = group;
        entry.order = order;
        entry.fired = false;
        let waiter = std::mem::replace(&mut entry.waiter, Waiter::Nobody);
        self.enter(wait, deadline);
        waiter
    }

    fn remove_item(&mut self, index: u32, stage: usize, is_seconds: bool, position: u32) {
        let is_closed = self.at(index).closed;
        let own = self.stage_mut(index, stage);
        let heap = if is_seconds { &mut own.seconds } else { &mut own.frames };
        let mut heap = std::mem::take(heap);
        let place = |owner, to| self.place(owner, stage, is_seconds, to);
        let item = match is_closed {
            true => heap.remove_unordered(position, place),
            false => heap.remove(position, place),
        };
        self.put_back(index, stage, is_seconds, heap);
        match item.owner {
            Owner::Wait(wait) => self.waits.at(wait).queued = false,
            Owner::Clock(clock) => {
                self.stage_mut(clock, stage).entries[usize::from(!is_seconds)] = NONE;
            }
        }
        if is_closed {
            self.remove_if_closed(index);
        } else if position == 0 {
            self.project(index, stage);
        }
    }

    fn put_back(&mut self, index: u32, stage: usize, is_seconds: bool, heap: Heap) {
        let own = self.stage_mut(index, stage);
        own.is_plain = false;
        if is_seconds {
            own.seconds = heap;
        } else {
            own.frames = heap;
        }
    }

    /// Writes down where an item of a heap is.
    fn place(&mut self, owner: Owner, stage: usize, is_seconds: bool, position: u32) {
        match owner {
            Owner::Wait(wait) => self.waits.at(wait).position = position,
            Owner::Clock(clock) => {
                self.stage_mut(clock, stage).entries[usize::from(!is_seconds)] = position;
            }
        }
    }

    /// Hands the waits on a closed clock to another, with the time that they have left.
    pub(crate) fn bequeath(&mut self, index: u32, heir: u32) {
        for phase in [Phase::Process, Phase::Physics] {
            let stage = phase as usize;
            for is_seconds in [true, false] {
                let entry = self.stage(index, stage).entries[usize::from(!is_seconds)];
                if entry != NONE {
                    self.remove_item(self.at(index).parent, stage, is_seconds, entry);
                }
                self.forget_clocks(index, stage, is_seconds);
            }
            let own = self.stage_mut(index, stage);
            own.orphans = own.next.iter().filter(|entry| entry.is_live()).count() as u32;
            if own.orphans == 0 {
                own.next = NextList::new();
            }
            let mut bequests = own.below.take().map_or_else(Vec::new, |below| below.bequests);
            if own.has_orphans() {
                bequests.push(self.key_at(index));
            }
            if bequests.is_empty() {
                continue;
            }
            let (from, to) = (self.moment(index, stage), self.moment(heir, stage));
            for &key in &bequests {
                if let Some(closed) = self.find(key) {
                    self.stage_mut(closed, stage).move_deadlines(&from, &to);
                }
            }
            let heirs = &mut self.stage_mut(heir, stage).below_mut().bequests;
            if heirs.len() < bequests.len() {
                std::mem::swap(heirs, &mut bequests);
            }
            heirs.append(&mut bequests);
            self.activate(heir, stage);
        }
    }

    /// Leaves only waits in the heap of a closed clock: the clocks below are closed, too.
    fn forget_clocks(&mut self, index: u32, stage: usize, is_seconds: bool) {
        let own = self.stage_mut(index, stage);
        let heap = if is_seconds { &mut own.seconds } else { &mut own.frames };
        let mut heap = std::mem::take(heap);
        let mut position = 0;
        while let Some(&Item { owner, .. }) = heap.items_mut().get(position) {
            if let Owner::Clock(_) = owner {
                self.place(owner, stage, is_seconds, NONE);
                heap.remove_unordered(position as u32, |owner, to| {
                    self.place(owner, stage, is_seconds, to);
                });
            } else {
                position += 1;
            }
        }
        self.put_back(index, stage, is_seconds, heap);
    }

    /// Takes over the lists of closed clocks: their waits come to their places among its own.
    #[cold]
    fn take_over(&mut self, index: u32, stage: usize, slots: &Slots) {
        let mut moved =
            std::mem::take(&mut self.stage_mut(index, stage).ticks).all(&mut self.waits);
        let mut next = std::mem::take(&mut self.stage_mut(index, stage).next);
        let (mut timed, mut left) = (Vec::new(), Vec::new());
        let moment = self.moment(index, stage);
        for key in std::mem::take(&mut self.stage_mut(index, stage).below_mut().bequests) {
            let Some(closed) = self.find(key) else {
                continue;
            };
            self.take_timed(closed, stage, &moment, slots, &mut timed);
            let own = self.stage_mut(closed, stage);
            own.orphans = 0;
            next.append(&mut own.next);
            moved.append(&mut std::mem::take(&mut own.ticks).all(&mut self.waits));
            if self.stage(closed, stage).has_orphans() {
                left.push(key);
            }
            self.remove_if_closed(closed);
        }
        if !left.is_empty() {
            self.stage_mut(index, stage).below_mut().bequests = left;
            self.activate(index, stage);
        }
        next.sort_unstable_by_key(|entry| entry.by);
        moved.sort_unstable_by_key(|&wait| self.waits.at(wait).order);
        let key = self.key_at(index);
        let own = &mut self.groups[index as usize].clock.stages[stage];
        own.next = next;
        for wait in moved {
            self.waits.at(wait).group = key;
            own.push_tick(wait, &mut self.waits);
        }
        for Item { deadline, owner, .. } in timed {
            if let Owner::Wait(wait) = owner {
                self.waits.at(wait).group = key;
                self.enter(wait, deadline);
            }
        }
    }

    /// Takes the waits with a deadline out of a closed clock. Those that are not due by now, of tasks that are about to
    /// be dropped, stay for one tick more: then there is nothing to take over.
    fn take_timed(
        &mut self,
        closed: u32,
        stage: usize,
        now: &Moment,
        slots: &Slots,
        timed: &mut Vec<Item>,
    ) {
        for (is_seconds, now) in [(true, now.time.saturating_add(GRACE)), (false, now.frame)] {
            let own = self.stage_mut(closed, stage);
            let heap = if is_seconds { &mut own.seconds } else { &mut own.frames };
            let mut heap = std::mem::take(heap);
            let mut position = 0;
            while let Some(&Item { deadline, owner, .. }) = heap.items_mut().get(position) {
                let is_ending = deadline > now
                    && matches!(owner, Owner::Wait(wait) if matches!(
                        self.waits.at(wait).waiter,
                        Waiter::Task(key) if slots.is_ending(key)
                    ));
                if is_ending {
                    position += 1;
                } else {
                    timed.push(heap.remove_unordered(position as u32, |owner, to| {
                        self.place(owner, stage, is_seconds, to);
                    }));
                }
            }
            self.put_back(closed, stage, is_seconds, heap);
        }
    }

    /// Sets the root clock to its start; what others still wait for on it, or on closed clocks below, keeps what is left.
    pub(crate) fn restart_clock(&mut self) {
        for phase in [Phase::Process, Phase::Physics] {
            let stage = phase as usize;
            let (from, to) = (self.moment(ROOT.index, stage), Moment { time: 0, frame: 0 });
            let below = self.stage(ROOT.index, stage).below.as_deref();
            let bequests = below.map_or_else(Vec::new, |below| below.bequests.clone());
            for key in bequests {
                if let Some(closed) = self.find(key) {
                    self.stage_mut(closed, stage).move_deadlines(&from, &to);
                }
            }
            let root = self.stage_mut(ROOT.index, stage);
            root.move_deadlines(&from, &to);
            (root.local, root.local_frames, root.step) = (0, 0, 0);
        }
    }

    fn moment(&self, index: u32, stage: usize) -> Moment {
        let phase = if stage == 0 { Phase::Process } else { Phase::Physics };
        Moment { time: self.time(index, phase), frame: self.frame(index, phase) }
    }

    /// Returns the number of waits on all clocks.
    pub(crate) fn wait_count(&self) -> usize {
        let stages = self.groups.iter().flat_map(|group| &group.clock.stages);
        let next = stages.flat_map(|stage| &stage.next).filter(|entry| entry.is_live()).count();
        next + self.waits.len()
    }

    // ---------------------------------------------------------------- Waits for a wall time

    /// Registers a group's wait for a wall time. Returns its index.
    pub(crate) fn add_real(&mut self, group: GroupKey, deadline: u64, waiter: Waiter) -> u32 {
        let index = self.nearest_open(group);
        self.add_wait(index, Phase::Process, Lane::Real, deadline, waiter)
    }

    /// Sets a wait for a wall time to another deadline.
    pub(super) fn move_real(&mut self, wait: u32, deadline: u64) {
        let entry = self.waits.at(wait);
        entry.deadline = deadline;
        let (position, order) = (entry.position, entry.order);
        self.change_real(|heap, place| {
            heap.remove(position, &mut *place);
            heap.push(Item { deadline, order, owner: Owner::Wait(wait) }, place);
        });
    }

    /// Fires a wait for a wall time.
    pub(super) fn fire_one_real(&mut self, wait: u32, due: &mut Due<'_>) {
        let position = self.waits.at(wait).position;
        self.change_real(|heap, place| heap.remove(position, place));
        self.fire(wait, due);
    }

    /// Fires a wait for a time before that has come.
    pub(super) fn fire_early(&mut self, wait: u32, due: &mut Due<'_>) {
        let entry = self.waits.at(wait);
        let (index, stage, position) =
            (entry.group.index, usize::from(entry.stage), entry.position);
        self.remove_item(index, stage, true, position);
        self.fire(wait, due);
    }

    /// Returns whether anybody waits for a wall time.
    #[inline]
    pub(crate) fn waits_for_real(&self) -> bool {
        self.real.first().is_some()
    }

    /// Fires the waits for a wall time that are due, in order of (deadline, first poll).
    pub(crate) fn fire_real(&mut self, now: u64, due: &mut Due<'_>) {
        while let Some(item) = self.real.first()
            && item.deadline <= now
            && let Owner::Wait(wait) = item.owner
        {
            self.change_real(|heap, place| heap.remove(0, place));
            self.fire(wait, due);
        }
    }

    /// Changes the queue of the waits for a wall time.
    fn change_real<T>(
        &mut self,
        change: impl FnOnce(&mut Heap, &mut dyn FnMut(Owner, u32)) -> T,
    ) -> T {
        let mut heap = std::mem::take(&mut self.real);
        let changed = change(&mut heap, &mut |owner, position| {
            if let Owner::Wait(wait) = owner {
                self.waits.at(wait).position = position;
            }
        });
        self.real = heap;
        changed
    }

    // ---------------------------------------------------------------- What is due

    /// Writes a clock's first deadlines into its parent's queues, and so on upwards where that changes the parent's.
    pub(super) fn project(&mut self, mut index: u32, stage: usize) {
        let phase = if stage == 0 { Phase::Process } else { Phase::Physics };
        loop {
            let parent = self.at(index).parent;
            if parent == NONE {
                return;
            }
            let mut changed = false;
            for is_seconds in [true, false] {
                changed |= self.project_lane(index, parent, phase, is_seconds);
            }
            if !changed {
                return;
            }
            index = parent;
        }
    }

    /// Returns whether the parent's own first deadline has changed.
    fn project_lane(&mut self, index: u32, parent: u32, phase: Phase, is_seconds: bool) -> bool {
        let stage = phase as usize;
        let own = self.stage(index, stage);
        let entry = own.entries[usize::from(!is_seconds)];
        let first = if is_seconds { own.seconds.first() } else { own.frames.first() };
        let deadline = first.map(|item| item.deadline);
        let deadline = deadline.and_then(|it| self.in_parent(index, stage, is_seconds, it));
        let above = self.stage(parent, stage);
        let heap = if is_seconds { &above.seconds } else { &above.frames };
        if entry != NONE && deadline == Some(heap.deadline_at(entry)) {
            return false;
        }
        if entry == NONE && deadline.is_none() {
            return false;
        }
        let before = heap.first().map(|item| item.deadline);
        let order = self.at(index).order;
        let above = self.stage_mut(parent, stage);
        let heap = if is_seconds { &mut above.seconds } else { &mut above.frames };
        let mut heap = std::mem::take(heap);
        if entry != NONE {
            heap.remove(entry, |owner, to| self.place(owner, stage, is_seconds, to));
            self.place(Owner::Clock(index), stage, is_seconds, NONE);
        }
        if let Some(deadline) = deadline {
            let item = Item { deadline, order, owner: Owner::Clock(index) };
            heap.push(item, |owner, to| self.place(owner, stage, is_seconds, to));
        }
        let after = heap.first().map(|item| item.deadline);
        self.put_back(parent, stage, is_seconds, heap);
        before != after
    }

    /// Returns a deadline of a clock in its parent's time, if it comes there.
    pub(super) fn in_parent(
        &self,
        index: u32,
        stage: usize,
        is_seconds: bool,
        deadline: u64,
    ) -> Option<u64> {
        let (own, speed) = (self.stage(index, stage), self.at(index).clock.speed);
        if deadline == NEVER || self.is_held(index) || self.at(index).closed {
            return None;
        }
        if !is_seconds {
            return Some(own.parent_frames + deadline.saturating_sub(own.local_frames));
        }
        let left = deadline.saturating_sub(GRACE).saturating_sub(own.local);
        // A hair early at the most: then the tick finds nothing due, and asks again in the next.
        let left = match speed {
            1.0 => left,
            _ => (left as f64 / speed * (1.0 - 1e-12)) as u64,
        };
        (speed > 0.0).then(|| own.parent.saturating_add(left).saturating_add(GRACE))
    }

    /// Has a clock visited in the next tick.
    pub(super) fn activate(&mut self, mut index: u32, stage: usize) {
        loop {
            let group = self.at_mut(index);
            if std::mem::replace(&mut group.clock.stages[stage].is_active, true) {
                return;
            }
            let (active, parent) = (group.as_active(index), group.parent);
            if parent == NONE {
                return;
            }
            self.stage_mut(parent, stage).below_mut().active.push(active);
            index = parent;
        }
    }

    fn active_at(&self, index: u32) -> Active {
        self.at(index).as_active(index)
    }

    /// Steps the root clock, and so all of them, and collects what is due: parents before children, siblings by
    /// creation; of each clock the waits for a time, then those for frames, then the conditions.
    pub(crate) fn tick(&mut self, phase: Phase, step: u64, due: &mut Due<'_>) {
        let stage = phase as usize;
        self.ticks[stage] += 1;
        self.last_ticks[stage] = self.ticks[stage];
        self.is_mid_frame = phase == Phase::Physics;
        self.process_ticks += u64::from(phase == Phase::Process);
        if self.is_held(ROOT.index) {
            self.stage_mut(ROOT.index, stage).step = 0;
            return;
        }
        let step = scale(step, self.at(ROOT.index).clock.speed);
        let root = self.stage_mut(ROOT.index, stage);
        root.is_active = false;
        root.local = root.local.saturating_add(step);
        root.local_frames += 1;
        root.step = step;
        self.visit(ROOT.index, phase, due);
    }

    pub(super) fn visit(&mut self, index: u32, phase: Phase, due: &mut Due<'_>) {
        let stage = phase as usize;
        if self.stage(index, stage).below.as_ref().is_some_and(|it| !it.bequests.is_empty()) {
            self.take_over(index, stage, due.slots);
        }
        let has_deadlines = self.stage(index, stage).has_deadlines();
        if has_deadlines {
            let now = self.time(index, phase).saturating_add(GRACE);
            self.fire_seconds(index, stage, now, due);
        }
        self.fire_frames(index, phase, due);
        let mut wait = self.stage(index, stage).ticks.first;
        if wait != NONE {
            self.activate(index, stage);
        }
        while wait != NONE {
            let entry = self.waits.at(wait);
            let following = entry.next;
            // A condition stays in its list until it is dropped; its waiter comes back with its next poll.
            self.fire(wait, due);
            self.waits.at(wait).queued = true;
            wait = following;
        }
        if has_deadlines {
            self.project(index, stage);
        }
        self.stage_mut(index, stage).update_plain();
        self.visit_below(index, phase, due);
    }

    /// Visits the clocks right below that have something to do, by creation.
    #[inline]
    fn visit_below(&mut self, index: u32, phase: Phase, due: &mut Due<'_>) {
        let stage = phase as usize;
        let Some(own) = self.stage_mut(index, stage).below.as_deref_mut() else {
            return;
        };
        let empty = Actives { clocks: std::mem::take(&mut own.spare), is_mixed: false };
        let Actives { clocks: mut below, is_mixed } = std::mem::replace(&mut own.active, empty);
        if is_mixed {
            below.sort_unstable_by_key(|active| active.order);
        }
        for Active { key, .. } in below.drain(..) {
            let Some(below) = self.find_open(key) else {
                continue;
            };
            if self.is_jumping && self.at(below).keeps_time {
                // A jump above is no tick for it; the next real one is.
                let active = self.active_at(below);
                self.stage_mut(index, stage).below_mut().active.push(active);
                continue;
            }
            self.stage_mut(below, stage).is_active = false;
            if self.is_held(below) {
                continue;
            }
            if self.stage(below, stage).is_plain {
                self.fire_all_next(below, stage, due);
            } else {
                self.visit(below, phase, due);
            }
        }
        self.stage_mut(index, stage).below_mut().spare = below;
    }

    /// Fires the waits for a time that are due, and has the clocks visited that have such.
    fn fire_seconds(&mut self, index: u32, stage: usize, now: u64, due: &mut Due<'_>) {
        while let Some(item) = self.stage(index, stage).seconds.first()
            && item.deadline <= now
            && item.deadline != NEVER
        {
            self.pop_first(index, stage, true, due);
        }
    }

    /// Fires the waits for frames that are due: those of the heap and of the list for the next frame have the same
    /// deadline, so the order of their first polls decides.
    fn fire_frames(&mut self, index: u32, phase: Phase, due: &mut Due<'_>) {
        let stage = phase as usize;
        if self.stage(index, stage).frames.first().is_none() {
            self.fire_all_next(index, stage, due);
            return;
        }
        let mut next = std::mem::take(&mut self.stage_mut(index, stage).next);
        self.has_fired |= !next.is_empty();
        let frame = self.frame(index, phase);
        for &entry in &next {
            self.fire_frames_before(index, stage, frame, entry.by, due);
            entry.fire(&mut self.foreign, due);
        }
        self.fire_frames_before(index, stage, frame, u64::MAX, due);
        // The list's memory is used again.
        next.clear();
        self.stage_mut(index, stage).next = next;
    }

    /// Fires all waits for the next frame.
    #[inline]
    fn fire_all_next(&mut self, index: u32, stage: usize, due: &mut Due<'_>) {
        let next = &mut self.groups[index as usize].clock.stages[stage].next;
        self.has_fired |= !next.is_empty();
        fire_all(next, &mut self.foreign, due);
    }

    /// Fires the waits of the heap for frames that were polled before another.
    #[inline]
    fn fire_frames_before(
        &mut self,
        index: u32,
        stage: usize,
        frame: u64,
        order: u64,
        due: &mut Due<'_>,
    ) {
        while let Some(item) = self.stage(index, stage).frames.first()
            && item.deadline <= frame
            && (item.order < order || matches!(item.owner, Owner::Clock(_)))
        {
            self.pop_first(index, stage, false, due);
        }
    }

    /// Takes the first item out of a heap: a wait is fired, a clock is visited later in this tick.
    fn pop_first(&mut self, index: u32, stage: usize, is_seconds: bool, due: &mut Due<'_>) {
        let own = self.stage_mut(index, stage);
        let heap = if is_seconds { &mut own.seconds } else { &mut own.frames };
        let mut heap = std::mem::take(heap);
        let item = heap.remove(0, |owner, to| self.place(owner, stage, is_seconds, to));
        self.put_back(index, stage, is_seconds, heap);
        match item.owner {
            Owner::Wait(wait) => self.fire(wait, due),
            Owner::Clock(clock) => {
                self.place(item.owner, stage, is_seconds, NONE);
                // This clock is being visited, so only the one below has to be noted.
                if !std::mem::replace(&mut self.stage_mut(clock, stage).is_active, true) {
                    let active = self.active_at(clock);
                    self.stage_mut(index, stage).below_mut().active.push(active);
                }
            }
        }
    }

    /// Marks a wait as due, and takes its waiter along.
    pub(super) fn fire(&mut self, wait: u32, due: &mut Due<'_>) {
        let entry = self.waits.at(wait);
        self.has_fired |= !entry.is_condition && entry.lane != Lane::Ticks;
        entry.queued = false;
        entry.fired = true;
        due.push(std::mem::replace(&mut entry.waiter, Waiter::Nobody));
    }
}
