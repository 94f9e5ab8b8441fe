//! Slots: actions of which at most one runs.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use crate::{Canceller, GroupHandle, TaskHandle, root_group};

/// A place for at most one running task, and for those that are enqueued behind it. Dropping it cancels all of them.
///
/// For what a character does one at a time: a dash, an attack, a line of speech. A field `action: TaskSlot` ends its
/// task with its struct.
///
/// Tasks start in the next drain (in this frame, if no drain is on), after the one before has been dropped: the guards
/// of the old action have run before the new one begins. None of the methods runs a script or a guard, so all of them
/// may be called under `&mut self`, from inside the slot's own task, and from a guard's drop; the one exception is a
/// future that [`start_if_idle`](Self::start_if_idle) refuses, or that is handed over after the shutdown: it is dropped
/// within the call.
///
/// In a frozen group tasks are cancelled at once, and start at the resume. In a closed one they come back cancelled.
///
/// # Examples
/// ```
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> std::time::Duration { std::time::Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use cuelight_runtime::{TaskError, TaskSlot, engine};
///
/// let action = TaskSlot::new();
/// let walk = action.replace(std::future::pending::<()>());
/// assert!(action.start_if_idle(async { "is walking" }).is_none());
/// let jump = action.replace(async { "lands" });
/// engine::flush();
/// assert_eq!(walk.take(), Some(Err(TaskError::Cancelled)));
/// assert_eq!(jump.take(), Some(Ok("lands")));
/// assert!(action.is_idle());
/// ```
#[derive(Default)]
pub struct TaskSlot {
    queue: Rc<Queue>,
    /// Where its tasks live; in the root group if there is none. That is asked for when a task starts, so that a slot
    /// can be made where there is no runtime yet.
    group: Option<GroupHandle>,
}

impl TaskSlot {
    /// Makes a slot for tasks of the root group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a slot for tasks of a group: they freeze, slow down and end with it.
    pub fn under(group: &GroupHandle) -> Self {
        Self { queue: Rc::default(), group: Some(group.clone()) }
    }

    /// Cancels the slot's task and all that are enqueued, and starts another.
    ///
    /// From inside the slot's own task this ends the caller at its next `.await`.
    ///
    /// # Panics
    /// If the calling thread is not the one that the runtime was started on.
    #[track_caller]
    pub fn replace<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        self.cancel();
        self.start(future)
    }

    /// Starts a task if the slot [is idle](Self::is_idle); otherwise drops the future, there and then.
    ///
    /// # Panics
    /// If the calling thread is not the one that the runtime was started on.
    #[track_caller]
    pub fn start_if_idle<T: 'static>(
        &self,
        future: impl Future<Output = T> + 'static,
    ) -> Option<TaskHandle<T>> {
        if self.is_idle() { Some(self.start(future)) } else { None }
    }

    /// Starts a task when those before it have ended, in whatever way: ready, cancelled, failed or panicked.
    ///
    /// It is alive from now on: its handle can cancel it before its turn, and the others keep theirs. A task of the slot
    /// that awaits one behind it waits for ever.
    ///
    /// # Panics
    /// If the calling thread is not the one that the runtime was started on.
    #[track_caller]
    pub fn enqueue<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        self.start(future)
    }

    /// Returns whether the slot has no task, or only such as are over: one that was cancelled does not count, even if
    /// its future is still to be dropped. A guard that runs because its script has come to its end is still a part of
    /// that script, so the slot is not idle there.
    pub fn is_idle(&self) -> bool {
        let entries = self.queue.entries.borrow();
        let mut tasks = entries.iter().filter_map(|entry| entry.task.as_ref());
        !tasks.any(Canceller::is_alive)
    }

    /// Cancels the slot's task and all that are enqueued. The slot stays usable.
    pub fn cancel(&self) {
        let last = self.queue.made.get();
        let mut number = 0;
        while let Some((next, task)) = self.queue.first_after(number).filter(|&(it, _)| it <= last)
        {
            number = next;
            if let Some(task) = task {
                task.cancel();
            }
        }
    }

    #[track_caller]
    fn start<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        let group = match &self.group {
            Some(group) => group.clone(),
            None => root_group(),
        };
        let ticket = Ticket::new(&self.queue);
        let number = ticket.number;
        let handle = group.spawn_deferred(Queued { future, ticket, has_begun: false });
        // It is gone already if the runtime was closed.
        let mut entries = self.queue.entries.borrow_mut();
        if let Ok(index) = Queue::find(&entries, number) {
            entries[index].task = Some(handle.canceller());
        }
        handle
    }
}

impl Drop for TaskSlot {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for TaskSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSlot").field("idle", &self.is_idle()).finish_non_exhaustive()
    }
}

/// The tasks of a slot whose futures have not been dropped, in the order in which they were handed over. The first one
/// runs.
#[derive(Default)]
struct Queue {
    entries: RefCell<VecDeque<Entry>>,
    /// The number of the last ticket.
    made: Cell<u64>,
}

struct Entry {
    /// Ascends along the queue.
    number: u64,
    /// None while the task is being made.
    task: Option<Canceller>,
    /// Wakes the task, if it was polled before its turn.
    waker: Option<Waker>,
}

impl Queue {
    fn find(entries: &VecDeque<Entry>, number: u64) -> Result<usize, usize> {
        entries.binary_search_by_key(&number, |entry| entry.number)
    }

    /// Returns the first task behind a number.
    fn first_after(&self, number: u64) -> Option<(u64, Option<Canceller>)> {
        let entries = self.entries.borrow();
        let entry = entries.get(entries.partition_point(|entry| entry.number <= number))?;
        Some((entry.number, entry.task.clone()))
    }
}

/// A task's place in the queue of its slot. Dropping it lets the next one go.
struct Ticket {
    queue: Rc<Queue>,
    number: u64,
}

impl Ticket {
    fn new(queue: &Rc<Queue>) -> Self {
        let number = queue.made.get() + 1;
        queue.made.set(number);
        queue.entries.borrow_mut().push_back(Entry { number, task: None, waker: None });
        Self { queue: queue.clone(), number }
    }

    /// Returns whether it is the first; otherwise has it woken then.
    fn is_first(&self, cx: &mut Context<'_>) -> bool {
        let mut waker = Some(cx.waker().clone());
        let mut entries = self.queue.entries.borrow_mut();
        let is_first = entries.front().is_none_or(|entry| entry.number == self.number);
        if !is_first && let Ok(index) = Queue::find(&entries, self.number) {
            waker = std::mem::replace(&mut entries[index].waker, waker);
        }
        drop(entries);
        drop(waker);
        is_first
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut entries = self.queue.entries.borrow_mut();
        let own = Queue::find(&entries, self.number).ok().and_then(|index| entries.remove(index));
        let next = entries.front_mut().and_then(|entry| entry.waker.take());
        drop(entries);
        drop(own);
        if let Some(next) = next {
            next.wake();
        }
    }
}

pin_project! {
    /// A task of a slot. The future is dropped before its ticket, so the next one begins after its guards have run.
    struct Queued<F> {
        #[pin]
        future: F,
        ticket: Ticket,
        has_begun: bool,
    }
}

impl<F: Future> Future for Queued<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !*this.has_begun {
            *this.has_begun = this.ticket.is_first(cx);
        }
        if *this.has_begun { this.future.poll(cx) } else { Poll::Pending }
    }
}
