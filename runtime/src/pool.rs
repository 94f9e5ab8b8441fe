//! The threads that background work runs on.
//!
//! They are made when there is more to do than the idle ones can take, up to a limit, and joined by the shutdown: a
//! thread that outlives it would run code that a hot reload has taken away.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// What all threads of a pool are called.
const NAME: &str = "cuelight-background";

/// What a pool runs.
pub(crate) trait Work: Send + Sync {
    /// Runs it. Must not panic.
    fn run(&self);

    /// Drops it, since it will not be run.
    fn discard(&self);
}

/// A pool, as its owner sees it.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// How many threads there may be.
    limit: usize,
}

/// A pool, as its threads see it.
#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Notified when there is work, and when the pool closes.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    work: VecDeque<Arc<dyn Work>>,
    /// How many threads wait for work.
    idle: usize,
    closed: bool,
}

impl Pool {
    pub(crate) fn new(limit: usize) -> Self {
        Self { shared: Arc::default(), threads: Vec::new(), limit }
    }

    /// Hands work to the threads, and returns whether there are any.
    pub(crate) fn push(&mut self, work: Arc<dyn Work>) -> bool {
        let is_short = {
            let queue = self.shared.lock();
            queue.work.len() >= queue.idle
        };
        if is_short && self.threads.len() < self.limit {
            let shared = self.shared.clone();
            let thread = thread::Builder::new().name(NAME.to_owned()).spawn(move || shared.run());
            // Where there can be no more, those that there are have to do.
            self.threads.extend(thread);
        }
        if self.threads.is_empty() {
            return false;
        }
        self.shared.lock().work.push_back(work);
        self.shared.changed.notify_one();
        true
    }

    /// Has the threads end with what they run now, and returns what they have not begun.
    pub(crate) fn close(&self) -> VecDeque<Arc<dyn Work>> {
        let work = {
            let mut queue = self.shared.lock();
            queue.closed = true;
            std::mem::take(&mut queue.work)
        };
        self.shared.changed.notify_all();
        work
    }

    /// Waits for the threads to end.
    pub(crate) fn join(self) {
        for thread in self.threads {
            // An error would be a panic, and those have been caught.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does.
    fn run(&self) {
        let mut queue = self.lock();
        loop {
            if let Some(work) = queue.work.pop_front() {
                drop(queue);
                work.run();
                drop(work);
                queue = self.lock();
            } else if queue.closed {
                return;
            } else {
                queue.idle += 1;
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }
}
