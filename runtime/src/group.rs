//! Groups: tasks that live, pause, slow down and end together.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::ops::Deref;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::check_speed;
use crate::scheduler::{Freeze, GroupKey, Place, ROOT, Runtime, Until, current};
use crate::task::{start, start_at};
use crate::wait::check_seconds;
use crate::{Clock, Cooldown, POLLED_AFTER_COMPLETION, Phase, TaskHandle};

/// Returns the group of the running task, or the root group outside of any. Inside of `skippable`, `play_from` and
/// `unskippable` it is a group below the task's, with the clock of their own.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
#[track_caller]
pub fn current_group() -> GroupHandle {
    let runtime = current();
    GroupHandle { runtime, key: runtime.task_group().unwrap_or(ROOT) }
}

/// Returns the root group: what is spawned there lives until the game ends.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
#[track_caller]
pub fn root_group() -> GroupHandle {
    GroupHandle { runtime: current(), key: ROOT }
}

/// A group of tasks and child groups. Dropping it closes it, and so ends all of them: a field `tasks: TaskGroup` ends
/// its tasks with its struct.
#[must_use = "a group ends its tasks when it is dropped"]
#[derive(Debug)]
pub struct TaskGroup {
    handle: GroupHandle,
}

impl TaskGroup {
    /// Makes a group under the root group.
    ///
    /// # Panics
    /// If the calling thread is not the one that the runtime was started on.
    #[track_caller]
    pub fn new() -> Self {
        Self::under(&GroupHandle { runtime: current(), key: ROOT })
    }

    /// Makes a group under another: it ends with its owner or with its parent, whichever is first.
    pub fn under(parent: &GroupHandle) -> Self {
        Self { handle: parent.child() }
    }

    /// Returns a handle that does not own the group.
    pub fn handle(&self) -> GroupHandle {
        self.handle.clone()
    }
}

impl Default for TaskGroup {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for TaskGroup {
    type Target = GroupHandle;

    fn deref(&self) -> &GroupHandle {
        &self.handle
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// A cloneable handle to a group. Dropping it does nothing: it does not own.
#[derive(Clone)]
pub struct GroupHandle {
    runtime: &'static Runtime,
    key: GroupKey,
}

impl GroupHandle {
    /// Spawns a task into the group and runs it up to its first await, also while the group is frozen.
    ///
    /// In a closed group the task comes back cancelled, never polled.
    #[track_caller]
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        start(self.runtime, Place { group: self.key, deferred: false }, None, future)
    }

    /// Spawns like [`spawn`](Self::spawn), with a name for reports.
    #[track_caller]
    pub fn spawn_named<T: 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: impl Future<Output = T> + 'static,
    ) -> TaskHandle<T> {
        start(self.runtime, Place { group: self.key, deferred: false }, Some(name.into()), future)
    }

    /// Spawns like [`spawn`](Self::spawn), for the line of somebody else: what a future spawns belongs to the line that
    /// made the future.
    #[doc(hidden)]
    pub fn spawn_at<T: 'static>(
        &self,
        location: &'static Location<'static>,
        future: impl Future<Output = T> + 'static,
    ) -> TaskHandle<T> {
        let place = Place { group: self.key, deferred: false };
        start_at(self.runtime, place, None, location, future)
    }

