//! Waits on clocks: for time, for frames, for the next tick.
//!
//! A wait made inside a task starts when it is created, on that task's clock. One that is first polled on another
//! clock than it was made on (it was made outside any task, or handed to another group) starts at that poll, on that
//! clock.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::raw::waker::key_of;
use crate::scheduler::{
    FIRST_SCOPE, GRACE, GroupKey, Groups, Lane, Listed, NEVER, ROOT, Runtime, Waiter, current,
    nanoseconds, nanoseconds_of, try_current,
};
use crate::{POLLED_AFTER_COMPLETION, Phase};

/// Waits for a number of process frames of the current clock; 0 is ready at once. Frames go by at any speed, but not
/// while the clock is frozen. While it is skipped, they pass at once, in their order among all else that is waited for.
///
/// It starts when it is created. Dropping it leaves nothing behind.
pub fn wait_frames(frames: u64) -> WaitFrames {
    WaitFrames { timer: Timer::new(Amount::Frames(frames, Phase::Process)) }
}

/// Waits for the next process frame of the current clock, as `wait_frames(1)` does.
#[inline]
pub fn next_frame() -> NextFrame {
    NextFrame::new()
}

/// Waits for a number of physics frames of the current clock; 0 is ready at once. What follows it runs in the physics
/// stage. While the clock is skipped, they pass at once, in their order among all else that is waited for.
///
/// It starts when it is created. Dropping it leaves nothing behind.
pub fn wait_physics_frames(frames: u64) -> WaitPhysicsFrames {
    WaitPhysicsFrames { timer: Timer::new(Amount::Frames(frames, Phase::Physics)) }
}

/// Waits for so many seconds of the current clock: scaled and frozen with it, never early. While the clock is skipped, they
/// pass at once, in their order among all else that is waited for.
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

/// Waits until the current clock shows a time (see [`now`](crate::now)), in seconds: for loops that must not drift.
///
/// A time that is past is ready at once; infinity never comes. It is scaled and frozen with the clock, and never early.
/// It is for the clock that it was made on, inside a task; one that is first polled on another clock, or was made
/// outside of any task, waits for that clock's time. If the clock's group closes, it goes on with what is left on the
/// clock above. While the clock is skipped, it comes at once, in its order. Dropping it leaves nothing behind.
///
/// # Panics
/// If `time` is not a number.
///
/// # Examples
/// ```
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> std::time::Duration { std::time::Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use std::time::Duration;
///
/// use cuelight_runtime::{Phase, engine, now, spawn, wait_until_time};
///
/// let task = spawn(async {
///     let start = now();
///     for beat in 1..=4 {
///         wait_until_time(start + 0.5 * f64::from(beat)).await;
///     }
///     now() - start
/// });
/// // Twenty steps of 0.11 s: each beat is up to a step late, and the next one comes none the later for it.
/// for _ in 0..20 {
///     engine::tick(Phase::Process, Duration::from_millis(110));
/// }
/// assert_eq!(task.take(), Some(Ok(2.09)));
/// ```
#[track_caller]
pub fn wait_until_time(time: f64) -> WaitUntilTime {
    assert!(!time.is_nan(), "wait_until_time(NaN): the time is not a number");
    WaitUntilTime { timer: Timer::new(Amount::Until(nanoseconds(time))) }
}

/// Waits for so many seconds of wall time: no speed changes it, and no freezing stops it.
///
/// It starts when it is created, inside a task or not, and is looked at once in each tick: so it is ready in the first
/// tick in which the time is over, process or physics, never earlier. But a frozen task is not polled: what it waits for
/// comes with the thaw. Negative and 0 seconds are ready at once; infinite ones never. Dropping it leaves nothing behind.
///
/// While the clock of its task is skipped, they pass at once, in their order among all else that is waited for.
///
/// For a game this is the exception: a splash screen, a connection, the menu of a paused game. What happens in the game
/// waits with [`wait_seconds`].
///
/// # Panics
/// If `seconds` is not a number.
///
/// # Examples
/// ```
/// # use std::cell::Cell;
/// # use std::time::Duration;
/// # thread_local!(static WALL: Cell<Duration> = const { Cell::new(Duration::ZERO) });
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> Duration { WALL.get() }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// # let two_seconds_later = || {
/// #     WALL.set(WALL.get() + Duration::from_secs(2));
/// #     cuelight_runtime::engine::tick(cuelight_runtime::Phase::Process, Duration::ZERO);
/// # };
/// use cuelight_runtime::{root_group, spawn, wait_real_seconds};
///
/// root_group().set_speed(0.0);
/// let splash = spawn(async {
///     let at_least = wait_real_seconds(2.0);
///     // … load the first level …
///     at_least.await;
/// });
/// assert!(!splash.is_finished());
/// two_seconds_later();
/// assert!(splash.is_finished());
/// # root_group().set_speed(1.0);
/// ```
#[track_caller]
pub fn wait_real_seconds(seconds: f64) -> WaitRealSeconds {
    check_seconds("wait_real_seconds", seconds);
    let amount = nanoseconds(seconds);
    let state = match try_current().filter(|runtime| runtime.is_open()) {
        None => RealState::New { amount },
        Some(runtime) => RealState::Running { deadline: real_deadline(runtime, amount) },
    };
    WaitRealSeconds { state }
}

fn real_deadline(runtime: &Runtime, amount: u64) -> u64 {
    nanoseconds_of(runtime.real_time()).saturating_add(amount)
}

/// Future of [`wait_real_seconds`]. Dropping it leaves nothing behind.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct WaitRealSeconds {
    state: RealState,
}

