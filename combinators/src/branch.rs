//! Scripts beside the script.

use cuelight_runtime::{TaskHandle, current_group};

/// Spawns a task into the current task's group, where it goes on when the caller has ended, and runs it up to its first
/// await.
///
/// The free function `spawn` is the trap here: its tasks live in the root group, and outlive the node. Dropping the
/// handle detaches. Outside of any task it spawns into the root group.
///
/// # Panics
/// If the calling thread is not the one that the runtime was started on.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{branch, wait_frames};
///
/// # run(async {
/// let music = branch(async {
///     wait_frames(10).await;
///     "faded in"
/// });
/// wait_frames(2).await; // Meanwhile.
/// assert_eq!(music.await, Ok("faded in"));
/// # });
/// ```
#[track_caller]
pub fn branch<T: 'static>(future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
    current_group().spawn(future)
}
