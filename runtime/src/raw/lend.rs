//! Futures that borrow, where only those that own can go, for as long as a function runs.

use std::cell::Cell;
use std::mem;
use std::pin::Pin;
use std::process::abort;
use std::rc::Rc;
use std::task::{Context, Poll};

type Borrowing<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Calls a function with a future that passes for one that borrows nothing. The function has to have dropped it by its
/// end.
///
/// # Aborts
/// If it has not: then something is left that may reach what is no longer there.
pub(crate) fn lend<R>(future: Borrowing<'_>, function: impl FnOnce(Lent) -> R) -> R {
    let gone = Rc::new(Cell::new(false));
    let _check = Check(gone.clone());
    // SAFETY: rule 7, `_check` does not let this function end, by a panic either, before the future has been dropped.
    let future = unsafe { mem::transmute::<Borrowing<'_>, Borrowing<'static>>(future) };
    function(Lent { future, _gone: Gone(gone) })
}

/// A future that was lent.
pub(crate) struct Lent {
    future: Borrowing<'static>,
    /// Dropped after the future, also if that panics.
    _gone: Gone,
}

impl Future for Lent {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.future.as_mut().poll(cx)
    }
}

/// Says that the future is gone.
struct Gone(Rc<Cell<bool>>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Sees to it that the future is gone.
struct Check(Rc<Cell<bool>>);

impl Drop for Check {
    fn drop(&mut self) {
        if !self.0.get() {
            eprintln!(
                "cuelight: a future that was lent to a task is still there when the loan is over"
            );
            abort();
        }
    }
}