#[derive(Debug)]
enum RealState {
    /// Wait starts at its first poll: it was made while there was no engine.
    New { amount: u64 },
    /// Wait runs, but nobody has polled it.
    Running { deadline: u64 },
    /// Wait is registered.
    Registered { runtime: &'static Runtime, wait: u32 },
    /// Wait has been ready.
    Done,
}

impl Future for WaitRealSeconds {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = match self.state {
            RealState::New { amount } => real_deadline(current(), amount),
            RealState::Running { deadline } => deadline,
            RealState::Registered { runtime, wait } => {
                let polled = poll_registered(runtime, wait, cx);
                if polled.is_ready() {
                    self.state = RealState::Done;
                }
                return polled;
            }
            RealState::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        let runtime = current();
        if deadline <= nanoseconds_of(runtime.real_time()) {
            self.state = RealState::Done;
            return Poll::Ready(());
        }
        let waiter = Waiter::new(cx.waker());
        let group = runtime.task_group().unwrap_or(ROOT);
        let wait = runtime.with(|core| core.groups.add_real(group, deadline, waiter));
        self.state = RealState::Registered { runtime, wait };
        Poll::Pending
    }
}

impl Drop for WaitRealSeconds {
    fn drop(&mut self) {
        if let RealState::Registered { runtime, wait } = self.state {
            drop(runtime.with(|core| core.groups.remove_wait(wait)));
        }
    }
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
    /// A time that the clock shows, in nanoseconds, in the stage of its group.
    Until(u64),
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
    Running(Start),
    /// Timer is in a clock's list for the next frame.
    Listed { runtime: &'static Runtime, listed: Listed },
    /// Timer is registered on a clock.
    Registered { runtime: &'static Runtime, wait: u32 },
    /// Timer has been ready.
    Done,
}

/// Where and when a timer started.
#[derive(Clone, Copy, Debug)]
struct Start {
    group: GroupKey,
    phase: Phase,
    deadline: u64,
    /// The tick of that stage that was the last.
    tick: u64,
}

impl Timer {
    #[inline]
    fn new(amount: Amount) -> Self {
        let state = match try_current().and_then(|runtime| Some((runtime, runtime.task_group()?))) {
            None => State::New,
            Some((runtime, group)) => {
                State::Running(runtime.with(|core| amount.start(&core.groups, group)))
            }
        };
        Self { amount, state }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = match self.state {
            State::Listed { runtime, listed } => poll_listed(runtime, listed, cx),
            State::Registered { runtime, wait } => poll_registered(runtime, wait, cx),
            State::New => self.poll_first(None, cx),
            State::Running(start) => self.poll_first(Some(start), cx),
            State::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        if polled.is_ready() {
            self.state = State::Done;
        }
        polled
    }

    fn poll_first(&mut self, start: Option<Start>, cx: &mut Context<'_>) -> Poll<()> {
        match self.register(start, Waiter::new(cx.waker())) {
            Ok(()) => Poll::Pending,
            Err(waiter) => {
                drop(waiter);
                Poll::Ready(())
            }
        }
    }

    /// Registers the timer, or hands its waiter back if it is due already.
    fn register(&mut self, start: Option<Start>, waiter: Waiter) -> Result<(), Waiter> {
        let runtime = current();
        let polled_on = runtime.task_group().unwrap_or(ROOT);
        let amount = self.amount;
        self.state = runtime.with(|core| {
            let start = match start {
                // A closed group's clock is no longer the one that it started on.
                Some(start)
                    if start.group == polled_on && core.groups.find_open(polled_on).is_some() =>
                {
                    start
                }
                _ => amount.start(&core.groups, polled_on),
            };
            amount.register(runtime, &mut core.groups, start, waiter)
        })?;
        Ok(())
    }
}

impl Amount {
    /// Starts a timer on a group's clock.
    fn start(self, groups: &Groups, group: GroupKey) -> Start {
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
            Self::Until(time) => (groups.phase(index), time),
            Self::Frames(amount, phase) => {
                (phase, groups.frame(index, phase).saturating_add(amount))
            }
        };
        Start { group, phase, deadline, tick: groups.ticks[phase as usize] }
    }

    /// Registers a timer and returns its state, or hands its waiter back if it is due already.
    #[inline]
    fn register(
        self,
        runtime: &'static Runtime,
        groups: &mut Groups,
        start: Start,
        waiter: Waiter,
    ) -> Result<State, Waiter> {
        let Start { group, phase, deadline, tick } = start;
        let index = groups.nearest_open(group);
        let lane = match self {
            Self::Frames(amount, _) => {
                let is_fresh = tick == groups.ticks[phase as usize];
                let left = match is_fresh {
                    true => amount,
                    false => deadline.saturating_sub(groups.frame(index, phase)),
                };
                match left {
                    0 => return Err(waiter),
                    1 => {
                        let listed = groups.add_next(index, phase, waiter);
                        return Ok(State::Listed { runtime, listed });
                    }
                    _ => Lane::Frames,
                }
            }
            Self::Seconds(_) | Self::Until(_) if groups.is_due(index, phase, deadline) => {
                return Err(waiter);
            }
            Self::Seconds(_) | Self::Until(_) => Lane::Seconds,
        };
        let wait = groups.add_wait(index, phase, lane, deadline, waiter);
        Ok(State::Registered { runtime, wait })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        match self.state {
            State::Registered { runtime, wait } => {
                drop(runtime.with(|core| core.groups.remove_wait(wait)));
            }
            State::Listed { runtime, listed } => {
                drop(runtime.with(|core| core.groups.remove_next(listed)));
            }
            State::New | State::Running(_) | State::Done => {}
        }
    }
}

/// Polls a wait for the next frame.
#[inline]
fn poll_listed(runtime: &'static Runtime, listed: Listed, cx: &mut Context<'_>) -> Poll<()> {
    let is_same = runtime.with(|core| core.groups.poll_next(listed, cx.waker()));
    match is_same {
        None => return Poll::Ready(()),
        Some(true) => {}
        Some(false) => {
            let waiter = Waiter::new(cx.waker());
            drop(runtime.with(|core| core.groups.rename_next(listed, waiter)));
        }
    }
    Poll::Pending
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
            let is_same = entry.waiter.is(cx.waker());
            if matches!(entry.waiter, Waiter::Nobody) {
                core.groups.order_wait(wait);
            }
            (false, is_same)
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
    /// Future of [`wait_physics_frames`]. Dropping it leaves nothing behind.
    WaitPhysicsFrames
);
timer_future!(
    /// Future of [`wait_seconds`] and [`Clock::wait_seconds`](crate::Clock::wait_seconds). Dropping it leaves nothing
    /// behind.
    WaitSeconds
);
timer_future!(
    /// Future of [`wait_until_time`]. Dropping it leaves nothing behind.
    WaitUntilTime
);

/// Future of [`next_frame`]. Dropping it leaves nothing behind.
// The most common of all waits, so it is no `Timer`: without data in enums it is written where it is polled, and not
// copied there in pieces that the processor has to wait for. What happens in each frame is made at each `.await`, and all
// else is kept out of there.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct NextFrame {
    /// None until it is listed, if it was made where there was no runtime.
    runtime: Option<&'static Runtime>,
    /// What has become of it.
    mark: Mark,
    /// The index of the group whose clock has it in its list, and its position there.
    index: u32,
    position: u32,
}

/// What has become of a wait for the next frame, in a word, so that one comparison tells whether it has come, or is polled
/// where it was made: the number of the scope that it was made in, or its order in a list, or one of those below. Scopes
/// are numbered from [`FIRST_SCOPE`] on, where no order comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark(u64);

impl Mark {
    /// Wait starts at its first poll: it was made outside of any task.
    const NEW: Self = Self(u64::MAX);
    /// Wait has been ready.
    const DONE: Self = Self(u64::MAX - 1);

