//! Watching objects: who wants to know that an object is freed, whichever it is and on whatever thread.
//!
//! Godot tells nobody that an object was freed, except by dropping its connections. So a callable is connected to a signal
//! that every object has and nobody emits for us; its `Drop` is the sign. All who watch one object share the connection,
//! and it is given up on the next clean stack when nobody watches any more: a wait in a loop does not connect each time.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use cuelight_runtime::{GroupHandle, engine};
use godot::builtin::{Callable, RustCallable, Variant};
use godot::classes::object::ConnectFlags;
use godot::classes::{Engine, Object};
use godot::meta::ToGodot as _;
use godot::obj::{EngineBitfield as _, Gd, Inherits, InstanceId, Singleton as _};

use super::tasks;

/// A signal of every object.
const SIGNAL: &str = "script_changed";

thread_local! {
    /// The objects that are watched, on the main thread.
    static WATCHED: RefCell<Watched> = RefCell::default();
}

/// Objects that were freed on other threads: heard of at the next tick or flush, before anything is polled.
static ELSEWHERE: Mutex<Vec<InstanceId>> = Mutex::new(Vec::new());

/// Whether there are such: looking at an empty list costs one load.
static ANY_ELSEWHERE: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
struct Watched {
    /// Who watches each object, by number, and so in the order of creation.
    objects: HashMap<InstanceId, Vec<(u64, Watcher)>>,
    /// Objects that nobody watched for a moment.
    idle: Vec<InstanceId>,
    created: u64,
}

/// Who watches an object.
pub(super) enum Watcher {
    /// A wait, with the waker that it was last polled with.
    Wait(Option<Waker>),
    /// A group that is closed with the object.
    Group(GroupHandle),
    /// The object's own group.
    #[cfg(not(feature = "engine-classes"))]
    Node,
}

/// Watches an object until it is dropped. Belongs to the main thread.
pub(super) struct Watch {
    object: InstanceId,
    number: u64,
    _not_send: PhantomData<*const ()>,
}

impl Watch {
    /// Begins to watch an object, which has to be alive.
    pub(super) fn new<T: Inherits<Object>>(object: &Gd<T>, watcher: Watcher) -> Self {
        let id = object.instance_id();
        let (number, is_new) = WATCHED.with_borrow_mut(|watched| {
            watched.created += 1;
            let number = watched.created;
            let is_known = watched.objects.contains_key(&id);
            watched.objects.entry(id).or_default().push((number, watcher));
            (number, !is_known)
        });
        if is_new {
            connect(object.clone().upcast());
        }
        Self { object: id, number, _not_send: PhantomData }
    }

    /// Waits for the end of the object.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned outside of the borrow, since it may be somebody else's.
        let new = cx.waker().clone();
        let (found, former) = WATCHED.with_borrow_mut(|watched| {
            let Some(watchers) = watched.objects.get_mut(&self.object) else {
                return (false, Some(new));
            };
            match position(watchers, self.number).map(|at| &mut watchers[at].1) {
                Some(Watcher::Wait(waker)) => (true, waker.replace(new)),
                _ => (false, Some(new)),
            }
        });
        drop(former);
        if found { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread's end may have come before.
        let _ = WATCHED.try_with(|watched| {
            let former = {
                let mut watched = watched.borrow_mut();
                let watched = &mut *watched;
                let Some(watchers) = watched.objects.get_mut(&self.object) else {
                    return;
                };
                let former = position(watchers, self.number).map(|at| watchers.remove(at));
                if watchers.is_empty() {
                    watched.idle.push(self.object);
                }
                former
            };
            drop(former);
            engine::ask_settle();
        });
    }
}

/// Returns where a number is among watchers.
fn position(watchers: &[(u64, Watcher)], number: u64) -> Option<usize> {
    watchers.binary_search_by_key(&number, |&(number, _)| number).ok()
}

