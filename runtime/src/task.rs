//! Tasks: how they start, what their handles do, how they end.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::raw::cell::{AnyTask, Header, Joiner, TaskCell, TaskOutput};
use crate::raw::waker::Kept;
use crate::scheduler::{Place, ROOT, Runtime, TaskKey, current, try_current};
use crate::waiters::{Label, Waiters};
use crate::{POLLED_AFTER_COMPLETION, SharedTask};

/// Spawns a task into the root group, where it lives until the game ends, and runs it up to its first await.
///
/// What the task listens to is connected when `spawn` returns. **Inside a task** this is often not what is wanted: the
/// new task does not end with the group of the one that spawns it. Use `branch`, or spawn on a
/// [`GroupHandle`](crate::GroupHandle).
///
/// Spawns that are nested deeper than 32 start in the next drain, as with [`spawn_deferred`]. After the shutdown the
/// task comes back cancelled, never polled.
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
/// use cuelight_runtime::spawn;
///
/// let task = spawn(async { 6 * 7 });
/// assert_eq!(task.take(), Some(Ok(42)));
/// ```
#[track_caller]
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
    start(current(), Place { group: ROOT, deferred: false }, None, future)
}

/// Spawns like [`spawn()`], with a name for reports.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
#[track_caller]
pub fn spawn_named<T: 'static>(
    name: impl Into<Cow<'static, str>>,
    future: impl Future<Output = T> + 'static,
) -> TaskHandle<T> {
    start(current(), Place { group: ROOT, deferred: false }, Some(name.into()), future)
}

/// Spawns like [`spawn()`], but the task starts in the next drain: never on the caller's stack.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
#[track_caller]
pub fn spawn_deferred<T: 'static>(future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
    start(current(), Place { group: ROOT, deferred: true }, None, future)
}

/// Moves what is left of a future into the root group, where it goes on in the next drain. Reports name the location.
///
/// Where no runtime is open, the future is dropped.
#[doc(hidden)]
pub fn spawn_rest(
    location: &'static Location<'static>,
    future: impl Future<Output = ()> + 'static,
) {
    if let Some(runtime) = try_current() {
        start_at(runtime, Place { group: ROOT, deferred: true }, None, location, future).detach();
    }
}

/// Fails the task that is being polled: when its poll returns, its future is dropped and its result is
/// [`TaskError::Failed`] with this reason, which is reported. For futures that can never be ready.
///
/// Returns `false` where no task is being polled: then the future belongs to somebody else's executor, and panicking
/// is all that it can do.
pub fn fail_task(reason: impl Into<String>) -> bool {
    try_current().is_some_and(|runtime| runtime.fail(reason.into()))
}

/// Adds a hook that hears of every panic and every failure of a task, whether or not somebody holds its handle: for
/// crash reports, or an overlay for testers.
///
/// Hooks are called after the engine's own report, in the order in which they were added, each once for a report. They
/// run where the task has ended, which may be on the stack of a [`spawn()`] whose first poll panics; they may use the
/// runtime. One that panics is reported as an error, and the others hear of the task all the same. None can be taken
/// out; the shutdown drops all of them, after the last future, and the next start begins without any. After the shutdown
/// this does nothing.
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
/// use std::{cell::RefCell, rc::Rc};
///
/// use cuelight_runtime::{on_task_panic, spawn_named};
///
/// let seen = Rc::new(RefCell::new(Vec::new()));
/// let inner = seen.clone();
/// on_task_panic(move |report| inner.borrow_mut().push(report.message.clone()));
/// spawn_named("patrol", async { panic!("the path is empty") }).detach();
/// assert_eq!(*seen.borrow(), ["the path is empty"]);
/// ```
#[track_caller]
pub fn on_task_panic(hook: impl Fn(&TaskReport) + 'static) {
    current().add_hook(Rc::new(hook));
}

/// Makes a task and hands it to the scheduler.
#[track_caller]
pub(crate) fn start<T: 'static>(
    runtime: &'static Runtime,
    place: Place,
    name: Option<Cow<'static, str>>,
    future: impl Future<Output = T> + 'static,
) -> TaskHandle<T> {
    start_at(runtime, place, name, Location::caller(), future)
}

/// Makes a task that is reported as spawned somewhere else, and hands it to the scheduler.
pub(crate) fn start_at<T: 'static>(
    runtime: &'static Runtime,
    place: Place,
    name: Option<Cow<'static, str>>,
    location: &'static Location<'static>,
    future: impl Future<Output = T> + 'static,
) -> TaskHandle<T> {
    let header = Header {
        location,
        name: name.map(Box::new),
        joiner: Cell::default(),
        kept: Kept::new(),
        spawned: Cell::new(0),
        finished: Cell::new(false),
    };
    let cell = Rc::new(TaskCell::new(header, future));
    let (key, id) = runtime.spawn(place, cell.clone());
    TaskHandle { runtime, key, id, cell }
}

/// A handle to a task, and the future of its result. Dropping it detaches: the task goes on.
///
/// As a future it is ready when the task has ended and its future has been dropped. Dropping it while it is awaited
/// changes nothing for the task.
///
/// # Panics
/// Awaiting panics if the result has been [taken](Self::take) before.
pub struct TaskHandle<T> {
    runtime: &'static Runtime,
    /// Its slot, if it ever had one.
    key: Option<TaskKey>,
    id: TaskId,
    cell: Rc<dyn TaskOutput<T>>,
}

impl<T> TaskHandle<T> {
    /// Returns the task's id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns whether the task has ended and its future has been dropped.
    pub fn is_finished(&self) -> bool {
        self.cell.header().finished.get()
    }

