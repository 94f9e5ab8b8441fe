//! Hubs: one connection for all who wait on one signal, and the resolver that the signal calls.
//!
//! Invariants:
//! 1. An emission is delivered to the listeners that wait when it arrives, in the order of their creation. Each gets its
//!    own copy of the arguments, to be converted where it is polled.
//! 2. The resolver's `Drop` is the one sign of a freed emitter that always comes: it marks the hub as dead.
//! 3. Off the main thread nothing of Godot is touched: the resolver only takes down that it was called, or dropped.
//! 4. The lock is not held while a waker is woken or a value is dropped.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use cuelight_runtime::{DynamicSend, ThreadConfined, engine};
use godot::builtin::{Callable, RustCallable, Signal, StringName, Variant};
use godot::classes::object::ConnectFlags;
use godot::classes::{Engine, Object};
use godot::meta::ToGodot as _;
use godot::obj::{EngineBitfield as _, Gd, InstanceId, Singleton as _};
use slab::Slab;
use smallvec::SmallVec;

use super::SignalError;

/// The arguments of an emission; few enough fit without an allocation.
pub(crate) type Args = SmallVec<[Variant; 4]>;

thread_local! {
    /// The hubs of the signals that are connected, on the main thread.
    static HUBS: RefCell<HashMap<(InstanceId, StringName), Arc<Hub>>> = RefCell::default();

    /// The order of deliveries over all hubs.
    static DELIVERIES: Cell<u64> = const { Cell::new(0) };
}

/// All who wait on one signal.
struct Hub {
    /// The signal, as `Class.signal`.
    label: String,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    entries: Slab<Entry>,
    /// Who waits, in the order of creation, each with its number; those that are gone are left out when it is read.
    waiting: Vec<(usize, u64)>,
    created: u64,
    /// Set when the emitter was freed.
    dead: bool,
}

/// One who waits.
struct Entry {
    number: u64,
    kind: Kind,
    waker: Option<Waker>,
    state: EntryState,
}

/// What a listener waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The next emission.
    Emission,
    /// The emitter's end; emissions are nothing to it.
    End,
}

enum EntryState {
    /// Listener waits.
    Waiting,
    /// Listener has its emission, the so-many-th of all.
    Fired(u64, ThreadConfined<Args>),
    /// The signal was emitted on another thread, where the arguments could not be taken.
    Elsewhere,
}

