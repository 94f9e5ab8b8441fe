//! The wakers of tasks, in one of two forms: the key packed into the waker, or shared by all wakers of the task.
//!
//! Either way a poll's own waker needs no memory, and one of ours is recognised by its table of functions.
//! `RUSTFLAGS="--cfg cuelight_shared_wakers"` chooses the second form where the first would do, so that it can be tested.

// Pointers of 64 bits have room for a key.
#[cfg(all(target_pointer_width = "64", not(cuelight_shared_wakers)))]
mod packed;
#[cfg(not(all(target_pointer_width = "64", not(cuelight_shared_wakers))))]
mod shared;

#[cfg(all(target_pointer_width = "64", not(cuelight_shared_wakers)))]
pub(crate) use packed::{Kept, key_of, with_waker};
#[cfg(not(all(target_pointer_width = "64", not(cuelight_shared_wakers))))]
pub(crate) use shared::{Kept, key_of, with_waker};
