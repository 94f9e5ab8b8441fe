//! All `unsafe` code of this crate, behind safe wrappers.
//!
//! The rules that the blocks cite:
//!
//! 1. *In place*: a future is written into its [`TaskCell`](cell::TaskCell) once, inside an `Rc`, and never moved
//!    out of it again: it is dropped where it lies. So it stays pinned.
//! 2. *One at a time*: the stage of a cell is reached only while its `busy` flag is held, which nothing else takes a
//!    second time. So no two references to it exist at once.
//! 3. *Keys of wakers*: on 64 bits the data pointer of our wakers is never followed; it is a
//!    [`TaskKey`](crate::scheduler::TaskKey) in the shape of a pointer, so copying and forgetting it need no care.
//!    Elsewhere it points to a key that nobody changes, which outlives the waker: it is in an `Arc`, where each waker that
//!    can be dropped has a count of its own, or lent for a poll by what that poll keeps alive.
//! 4. *Own thread only*: what is confined to a thread is reached on that thread only, and leaked elsewhere. Its value is
//!    taken out or dropped once. What is `Send` need not be confined.
//! 5. *Lists in place*: a part of a [`Parts`](parts::Parts) is never moved. An array's parts lie in the `Parts`, and so
//!    do those of a `SmallVec`, which is why these are not `Unpin` where the parts are not; a `Vec`'s lie in its buffer.
//!    Nothing makes such a container longer, and nothing takes it out again.
//! 6. *Alive once*: the container itself drops no part: an array is in a `ManuallyDrop`, a list has been told that its
//!    length is 0. A part is reached only while it counts as alive, and is struck off before it is dropped, so it is
//!    dropped once, whoever panics.
//! 7. *Lent*: a future that borrows passes for one that does not only inside of [`lend`](lend::lend), which does not end
//!    before that future has been dropped, or ends the process.
//! 8. *Held*: a [`Hold`](hold::Hold) has a count of the `Rc` that it was made of, and gives it up at its end, but not while
//!    the task is busy. A poll that it was found for begins before anything else runs, and is what makes the task busy. So
//!    the task outlives that poll, whoever gives up what meanwhile.

pub(crate) mod cell;
pub(crate) mod confined;
pub(crate) mod hold;
pub(crate) mod lend;
pub(crate) mod parts;
pub(crate) mod waker;
