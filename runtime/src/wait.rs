//! Waits on clocks: for time, for frames, for the next tick.
//!
//! A wait made inside a task starts when it is created, on that task's clock. One that is first polled on another
//! clock than it was made on (it was made outside any task, or handed to another group) starts at that poll, on that
//! clock.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::scheduler::{
    GroupKey, Groups, Lane, NEVER, ROOT, Runtime, Waiter, current, nanoseconds, try_current,
};
use crate::{POLLED_AFTER_COMPLETION, Phase};

/// Waits for a number of process frames of the current clock; 0 is ready at once. Frames go by at any speed, but not
/// while the clock is frozen.
///
/// It starts when it is created. Dropping it leaves nothing behind.
pub fn wait_frames(frames: u64) -> WaitFrames {
    WaitFrames { timer: Timer::new(Amount::Frames(frames, Phase::Process)) }
}

/// Waits for the next process frame of the current clock, as `wait_frames(1)` does.
pub fn next_frame() -> NextFrame {
    NextFrame { timer: Timer::new(Amount::Frames(1, Phase::Process)) }
}

/// Waits for a number of physics frames of the current clock; 0 is ready at once. What follows it runs in the physics
/// stage.
///
/// It starts when it is created. Dropping it leaves nothing behind.
pub fn wait_physics_frames(frames: u64) -> WaitPhysicsFrames {
    WaitPhysicsFrames { timer: Timer::new(Amount::Frames(frames, Phase::Physics)) }
}

/// Waits for so many seconds of the current clock: scaled and frozen with it, never early.
///
/// Negative and 0 are ready at once; infinite never. It starts when it is created, so that
/// `let cooldown = wait_seconds(3.0); attack().await; cooldown.await` does what it says. Dropping it leaves nothing
/// behind.
///
/// # Panics
/// If `seconds` is not a number.
#[track_caller]
pub fn wait_seconds(seconds: f64) -> WaitSeconds {
    check_seconds("wait_seconds", seconds);
    WaitSeconds { timer: Timer::new(Amount::Seconds(nanoseconds(seconds))) }
}

/// Checks a time that a function was given.
///
/// # Panics
/// If it is not a number, at the line of who called the function.
#[doc(hidden)]
#[track_caller]
pub fn check_seconds(function: &str, seconds: f64) {
    assert!(!seconds.is_nan(), "{function}(NaN): the seconds are not a number");
}

/// What a timer waits for.
#[derive(Clone, Copy, Debug)]
enum Amount {
    /// Nanoseconds, in the stage of the clock's group.
    Seconds(u64),
    /// Frames of a stage.
    Frames(u64, Phase),
}

/// A wait for a deadline.
#[derive(Debug)]
struct Timer {
    amount: Amount,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Timer starts at its first poll: it was made outside of any task.
    New,
    /// Timer runs, but nobody has polled it.
    Running { group: GroupKey, phase: Phase, deadline: u64 },
    /// Timer is registered on a clock.
    Registered { runtime: &'static Runtime, wait: u32 },
    /// Timer has been ready.
    Done,
}

impl Timer {
    #[inline]
    fn new(amount: Amount) -> Self {
        let state = match try_current().and_then(|runtime| Some((runtime, runtime.task_group()?))) {
            None => State::New,
            Some((runtime, group)) => runtime.with(|core| amount.start(&core.groups, group)),
        };
        Self { amount, state }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = match self.state {
            State::Registered { runtime, wait } => poll_registered(runtime, wait, cx),
            State::New | State::Running { .. } => self.poll_first(cx),
            State::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        if polled.is_ready() {
            self.state = State::Done;
        }
        polled
    }

    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let runtime = current();
        let polled_on = runtime.task_group().unwrap_or(ROOT);
        let waiter = Waiter::new(cx.waker());
        let amount = self.amount;
        let made_on = match self.state {
            State::Running { group, phase, deadline } => Some((group, phase, deadline)),
            _ => None,
        };
        let registered = runtime.with(|core| {
            let (phase, deadline) = match made_on {
                Some((group, phase, deadline)) if group == polled_on => (phase, deadline),
                _ => match amount.start(&core.groups, polled_on) {
                    State::Running { phase, deadline, .. } => (phase, deadline),
                    _ => unreachable!("a timer that is started runs"),
                },
            };
            amount.register(&mut core.groups, polled_on, phase, deadline, waiter)
        });
        match registered {
            Ok(wait) => {
                self.state = State::Registered { runtime, wait };
                Poll::Pending
            }
            Err(waiter) => {
                drop(waiter);
                Poll::Ready(())
            }
        }
    }
}

impl Amount {
    /// Returns the state of a timer that starts now on a group's clock.
    fn start(self, groups: &Groups, group: GroupKey) -> State {
        let index = groups.nearest_open(group);
        let (phase, deadline) = match self {
            Self::Seconds(0) => (Phase::Process, 0),
            Self::Seconds(amount) => {
                let phase = groups.phase(index);
                let deadline = match amount {
                    NEVER => NEVER,
                    amount => groups.time(index, phase).saturating_add(amount),
                };
                (phase, deadline)
            }
            Self::Frames(amount, phase) => {
                (phase, groups.frame(index, phase).saturating_add(amount))
            }
        };
        State::Running { group, phase, deadline }
    }