fn connect(mut object: Gd<Object>) {
    let callable = Sign::callable(object.instance_id(), true);
    // A deferred call that waits would outlive a hot reload; elsewhere Godot itself carries it to the main thread.
    let is_deferred = !Engine::singleton().is_editor_hint();
    let flags = if is_deferred { ConnectFlags::DEFERRED.ord() as i64 } else { 0 };
    // By name: `godot`'s own `connect` keeps a clone of the callable in the editor, which would outlive the object.
    object.call("connect", &[SIGNAL.to_variant(), callable.to_variant(), flags.to_variant()]);
}

fn disconnect(id: InstanceId) {
    let Ok(mut object) = Gd::<Object>::try_from_instance_id(id) else {
        return;
    };
    let twin = Sign::callable(id, false);
    // The game may have disconnected it.
    if object.is_connected(SIGNAL, &twin) {
        object.call("disconnect", &[SIGNAL.to_variant(), twin.to_variant()]);
    }
}

/// Takes down that an object was freed, on any thread.
pub(super) fn freed(id: InstanceId) {
    if !engine::is_open() {
        note_elsewhere(id);
        return;
    }
    let watchers = WATCHED.with_borrow_mut(|watched| watched.objects.remove(&id));
    for (_, watcher) in watchers.into_iter().flatten() {
        match watcher {
            Watcher::Wait(Some(waker)) => waker.wake(),
            Watcher::Wait(None) => {}
            Watcher::Group(group) => group.close(),
            #[cfg(not(feature = "engine-classes"))]
            Watcher::Node => tasks::unbind(id),
        }
    }
}

/// Takes down what was freed on another thread. On the main thread the library is closed, and nobody is left to tell.
pub(super) fn note_elsewhere(id: InstanceId) {
    if !godot::init::is_main_thread() {
        ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        ANY_ELSEWHERE.store(true, Ordering::Release);
    }
}

/// Hears of what was freed on other threads.
pub(crate) fn hear_freed_elsewhere() {
    if ANY_ELSEWHERE.swap(false, Ordering::Acquire) {
        let ids = mem::take(&mut *ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner));
        for id in ids {
            tasks::unbind(id);
            freed(id);
        }
    }
}

/// Gives up the connections of objects that nobody watches any more.
pub(super) fn settle() {
    let mut idle = WATCHED.with_borrow_mut(|watched| {
        let mut idle = mem::take(&mut watched.idle);
        // A wait in a loop is there again by now.
        idle.retain(|id| match watched.objects.get(id) {
            Some(watchers) if watchers.is_empty() => watched.objects.remove(id).is_some(),
            _ => false,
        });
        idle
    });
    idle.drain(..).for_each(disconnect);
    WATCHED.with_borrow_mut(|watched| {
        // The list's memory is used again.
        if watched.idle.is_empty() {
            watched.idle = idle;
        }
    });
}

/// Gives up all connections, before the code is unloaded.
pub(super) fn unwatch_all() {
    let watched = WATCHED.take();
    watched.objects.into_keys().for_each(disconnect);
}

/// The callable that is connected. Dropped, it tells that its object was freed.
struct Sign {
    object: InstanceId,
    /// Whether it is the connected one, and not a twin that finds it.
    is_connected: bool,
}

impl Sign {
    fn callable(object: InstanceId, is_connected: bool) -> Callable {
        Callable::from_custom(Self { object, is_connected })
    }
}

impl RustCallable for Sign {
    fn invoke(&mut self, _args: &[&Variant]) -> Variant {
        // Even the nil that would be returned cannot be made on another thread; `godot` catches and prints this.
        assert!(
            godot::init::is_main_thread(),
            "the script of an object that cuelight watches was changed on another thread"
        );
        Variant::nil()
    }

    fn callable_name(&self) -> Cow<'static, str> {
        Cow::Borrowed("cuelight's wait for a free")
    }
}

impl Drop for Sign {
    fn drop(&mut self) {
        if self.is_connected {
            // A panic, of somebody else's waker, would end the process here.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| freed(self.object))) {
                mem::forget(panic);
            }
        }
    }
}

impl PartialEq for Sign {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
    }
}

impl Hash for Sign {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.object.hash(state);
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuelight, waiting for the end of {}", self.object)
    }
}