    /// Takes the result, if it is there: if the task [has finished](Self::is_finished), and nobody has taken it yet.
    pub fn take(&self) -> Option<Result<T, TaskError>> {
        if self.is_finished() { self.cell.take() } else { None }
    }

    /// Cancels the task. From now on it is never polled again, and its result is [`TaskError::Cancelled`].
    ///
    /// Its future is dropped on a clean stack: in the next drain, in the same frame; during a drain as soon as the poll
    /// that is running returns, before any other task is polled. Legal at any time, from inside the task and from a
    /// destructor too; a task that has ended is left alone.
    pub fn cancel(&self) {
        if let Some(key) = self.key {
            self.runtime.cancel(key);
        }
    }

    /// Returns a handle that can only cancel and ask: cloneable, and without the type of the result, for those who may
    /// end the task but have nothing to do with what it returns.
    pub fn canceller(&self) -> Canceller {
        Canceller { runtime: self.runtime, key: self.key, id: self.id }
    }

    /// Turns the handle into one that can be cloned, for several who await one task. Each gets a clone of the result.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # struct Bare;
    /// # impl cuelight_runtime::engine::Engine for Bare {
    /// #     fn real_time(&self) -> Duration { Duration::ZERO }
    /// #     fn call_soon(&self) {}
    /// # }
    /// # cuelight_runtime::engine::start(Bare);
    /// use cuelight_runtime::{Phase, engine, next_frame, spawn};
    ///
    /// let vote = spawn(async {
    ///     next_frame().await;
    ///     "the left door"
    /// })
    /// .shared();
    /// let guards = [1, 2].map(|_| spawn(vote.clone()));
    /// engine::tick(Phase::Process, Duration::from_millis(16));
    /// assert!(guards.iter().all(|guard| guard.take() == Some(Ok(Ok("the left door")))));
    /// ```
    pub fn shared(self) -> SharedTask<T>
    where
        T: Clone,
    {
        let waiters = Rc::new(Waiters::new(Label::Task(self.id)));
        let former = self.cell.header().joiner.replace(Joiner::Shared(Some(waiters.clone())));
        drop(former);
        SharedTask::new(self, waiters)
    }

    /// Lets the task go on by itself, as dropping the handle does.
    pub fn detach(self) {}
}

impl<T> Future for TaskHandle<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let header = self.cell.header();
        if !header.finished.get() {
            let waker = match header.joiner.take() {
                Joiner::One(waker) if waker.will_wake(cx.waker()) => waker,
                _ => cx.waker().clone(),
            };
            // A foreign waker's clone may have been what let the task end.
            if !header.finished.get() {
                header.joiner.set(Joiner::One(waker));
                return Poll::Pending;
            }
        }
        Poll::Ready(self.cell.take().expect(POLLED_AFTER_COMPLETION))
    }
}

impl<T> Drop for TaskHandle<T> {
    fn drop(&mut self) {
        // Nobody awaits it any more, so nobody has to be woken.
        drop(self.cell.header().joiner.take());
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("id", &self.id)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// A cloneable handle that can only cancel a task and ask about it. Dropping it does nothing; it keeps neither the task
/// nor its result alive.
#[derive(Clone)]
pub struct Canceller {
    runtime: &'static Runtime,
    /// The task's slot, if it ever had one.
    key: Option<TaskKey>,
    id: TaskId,
}

impl Canceller {
    /// Returns the task's id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns whether the task has ended and its future has been dropped.
    pub fn is_finished(&self) -> bool {
        self.key.is_none_or(|key| !self.runtime.has_task(key))
    }

    /// Returns whether the task may still be polled.
    pub(crate) fn is_alive(&self) -> bool {
        self.key.is_some_and(|key| self.runtime.is_alive(key))
    }

    /// Cancels the task, as [`TaskHandle::cancel`] does.
    pub fn cancel(&self) {
        if let Some(key) = self.key {
            self.runtime.cancel(key);
        }
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("id", &self.id)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// A task's identity: unique for the life of the process, in the order of spawns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a task has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskError {
    /// It was cancelled, or its group closed.
    Cancelled,
    /// Something it waited for can never come; the text says what.
    Failed(String),
    /// It panicked.
    Panicked,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the task was cancelled"),
            Self::Failed(reason) => write!(f, "the task failed: {reason}"),
            Self::Panicked => f.write_str("the task panicked"),
        }
    }
}

impl std::error::Error for TaskError {}

/// What is reported of a task that panicked or failed.
#[derive(Debug, Clone)]
pub struct TaskReport {
    /// The task.
    pub id: TaskId,
    /// Its name, if it was given one.
    pub name: Option<Cow<'static, str>>,
    /// Where it was spawned.
    pub location: &'static Location<'static>,
    /// How it ended.
    pub error: TaskError,
    /// The panic's message, or the reason of the failure.
    pub message: String,
}

impl TaskReport {
    pub(crate) fn new(id: TaskId, task: &dyn AnyTask, error: TaskError, message: String) -> Self {
        let header = task.header();
        Self {
            id,
            name: header.name.as_deref().cloned(),
            location: header.location,
            error,
            message,
        }
    }

    /// Returns how a task is called in texts: `task 7 "patrol" (src/guard.rs:40:14)`.
    pub(crate) fn title(id: TaskId, task: &dyn AnyTask) -> String {
        Self::new(id, task, TaskError::Cancelled, String::new()).to_title()
    }

    fn to_title(&self) -> String {
        match &self.name {
            Some(name) => format!("task {} \"{name}\" ({})", self.id, self.location),
            None => format!("task {} ({})", self.id, self.location),
        }
    }
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.error {
            TaskError::Panicked => "panicked",
            TaskError::Failed(_) => "failed",
            TaskError::Cancelled => "was cancelled",
        };
        write!(f, "{} {verb}: {}", self.to_title(), self.message)
    }
}