    /// Registers a timer, or hands its waiter back if it is due already.
    fn register(
        self,
        groups: &mut Groups,
        group: GroupKey,
        phase: Phase,
        deadline: u64,
        waiter: Waiter,
    ) -> Result<u32, Waiter> {
        let index = groups.nearest_open(group);
        let (lane, is_due) = match self {
            Self::Seconds(_) => (Lane::Seconds, groups.is_due(index, phase, deadline)),
            Self::Frames(..) => {
                let frame = groups.frame(index, phase);
                let lane = if deadline == frame + 1 { Lane::Next } else { Lane::Frames };
                (lane, deadline <= frame)
            }
        };
        if is_due {
            return Err(waiter);
        }
        Ok(groups.add_wait(index, phase, lane, deadline, waiter))
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let State::Registered { runtime, wait } = self.state {
            drop(runtime.with(|core| core.groups.remove_wait(wait)));
        }
    }
}

/// Polls a wait that is registered; one that is due is forgotten.
#[inline]
fn poll_registered(runtime: &'static Runtime, wait: u32, cx: &mut Context<'_>) -> Poll<()> {
    let (is_due, is_same) = runtime.with(|core| {
        let entry = core.groups.waits.at(wait);
        if entry.fired {
            core.groups.remove_wait(wait);
            (true, true)
        } else {
            (false, entry.waiter.is(cx.waker()))
        }
    });
    if is_due {
        return Poll::Ready(());
    }
    if !is_same {
        rename(runtime, wait, cx);
    }
    Poll::Pending
}

/// Has another waker woken by a wait.
fn rename(runtime: &'static Runtime, wait: u32, cx: &mut Context<'_>) {
    let waiter = Waiter::new(cx.waker());
    let former =
        runtime.with(|core| std::mem::replace(&mut core.groups.waits.at(wait).waiter, waiter));
    drop(former);
}

/// Declares the public futures that are timers.
macro_rules! timer_future {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[must_use = "futures do nothing unless you `.await` or poll them"]
        #[derive(Debug)]
        pub struct $name {
            timer: Timer,
        }

        impl Future for $name {
            type Output = ();

            #[inline]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                self.timer.poll(cx)
            }
        }
    };
}

timer_future!(
    /// Future of [`wait_frames`]. Dropping it leaves nothing behind.
    WaitFrames
);
timer_future!(
    /// Future of [`next_frame`]. Dropping it leaves nothing behind.
    NextFrame
);
timer_future!(
    /// Future of [`wait_physics_frames`]. Dropping it leaves nothing behind.
    WaitPhysicsFrames
);
timer_future!(
    /// Future of [`wait_seconds`] and [`Clock::wait_seconds`](crate::Clock::wait_seconds). Dropping it leaves nothing
    /// behind.
    WaitSeconds
);

impl WaitSeconds {
    /// Waits on a clock that is given: registered at once, so that it is not lost when the clock's group closes.
    pub(crate) fn on(runtime: &'static Runtime, group: GroupKey, seconds: f64) -> Self {
        let amount = Amount::Seconds(nanoseconds(seconds));
        let registered = runtime.with(|core| match amount.start(&core.groups, group) {
            State::Running { phase, deadline, .. } => {
                amount.register(&mut core.groups, group, phase, deadline, Waiter::Nobody).ok()
            }
            _ => None,
        });
        let state = match registered {
            Some(wait) => State::Registered { runtime, wait },
            None => State::Running { group, phase: Phase::Process, deadline: 0 },
        };
        // What is ready at once is so on any clock.
        let amount = if registered.is_some() { amount } else { Amount::Seconds(0) };
        Self { timer: Timer { amount, state } }
    }
}

/// Watches the ticks of the clock that it is first polled on, in the stage of its group's conditions: what conditions
/// are built on. Dropping it leaves nothing behind.
#[derive(Debug, Default)]
pub struct TickWatch {
    registered: Option<(&'static Runtime, u32)>,
}

impl TickWatch {
    /// Makes a watch that begins with its first poll.
    pub const fn new() -> Self {
        Self { registered: None }
    }

    /// Is ready once for each tick that has come since it was ready last; the first poll never is.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((runtime, wait)) = self.registered else {
            let runtime = current();
            let group = runtime.task_group().unwrap_or(ROOT);
            let waiter = Waiter::new(cx.waker());
            let wait = runtime.with(|core| {
                let index = core.groups.nearest_open(group);
                let phase = core.groups.phase(index);
                core.groups.add_wait(index, phase, Lane::Ticks, NEVER, waiter)
            });
            self.registered = Some((runtime, wait));
            return Poll::Pending;
        };
        let (ticked, is_same) = runtime.with(|core| {
            let entry = core.groups.waits.at(wait);
            (std::mem::replace(&mut entry.fired, false), entry.waiter.is(cx.waker()))
        });
        if !is_same {
            rename(runtime, wait, cx);
        }
        if ticked { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for TickWatch {
    fn drop(&mut self) {
        if let Some((runtime, wait)) = self.registered.take() {
            drop(runtime.with(|core| core.groups.remove_wait(wait)));
        }
    }
}