impl Shared {
    fn add(&mut self, kind: Kind) -> usize {
        self.created += 1;
        let number = self.created;
        // Who gave up waiting is left out now and then, so that the list stays as long as it has to be.
        if self.waiting.len() >= 16 && self.waiting.len() >= 2 * self.entries.len() {
            let entries = &self.entries;
            self.waiting.retain(|&(index, number)| {
                entries.get(index).is_some_and(|entry| entry.number == number)
            });
        }
        let entry = Entry { number, kind, waker: None, state: EntryState::Waiting };
        let index = self.entries.insert(entry);
        self.waiting.push((index, number));
        index
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers an emission. Returns whether somebody was there, or still is.
    fn deliver(&self, args: &[&Variant]) -> bool {
        let order = DELIVERIES.with(|deliveries| {
            deliveries.set(deliveries.get() + 1);
            deliveries.get()
        });
        let mut wakers = SmallVec::<[Waker; 4]>::new();
        let mut somebody = false;
        {
            let mut shared = self.lock();
            let Shared { entries, waiting, .. } = &mut *shared;
            waiting.retain(|&(index, number)| {
                let Some(entry) = entries.get_mut(index) else {
                    return false;
                };
                if entry.number != number {
                    return false;
                }
                somebody = true;
                if entry.kind == Kind::End {
                    return true;
                }
                let args = args.iter().map(|&arg| arg.clone()).collect();
                entry.state = EntryState::Fired(order, ThreadConfined::new(args));
                wakers.extend(entry.waker.take());
                false
            });
        }
        wakers.into_iter().for_each(Waker::wake);
        somebody
    }

    /// Takes down an emission on another thread.
    fn deliver_elsewhere(&self) {
        let mut wakers = SmallVec::<[Waker; 4]>::new();
        {
            let mut shared = self.lock();
            let Shared { entries, waiting, .. } = &mut *shared;
            waiting.retain(|&(index, number)| {
                let Some(entry) = entries.get_mut(index) else {
                    return false;
                };
                if entry.number != number || entry.kind == Kind::End {
                    return entry.number == number;
                }
                entry.state = EntryState::Elsewhere;
                wakers.extend(entry.waker.take());
                false
            });
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Takes down the emitter's end, on any thread.
    fn die(&self) {
        let mut wakers = SmallVec::<[Waker; 4]>::new();
        {
            let mut shared = self.lock();
            shared.dead = true;
            let waiting = mem::take(&mut shared.waiting);
            for (index, number) in waiting {
                if let Some(entry) = shared.entries.get_mut(index)
                    && entry.number == number
                {
                    wakers.extend(entry.waker.take());
                }
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// The callable that a signal calls. Dropped, it marks its hub as dead.
struct Resolver {
    hub: Arc<Hub>,
    /// Where the hub is found, for giving the connection up.
    key: ThreadConfined<(InstanceId, StringName)>,
    /// Whether it is the connected one, and not a twin that finds it.
    connected: bool,
}

impl Resolver {
    fn callable(hub: &Arc<Hub>, key: &(InstanceId, StringName), connected: bool) -> Callable {
        let key = ThreadConfined::new(key.clone());
        Callable::from_custom(Self { hub: hub.clone(), key, connected })
    }
}

impl RustCallable for Resolver {
    // `&mut self` may exist twice here, when an emission is nested in another: nothing is changed through it.
    fn invoke(&mut self, args: &[&Variant]) -> Variant {
        if engine::is_open() {
            if !self.hub.deliver(args)
                && let Some((emitter, signal)) = self.key.get()
            {
                disconnect(*emitter, signal, &self.hub);
            }
        } else if !godot::init::is_main_thread() {
            self.hub.deliver_elsewhere();
            // Even the nil that would be returned cannot be made here, so the call has to end in a panic: this one says
            // why. `godot` catches and prints it.
            panic!("{}", SignalError::OtherThread { signal: self.hub.label.clone() });
        }
        Variant::nil()
    }

    fn callable_name(&self) -> Cow<'static, str> {
        // Asked for at each call, so it is not made anew.
        Cow::Borrowed("cuelight's wait for a signal")
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        if !self.connected {
            return;
        }
        self.hub.die();
        // Elsewhere the map is out of reach; there a dead hub is found when the map is looked through.
        if engine::is_open()
            && let Some(key) = self.key.get()
        {
            forget(key, &self.hub);
        }
    }
}

impl PartialEq for Resolver {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.hub, &other.hub)
    }
}

impl Hash for Resolver {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.hub).hash(state);
    }
}

impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuelight, waiting for {}", self.hub.label)
    }
}

/// One who listens to a signal, from its creation. Dropping it stops listening.
pub(crate) struct Listener {
    hub: Arc<Hub>,
    index: usize,
}

impl Listener {
    /// Begins to listen. `Ok(None)` where the library is closed: nothing comes any more.
    pub(crate) fn new(
        emitter: Option<Gd<Object>>,
        id: Option<InstanceId>,
        signal: StringName,
        kind: Kind,
    ) -> Result<Option<Self>, SignalError> {
        if !engine::is_open() {
            assert!(
                godot::init::is_main_thread(),
                "signal \"{signal}\" is awaited on another thread than the main one; spawn a task there that awaits it"
            );
            return Ok(None);
        }
        let (Some(emitter), Some(id)) = (emitter, id) else {
            return Err(SignalError::Freed { signal: signal.to_string() });
        };
        let key = (id, signal);
        let known = HUBS.with_borrow(|hubs| hubs.get(&key).cloned());
        if let Some(hub) = known {
            let mut shared = hub.lock();
            if !shared.dead {
                let index = shared.add(kind);
                drop(shared);
                return Ok(Some(Self { hub, index }));
            }
        }
        Self::connect(emitter, key, kind).map(Some)
    }

