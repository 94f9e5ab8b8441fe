//! What all tests without an engine share: a runtime that is ticked by hand, a log, an event and
//! futures that write into the log.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::future::poll_fn;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cuelight_runtime::engine::{self, Engine};
use cuelight_runtime::{Phase, TaskReport};

/// The step of one frame: a sixtieth of a second.
pub const FRAME: Duration = Duration::from_nanos(16_666_667);

// ---------------------------------------------------------------- The log

/// What happened, in order.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&self, event: impl Display) {
        self.0.borrow_mut().push(event.to_string());
    }

    /// Returns all that was pushed since the last check.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Compares all that was pushed since the last check.
    #[track_caller]
    pub fn check(&self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut *self.0.borrow_mut()), expected);
    }

    /// Returns a guard that pushes `drop <name>` when it is dropped.
    pub fn guard(&self, name: impl Display) -> Guard {
        Guard { log: self.clone(), name: name.to_string() }
    }
}

/// See [`Log::guard`].
pub struct Guard {
    log: Log,
    name: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.log.push(format!("drop {}", self.name));
    }
}

/// Runs a function when it is dropped.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

// ---------------------------------------------------------------- The runtime

/// What a test has the engine do.
pub type Hook = Rc<RefCell<Option<Box<dyn Fn()>>>>;

/// The engine for tests: it notes what the runtime asks for.
#[derive(Clone, Default)]
pub struct TestEngine {
    /// How often a flush was asked for.
    pub calls: Rc<Cell<usize>>,
    pub reports: Rc<RefCell<Vec<TaskReport>>>,
    pub errors: Rc<RefCell<Vec<String>>>,
    /// How many threads background work has; as many as it likes if none is said.
    pub threads: Rc<Cell<Option<usize>>>,
    /// The wall time, which goes on by hand.
    pub real: Rc<Cell<Duration>>,
    /// How often the wall time was asked for.
    pub real_asked: Rc<Cell<usize>>,
    /// What happens when the wall time is asked for.
    pub on_real: Hook,
    /// What `settle` does.
    pub settle: Hook,
    /// What happens beside the note when something is reported.
    pub on_report: Hook,
    /// What happens when a snapshot asks for the engine's waits.
    pub on_list: Hook,
}

impl Engine for TestEngine {
    fn real_time(&self) -> Duration {
        self.real_asked.set(self.real_asked.get() + 1);
        if let Some(on_real) = &*self.on_real.borrow() {
            on_real();
        }
        self.real.get()
    }

    fn call_soon(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    fn settle(&self) {
        if let Some(settle) = &*self.settle.borrow() {
            settle();
        }
    }

    fn owner_name(&self, owner: NonZeroU64) -> Option<String> {
        if owner == NonZeroU64::MAX {
            panic!("no such owner");
        }
        Some(format!("node {owner}"))
    }

    fn list_waits(&self, _found: &mut dyn FnMut(&Waker, &str)) {
        if let Some(on_list) = &*self.on_list.borrow() {
            on_list();
        }
    }

    fn background_threads(&self) -> usize {
        self.threads.get().unwrap_or(4)
    }

    fn report(&self, report: &TaskReport) {
        self.reports.borrow_mut().push(report.clone());
        if let Some(on_report) = &*self.on_report.borrow() {
            on_report();
        }
    }

    fn error(&self, message: &str) {
        self.errors.borrow_mut().push(message.to_owned());
    }
}

/// A runtime that is open as long as this lives. At its end nothing may have been reported that the
/// test has not looked at.
#[derive(Default)]
pub struct World {
    pub engine: TestEngine,
}

impl World {
    pub fn start() -> Self {
        let world = Self::default();
        engine::start(world.engine.clone());
        world
    }

    /// One frame of 60: its process stage.
    pub fn tick(&self) {
        engine::tick(Phase::Process, FRAME);
    }

    pub fn ticks(&self, count: usize) {
        for _ in 0..count {
            self.tick();
        }
    }

    pub fn physics_tick(&self) {
        engine::tick(Phase::Physics, FRAME);
    }