    fn step(self) -> Step {
        match self {
            Self::NEW => Step::New,
            Self::DONE => Step::Done,
            Self(FIRST_SCOPE..) => Step::Made,
            Self(..FIRST_SCOPE) => Step::Listed,
        }
    }

    /// Returns whether there is something to forget when the wait is dropped.
    #[inline]
    fn is_noted(self) -> bool {
        self.0 < Self::DONE.0
    }
}

enum Step {
    New,
    /// Wait was made inside a task, but nobody has polled it.
    Made,
    /// Wait is in a clock's list.
    Listed,
    Done,
}

impl NextFrame {
    #[inline]
    fn new() -> Self {
        // When and on which clock this is, is looked up only if somebody else, or at another time, polls it first.
        let runtime = try_current();
        let scope = runtime.and_then(Runtime::add_loose);
        Self { runtime, mark: scope.map_or(Mark::NEW, Mark), index: 0, position: 0 }
    }

    /// Polls a wait that is awaited where it was made: lists it, and returns whether it could.
    #[inline(always)]
    fn poll_here(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(runtime) = self.runtime
            && let Some(key) = key_of(cx.waker())
            && let Some(group) = runtime.group_of(self.mark.0)
            && let Some(listed) = runtime.with(|core| core.groups.add_next_if_open(group, key))
        {
            runtime.take_loose();
            self.list(listed);
            return true;
        }
        false
    }

