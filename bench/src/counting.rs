//! The allocator of the bench's library, which counts while it is told to.
//!
//! It counts only in the cases about memory: elsewhere it would slow down those who allocate much.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};

/// The system's allocator, which counts.
struct Counting;

static IS_ON: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// What was allocated less what was freed while it counted, in bytes.
static BYTES: AtomicIsize = AtomicIsize::new(0);

fn count(allocations: u64, bytes: isize) {
    if IS_ON.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(allocations, Ordering::Relaxed);
        BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: all calls are handed to the system's allocator as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as isize - layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What was counted since a beginning, until it is dropped.
pub(crate) struct Count {
    allocations: u64,
    bytes: isize,
}

impl Count {
    /// Begins to count.
    pub(crate) fn begin() -> Self {
        let was_on = IS_ON.swap(true, Ordering::Relaxed);
        assert!(!was_on, "one counts at a time");
        Self {
            allocations: ALLOCATIONS.load(Ordering::Relaxed),
            bytes: BYTES.load(Ordering::Relaxed),
        }
    }

    /// Returns the number of allocations; one that grows counts, too.
    pub(crate) fn allocations(&self) -> u64 {
        ALLOCATIONS.load(Ordering::Relaxed) - self.allocations
    }

    /// Returns how many more bytes are held.
    pub(crate) fn bytes(&self) -> isize {
        BYTES.load(Ordering::Relaxed) - self.bytes
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        IS_ON.store(false, Ordering::Relaxed);
    }
}
