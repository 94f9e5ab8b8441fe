//! Shared tasks: one result for several who await it.

use std::cell::OnceCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::waiters::Waiters;
use crate::{Canceller, POLLED_AFTER_COMPLETION, TaskError, TaskHandle, TaskId};

/// A cloneable future of a task's result, for several who await one task. Made by [`TaskHandle::shared`].
///
/// Each clone is a future of its own, which is ready when the task has ended and its future has been dropped; one that
/// is made or polled later is so at once. Those who await it resume in the order of their first polls, and each gets a
/// clone of the result. Dropping one of them changes nothing for the others; dropping all detaches: the task goes on.
///
/// # Panics
/// Polling one again after it was ready panics: clone it before to await it once more. All panic if the result has been
/// [taken](TaskHandle::take) before the handle was shared.
#[must_use = "futures do nothing unless you `.await` or poll them; to let the task go on, drop it"]
pub struct SharedTask<T> {
    shared: Rc<Shared<T>>,
    place: Place,
}

/// What the clones have in common.
struct Shared<T> {
    handle: TaskHandle<T>,
    /// The result, from the first look at it after the end.
    result: OnceCell<Result<T, TaskError>>,
    waiters: Rc<Waiters<()>>,
}

/// Where one of those who await is in its life.
#[derive(Clone, Copy)]
enum Place {
    /// It has not been polled.
    New,
    /// It is among those who are woken at the end.
    Waiting(u32),
    /// It has been ready.
    Done,
}

impl<T> SharedTask<T> {
    pub(crate) fn new(handle: TaskHandle<T>, waiters: Rc<Waiters<()>>) -> Self {
        let shared = Rc::new(Shared { handle, result: OnceCell::new(), waiters });
        Self { shared, place: Place::New }
    }

    /// Returns the task's id.
    pub fn id(&self) -> TaskId {
        self.shared.handle.id()
    }

    /// Returns whether the task has ended and its future has been dropped.
    pub fn is_finished(&self) -> bool {
        self.shared.handle.is_finished()
    }

    /// Returns a handle that can only cancel and ask.
    pub fn canceller(&self) -> Canceller {
        self.shared.handle.canceller()
    }

    fn leave(&mut self) {
        if let Place::Waiting(index) = std::mem::replace(&mut self.place, Place::Done) {
            self.shared.waiters.remove(index);
        }
    }
}

impl<T: Clone> Future for SharedTask<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        assert!(!matches!(this.place, Place::Done), "{POLLED_AFTER_COMPLETION}");
        if this.is_finished() {
            this.leave();
            let take = || this.shared.handle.take().expect(POLLED_AFTER_COMPLETION);
            return Poll::Ready(this.shared.result.get_or_init(take).clone());
        }
        let index = match this.place {
            Place::Waiting(index) => index,
            _ => this.shared.waiters.add(),
        };
        this.place = Place::Waiting(index);
        // Nobody is given anything before the task has ended, unless the waker's clone was what let it end.
        match this.shared.waiters.poll(index, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                this.place = Place::New;
                self.poll(cx)
            }
        }
    }
}

impl<T> Clone for SharedTask<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), place: Place::New }
    }
}

impl<T> Drop for SharedTask<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T> fmt::Debug for SharedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedTask")
            .field("id", &self.id())
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
