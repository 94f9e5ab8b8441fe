//! Wakers that need no memory: the task's key is their data pointer.

use std::mem::ManuallyDrop;
use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::scheduler::{TaskKey, wake};

// A key has 64 bits, and so has a pointer, on every target that a Godot game with Rust ships on today.
#[cfg(not(target_pointer_width = "64"))]
compile_error!("cuelight needs pointers of 64 bits: its wakers keep a task's key in one");

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake_key, wake_key, forget);

/// Returns the waker of a task. It owns nothing, so nothing has to drop it.
pub(crate) fn waker(key: TaskKey) -> ManuallyDrop<Waker> {
    // SAFETY: rule 3, all functions of the table treat the data as a plain number, on any thread.
    ManuallyDrop::new(unsafe { Waker::from_raw(raw(key)) })
}

/// Returns the key of a waker, if it is one of ours.
pub(crate) fn key_of(waker: &Waker) -> Option<TaskKey> {
    ptr::eq(waker.vtable(), &VTABLE).then(|| key_from(waker.data()))
}

fn raw(key: TaskKey) -> RawWaker {
    RawWaker::new(ptr::without_provenance(key.to_bits() as usize), &VTABLE)
}

fn key_from(data: *const ()) -> TaskKey {
    TaskKey::from_bits(data.addr() as u64)
}

fn clone(data: *const ()) -> RawWaker {
    raw(key_from(data))
}

fn wake_key(data: *const ()) {
    wake(key_from(data));
}

fn forget(_data: *const ()) {}
