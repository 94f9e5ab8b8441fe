//! Wakes from other threads, and from other runtimes of the same thread.

use std::sync::PoisonError;

use super::key::{NO_RUNTIME, TaskKey};
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering, RwLock};

/// Where a runtime gets its foreign wakes from.
pub(crate) struct Inbox {
    /// Set while `keys` is not empty: looking at an empty inbox costs one load.
    filled: AtomicBool,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    /// Set while the runtime is open: what arrives at a closed one is forgotten.
    open: bool,
    keys: Vec<TaskKey>,
}

impl Inbox {
    /// Makes one that is closed.
    pub(crate) fn new() -> Self {
        Self { filled: AtomicBool::new(false), keys: Mutex::new(Keys::default()) }
    }

    /// Puts a key in, from any thread.
    pub(crate) fn push(&self, key: TaskKey) {
        let mut keys = self.lock();
        if keys.open {
            keys.keys.push(key);
            self.filled.store(true, Ordering::Release);
        }
    }

    /// Returns whether a key may be in it.
    #[inline]
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire)
    }

    /// Takes all keys out, in the order in which they came, and leaves an empty list's memory in their place.
    pub(crate) fn swap(&self, empty: &mut Vec<TaskKey>) {
        debug_assert!(empty.is_empty());
        let mut keys = self.lock();
        std::mem::swap(&mut keys.keys, empty);
        self.filled.store(false, Ordering::Release);
    }

    /// Opens the inbox, or closes it and forgets what is in it.
    pub(crate) fn set_open(&self, open: bool) {
        let mut keys = self.lock();
        keys.open = open;
        keys.keys.clear();
        self.filled.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inboxes of all runtimes of the process; a runtime's number is its index.
#[cfg(not(all(test, loom)))]
static INBOXES: RwLock<Vec<&'static Inbox>> = RwLock::new(Vec::new());

// Loom's statics live as long as one run of a model, so each begins without a runtime.
#[cfg(all(test, loom))]
loom::lazy_static! {
    static ref INBOXES: RwLock<Vec<&'static Inbox>> = RwLock::new(Vec::new());
}

/// Makes the inbox of a new runtime, and returns it with the runtime's number.
///
/// # Panics
/// If the process has had 65,535 threads with a runtime: a number is never given twice, since a stale waker may hold
/// it.
pub(crate) fn open() -> (u16, &'static Inbox) {
    let mut inboxes = INBOXES.write().unwrap_or_else(PoisonError::into_inner);
    let number = u16::try_from(inboxes.len())
        .ok()
        .filter(|&number| number != NO_RUNTIME)
        .expect("65535 threads of this process have had a runtime; no more can have one");
    // Wakers on any thread may reach it for as long as the process lives.
    let inbox: &'static Inbox = Box::leak(Box::new(Inbox::new()));
    inboxes.push(inbox);
    (number, inbox)
}

/// Puts a key into the inbox of its runtime.
pub(crate) fn send(key: TaskKey) {
    let inboxes = INBOXES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(inbox) = inboxes.get(usize::from(key.runtime())) {
        inbox.push(key);
    }
}