    /// Makes a signal's hub, and connects it.
    fn connect(
        mut emitter: Gd<Object>,
        key: (InstanceId, StringName),
        kind: Kind,
    ) -> Result<Self, SignalError> {
        let label = format!("{}.{}", emitter.get_class(), key.1);
        if !emitter.has_signal(&key.1) {
            return Err(SignalError::NoSuchSignal { signal: label });
        }
        // Godot itself carries the arguments of a deferred call to the main thread. A node in the tree refuses to emit
        // elsewhere. In the editor a deferred call that waits would outlive a hot reload.
        let is_deferred = !Engine::singleton().is_editor_hint() && !emitter.is_class("Node");
        let flags = if is_deferred { ConnectFlags::DEFERRED.ord() as i64 } else { 0 };
        let hub = Arc::new(Hub { label, shared: Mutex::default() });
        let index = hub.lock().add(kind);
        let callable = Resolver::callable(&hub, &key, true);
        // By name: `godot`'s own `connect` keeps a clone of the callable in the editor, and so its drop would not tell
        // that the emitter was freed.
        emitter.call("connect", &[key.1.to_variant(), callable.to_variant(), flags.to_variant()]);
        let former = HUBS.with_borrow_mut(|hubs| {
            // What was freed on another thread is still in here: looked for whenever the map would have to grow.
            if hubs.len() == hubs.capacity() {
                hubs.retain(|_, hub| !hub.lock().dead);
            }
            hubs.insert(key, hub.clone())
        });
        drop(former);
        Ok(Self { hub, index })
    }

    /// Returns the signal, as `Class.signal`.
    pub(crate) fn label(&self) -> &str {
        &self.hub.label
    }

    /// Waits for the emission, with its place in the order of all; the emitter's end is an error.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(u64, Args), SignalError>> {
        let signal = || self.hub.label.clone();
        let mut shared = self.hub.lock();
        let is_dead = shared.dead;
        let entry = &mut shared.entries[self.index];
        match mem::replace(&mut entry.state, EntryState::Waiting) {
            EntryState::Fired(order, args) => Poll::Ready(match args.extract_if_safe() {
                Some(args) => Ok((order, args)),
                None => Err(SignalError::OtherThread { signal: signal() }),
            }),
            EntryState::Elsewhere => {
                Poll::Ready(Err(SignalError::OtherThread { signal: signal() }))
            }
            EntryState::Waiting if is_dead => {
                Poll::Ready(Err(SignalError::Freed { signal: signal() }))
            }
            EntryState::Waiting => {
                let former = match &entry.waker {
                    Some(waker) if waker.will_wake(cx.waker()) => None,
                    _ => entry.waker.replace(cx.waker().clone()),
                };
                drop(shared);
                drop(former);
                Poll::Pending
            }
        }
    }

    /// Returns the place of the emission in the order of all, if it has come.
    pub(crate) fn fired(&self) -> Option<u64> {
        match self.hub.lock().entries[self.index].state {
            EntryState::Fired(order, _) => Some(order),
            _ => None,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let entry = self.hub.lock().entries.try_remove(self.index);
        drop(entry);
    }
}

/// Takes a hub out of the map, unless another has taken its place.
fn forget(key: &(InstanceId, StringName), hub: &Arc<Hub>) {
    let former = HUBS.with_borrow_mut(|hubs| match hubs.get(key) {
        Some(known) if Arc::ptr_eq(known, hub) => hubs.remove_entry(key),
        _ => None,
    });
    drop(former);
}

/// Gives a signal's connection up.
fn disconnect(id: InstanceId, signal: &StringName, hub: &Arc<Hub>) {
    let key = (id, signal.clone());
    forget(&key, hub);
    let Ok(mut emitter) = Gd::<Object>::try_from_instance_id(id) else {
        return;
    };
    let twin = Resolver::callable(hub, &key, false);
    // It may have been disconnected by the game.
    if emitter.is_connected(signal, &twin) {
        emitter.call("disconnect", &[signal.to_variant(), twin.to_variant()]);
    }
}

/// Gives all connections up, before the code is unloaded.
pub(crate) fn disconnect_all() {
    let hubs = HUBS.with_borrow_mut(mem::take);
    for ((id, signal), hub) in hubs {
        disconnect(id, &signal, &hub);
    }
}

/// Returns the parts of a signal that a [`Listener`] is made from.
pub(crate) fn parts(signal: &Signal) -> (Option<Gd<Object>>, Option<InstanceId>, StringName) {
    (signal.object(), signal.object_id(), signal.name())
}
