//! Connections: how the hubs are found, connected, and given up.
//!
//! All who wait on a signal share one connection, with these exceptions, which are how an emission reaches the waits that
//! existed when it began, and no others:
//! - What a deferred connection carries may be on its way when a wait is made. The wait is armed by a deferred call of
//!   our own: what comes before that in the queue was emitted before the wait was made.
//! - A connection that was the signal's first gets an emission before anybody else's code runs. Where it was not, the
//!   code of an earlier connection may make a wait in the middle of an emission. Godot does not tell whether an object is
//!   emitting; but an emission takes one-shot connections away when it begins. So a [`Probe`] is connected as well: where
//!   it is still connected, no emission has begun since; where it is not, the wait gets a new connection, which Godot
//!   leaves out of a running emission.
//! - The wait that a task makes after it has been resumed is made in no emission, since tasks resume in a fresh call
//!   stack. It takes the connection that there is.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use cuelight_runtime::{ThreadConfined, engine};
use godot::builtin::{Callable, RustCallable, Signal, StringName, Variant};
use godot::classes::object::ConnectFlags;
use godot::classes::{Node, Object};
use godot::meta::ToGodot as _;
use godot::obj::{EngineBitfield as _, Gd, InstanceId};
use smallvec::SmallVec;

use super::hub::{Hub, Kind};
use super::{Listener, SignalError};
use crate::pump::Pump;

/// Hashes the ids of objects: they are counted up, and nobody chooses them.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        // The map takes the uppermost bits as well as the lowest.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_i64(&mut self, id: i64) {
        self.0 = id as u64;
    }
}

/// The connections of each object, the newest last: few signals of one are awaited at once.
type Connections = HashMap<InstanceId, SmallVec<[Connection; 1]>, BuildHasherDefault<IdHasher>>;

thread_local! {
    /// All connections, on the main thread.
    static CONNECTIONS: RefCell<Connections> = RefCell::default();

    /// The listeners that are not armed yet: hub and number, in the order of their creation.
    static UNARMED: RefCell<VecDeque<(Arc<Hub>, u64)>> = const { RefCell::new(VecDeque::new()) };

    /// Whose emission was awaited last.
    static TAKEN: Cell<Option<InstanceId>> = const { Cell::new(None) };
}

/// A connection of ours to a signal.
struct Connection {
    signal: Signal,
    hub: Arc<Hub>,
    /// Whether emissions come as deferred calls.
    is_deferred: bool,
    /// The probe, if others hear emissions before.
    probe: Option<Callable>,
}

/// Begins to listen, on a connection that there is or a new one.
pub(super) fn listen(signal: &Signal, kind: Kind) -> Result<Listener, SignalError> {
    // In a loop it is the signal that has just come: what is asked of Godot costs more than all else here.
    let known = TAKEN.take().and_then(|id| Some((id, find(id, signal)?)));
    let (id, known) = match known {
        Some((id, known)) => (id, Some(known)),
        None => {
            let Some(id) = signal.object_id() else {
                return Err(SignalError::Freed { signal: format!("null.{}", signal.name()) });
            };
            (id, find(id, signal))
        }
    };
    let Some((hub, is_deferred, probe)) = known else {
        // Whose class nobody knows any more.
        let gone = || SignalError::Freed { signal: format!("#{id}.{}", signal.name()) };
        return connect(signal.object().ok_or_else(gone)?, id, signal, kind);
    };
    let gone = || SignalError::Freed { signal: hub.label.clone() };
    let fits = match probe {
        Some(probe) => {
            let emitter = Gd::<Object>::try_from_instance_id(id).map_err(|_| gone())?;
            emitter.is_connected(&signal.name(), &probe)
        }
        None => true,
    };
    if fits && let Some((index, number)) = hub.add(kind) {
        if is_deferred {
            UNARMED.with_borrow_mut(|unarmed| unarmed.push_back((hub.clone(), number)));
            Pump::arm_soon();
        }
        return Ok(Listener::new_in(hub, index, kind));
    }
    connect(signal.object().ok_or_else(gone)?, id, signal, kind)
}

