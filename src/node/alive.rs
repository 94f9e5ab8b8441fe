//! Futures that end with another object.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::{POLLED_AFTER_COMPLETION, engine};
use godot::classes::Object;
use godot::obj::{Gd, Inherits};
use pin_project_lite::pin_project;

use super::freed::{Watch, Watcher};

/// Waits until an object is freed; at once if it is already. Dropping the wait stops listening.
///
/// Any object will do: a node in the tree or out of it, an object that is no node, one that is counted (when the last
/// reference goes; the wait holds none), freed by `free`, by `queue_free` (at the end of that frame, not at the call), with
/// its parent, or on another thread (heard of at the next tick).
///
/// # Panics
/// If the calling thread is not the main thread.
#[track_caller]
pub fn wait_freed<T: Inherits<Object>>(object: &Gd<T>) -> WaitFreed {
    if !engine::is_open() {
        assert!(
            godot::init::is_main_thread(),
            "wait_freed was called on another thread than the main one; spawn a task there that awaits it"
        );
        return WaitFreed { state: State::Closed };
    }
    if !object.is_instance_valid() {
        return WaitFreed { state: State::Freed };
    }
    WaitFreed { state: State::Watching(Watch::new(object, Watcher::Wait(None))) }
}

/// Future of [`wait_freed`]. Dropping it stops listening.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitFreed {
    state: State,
}

enum State {
    /// Object is watched.
    Watching(Watch),
    /// Object was freed before.
    Freed,
    /// The library is closed: nothing comes any more.
    Closed,
    /// Future has been ready.
    Done,
}

impl Future for WaitFreed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.state {
            State::Watching(watch) => {
                // After the end of the library nobody watches, and that is not the end of the object.
                if watch.poll(cx).is_pending() || !engine::is_open() {
                    return Poll::Pending;
                }
            }
            State::Freed => {}
            State::Closed => return Poll::Pending,
            State::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        }
        self.state = State::Done;
        Poll::Ready(())
    }
}

impl fmt::Debug for WaitFreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFreed").finish_non_exhaustive()
    }
}

/// What binds a future to an object.
pub trait ObjectFutureExt: Future + Sized {
    /// Runs the future unless an object is freed first: then it is dropped, without another poll, and the output is
    /// `None`.
    ///
    /// # Panics
    /// If the calling thread is not the main thread.
    #[track_caller]
    fn while_alive<T: Inherits<Object>>(self, object: &Gd<T>) -> WhileAlive<Self> {
        WhileAlive { future: Some(self), freed: wait_freed(object) }
    }
}

impl<F: Future> ObjectFutureExt for F {}

pin_project! {
    /// Future of [`ObjectFutureExt::while_alive`]. Dropping it drops the future inside.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct WhileAlive<F> {
        #[pin]
        future: Option<F>,
        freed: WaitFreed,
    }
}

impl<F: Future> Future for WhileAlive<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // The object first: the future would reach for what is gone.
        let output = match Pin::new(this.freed).poll(cx) {
            Poll::Ready(()) => None,
            Poll::Pending => {
                let future = this.future.as_mut().as_pin_mut().expect(POLLED_AFTER_COMPLETION);
                match future.poll(cx) {
                    Poll::Ready(output) => Some(output),
                    Poll::Pending => return Poll::Pending,
                }
            }
        };
        this.future.set(None);
        Poll::Ready(output)
    }
}