    /// Polls a wait in all other cases.
    #[inline(never)]
    fn poll_otherwise(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = match (self.mark.step(), self.runtime) {
            (Step::Listed, Some(runtime)) => poll_listed(runtime, self.listed(), cx),
            (Step::Done, _) => panic!("{POLLED_AFTER_COMPLETION}"),
            _ => self.poll_first_elsewhere(cx),
        };
        if polled.is_ready() {
            self.mark = Mark::DONE;
        }
        polled
    }

    fn poll_first_elsewhere(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let runtime = current();
        let polled_on = runtime.task_group().unwrap_or(ROOT);
        let made = self.take_made();
        let waiter = Waiter::new(cx.waker());
        let listed = runtime.with(|core| {
            let index = core.groups.nearest_open(polled_on);
            if let Some((group, frame)) = made
                && group == polled_on
                // A closed group's clock is no longer the one that it started on.
                && core.groups.find_open(polled_on).is_some()
                && frame < core.groups.frame(index, Phase::Process)
            {
                return Err(waiter);
            }
            Ok(core.groups.add_next(index, Phase::Process, waiter))
        });
        match listed {
            Ok(listed) => {
                self.runtime = Some(runtime);
                self.list(listed);
                Poll::Pending
            }
            Err(waiter) => {
                drop(waiter);
                Poll::Ready(())
            }
        }
    }

