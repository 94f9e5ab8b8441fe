//! Values that must not leave their thread, inside something that may.

use std::fmt;
use std::mem::ManuallyDrop;
use std::thread::{self, ThreadId};

use crate::{DynamicSend, IntoDynamicSend};

thread_local! {
    /// The thread's id: asking the standard library for it costs a count of references each time.
    static THREAD: ThreadId = thread::current().id();
}

fn current_thread() -> ThreadId {
    THREAD.with(|id| *id)
}

/// A value that is taken out only on the thread it was made on.
///
/// Dropped on another thread, the value is leaked: its destructor must not run there. Dropped on its own thread, it
/// is dropped.
///
/// ```
/// use std::rc::Rc;
///
/// use cuelight_runtime::{DynamicSend, ThreadConfined};
///
/// let mut confined = ThreadConfined::new(Rc::new(6));
/// if let Some(number) = confined.get_mut() {
///     *number = Rc::new(7);
/// }
/// assert_eq!(confined.get().map(|number| **number), Some(7));
/// let elsewhere = std::thread::spawn(move || confined.extract_if_safe().is_none());
/// assert!(elsewhere.join().unwrap());
/// ```
pub struct ThreadConfined<T> {
    value: ManuallyDrop<T>,
    thread: ThreadId,
}

impl<T> ThreadConfined<T> {
    /// Confines a value to the calling thread.
    pub fn new(value: T) -> Self {
        Self { value: ManuallyDrop::new(value), thread: current_thread() }
    }

    /// Returns the value, if the calling thread is the one that it was made on.
    pub fn get(&self) -> Option<&T> {
        self.is_at_home().then(|| &*self.value)
    }

    /// Returns the value to be changed, if the calling thread is the one that it was made on.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if self.is_at_home() { Some(&mut self.value) } else { None }
    }

    /// Returns whether the calling thread is the one that the value was made on.
    pub fn is_at_home(&self) -> bool {
        self.thread == current_thread()
    }
}

impl<T> Drop for ThreadConfined<T> {
    fn drop(&mut self) {
        if self.is_at_home() {
            // SAFETY: rule 4, this is the value's own thread; it is dropped once, since `extract_if_safe` forgets
            // the wrapper.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}

// SAFETY: rule 4, the value is touched only on the thread that it was made on.
unsafe impl<T> Send for ThreadConfined<T> {}

// SAFETY: rule 4, `get` is the only way to the value from a shared reference, and it asks for the thread.
unsafe impl<T> Sync for ThreadConfined<T> {}

impl<T> fmt::Debug for ThreadConfined<T> {
    // Without the value: this may be another thread than its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadConfined").field("thread", &self.thread).finish_non_exhaustive()
    }
}

// SAFETY: rule 4, `extract_if_safe`, `get`, `get_mut` and `drop` are the only ways to the value, and all ask for the
// thread.
unsafe impl<T> DynamicSend for ThreadConfined<T> {
    type Inner = T;

    fn extract_if_safe(self) -> Option<T> {
        if !self.is_at_home() {
            return None;
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: rule 4, this is the value's own thread, and it is taken once, since the wrapper is forgotten.
        Some(unsafe { ManuallyDrop::take(&mut this.value) })
    }
}

/// Implements [`IntoDynamicSend`] for types that are `Send`: they come out on any thread.
macro_rules! impl_plain {
    ($($plain:ty),+ $(,)?) => {
        $(
            // SAFETY: rule 4, the type is `Send`.
            unsafe impl DynamicSend for $plain {
                type Inner = Self;

                fn extract_if_safe(self) -> Option<Self> {
                    Some(self)
                }
            }

            impl IntoDynamicSend for $plain {
                type Target = Self;

                fn into_dynamic_send(self) -> Self {
                    self
                }
            }
        )+
    };
}

impl_plain!((), bool, char, String);
impl_plain!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64);
