//! Background work: closures that run on other threads while the game goes on.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::pool::Work;
use crate::scheduler::current;
use crate::{POLLED_AFTER_COMPLETION, fail_task};

/// Runs a closure on a small pool of threads, and waits for what it returns: for what would take longer than a frame,
/// such as a path over the whole map, or a save that has to be compressed.
///
/// The closure is handed over at once, before the first poll; closures begin in that order. There are at most as many
/// threads as [`Engine::background_threads`](crate::engine::Engine::background_threads) says (four, unless it says
/// something else), made at first use. The awaiting task resumes in the first tick, or flush, after the closure's end; a
/// frozen one at its resume.
///
/// Dropping the wait discards the result; the closure runs to its end all the same. A panic in it goes on in the one who
/// awaits it, and so ends that task as [`Panicked`](crate::TaskError::Panicked).
///
/// Where threads cannot be made (in a browser, say) the closure runs at the first poll of its wait, on the caller's
/// thread; there it does not run at all if the wait is dropped before.
///
/// The closure has no part in the runtime: off the main thread nothing of the engine may be touched, and it cannot spawn
/// or wait for tasks. It must not wait for the main thread at all, by a lock or a channel: the shutdown waits for it
/// there, and neither would go on.
///
/// A skip waits for it, in real frames.
///
/// # Engine shutdown
/// What has not begun is dropped, on the main thread, in order; what has is waited for. After that none of the threads
/// is left, and closures are dropped at once until the next start.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
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
/// use cuelight_runtime::{Phase, background, engine, spawn};
///
/// let task = spawn(async {
///     let numbers: Vec<u64> = (1..=1_000).collect();
///     background(move || numbers.iter().sum::<u64>()).await
/// });
/// while !task.is_finished() {
///     engine::tick(Phase::Process, Duration::from_millis(16));
/// }
/// assert_eq!(task.take(), Some(Ok(500_500)));
/// # engine::shutdown();
/// ```
#[track_caller]
pub fn background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Background<T> {
    let runtime = current();
    let job = Arc::new(Job {
        state: Mutex::new(State { stage: Stage::Waiting(work), is_awaited: true, waker: None }),
    });
    let is_taken = runtime.run_in_background(job.clone());
    Background { job, runs_here: !is_taken }
}

/// Future of [`background`]. Dropping it discards the result; the closure runs to its end.
#[must_use = "the result is lost if nobody awaits it; to let the closure run by itself, drop it"]
pub struct Background<T> {
    job: Arc<dyn Outcome<T>>,
    /// Set if there is no thread that runs it.
    runs_here: bool,
}

impl<T> Future for Background<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.job.poll(cx, self.runs_here)
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        self.job.leave();
    }
}

impl<T> fmt::Debug for Background<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

/// A job, as its wait sees it.
trait Outcome<T>: Send + Sync {
    fn poll(&self, cx: &mut Context<'_>, runs_here: bool) -> Poll<T>;

    /// Says that nobody awaits it any more.
    fn leave(&self);
}

/// A closure on its way, shared by the pool and the wait.
struct Job<F, T> {
    state: Mutex<State<F, T>>,
}

struct State<F, T> {
    stage: Stage<F, T>,
    is_awaited: bool,
    waker: Option<Waker>,
}

enum Stage<F, T> {
    /// Job has not begun.
    Waiting(F),
    /// Job is on a thread's stack.
    Running,
    /// Job has ended, and its result is there.
    Done(thread::Result<T>),
    /// Job has ended, and its result has been taken, or nobody wanted it.
    Taken,
    /// Job was dropped by the shutdown.
    Discarded,
}

impl<F, T> Job<F, T> {
    // Nothing of the caller's runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, State<F, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the closure, if it has not been taken.
    fn begin(&self, next: Stage<F, T>) -> Option<F> {
        let stage = &mut self.lock().stage;
        if !matches!(stage, Stage::Waiting(_)) {
            return None;
        }
        match std::mem::replace(stage, next) {
            Stage::Waiting(work) => Some(work),
            _ => None,
        }
    }
}

impl<F, T> Work for Job<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(&self) {
        let Some(work) = self.begin(Stage::Running) else {
            return;
        };
        let result = catch_unwind(AssertUnwindSafe(work));
        let (unwanted, waker) = {
            let mut state = self.lock();
            if state.is_awaited {
                state.stage = Stage::Done(result);
                (None, state.waker.take())
            } else {
                state.stage = Stage::Taken;
                (Some(result), None)
            }
        };
        // Neither the result's destructor nor the waker, where it is another executor's, may end this thread.
        let rest = catch_unwind(AssertUnwindSafe(|| {
            drop(unwanted);
            if let Some(waker) = waker {
                waker.wake();
            }
        }));
        if let Err(panic) = rest {
            // Its destructor may panic in its turn.
            std::mem::forget(panic);
        }
    }

    fn discard(&self) {
        drop(self.begin(Stage::Discarded));
    }
}

impl<F, T> Outcome<T> for Job<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn poll(&self, cx: &mut Context<'_>, runs_here: bool) -> Poll<T> {
        if runs_here && let Some(work) = self.begin(Stage::Taken) {
            return Poll::Ready(work());
        }
        let waker = cx.waker().clone();
        let mut state = self.lock();
        match &state.stage {
            Stage::Waiting(_) | Stage::Running => {
                let former = state.waker.replace(waker);
                drop(state);
                drop(former);
                Poll::Pending
            }
            Stage::Done(_) => {
                let stage = std::mem::replace(&mut state.stage, Stage::Taken);
                drop(state);
                match stage {
                    Stage::Done(Ok(output)) => Poll::Ready(output),
                    Stage::Done(Err(panic)) => resume_unwind(panic),
                    _ => Poll::Pending,
                }
            }
            Stage::Taken => {
                drop(state);
                panic!("{POLLED_AFTER_COMPLETION}");
            }
            Stage::Discarded => {
                drop(state);
                // In another executor there is nobody to tell: after a shutdown nothing is said.
                fail_task("the shutdown has dropped this background work before it began");
                Poll::Pending
            }
        }
    }

    fn leave(&self) {
        let (result, waker) = {
            let mut state = self.lock();
            state.is_awaited = false;
            let result = match &state.stage {
                Stage::Done(_) => Some(std::mem::replace(&mut state.stage, Stage::Taken)),
                _ => None,
            };
            (result, state.waker.take())
        };
        drop(waker);
        drop(result);
    }
}
