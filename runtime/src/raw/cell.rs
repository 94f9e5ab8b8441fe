//! The memory of a task: its future, then its result, in one allocation shared by the scheduler and the handle.

use std::borrow::Cow;
use std::cell::{Cell, UnsafeCell};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::waker::Kept;
use crate::TaskError;
use crate::scheduler::{TaskKey, note_ready};
use crate::waiters::Waiters;

/// What is known of a task besides its future.
pub(crate) struct Header {
    /// Where it was spawned.
    pub(crate) location: &'static Location<'static>,
    /// Its name, if it was given one; boxed, since most tasks have none.
    pub(crate) name: Option<Box<Cow<'static, str>>>,
    /// Who awaits the result.
    pub(crate) joiner: Cell<Joiner>,
    /// What its wakers share, if they share anything.
    #[allow(dead_code, reason = "packed wakers share nothing")]
    pub(crate) kept: Kept,
    /// Whether the task has ended and its future has been dropped.
    pub(crate) finished: Cell<bool>,
    /// When it was spawned, in milliseconds of the root clock's time. It begins anew after fifty days.
    pub(crate) spawned: Cell<u32>,
}

/// Who awaits a task's result.
pub(crate) enum Joiner {
    /// Who polls the handle.
    One(Waker),
    /// Those who hold a shared handle; nobody, where there is none.
    Shared(Option<Rc<Waiters<()>>>),
}

// Each task has one, so it may not be larger than the waker that most have in it.
const _: () = assert!(size_of::<Joiner>() == size_of::<Waker>());

impl Joiner {
    /// Resumes those who await.
    pub(crate) fn wake(self) {
        match self {
            Self::One(waker) => waker.wake(),
            Self::Shared(Some(waiters)) => waiters.give(()),
            Self::Shared(None) => {}
        }
    }
}

impl Default for Joiner {
    fn default() -> Self {
        Self::Shared(None)
    }
}

/// A task without its types, as the scheduler sees it.
pub(crate) trait AnyTask {
    /// Returns what is known of the task.
    fn header(&self) -> &Header;

    /// Polls the future; when it is ready, tells the scheduler, drops it, and keeps its output.
    fn poll(&self, cx: &mut Context<'_>, key: TaskKey) -> Poll<()>;

    /// Returns whether it is on the stack.
    fn is_busy(&self) -> bool;

    /// Returns how often the future has been polled.
    fn polls(&self) -> u32;

    /// Drops the future, or the output if there is one, and keeps an error in its place.
    fn end(&self, error: TaskError);

    /// Returns whether the future is gone.
    fn has_result(&self) -> bool;
}

/// A task with the type of its output, as its handle sees it.
pub(crate) trait TaskOutput<T>: AnyTask {
    /// Takes the result, if it is there.
    fn take(&self) -> Option<Result<T, TaskError>>;
}

/// A future, and later its result.
// In this order: what a poll touches lies beside the counts of the `Rc`, and what is only looked at in the end behind it.
#[repr(C)]
pub(crate) struct TaskCell<F: Future> {
    busy: Cell<bool>,
    /// How often the future has been polled; in a gap.
    polls: Cell<u32>,
    stage: UnsafeCell<Stage<F>>,
    header: Header,
}

enum Stage<F: Future> {
    /// The task is alive.
    Future(F),
    /// The task has ended.
    Result(Result<F::Output, TaskError>),
    /// The result has been taken.
    Taken,
}

/// Holds the `busy` flag of a cell.
struct Busy<'a>(&'a Cell<bool>);

impl<'a> Busy<'a> {
    #[inline]
    fn new(flag: &'a Cell<bool>) -> Self {
        assert!(
            !flag.replace(true),
            "internal error: a task was reached while it was being polled or dropped. This is a bug of cuelight"
        );
        Self(flag)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl<F: Future> TaskCell<F> {
    pub(crate) fn new(header: Header, future: F) -> Self {
        Self {
            header,
            busy: Cell::new(false),
            polls: Cell::new(0),
            stage: UnsafeCell::new(Stage::Future(future)),
        }
    }
}

impl<F: Future> AnyTask for TaskCell<F> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn is_busy(&self) -> bool {
        self.busy.get()
    }

    fn polls(&self) -> u32 {
        self.polls.get()
    }

    fn poll(&self, cx: &mut Context<'_>, key: TaskKey) -> Poll<()> {
        let _busy = Busy::new(&self.busy);
        // SAFETY: rule 2, `_busy` is held until this function returns.
        let stage = unsafe { &mut *self.stage.get() };
        let Stage::Future(future) = stage else {
            unreachable!(
                "internal error: a task that is over was polled. This is a bug of cuelight"
            );
        };
        self.polls.set(self.polls.get().wrapping_add(1));
        // SAFETY: rule 1, the future lies in its cell until it is dropped there by the assignment below.
        let future = unsafe { Pin::new_unchecked(future) };
        match future.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(output) => {
                note_ready(key);
                *stage = Stage::Result(Ok(output));
                Poll::Ready(())
            }
        }
    }

    fn end(&self, error: TaskError) {
        let _busy = Busy::new(&self.busy);
        // SAFETY: rule 2, `_busy` is held until this function returns.
        let stage = unsafe { &mut *self.stage.get() };
        *stage = Stage::Result(Err(error));
    }

    fn has_result(&self) -> bool {
        if self.busy.get() {
            return false;
        }
        // SAFETY: rule 2, nobody holds the flag, and nothing of the caller's runs while this reference lives.
        !matches!(unsafe { &*self.stage.get() }, Stage::Future(_))
    }
}

impl<F: Future> TaskOutput<F::Output> for TaskCell<F> {
    fn take(&self) -> Option<Result<F::Output, TaskError>> {
        let _busy = Busy::new(&self.busy);
        // SAFETY: rule 2, `_busy` is held until this function returns.
        let stage = unsafe { &mut *self.stage.get() };
        if !matches!(stage, Stage::Result(_)) {
            return None;
        }
        match std::mem::replace(stage, Stage::Taken) {
            Stage::Result(result) => Some(result),
            Stage::Future(_) | Stage::Taken => None,
        }
    }
}
