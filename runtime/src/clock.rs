//! Clocks: the time that a group's tasks live in.

use crate::scheduler::{GroupKey, ROOT, Runtime, current};
use crate::wait::{WaitSeconds, check_seconds};

/// Returns the time of the current clock, in seconds: that of the running task's group, or the root group's outside of
/// any task. A clock starts at 0 when its group is made.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
#[track_caller]
pub fn now() -> f64 {
    Clock::current().now()
}

/// Returns the last step of the current clock, in seconds: for movement that obeys slow motion.
///
/// It is 0 before the clock's first tick, and while the clock stands still.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
#[track_caller]
pub fn delta() -> f64 {
    let clock = Clock::current();
    seconds(clock.read(|groups, index, phase| groups.step(index, phase)))
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// A stage of the engine's frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Once for each frame that is drawn.
    #[default]
    Process,
    /// Once for each step of the physics.
    Physics,
}

/// A cloneable handle to a group's clock. Dropping it does nothing. When its group closes, it becomes a handle to the
/// clock of the nearest group above that is open.
#[derive(Clone)]
pub struct Clock {
    runtime: &'static Runtime,
    group: GroupKey,
}

impl Clock {
    pub(crate) fn new(runtime: &'static Runtime, group: GroupKey) -> Self {
        Self { runtime, group }
    }

    #[track_caller]
    fn current() -> Self {
        let runtime = current();
        Self::new(runtime, runtime.task_group().unwrap_or(ROOT))
    }

    /// Returns the clock's time in its group's [`Phase`], in seconds.
    pub fn now(&self) -> f64 {
        seconds(self.read(|groups, index, phase| groups.time(index, phase)))
    }

    /// Returns the clock's speed: its own, times its guards', times that of all clocks above it. 1 is normal.
    pub fn speed(&self) -> f64 {
        self.read(|groups, index, _phase| groups.speed(index))
    }

    /// Multiplies the clock's speed by a factor for as long as the guard lives; several multiply.
    ///
    /// # Panics
    /// If the factor is negative, infinite or not a number.
    #[track_caller]
    pub fn slow(&self, factor: f64) -> SlowGuard {
        check_speed("slow", factor);
        let number = self.runtime.with(|core| {
            let index = core.groups.find_open(self.group)?;
            let mut number = 0;
            core.groups.rebase(index, |group| number = group.clock.add_factor(factor));
            Some(number)
        });
        SlowGuard { clock: self.clone(), number }
    }

    /// Waits for so many seconds on this clock, whichever clock the task has itself, from now on.
    ///
    /// Negative and 0 are ready at once; infinite never. If the clock's group closes, the wait goes on with what is
    /// left on the clock above it. Dropping the wait leaves nothing behind.
    ///
    /// # Panics
    /// If `seconds` is not a number.
    #[track_caller]
    pub fn wait_seconds(&self, seconds: f64) -> WaitSeconds {
        check_seconds("wait_seconds", seconds);
        WaitSeconds::on(self.runtime, self.group, seconds)
    }

    pub(crate) fn set_speed(&self, speed: f64) {
        self.runtime.with(|core| {
            if let Some(index) = core.groups.find_open(self.group) {
                core.groups.rebase(index, |group| group.clock.set_own_speed(speed));
            }
        });
    }

    fn read<T>(&self, read: impl FnOnce(&crate::scheduler::Groups, u32, Phase) -> T) -> T {
        self.runtime.with(|core| {
            let index = core.groups.nearest_open(self.group);
            let phase = core.groups.phase(index);
            read(&core.groups, index, phase)
        })
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("now", &self.now()).field("speed", &self.speed()).finish()
    }
}

#[track_caller]
pub(crate) fn check_speed(function: &str, speed: f64) {
    assert!(
        speed.is_finite() && speed >= 0.0,
        "{function}({speed}): a speed is 0 or more, and finite; to stop the tasks too, use `pause`"
    );
}

/// A guard that keeps a clock slow (or fast). Dropping it takes its factor out again.
#[must_use = "the clock gets its speed back when the guard is dropped: bind it to a name"]
#[derive(Debug)]
pub struct SlowGuard {
    clock: Clock,
    /// Which of the clock's factors it is; none if the group was closed already.
    number: Option<u64>,
}

impl Drop for SlowGuard {
    fn drop(&mut self) {
        let Some(number) = self.number else {
            return;
        };
        self.clock.runtime.with(|core| {
            if let Some(index) = core.groups.find_open(self.clock.group) {
                core.groups.rebase(index, |group| group.clock.remove_factor(number));
            }
        });
    }
}