    /// Spawns a task that starts in the next drain.
    #[track_caller]
    pub fn spawn_deferred<T: 'static>(
        &self,
        future: impl Future<Output = T> + 'static,
    ) -> TaskHandle<T> {
        start(self.runtime, Place { group: self.key, deferred: true }, None, future)
    }

    /// Makes a child group that lives with this one; [`TaskGroup::under`] makes an owned one. A closed group's child
    /// is closed, and so is what is made after the shutdown.
    pub fn child(&self) -> Self {
        let is_open = self.runtime.is_open();
        let key = self.runtime.with(|core| is_open.then(|| core.groups.add_child(self.key))?);
        Self { runtime: self.runtime, key: key.unwrap_or(GroupKey::NOWHERE) }
    }

    /// Returns the child group of that name, made at first use: a channel for what belongs together and has no owner,
    /// such as `"ai"`, `"music"` or `"ambience"`, to be paused, slowed down or ended from anywhere.
    ///
    /// It lives with this group, as [`child`](Self::child)'s does, and is found by its name however many children there
    /// are. After it was closed, the next use makes a new one. A closed group's channel is closed, and so is what is made
    /// after the shutdown.
    ///
    /// # Examples
    /// ```
    /// # struct Bare;
    /// # impl cuelight_runtime::engine::Engine for Bare {
    /// #     fn real_time(&self) -> std::time::Duration { std::time::Duration::ZERO }
    /// #     fn call_soon(&self) {}
    /// # }
    /// # cuelight_runtime::engine::start(Bare);
    /// use cuelight_runtime::{next_frame, root_group};
    ///
    /// root_group().channel("ai").spawn(next_frame()).detach();
    /// assert_eq!(root_group().channel("ai").len(), 1);
    /// root_group().channel("ai").pause();
    /// ```
    pub fn channel(&self, name: &str) -> Self {
        let is_open = self.runtime.is_open();
        let key = self.runtime.with(|core| is_open.then(|| core.groups.channel(self.key, name))?);
        Self { runtime: self.runtime, key: key.unwrap_or(GroupKey::NOWHERE) }
    }

    /// Returns the group's clock.
    pub fn clock(&self) -> Clock {
        Clock::new(self.runtime, self.key)
    }

    /// Makes a cooldown of so many seconds on the group's clock; it is ready at first.
    ///
    /// One of 0 or fewer seconds is always ready; one of infinite length never again once it was started.
    ///
    /// # Panics
    /// If `seconds` is not a number.
    #[track_caller]
    pub fn cooldown(&self, seconds: f64) -> Cooldown {
        check_seconds("cooldown", seconds);
        Cooldown::new(self.runtime, self.key, seconds)
    }

    /// Returns the number of live tasks in the group and below it. A task is alive until its future has been dropped.
    pub fn len(&self) -> usize {
        self.runtime.with(|core| core.groups.find(self.key).map_or(0, |it| core.groups.at(it).live))
    }

    /// Returns whether no task is alive in the group or below it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the group is closed.
    pub fn is_closed(&self) -> bool {
        self.runtime.with(|core| core.groups.find_open(self.key).is_none())
    }

    /// Returns whether the group, or one above it, is frozen.
    pub fn is_frozen(&self) -> bool {
        self.runtime.with(|core| {
            core.groups.find_open(self.key).is_some_and(|it| core.groups.at(it).frozen)
        })
    }

    /// Waits until nothing but the caller is alive in the group and below it. Dropping the wait ends nothing.
    pub fn join(&self) -> JoinGroup {
        JoinGroup { group: self.clone(), number: None, done: false }
    }

    /// Sets which stage's seconds the group's waits read, and where its conditions are checked. A group that has none
    /// set has its parent's; the root's is [`Phase::Process`]. Waits that have begun stay where they are.
    pub fn set_phase(&self, phase: Phase) {
        self.runtime.with(|core| {
            if let Some(index) = core.groups.find_open(self.key) {
                core.groups.at_mut(index).phase = Some(phase);
            }
        });
    }

    /// Sets the group's own speed: 1 is normal, 0 stands still (signals still resume).
    ///
    /// # Panics
    /// If the speed is negative, infinite or not a number.
    #[track_caller]
    pub fn set_speed(&self, speed: f64) {
        check_speed("set_speed", speed);
        self.clock().set_speed(speed);
    }

    /// Skips the scripts of the group, and of all below it, to their end or to their next
    /// [`checkpoint`](crate::checkpoint): all that they wait for in time comes at once, in its order, and all code between
    /// the waits runs.
    ///
    /// It begins in the next drain, and goes on until no task is left, or one has passed a checkpoint. What is waited for
    /// from elsewhere (a signal, a cue, a condition) is waited for in real frames, unless there is an
    /// answer for it (`or_skip`). While the group is frozen, so is the skip. A skip that finds no end is given up, and
    /// reported with the tasks that go on. In a group without tasks, and in a closed one, it does nothing.
    pub fn skip(&self) {
        if !self.is_empty() {
            self.runtime.begin_skip(self.key, Until::Idle);
        }
    }

    /// Freezes the group and all below it: its clock stands still and its tasks are not polled. What wakes them is kept
    /// for the resume. Cancelling and closing act all the same. Pausing twice is pausing once.
    pub fn pause(&self) {
        self.set_freeze(Freeze::Pause, true);
    }

    /// Goes on after a pause, with all that woke in between, in order.
    pub fn resume(&self) {
        self.set_freeze(Freeze::Pause, false);
    }

    pub(crate) fn set_freeze(&self, freeze: Freeze, on: bool) {
        self.runtime.set_freeze(self.key, freeze, on);
    }

    pub(crate) fn attach(&self, value: Box<dyn Any>) {
        self.runtime.attach(self.key, value);
    }

    pub(crate) fn set_owner(&self, owner: NonZeroU64) {
        self.runtime.with(|core| {
            if let Some(index) = core.groups.find_open(self.key) {
                core.groups.at_mut(index).owner = Some(owner);
            }
        });
    }

    pub(crate) fn owner(&self) -> Option<NonZeroU64> {
        self.runtime.with(|core| core.groups.owner(core.groups.find_open(self.key)?))
    }

    /// Cancels every task that is alive now in the group and below it, in the order of their spawns; the group stays
    /// usable.
    pub fn cancel_all(&self) {
        self.runtime.cancel_group(self.key, false);
    }

    /// Cancels every task in the group and below it for good: what is spawned later comes back cancelled, never polled.
    ///
    /// Waits of others on its clock go on, with what is left, on the clock above. The root group cannot be closed: for
    /// it this is [`cancel_all`](Self::cancel_all).
    pub fn close(&self) {
        self.runtime.cancel_group(self.key, true);
    }
}

/// Two handles are equal if they are to the same group.
impl PartialEq for GroupHandle {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.runtime, other.runtime) && self.key == other.key
    }
}

impl Eq for GroupHandle {}

impl fmt::Debug for GroupHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupHandle")
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .field("frozen", &self.is_frozen())
            .finish_non_exhaustive()
    }
}

/// Future of [`GroupHandle::join`]. Dropping it ends nothing.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct JoinGroup {
    group: GroupHandle,
    /// Its number among those who wait.
    number: Option<u64>,
    done: bool,
}

impl Future for JoinGroup {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.done, "{POLLED_AFTER_COMPLETION}");
        let (runtime, key) = (self.group.runtime, self.group.key);
        let caller = runtime.task();
        let waker = cx.waker().clone();
        let number = self.number.take();
        let (number, former) = runtime.with(|core| {
            let former = number.and_then(|number| core.groups.remove_joiner(key, number));
            let Some(index) = core.groups.find(key) else {
                return (None, former);
            };
            let is_inside = caller
                .and_then(|task| core.slots.get(task))
                .is_some_and(|slot| core.groups.is_below(slot.group, index));
            if core.groups.at(index).live == usize::from(is_inside) {
                return (None, former);
            }
            (Some(core.groups.add_joiner(index, waker)), former)
        });
        drop(former);
        self.number = number;
        self.done = number.is_none();
        if self.done { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for JoinGroup {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker =
                self.group.runtime.with(|core| core.groups.remove_joiner(self.group.key, number));
            drop(waker);
        }
    }
}
