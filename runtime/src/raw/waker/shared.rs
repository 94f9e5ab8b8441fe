//! Wakers for pointers that have no room for a key: they point to one.
//!
//! The first clone makes the task's one [`Arc`], which its cell keeps: later clones are counted in it. Until then a
//! poll's own waker points to the stack of the poll, and from then on to what is in the `Arc`, so that it is equal to its
//! clones.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::raw::cell::AnyTask;
use crate::scheduler::{TaskKey, wake};

/// The functions of wakers whose data is in an `Arc`.
static SHARED: RawWakerVTable =
    RawWakerVTable::new(clone_shared, wake_shared, wake_by_ref, drop_shared);

/// The functions of a poll's own waker, before its task has an `Arc`.
static LENT: RawWakerVTable = RawWakerVTable::new(clone_lent, wake_by_ref, wake_by_ref, forget);

/// What a task keeps for its wakers: their key, once there is one.
pub(crate) struct Kept(OnceLock<Arc<TaskKey>>);

impl Kept {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }
}

/// What a lent waker points to. Other threads may reach it through a reference to the waker, so all of it is `Sync`.
#[repr(C)]
struct Lent<'a> {
    /// The first field, so that the data of both kinds of wakers begins with a key.
    key: TaskKey,
    kept: &'a Kept,
}

/// Calls a function with the waker of a task.
#[inline]
pub(crate) fn with_waker<T>(
    key: TaskKey,
    task: &dyn AnyTask,
    function: impl FnOnce(&Waker) -> T,
) -> T {
    let lent = Lent { key, kept: &task.header().kept };
    let raw = match lent.kept.0.get() {
        Some(shared) => RawWaker::new(Arc::as_ptr(shared).cast(), &SHARED),
        None => RawWaker::new(ptr::from_ref(&lent).cast(), &LENT),
    };
    // SAFETY: rule 3, `lent` and the task outlive the waker, which is not dropped and so takes nothing off the count.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(raw) });
    function(&waker)
}

/// Returns the key of a waker, if it is one of ours.
#[inline]
pub(crate) fn key_of(waker: &Waker) -> Option<TaskKey> {
    let table = waker.vtable();
    let is_ours = ptr::eq(table, &SHARED) || ptr::eq(table, &LENT);
    // SAFETY: rule 3, the waker is one of ours, and lives as long as this call.
    is_ours.then(|| unsafe { key_at(waker.data()) })
}

/// # Safety
/// The data is that of a living waker of ours.
unsafe fn key_at(data: *const ()) -> TaskKey {
    // SAFETY: rule 3, the data of both kinds begins with a key.
    unsafe { *data.cast::<TaskKey>() }
}

/// # Safety
/// The data is that of a living lent waker.
unsafe fn clone_lent(data: *const ()) -> RawWaker {
    // SAFETY: rule 3, only the table of lent wakers has this function.
    let lent = unsafe { &*data.cast::<Lent<'_>>() };
    let shared = lent.kept.0.get_or_init(|| Arc::new(lent.key)).clone();
    RawWaker::new(Arc::into_raw(shared).cast(), &SHARED)
}

/// # Safety
/// The data is that of a living shared waker.
unsafe fn clone_shared(data: *const ()) -> RawWaker {
    // SAFETY: rule 3, the data is in an `Arc` that the waker, or the task that lends it, has a count of.
    unsafe { Arc::increment_strong_count(data.cast::<TaskKey>()) };
    RawWaker::new(data, &SHARED)
}

/// # Safety
/// The data is that of a living waker of ours.
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: rule 3, the caller's promise is passed on.
    wake(unsafe { key_at(data) });
}

/// # Safety
/// The data is that of a shared waker that is given up.
unsafe fn wake_shared(data: *const ()) {
    // SAFETY: rule 3, the caller's promise is passed on; the waker lives until its count is given up below.
    let key = unsafe { key_at(data) };
    // SAFETY: rule 3, the caller's promise is passed on.
    unsafe { drop_shared(data) };
    wake(key);
}

/// # Safety
/// The data is that of a shared waker that is given up.
unsafe fn drop_shared(data: *const ()) {
    // SAFETY: rule 3, the waker had one count, which is given up with it.
    unsafe { Arc::decrement_strong_count(data.cast::<TaskKey>()) };
}

/// A lent waker owns nothing.
fn forget(_data: *const ()) {}