/// Finds the newest connection to a signal of an object: its hub, whether emissions come as deferred calls, and the probe
/// if it has to be asked.
fn find(id: InstanceId, signal: &Signal) -> Option<(Arc<Hub>, bool, Option<Callable>)> {
    let is_uncertain = may_be_emitting(id);
    CONNECTIONS.with_borrow(|connections| {
        let of_object = connections.get(&id)?;
        let newest = of_object.iter().rev().find(|connection| connection.signal == *signal)?;
        let probe = newest.probe.as_ref().filter(|_| is_uncertain);
        Some((newest.hub.clone(), newest.is_deferred, probe.cloned()))
    })
}

/// Notes whose emission has been taken by one who waited for it: most scripts wait for the same signal again.
pub(super) fn note_taken(emitter: InstanceId) {
    TAKEN.set(Some(emitter));
}

/// Arms the listener that is the next to be: what was emitted before it was made has arrived.
pub(crate) fn arm_next() {
    let next = UNARMED.with_borrow_mut(VecDeque::pop_front);
    if let Some((hub, number)) = next {
        hub.arm(number);
    }
}

/// Tells of the wakers that wait for signals.
pub(crate) fn list_waits(found: &mut dyn FnMut(&Waker, &str)) {
    CONNECTIONS.with_borrow(|connections| {
        connections.values().flatten().for_each(|connection| connection.hub.list_waits(found));
    });
}

/// Returns whether an object may be in the middle of an emission.
fn may_be_emitting(id: InstanceId) -> bool {
    // A resumed task is on a fresh call stack, but for the signal of the frame that the pump ticks on.
    !engine::is_fresh_poll() || Pump::is_called_by(id)
}

/// Makes a connection.
fn connect(
    mut emitter: Gd<Object>,
    id: InstanceId,
    signal: &Signal,
    kind: Kind,
) -> Result<Listener, SignalError> {
    let name = signal.name();
    let label = format!("{}.{name}", emitter.get_class());
    if !emitter.has_signal(&name) {
        return Err(SignalError::NoSuchSignal { signal: label });
    }
    // Godot itself carries the arguments of a deferred call to the main thread. A node in the tree refuses to emit
    // elsewhere. In the editor a deferred call that waits would outlive a hot reload.
    let is_deferred = !godot::init::is_editor_hint() && emitter.clone().try_cast::<Node>().is_err();
    let is_first = !emitter.call("has_connections", &[name.to_variant()]).booleanize();
    let hub = Arc::new(Hub::new(label.clone(), id, is_deferred));
    let Some((index, _)) = hub.add(kind) else {
        return Err(SignalError::Freed { signal: label });
    };
    let callable = Resolver::callable(&hub, signal, true);
    connect_by_name(&mut emitter, &name, &callable, is_deferred.then_some(ConnectFlags::DEFERRED));
    let probe = (!is_first).then(|| Probe::connected(&mut emitter, &name));
    let connection = Connection { signal: signal.clone(), hub: hub.clone(), is_deferred, probe };
    let dead = CONNECTIONS.with_borrow_mut(|connections| {
        let mut dead = Vec::new();
        // What was freed on another thread is still in here: looked for whenever the map would have to grow.
        if connections.len() == connections.capacity() {
            connections.retain(|_, of_object| {
                let (gone, left): (SmallVec<_>, _) =
                    mem::take(of_object).into_iter().partition(|of| of.hub.is_dead());
                dead.extend(gone);
                *of_object = left;
                !of_object.is_empty()
            });
        }
        connections.entry(id).or_default().push(connection);
        dead
    });
    drop(dead);
    Ok(Listener::new_in(hub, index, kind))
}

