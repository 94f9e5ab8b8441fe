//! Rehearsals: scripts on virtual time, as unit tests.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crate::engine::{self, Engine};
use crate::raw::lend::lend;
use crate::scheduler::{LogLine, NextOfRoot, Place, ROOT, Runtime, current_or_new, try_current};
use crate::task::{start, start_at};
use crate::{GroupInfo, Phase, TaskHandle, TaskInfo, TaskReport, inspect};

/// The frames of a second.
const RATE: u64 = 60;

/// So many frames of nothing but conditions that do not come true, an hour of them, are taken for a script that is stuck.
const PATIENCE: u64 = 3_600 * RATE;

/// So many frames, a day of them, are taken for a script without an end.
const LIMIT: u64 = 24 * 3_600 * RATE;

/// Runs a script to its end on virtual time: a ten-minute cutscene is a unit test of a millisecond.
///
/// It is a [`Rehearsal`] with the script as its first task, named `script`; the script may borrow. When it has ended, what
/// it has spawned is dropped. Nothing sleeps, and nothing depends on the speed of the machine. A panic in the script goes
/// on in the caller, so that a failed assertion fails the test; one in a task that it has spawned is that task's, printed
/// and in the [`log`](Rehearsal::log), as in a game.
///
/// # Errors
/// [`Stuck`], if every task waits for something that no passing of time brings, or the script has not ended after a day
/// of its time. The script and its tasks are dropped then.
///
/// # Panics
/// If the script panics; if it is cancelled, or fails; and if a runtime is open on this thread: a game's, or another
/// rehearsal's.
///
/// # Examples
/// ```
/// use cuelight_runtime::{now, rehearse, wait_seconds};
///
/// let lines = ["We meet at last.", "Draw!"];
/// let duel = async {
///     for line in lines {
///         wait_seconds(line.len() as f64 / 20.0).await;
///     }
///     wait_seconds(598.0).await;
///     now().round()
/// };
/// assert_eq!(rehearse(duel).unwrap(), 599.0);
/// ```
#[track_caller]
pub fn rehearse<T>(script: impl Future<Output = T>) -> Result<T, Stuck> {
    let location = Location::caller();
    let show = Rehearsal::new();
    let output: RefCell<Option<thread::Result<T>>> = RefCell::new(None);
    let caught = async {
        let mut script = pin!(script);
        let result =
            poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| script.as_mut().poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
                Err(panic) => Poll::Ready(Err(panic)),
            });
        let result = result.await;
        *output.borrow_mut() = Some(result);
    };
    let (ended, result) = lend(Box::pin(caught), |lent| {
        // Moved in: whoever panics, the rehearsal ends here, and the future with it.
        let show = show;
        let place = Place { group: ROOT, deferred: false };
        let task = start_at(show.runtime, place, Some("script".into()), location, lent);
        (show.run_until(&task), task.take())
    });
    match output.into_inner() {
        Some(Ok(output)) => Ok(output),
        Some(Err(panic)) => resume_unwind(panic),
        None => {
            ended?;
            let error = result.and_then(Result::err);
            panic!(
                "the rehearsed script has no output: {}",
                error.map_or_else(String::new, |it| it.to_string())
            );
        }
    }
}

/// Writes a line into the log of the rehearsal that goes on on this thread, under the name of the running task. Elsewhere,
/// in a game, it does nothing.
///
/// # Examples
/// ```
/// use cuelight_runtime::{Rehearsal, note, wait_seconds};
///
/// let show = Rehearsal::new();
/// let guard = show.spawn_named("guard", async {
///     wait_seconds(2.0).await;
///     note("falls asleep");
/// });
/// show.run_until(&guard).unwrap();
/// assert_eq!(
///     show.log(),
///     [
///         "   0    0.000 s  guard: begins",
///         " 120    2.000 s  guard: falls asleep",
///         " 120    2.000 s  guard: ends",
///     ]
/// );
/// ```
pub fn note(what: &str) {
    if let Some(runtime) = try_current() {
        runtime.note(what);
    }
}

