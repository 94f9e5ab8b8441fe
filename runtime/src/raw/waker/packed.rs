//! Wakers that need no memory: the task's key is their data pointer.

use std::mem::ManuallyDrop;
use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::raw::cell::AnyTask;
use crate::scheduler::{TaskKey, wake};

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake_key, wake_key, forget);

/// What a task keeps for its wakers: nothing.
pub(crate) struct Kept;

impl Kept {
    pub(crate) const fn new() -> Self {
        Self
    }
}

/// Calls a function with the waker of a task.
#[inline]
pub(crate) fn with_waker<T>(
    key: TaskKey,
    _task: &dyn AnyTask,
    function: impl FnOnce(&Waker) -> T,
) -> T {
    // SAFETY: rule 3, all functions of the table treat the data as a plain number, on any thread.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(raw(key)) });
    function(&waker)
}

/// Returns the key of a waker, if it is one of ours.
#[inline]
pub(crate) fn key_of(waker: &Waker) -> Option<TaskKey> {
    ptr::eq(waker.vtable(), &TABLE).then(|| key_from(waker.data()))
}

fn raw(key: TaskKey) -> RawWaker {
    RawWaker::new(ptr::without_provenance(key.to_bits() as usize), &TABLE)
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
