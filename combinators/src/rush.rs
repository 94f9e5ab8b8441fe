//! The first of several futures, while the others go on.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::current_group;
use smallvec::SmallVec;

use crate::RaceInput;
use crate::utils::POLLED_AFTER_COMPLETION;

/// Returns the first output; the other futures go on in the current group.
///
/// Takes what [`race`](crate::race()) takes, if it is `'static`. The futures are polled in listed order, so that the
/// first listed wins a tie. When one is ready, it is dropped, and the others become tasks of the group of the task that
/// awaits it, in listed order, before the output is returned. They keep the waits that they are in, and are polled at
/// once, so that those wake the new tasks; one that has not begun yet begins then. Their outputs are dropped, and their
/// panics are reported as those of tasks that were spawned at the line of the rush. Outside of any task they go to the
/// root group; in a closed group they are cancelled. For losers that are to be dropped, use [`race`](crate::race());
/// for their results, [`branch`](crate::branch()) each, and race for the handles.
///
/// The futures start when it is first awaited, and until the first output they are frozen with the task that awaits it.
/// An empty list never resolves. Each future is boxed when the rush is created, since it may move into a task.
///
/// Dropping it before the first output drops all of its parts, in listed order.
///
/// # Panics
/// When it is ready, if the calling thread is not the one that the runtime was started on and losers are left.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::{cell::Cell, rc::Rc};
///
/// use cuelight_combinators::{rush, wait_frames};
///
/// # run(async {
/// let arrived = Rc::new(Cell::new(0));
/// let walk = |frames| {
///     let arrived = arrived.clone();
///     async move {
///         wait_frames(frames).await;
///         arrived.set(arrived.get() + 1);
///     }
/// };
/// rush((walk(10), walk(20), walk(30))).await;
/// assert_eq!(arrived.get(), 1); // The door is opened for the first,
/// wait_frames(20).await;
/// assert_eq!(arrived.get(), 3); // and the others come, too.
/// # });
/// ```
#[track_caller]
pub fn rush<R: RaceInput + 'static>(futures: R) -> Rush<R> {
    Rush { parts: Some(futures.into_boxes()), location: Location::caller() }
}

/// Future of [`rush`]. Dropping it before the first output drops all of its parts, in listed order.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Rush<R: RaceInput> {
    /// The futures, until one is ready.
    parts: Option<Boxes<<R as RaceInput>::Output>>,
    /// Where the rush was created.
    location: &'static Location<'static>,
}

impl<R: RaceInput> Unpin for Rush<R> {}

impl<R: RaceInput + 'static> Future for Rush<R> {
    type Output = <R as RaceInput>::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let parts = self.parts.as_mut().expect(POLLED_AFTER_COMPLETION);
        let first =
            parts.iter_mut().enumerate().find_map(|(index, part)| match part.as_mut().poll(cx) {
                Poll::Ready(output) => Some((index, output)),
                Poll::Pending => None,
            });
        let Some((index, output)) = first else {
            return Poll::Pending;
        };
        let mut losers = self.parts.take().expect("it was polled");
        drop(losers.remove(index));
        if !losers.is_empty() {
            let group = current_group();
            for loser in losers {
                let task = async move { drop(loser.await) };
                group.spawn_at(self.location, task).detach();
            }
        }
        Poll::Ready(output)
    }
}

/// Futures that can move into tasks.
#[doc(hidden)]
pub type Boxes<T> = SmallVec<[Pin<Box<dyn Future<Output = T>>>; 8]>;

/// Makes one of them.
pub(crate) fn boxed<T>(
    future: impl Future<Output = T> + 'static,
) -> Pin<Box<dyn Future<Output = T>>> {
    Box::pin(future)
}