/// Connects by name: `godot`'s own `connect` keeps a clone of the callable in the editor, and so its drop would not tell
/// that the emitter was freed.
fn connect_by_name(
    emitter: &mut Gd<Object>,
    signal: &StringName,
    callable: &Callable,
    flags: Option<ConnectFlags>,
) {
    let flags = flags.map_or(0, |flags| flags.ord() as i64);
    emitter.call("connect", &[signal.to_variant(), callable.to_variant(), flags.to_variant()]);
}

/// Takes a connection out of the map.
fn forget(signal: &Signal, hub: &Arc<Hub>) -> Option<Connection> {
    let id = signal.object_id()?;
    CONNECTIONS.with_borrow_mut(|connections| {
        let of_object = connections.get_mut(&id)?;
        let index = of_object.iter().position(|connection| Arc::ptr_eq(&connection.hub, hub))?;
        let connection = of_object.remove(index);
        if of_object.is_empty() {
            connections.remove(&id);
        }
        Some(connection)
    })
}

/// Gives a connection up: disconnects what the game has not disconnected itself.
fn give_up(connection: &Connection) {
    let Connection { signal, hub, probe, .. } = connection;
    let emitter = signal.object_id().map(Gd::<Object>::try_from_instance_id);
    let Some(Ok(mut emitter)) = emitter else { return };
    let name = signal.name();
    let twin = Resolver::callable(hub, signal, false);
    for callable in [&twin].into_iter().chain(probe) {
        if emitter.is_connected(&name, callable) {
            emitter.call("disconnect", &[name.to_variant(), callable.to_variant()]);
        }
    }
}

/// Gives all connections up, before the code is unloaded.
pub(crate) fn disconnect_all() {
    UNARMED.take();
    CONNECTIONS.take().into_values().flatten().for_each(|connection| give_up(&connection));
}

/// The callable that a signal calls. Dropped, it marks its hub as dead: the one sign of a freed emitter that always
/// comes.
struct Resolver {
    hub: Arc<Hub>,
    /// What it is connected to, for giving that up.
    signal: ThreadConfined<Signal>,
    /// Whether it is the connected one, and not a twin that finds it.
    connected: bool,
}

impl Resolver {
    fn callable(hub: &Arc<Hub>, signal: &Signal, connected: bool) -> Callable {
        let signal = ThreadConfined::new(signal.clone());
        Callable::from_custom(Self { hub: hub.clone(), signal, connected })
    }
}

impl RustCallable for Resolver {
    // `&mut self` may exist twice here, when an emission is nested in another: nothing is changed through it.
    fn invoke(&mut self, args: &[&Variant]) -> Variant {
        if engine::is_open() {
            if !self.hub.deliver(args)
                && let Some(signal) = self.signal.get()
                && let Some(connection) = forget(signal, &self.hub)
            {
                give_up(&connection);
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
            && let Some(signal) = self.signal.get()
        {
            drop(forget(signal, &self.hub));
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

/// A callable that is connected for one emission and never called: where it is still connected, no emission has begun
/// since, on any thread. Godot passes over callables that are not valid, but connects only valid ones.
struct Probe {
    valid: Arc<AtomicBool>,
}

impl Probe {
    /// Makes a probe, and connects it.
    fn connected(emitter: &mut Gd<Object>, signal: &StringName) -> Callable {
        let valid = Arc::new(AtomicBool::new(true));
        let callable = Callable::from_custom(Self { valid: valid.clone() });
        connect_by_name(emitter, signal, &callable, Some(ConnectFlags::ONE_SHOT));
        valid.store(false, Ordering::Relaxed);
        callable
    }
}

impl RustCallable for Probe {
    fn invoke(&mut self, _args: &[&Variant]) -> Variant {
        Variant::nil()
    }

    fn callable_name(&self) -> Cow<'static, str> {
        Cow::Borrowed("cuelight's probe of a signal")
    }

    fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Relaxed)
    }
}

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.valid, &other.valid)
    }
}

impl Hash for Probe {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.valid).hash(state);
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cuelight's probe of a signal")
    }
}