    /// Notes where it is listed.
    #[inline]
    fn list(&mut self, listed: Listed) {
        self.mark = Mark(listed.order);
        self.index = listed.index;
        self.position = listed.position;
    }

    /// Returns where it is listed, if it is.
    fn listed(&self) -> Listed {
        let &Self { mark: Mark(order), index, position, .. } = self;
        Listed { index, phase: Phase::Process, position, order }
    }

    /// Leaves nothing behind of a wait that has not come.
    #[inline(never)]
    fn forget(&mut self) {
        match (self.mark.step(), self.runtime) {
            (Step::Listed, Some(runtime)) => {
                drop(runtime.with(|core| core.groups.remove_next(self.listed())));
            }
            _ => {
                self.take_made();
            }
        }
    }

    /// Forgets that it was made, and returns on which clock and in which of its frames that was, if it was long ago.
    fn take_made(&mut self) -> Option<(GroupKey, u64)> {
        let (Step::Made, Some(runtime)) = (self.mark.step(), self.runtime) else {
            return None;
        };
        let Mark(scope) = std::mem::replace(&mut self.mark, Mark::NEW);
        if runtime.group_of(scope).is_some() {
            runtime.take_loose();
            return None;
        }
        runtime.with(|core| core.groups.take_made(scope))
    }
}

impl Future for NextFrame {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(runtime) = self.runtime
            && runtime.has_come(self.mark.0)
        {
            self.mark = Mark::DONE;
            return Poll::Ready(());
        }
        if self.poll_here(cx) { Poll::Pending } else { self.poll_otherwise(cx) }
    }
}

impl Drop for NextFrame {
    #[inline]
    fn drop(&mut self) {
        if self.mark.is_noted() {
            self.forget();
        }
    }
}

impl WaitSeconds {
    /// Waits on a clock that is given: registered at once, so that it is not lost when the clock's group closes.
    pub(crate) fn on(runtime: &'static Runtime, group: GroupKey, seconds: f64) -> Self {
        let amount = Amount::Seconds(nanoseconds(seconds));
        let registered = runtime.with(|core| {
            let start = amount.start(&core.groups, group);
            amount.register(runtime, &mut core.groups, start, Waiter::Nobody).ok()
        });
        match registered {
            Some(state) => Self { timer: Timer { amount, state } },
            None => Self::over(),
        }
    }

    /// Returns a wait that is ready at once, on any clock.
    pub(crate) fn over() -> Self {
        Self { timer: Timer { amount: Amount::Seconds(0), state: State::New } }
    }

    /// Returns whether a wait on a clock that was given is over, without a poll.
    pub(crate) fn is_over(&self) -> bool {
        match self.timer.state {
            State::Registered { runtime, wait } => {
                runtime.with(|core| core.groups.waits.at(wait).fired)
            }
            _ => true,
        }
    }