    /// A tick of a length that is given.
    pub fn step(&self, seconds: f64) {
        engine::tick(Phase::Process, Duration::from_secs_f64(seconds));
    }

    /// Has the wall time go on, and nothing else.
    pub fn pass_real(&self, seconds: f64) {
        let real = &self.engine.real;
        real.set(real.get() + Duration::from_secs_f64(seconds));
    }

    pub fn flush(&self) {
        engine::flush();
    }

    /// Returns how often a flush was asked for since this was called last.
    pub fn calls(&self) -> usize {
        self.engine.calls.take()
    }

    pub fn reports(&self) -> Vec<TaskReport> {
        self.engine.reports.take()
    }

    pub fn errors(&self) -> Vec<String> {
        self.engine.errors.take()
    }

    /// Compares the messages of all reports since the last check.
    #[track_caller]
    pub fn check_reports(&self, expected: &[&str]) {
        let messages: Vec<_> = self.reports().into_iter().map(|report| report.message).collect();
        assert_eq!(messages, expected);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        engine::shutdown();
        if !std::thread::panicking() {
            self.check_reports(&[]);
            assert_eq!(self.errors(), [""; 0]);
        }
    }
}

// ---------------------------------------------------------------- Futures

/// An event that resumes all who wait for it.
#[derive(Clone, Default)]
pub struct Event {
    given: Rc<Cell<usize>>,
    wakers: Rc<RefCell<Vec<Waker>>>,
}

impl Event {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn give(&self) {
        self.given.set(self.given.get() + 1);
        for waker in self.wakers.take() {
            waker.wake();
        }
    }

    /// Waits for the next `give`, from the call on.
    pub fn wait(&self) -> impl Future<Output = ()> + Unpin + use<> {
        let (event, seen) = (self.clone(), self.given.get());
        poll_fn(move |cx| {
            if event.given.get() > seen {
                return Poll::Ready(());
            }
            event.wakers.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// A future that writes its polls and its drop into the log, and is ready in its `polls`th poll.
pub struct Part<T> {
    name: &'static str,
    polls: usize,
    output: Option<T>,
    guard: Guard,
}

impl<T> Part<T> {
    pub fn new(log: &Log, name: &'static str, polls: usize, output: T) -> Self {
        Self { name, polls, output: Some(output), guard: log.guard(name) }
    }
}

impl<T> Unpin for Part<T> {}

impl<T> Future for Part<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.guard.log.push(format!("poll {}", self.name));
        self.polls = self.polls.saturating_sub(1);
        if self.polls == 0 {
            return Poll::Ready(self.output.take().expect("a part was polled after it was ready"));
        }
        // In somebody else's executor this is heard by nobody, and polled all the same.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Pends once, and wakes its task at once.
pub fn wake_myself() -> impl Future<Output = ()> + Unpin {
    let mut polled = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Returns the waker of the task that awaits this.
pub fn my_waker() -> impl Future<Output = Waker> + Unpin {
    poll_fn(|cx| Poll::Ready(cx.waker().clone()))
}

/// Polls a future with a waker that does nothing.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A waker of somebody else's executor, which counts.
#[derive(Default)]
pub struct CountedWaker(AtomicUsize);

impl CountedWaker {
    pub fn new() -> (Arc<Self>, Waker) {
        let counted = Arc::new(Self::default());
        (counted.clone(), Waker::from(counted))
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for CountedWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

// ---------------------------------------------------------------- Panics

thread_local! {
    /// The file of this thread's last panic, and whether somebody wants to know it.
    static PANIC_FILE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a function that has to panic, and returns the message and the file that the panic names.
#[track_caller]
pub fn panic_of<T>(function: impl FnOnce() -> T) -> (String, String) {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let file = info.location().map(|location| location.file().to_owned());
            PANIC_FILE.with(|cell| *cell.borrow_mut() = file);
            before(info);
        }));
    });
    let Err(panic) = catch_unwind(AssertUnwindSafe(function)) else {
        panic!("this has to panic");
    };
    let message = match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => (*panic.downcast_ref::<&str>().expect("a panic with a text")).to_owned(),
    };
    (message, PANIC_FILE.take().expect("the hook has run"))
}