/// A rehearsal that goes step by step: a runtime on this thread whose time goes on only when it is told to. Dropping it
/// drops its tasks.
///
/// It is a game at a steady sixty frames a second, with a physics step in each, whose empty frames are left out: it goes
/// from one deadline to the next, and frame by frame only where something asks for frames. Everything of this library
/// works in it, and the clock of the root group starts at 0. Work for [`background`](crate::background()) is done at once
/// where it is polled. What other threads wake is not waited for.
///
/// # Examples
/// ```
/// use cuelight_runtime::{Cue, Rehearsal, wait_seconds};
///
/// let show = Rehearsal::new();
/// let key = Cue::new();
/// let pressed = key.clone();
/// let story = show.spawn(async move {
///     wait_seconds(2.0).await;
///     pressed.wait().await;
///     wait_seconds(3.0).await;
/// });
/// show.run_for(10.0);
/// assert!(!story.is_finished());
/// key.give("space");
/// show.run_until(&story).unwrap();
/// assert_eq!(show.elapsed(), 13.0);
/// ```
pub struct Rehearsal {
    runtime: &'static Runtime,
    stage: Rc<Stage>,
}

/// What the engine of a rehearsal knows.
#[derive(Default)]
struct Stage {
    frames: Cell<u64>,
    /// Set if a flush was asked for.
    rung: Cell<bool>,
    /// The frame up to which something other than conditions has happened.
    last_event: Cell<u64>,
}

impl Rehearsal {
    /// Makes a rehearsal on this thread; its time is 0.
    ///
    /// # Panics
    /// If a runtime is open on this thread: a game's, or another rehearsal's.
    #[track_caller]
    pub fn new() -> Self {
        assert!(
            !engine::is_open(),
            "a rehearsal needs a thread without a runtime, such as a test has; on this one there is a game's, or \
             another rehearsal's: drop that one first, or use a thread of its own"
        );
        let (runtime, stage) = (current_or_new(), Rc::new(Stage::default()));
        runtime.start_rehearsal(stage.clone());
        Self { runtime, stage }
    }

    /// Spawns a task into the root group and runs it up to its first await.
    #[track_caller]
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        start(self.runtime, Place { group: ROOT, deferred: false }, None, future)
    }

    /// Spawns like [`spawn`](Self::spawn), with a name for the log.
    #[track_caller]
    pub fn spawn_named<T: 'static>(
        &self,
        name: impl Into<std::borrow::Cow<'static, str>>,
        future: impl Future<Output = T> + 'static,
    ) -> TaskHandle<T> {
        start(self.runtime, Place { group: ROOT, deferred: false }, Some(name.into()), future)
    }

    // ---------------------------------------------------------------- Running

    /// Runs a number of frames.
    pub fn run_frames(&self, frames: u64) {
        self.flush();
        let end = self.stage.frames.get().saturating_add(frames);
        while self.stage.frames.get() < end {
            let next = self.next().map_or(u64::MAX, |next| next.0);
            self.step(next.min(end - self.stage.frames.get()));
        }
    }

    /// Runs for a time, in seconds, rounded up to whole frames of a sixtieth: 0 and less only run what is ready now.
    ///
    /// # Panics
    /// If `seconds` is infinite or not a number.
    #[track_caller]
    pub fn run_for(&self, seconds: f64) {
        assert!(seconds.is_finite(), "run_for({seconds}): the seconds have to be finite");
        // A hair less, so that rounding makes no frame more.
        self.run_frames((seconds * RATE as f64 - 1e-6).ceil().max(0.0) as u64);
    }

    /// Runs until a task has ended.
    ///
    /// # Errors
    /// [`Stuck`], if it will not end by itself. The rehearsal can go on: give the cue, and run again.
    pub fn run_until<T>(&self, task: &TaskHandle<T>) -> Result<(), Stuck> {
        self.run_while(|| !task.is_finished())
    }

    /// Runs until no task is left.
    ///
    /// # Errors
    /// [`Stuck`], if some will not end by themselves.
    pub fn run_until_idle(&self) -> Result<(), Stuck> {
        self.run_while(|| engine::counts().tasks > 0)
    }

    fn run_while(&self, goes_on: impl Fn() -> bool) -> Result<(), Stuck> {
        self.flush();
        let begin = self.stage.frames.get();
        self.stage.last_event.set(begin);
        while goes_on() {
            let Some((frames, sure)) = self.next() else {
                return Err(Stuck::new(self, Reason::Time));
            };
            let now = self.stage.frames.get();
            if !sure && now - self.stage.last_event.get() > PATIENCE {
                return Err(Stuck::new(self, Reason::Conditions));
            }
            if now - begin > LIMIT {
                return Err(Stuck::new(self, Reason::Endless));
            }
            self.step(frames);
        }
        Ok(())
    }

    /// Returns the number of frames to the next one in which something is due, and whether that is more than conditions.
    fn next(&self) -> Option<(u64, bool)> {
        if self.runtime.has_ready() {
            return Some((1, true));
        }
        let now = self.stage.frames.get();
        let real = time_of(now);
        let NextOfRoot { frames, left, sure } =
            self.runtime.with(|core| core.groups.next_of_root(real));
        let mut next = frames;
        if left != u64::MAX {
            let due = u128::from(real.saturating_add(left)) * u128::from(RATE);
            let frame = due.div_ceil(1_000_000_000).min(u128::from(u64::MAX)) as u64;
            next = next.min(frame.saturating_sub(now));
        }
        (next != u64::MAX).then_some((next.max(1), sure))
    }

    /// Goes on by some frames, of which only in the last one something is due.
    fn step(&self, frames: u64) {
        let now = self.stage.frames.get();
        let last = now.saturating_add(frames);
        if frames > 1 {
            let step = time_of(last - 1) - time_of(now);
            self.runtime.with(|core| core.groups.pass_frames(frames - 1, step));
        }
        self.stage.frames.set(last);
        let step = Duration::from_nanos(time_of(last) - time_of(last - 1));
        self.runtime.tick(Phase::Physics, step);
        self.flush();
        self.runtime.tick(Phase::Process, step);
        self.flush();
        if self.runtime.with(|core| core.groups.take_fired()) {
            self.stage.last_event.set(last);
        }
    }

    /// Runs what was woken meanwhile, as an engine does that was asked to.
    fn flush(&self) {
        while self.stage.rung.replace(false) {
            self.runtime.flush();
        }
    }

    // ---------------------------------------------------------------- Asking

    /// Returns the virtual time that has passed, in seconds.
    pub fn elapsed(&self) -> f64 {
        time_of(self.stage.frames.get()) as f64 / 1e9
    }

    /// Returns what has happened so far, a line for each event: the frame, the time, who, and what. Who is a task's name, or
    /// the place where it was spawned; what is its beginning, its end, an error, or a [`note()`].
    pub fn log(&self) -> Vec<String> {
        self.runtime.log().iter().map(line).collect()
    }
}