    /// Returns another wait for the end of one on a clock that was given, on whichever clock that is by now.
    pub(crate) fn same(&self) -> Self {
        let Timer { amount, state: State::Registered { runtime, wait } } = self.timer else {
            return Self::over();
        };
        match runtime.with(|core| core.groups.add_same(wait)) {
            Some(wait) => {
                Self { timer: Timer { amount, state: State::Registered { runtime, wait } } }
            }
            None => Self::over(),
        }
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
            let is_same = entry.waiter.is(cx.waker());
            (std::mem::replace(&mut entry.fired, false), is_same)
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

/// A time that passes on a clock, and can be asked how far it is: what changes over time are built on. It wakes nobody.
/// Dropping it leaves nothing behind.
///
/// It starts as a wait does: made inside a task at once, on that task's clock; one that is first asked on another clock
/// starts there and then.
#[derive(Debug)]
pub struct Countdown {
    amount: u64,
    timer: Timer,
}

impl Countdown {
    /// Makes a countdown of so many seconds: of 0 and less it is over at once, of infinity never.
    pub fn new(seconds: f64) -> Self {
        let amount = nanoseconds(seconds);
        Self { amount, timer: Timer::new(Amount::Seconds(amount)) }
    }

    /// Returns which part of the time has passed, from 0 up to 1; none when it is over.
    ///
    /// # Panics
    /// If the calling thread is not the one that the runtime was started on.
    pub fn progress(&mut self) -> Option<f64> {
        let is_due = match self.timer.state {
            State::New => self.timer.register(None, Waiter::Nobody).is_err(),
            State::Running(start) => self.timer.register(Some(start), Waiter::Nobody).is_err(),
            _ => false,
        };
        if is_due {
            self.timer.state = State::Done;
        }
        let State::Registered { runtime, wait } = self.timer.state else {
            return None;
        };
        let left = runtime.with(|core| {
            let entry = core.groups.waits.at(wait);
            if entry.fired {
                core.groups.remove_wait(wait);
                return None;
            }
            let phase = entry.phase();
            match core.groups.queued_for(wait) {
                (_, NEVER) => Some(NEVER),
                (clock, deadline) => Some(deadline.saturating_sub(core.groups.time(clock, phase))),
            }
        });
        match left {
            None => {
                self.timer.state = State::Done;
                None
            }
            Some(NEVER) => Some(0.0),
            // In this order, so that it is 0 at first, and never less.
            Some(left) => Some(self.amount.saturating_sub(left) as f64 / self.amount as f64),
        }
    }
}

/// Beats a time on the clock that it was made on, without drift: a deadline that is set again each time it has come.
/// What `every` and the conditions that are checked every so many seconds are built on. Dropping it leaves nothing
/// behind.
///
/// Made inside a task it starts at once, on that task's clock; one that is first polled on another clock starts at that
/// poll. The beats that are due together come in order of (deadline, the moment at which the one before was taken).
#[derive(Debug)]
pub struct BeatWatch {
    /// The length of a beat, in nanoseconds; at least one.
    period: f64,
    /// Set if nothing comes of a beat but the check of a condition.
    is_condition: bool,
    state: BeatState,
}

#[derive(Debug, Clone, Copy)]
enum BeatState {
    /// Watch starts at its first poll: it was made outside of any task.
    New,
    /// Watch runs, but nobody has polled it.
    Running(BeatStart),
    /// Watch is registered on a clock.
    Armed { runtime: &'static Runtime, wait: u32, beats: Beats },
}

/// Where and when a watch started.
#[derive(Debug, Clone, Copy)]
struct BeatStart {
    group: GroupKey,
    phase: Phase,
    time: u64,
}

/// The beats of a watch. Each is counted from the start, so that no rounding adds up.
#[derive(Debug, Clone, Copy)]
struct Beats {
    start: u64,
    period: f64,
    /// The number of the beat that is waited for.
    next: u64,
}

impl Beats {
    /// Returns when a beat is due.
    fn deadline(&self, beat: u64) -> u64 {
        // The cast saturates: what is too far away never comes.
        self.start.saturating_add((beat as f64 * self.period).round() as u64)
    }

    /// Takes all beats that are due by a time, and returns their number: at least one, since the next one is.
    fn take(&mut self, time: u64) -> u64 {
        let time = time.min(NEVER - 1);
        let estimate = time.saturating_sub(self.start) as f64 / self.period;
        let mut last = (estimate as u64).max(self.next);
        while last > self.next && self.deadline(last) > time {
            last -= 1;
        }
        while self.deadline(last.saturating_add(1)) <= time {
            last += 1;
        }
        let taken = last - self.next + 1;
        self.next = last + 1;
        taken
    }
}

impl BeatWatch {
    /// Makes a watch for a number of seconds: infinity never comes, and less than a nanosecond is one.
    pub fn new(seconds: f64) -> Self {
        let state = match try_current().and_then(|runtime| Some((runtime, runtime.task_group()?))) {
            None => BeatState::New,
            Some((runtime, group)) => {
                BeatState::Running(runtime.with(|core| BeatStart::now(&core.groups, group)))
            }
        };
        Self { period: (seconds * 1e9).max(1.0), is_condition: false, state }
    }

    /// Makes a watch for the checks of a condition: a skip does not go on for their sake.
    pub fn for_condition(seconds: f64) -> Self {
        Self { is_condition: true, ..Self::new(seconds) }
    }

    /// Is ready when one or more beats have come since it was ready last, with their number.
    pub fn poll_beats(&mut self, cx: &mut Context<'_>) -> Poll<u64> {
        let (runtime, wait, mut beats) = match self.state {
            BeatState::Armed { runtime, wait, beats } => {
                // The short way, for who is polled for another reason: what has come has been fired by its tick.
                let is_same = runtime.with(|core| {
                    let entry = core.groups.waits.at(wait);
                    entry.queued.then(|| entry.waiter.is(cx.waker()))
                });
                match is_same {
                    Some(true) => return Poll::Pending,
                    Some(false) => {
                        rename(runtime, wait, cx);
                        return Poll::Pending;
                    }
                    None => (runtime, wait, beats),
                }
            }
            BeatState::New => self.arm(None),
            BeatState::Running(start) => self.arm(Some(start)),
        };
        let (taken, is_same, former) = runtime.with(|core| {
            let groups = &mut core.groups;
            let entry = groups.waits.at(wait);
            let (fired, group) = (entry.fired, entry.group);
            let is_same = entry.waiter.is(cx.waker());
            let phase = entry.phase();
            let (clock, deadline) = match entry.queued {
                true => {
                    let (clock, deadline) = groups.queued_for(wait);
                    (Some(clock), deadline)
                }
                false => {
                    let deadline = entry.deadline;
                    (groups.find_open(group), deadline)
                }
            };
            if deadline != beats.deadline(beats.next) {
                // Its group was closed, and what was left went to the clock above.
                beats = Beats { start: deadline, next: 0, ..beats };
            }
            let taken = match clock {
                Some(index) if fired || groups.is_due(index, phase, deadline) => {
                    let time = groups.time(index, phase).saturating_add(GRACE);
                    beats.take(time)
                }
                Some(_) => return (None, is_same, Waiter::Nobody),
                // The group was closed after the beat had come: the ones after it are the clock's above.
                None => {
                    let time = groups.time(groups.nearest_open(group), phase);
                    beats = Beats { start: time, next: 1, ..beats };
                    1
                }
            };
            let clock = clock.unwrap_or_else(|| groups.nearest_open(group));
            let group = groups.key_at(clock);
            let former = groups.rearm(wait, group, beats.deadline(beats.next));
            (Some(taken), true, former)
        });
        drop(former);
        self.state = BeatState::Armed { runtime, wait, beats };
        if let Some(taken) = taken {
            return Poll::Ready(taken);
        }
        if !is_same {
            rename(runtime, wait, cx);
        }
        Poll::Pending
    }

    /// Registers the watch on the clock that it is polled on first.
    #[cold]
    fn arm(&self, start: Option<BeatStart>) -> (&'static Runtime, u32, Beats) {
        let runtime = current();
        let polled_on = runtime.task_group().unwrap_or(ROOT);
        let (period, is_condition) = (self.period, self.is_condition);
        let (wait, beats) = runtime.with(|core| {
            let groups = &mut core.groups;
            let start = match start {
                // A closed group's clock is no longer the one that it started on.
                Some(start)
                    if start.group == polled_on && groups.find_open(polled_on).is_some() =>
                {
                    start
                }
                _ => BeatStart::now(groups, polled_on),
            };
            let beats = Beats { start: start.time, period, next: 1 };
            let index = groups.nearest_open(start.group);
            let deadline = beats.deadline(1);
            let lane = Lane::Seconds;
            let wait = groups.add_wait(index, start.phase, lane, deadline, Waiter::Nobody);
            groups.waits.at(wait).is_condition = is_condition;
            (wait, beats)
        });
        (runtime, wait, beats)
    }
}

impl BeatStart {
    fn now(groups: &Groups, group: GroupKey) -> Self {
        let index = groups.nearest_open(group);
        let phase = groups.phase(index);
        Self { group, phase, time: groups.time(index, phase) }
    }
}

impl Drop for BeatWatch {
    fn drop(&mut self) {
        if let BeatState::Armed { runtime, wait, .. } = self.state {
            drop(runtime.with(|core| core.groups.remove_wait(wait)));
        }
    }
}
