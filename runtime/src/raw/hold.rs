//! A slot's hold on its task.

use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;

use super::cell::AnyTask;
use super::waker::with_waker;
use crate::scheduler::TaskKey;

/// A share of a task that is not given up while the task is on the stack, so that its polls need no share of their own.
///
/// It points to the task itself. An `Rc` points to the counts before it, and would have to ask how far behind them each
/// task lies.
pub(crate) struct Hold(NonNull<dyn AnyTask>);

impl Hold {
    pub(crate) fn new(task: Rc<dyn AnyTask>) -> Self {
        let task = Rc::into_raw(task).cast_mut();
        Self(NonNull::new(task).expect("an `Rc` lies somewhere"))
    }

    /// Returns another share.
    pub(crate) fn share(&self) -> Rc<dyn AnyTask> {
        let task = self.0.as_ptr().cast_const();
        // SAFETY: rule 8, the pointer is an `Rc`'s, of which one count is this one's; the other is made here.
        unsafe {
            Rc::increment_strong_count(task);
            Rc::from_raw(task)
        }
    }
}

impl Deref for Hold {
    type Target = dyn AnyTask;

    #[inline]
    fn deref(&self) -> &Self::Target {
        // SAFETY: rule 8, the task lives as long as its share.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Nobody does this in the middle of a poll; but that poll would go on without a task.
        if !self.is_busy() {
            // SAFETY: rule 8, the pointer is an `Rc`'s, and the count that this had is given up here.
            drop(unsafe { Rc::from_raw(self.0.as_ptr().cast_const()) });
        }
    }
}

/// Polls the task that a function finds in something borrowed, when that is borrowed no more.
#[inline]
pub(crate) fn poll_held<T>(
    holder: &RefCell<T>,
    key: TaskKey,
    find: impl FnOnce(&mut T) -> Option<&Hold>,
) -> Option<thread::Result<Poll<()>>> {
    let found = find(&mut holder.borrow_mut())?.0;
    // SAFETY: rule 8, nothing has run since the hold was found, and from here on to the end of the poll the task is busy.
    let task = unsafe { found.as_ref() };
    Some(with_waker(key, task, |waker| {
        let mut cx = Context::from_waker(waker);
        catch_unwind(AssertUnwindSafe(|| task.poll(&mut cx, key)))
    }))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::panic::Location;

    use super::*;
    use crate::raw::cell::{Header, TaskCell};
    use crate::raw::waker::Kept;

    fn task(future: impl Future<Output = ()> + 'static) -> Rc<dyn AnyTask> {
        let header = Header {
            location: Location::caller(),
            name: None,
            joiner: Cell::default(),
            kept: Kept::new(),
            finished: Cell::new(false),
            spawned: Cell::new(0),
        };
        Rc::new(TaskCell::new(header, future))
    }

    #[test]
    fn a_hold_is_a_share() {
        let task = task(std::future::pending());
        let hold = Hold::new(task.clone());
        assert_eq!(Rc::strong_count(&task), 2);
        assert!(Rc::ptr_eq(&hold.share(), &task));
        assert!(!hold.is_busy());
        drop(hold);
        assert_eq!(Rc::strong_count(&task), 1);
    }

    #[test]
    fn a_hold_is_not_given_up_in_the_middle_of_a_poll() {
        let holder = Rc::new(RefCell::new(None::<Hold>));
        let (inside, text) = (holder.clone(), String::from("the future's own"));
        let task = task(poll_fn(move |_| {
            drop(inside.take());
            assert_eq!(text, "the future's own");
            Poll::Pending
        }));
        *holder.borrow_mut() = Some(Hold::new(task.clone()));
        let key = TaskKey::new(0, 0, 0);
        let polled = poll_held(&holder, key, |holder| holder.as_ref()).expect("it is there");
        assert!(matches!(polled, Ok(Poll::Pending)) && holder.borrow().is_none());
        assert_eq!(Rc::strong_count(&task), 2);
        // SAFETY: rule 8, the second count is the one that was not given up.
        unsafe { Rc::decrement_strong_count(Rc::as_ptr(&task)) };
    }

    #[test]
    fn a_task_that_is_over_is_not_polled_again() {
        let holder = RefCell::new(Some(Hold::new(task(std::future::ready(())))));
        let poll = || poll_held(&holder, TaskKey::new(0, 0, 0), |holder| holder.as_ref());
        assert!(matches!(poll(), Some(Ok(Poll::Ready(())))));
        let panic = poll().expect("it is there").expect_err("it is over");
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("a text");
        assert!(text.contains("a task that is over was polled"), "{text}");
    }

    #[test]
    fn nothing_is_polled_if_nothing_is_found() {
        let holder = RefCell::new(None::<Hold>);
        assert!(poll_held(&holder, TaskKey::new(0, 0, 0), |holder| holder.as_ref()).is_none());
        assert!(holder.try_borrow_mut().is_ok());
    }
}