impl Default for Rehearsal {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rehearsal").field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.runtime.end_rehearsal();
    }
}

/// Returns the time of a frame, in nanoseconds: exact, so that sixty of them are a second.
fn time_of(frame: u64) -> u64 {
    (u128::from(frame) * 1_000_000_000 / u128::from(RATE)) as u64
}

/// Prints what has happened.
fn line(line: &LogLine) -> String {
    let seconds = line.time.as_secs_f64();
    let frame = (seconds * RATE as f64).round() as u64;
    format!("{frame:>4} {seconds:>8.3} s  {}: {}", line.who, line.what)
}

impl Engine for Stage {
    fn real_time(&self) -> Duration {
        Duration::from_nanos(time_of(self.frames.get()))
    }

    fn call_soon(&self) {
        self.rung.set(true);
    }

    fn background_threads(&self) -> usize {
        0
    }

    fn report(&self, report: &TaskReport) {
        eprintln!("{report}");
    }
}

/// Why a rehearsal does not come to its end, with the tasks that are left. `Display` prints it whole.
#[derive(Debug, Clone)]
pub struct Stuck {
    /// Each task that is left, with what it waits for.
    pub waiting: Vec<TaskInfo>,
    /// The time of the rehearsal, in seconds.
    pub elapsed: f64,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// Nothing is left that a time would bring.
    Time,
    /// Only conditions are left, and none has come true for an hour.
    Conditions,
    /// It goes on and on.
    Endless,
}

impl Stuck {
    fn new(show: &Rehearsal, reason: Reason) -> Self {
        let mut waiting = Vec::new();
        collect(inspect().root, &mut waiting);
        Self { waiting, elapsed: show.elapsed(), reason }
    }
}

fn collect(group: GroupInfo, tasks: &mut Vec<TaskInfo>) {
    tasks.extend(group.tasks);
    for below in group.groups {
        collect(below, tasks);
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            Reason::Time => "no passing of time brings what is waited for",
            Reason::Conditions => "no condition has come true for an hour",
            Reason::Endless => "there is no end after a day",
        };
        write!(f, "the rehearsal is stuck at {:.3} s: {why}", self.elapsed)?;
        for task in &self.waiting {
            write!(f, "\n  {task}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Stuck {}
