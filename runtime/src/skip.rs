//! Skipping: a script's end state without the time it takes.

use std::fmt;
use std::task::{Context, Poll};

use crate::scheduler::{GroupKey, ROOT, Runtime, Until, Waiter, current, try_current};

/// Returns whether the current clock is being skipped, for leaving out what only costs: a sound, a shake of the camera.
///
/// The current clock is that of the running task; inside of `skippable`, `play_from` and `unskippable` it is theirs.
/// Outside of any task it is the root's. It is never true inside of `unskippable`, whatever is skipped around it.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
///
/// # Examples
/// ```
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> std::time::Duration { std::time::Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use cuelight_runtime::{engine, is_skipping, root_group, spawn, wait_seconds};
///
/// let scene = root_group().child();
/// let quake = scene.spawn(async {
///     wait_seconds(3.0).await;
///     if is_skipping() { "silence" } else { "thunder" }
/// });
/// scene.skip();
/// engine::flush();
/// assert_eq!(quake.take(), Some(Ok("silence")));
/// ```
#[track_caller]
pub fn is_skipping() -> bool {
    let runtime = current();
    runtime.is_skipping(runtime.task_group().unwrap_or(ROOT))
}

/// Names this place in the script. What plays from here was skipped up to here; a plain
/// [`skip`](crate::GroupHandle::skip) stops here.
///
/// The label is noted for the clocks that are being skipped, from the current one up, and means nothing else: passing one
/// twice is passing it once. Outside of a task it does nothing.
///
/// # Examples
/// ```
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> std::time::Duration { std::time::Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use cuelight_runtime::{checkpoint, engine, root_group, wait_seconds};
///
/// let scene = root_group().child();
/// let script = scene.spawn(async {
///     wait_seconds(60.0).await;
///     checkpoint("the bridge");
///     wait_seconds(60.0).await;
/// });
/// scene.skip();
/// engine::flush();
/// assert_eq!(scene.clock().now().round(), 60.0);
/// assert!(!script.is_finished());
/// ```
pub fn checkpoint(label: &str) {
    if let Some((runtime, group)) =
        try_current().and_then(|runtime| Some((runtime, runtime.task_group()?)))
    {
        runtime.with(|core| core.groups.pass_checkpoint(core.groups.nearest_open(group), label));
    }
}

/// A clock that futures have for themselves, as a group below the running task's: `skippable` and its kin are made of it.
///
/// The group is made at the first use. Dropping it lets go of the group, which closes with the last task that is in it.
pub struct OwnClock {
    keeps_time: bool,
    group: Option<(&'static Runtime, GroupKey)>,
}

impl OwnClock {
    /// Makes a clock that can be skipped, and is when one above it is.
    pub const fn new() -> Self {
        Self { keeps_time: false, group: None }
    }

    /// Makes a clock that keeps its own time when one above it is skipped.
    pub const fn keeping_time() -> Self {
        Self { keeps_time: true, group: None }
    }

    fn group(&mut self) -> (&'static Runtime, GroupKey) {
        *self.group.get_or_insert_with(|| {
            let runtime = current();
            (runtime, runtime.add_own_clock(self.keeps_time))
        })
    }

    /// Calls a function with this as the current clock.
    ///
    /// # Panics
    /// If it is the first use, and the calling thread is not the one that the runtime was started on.
    pub fn enter<T>(&mut self, function: impl FnOnce() -> T) -> T {
        let (runtime, group) = self.group();
        runtime.within(group, function)
    }

    /// Calls a function with this as the current clock if it has been used; otherwise without: for what is dropped.
    pub fn leave<T>(&mut self, function: impl FnOnce() -> T) -> T {
        match self.group {
            Some((runtime, group)) => runtime.within(group, function),
            None => function(),
        }
    }

    /// Skips the clock until it is dropped or ended.
    pub fn skip(&mut self) {
        let (runtime, group) = self.group();
        runtime.begin_skip(group, Until::Ended);
    }

    /// Skips the clock until a checkpoint is passed.
    pub fn skip_to(&mut self, label: &str) {
        let (runtime, group) = self.group();
        runtime.begin_skip(group, Until::Checkpoint(label.into()));
    }

    /// Ends the skip. If it was for a checkpoint that was not passed, returns those that were.
    pub fn end_skip(&mut self) -> Option<Vec<Box<str>>> {
        let (runtime, group) = self.group?;
        Some(runtime.end_skip(group)?.1)
    }

    /// Reports what is wrong with how it is used.
    pub fn report(&self, message: &str) {
        if let Some((runtime, _)) = self.group {
            runtime.report_error(message);
        }
    }

    /// Lets go of the group.
    pub fn release(&mut self) {
        if let Some((runtime, group)) = self.group.take() {
            runtime.release_own_clock(group);
        }
    }
}

impl Default for OwnClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for OwnClock {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for OwnClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipping = self.group.is_some_and(|(runtime, group)| runtime.is_skipping(group));
        f.debug_struct("OwnClock").field("skipping", &skipping).finish_non_exhaustive()
    }
}

/// Watches for the moment when the clock that it is first polled on is skipped. Dropping it leaves nothing behind.
#[derive(Debug, Default)]
pub struct SkipWatch {
    registered: Option<(&'static Runtime, u32)>,
}

impl SkipWatch {
    /// Makes a watch that begins with its first poll.
    pub const fn new() -> Self {
        Self { registered: None }
    }

    /// Is ready while the clock is skipped.
    ///
    /// # Panics
    /// If the calling thread is not the one that the runtime was started on.
    pub fn poll_skipping(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let runtime = current();
        let group = runtime.task_group().unwrap_or(ROOT);
        if runtime.is_skipping(group) {
            self.forget();
            return Poll::Ready(());
        }
        let is_same = self.registered.is_some_and(|(runtime, wait)| {
            runtime.with(|core| {
                let entry = core.groups.waits.at(wait);
                entry.queued && entry.waiter.is(cx.waker())
            })
        });
        if !is_same {
            self.forget();
            let waiter = Waiter::new(cx.waker());
            let wait = runtime.with(|core| {
                let index = core.groups.nearest_open(group);
                core.groups.add_skip_watch(index, waiter)
            });
            self.registered = Some((runtime, wait));
        }
        Poll::Pending
    }

    fn forget(&mut self) {
        if let Some((runtime, wait)) = self.registered.take() {
            drop(runtime.with(|core| core.groups.remove_wait(wait)));
        }
    }
}

impl Drop for SkipWatch {
    fn drop(&mut self) {
        self.forget();
    }
}
