//! Hubs: one for each connection to a signal, with all who wait on it.
//!
//! Invariants:
//! 1. An emission is delivered to the listeners that existed when it began, in the order of their creation. Each gets
//!    its own copy of the arguments, to be converted where it is polled.
//! 2. Off the main thread nothing of Godot is touched: there a hub only takes down that its signal was emitted, or that
//!    its emitter is gone.
//! 3. The lock is not held while a waker is cloned, woken or dropped, nor while an argument is dropped.

use std::cell::Cell;
use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use cuelight_runtime::ThreadConfined;
use godot::builtin::Variant;
use godot::obj::InstanceId;
use smallvec::SmallVec;

use super::SignalError;

/// The arguments of an emission; few enough fit without an allocation.
pub(crate) type Args = SmallVec<[Variant; 4]>;

thread_local! {
    /// The order of deliveries over all hubs.
    static DELIVERIES: Cell<u64> = const { Cell::new(0) };

    /// Memory for the wakers of an emission.
    static WAKERS: Cell<Vec<Waker>> = const { Cell::new(Vec::new()) };
}

/// What a listener waits for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Kind {
    /// The next emission.
    #[default]
    Emission,
    /// All emissions.
    Emissions,
}

/// An emission, as a listener gets it.
pub(super) enum Arrived {
    /// Emission is the so-many-th of all, with its arguments.
    Here(u64, ThreadConfined<Args>),
    /// Emission was made on another thread, where its arguments could not be taken.
    Elsewhere,
}

impl Arrived {
    /// Takes the arguments of an emission of `signal`.
    pub(super) fn read<T>(
        &self,
        signal: &str,
        convert: impl FnOnce(&[Variant], &str) -> Result<T, SignalError>,
    ) -> Result<T, SignalError> {
        let args = match self {
            Self::Here(_, args) => args.get(),
            Self::Elsewhere => None,
        };
        let elsewhere = || SignalError::OtherThread { signal: signal.to_owned() };
        convert(args.ok_or_else(elsewhere)?, signal)
    }
}

/// An emission, as it is made.
#[derive(Clone, Copy)]
enum Emission<'a> {
    Here(u64, &'a [&'a Variant]),
    Elsewhere,
}

impl Emission<'_> {
    /// Writes a copy where there is none. The arguments are put in place, since all of them together are large.
    fn write(self, place: &mut Option<Arrived>) {
        let Self::Here(order, args) = self else {
            *place = Some(Arrived::Elsewhere);
            return;
        };
        let empty = Arrived::Here(order, ThreadConfined::new(Args::new()));
        if let Arrived::Here(_, copy) = place.insert(empty)
            && let Some(copy) = copy.get_mut()
        {
            copy.extend(args.iter().map(|&arg| arg.clone()));
        }
    }

    fn to_arrived(self) -> Arrived {
        let mut place = None;
        self.write(&mut place);
        place.unwrap_or(Arrived::Elsewhere)
    }
}

/// All who wait on one connection.
pub(super) struct Hub {
    /// The signal, as `Class.signal`.
    pub(super) label: String,
    /// The object whose signal it is.
    pub(super) emitter: InstanceId,
    shared: Mutex<Shared>,
}

struct Shared {
    /// Who waits. They are used again where they lie, since what an entry can keep is large.
    entries: Vec<Entry>,
    /// Those entries that nobody has.
    empty: Vec<usize>,
    /// Who waits, in the order of creation, each with its number; those that are gone are left out when it is read.
    waiting: SmallVec<[(usize, u64); 2]>,
    created: u64,
    /// The number of the last listener that what arrives now was emitted after.
    armed: u64,
    /// Set when the emitter was freed.
    dead: bool,
}

/// One who waits.
#[derive(Default)]
struct Entry {
    /// None where nobody has the entry.
    number: Option<NonZeroU64>,
    kind: Kind,
    /// Whether only the latest of all emissions is kept.
    latest: bool,
    waker: Option<Waker>,
    /// The next emission to be taken.
    next: Option<Arrived>,
    /// What has come after it, where all are waited for.
    more: VecDeque<Arrived>,
}

impl Entry {
    /// Returns whether it is the entry of the listener of that number.
    fn is(&self, number: u64) -> bool {
        self.number.is_some_and(|own| own.get() == number)
    }
}

/// What an emission has found.
#[derive(Default)]
struct Found {
    /// Whether somebody was there, or still is.
    somebody: bool,
    wakers: Vec<Waker>,
    /// What was kept for those who keep the latest only.
    outdated: SmallVec<[Arrived; 1]>,
}

impl Hub {
    /// Makes the hub of a new connection. What arrives through a deferred one goes only to those that are
    /// [armed](Self::arm), and to the first.
    pub(super) fn new(label: String, emitter: InstanceId, is_deferred: bool) -> Self {
        let shared = Shared {
            entries: Vec::new(),
            empty: Vec::new(),
            waiting: SmallVec::new(),
            created: 0,
            armed: if is_deferred { 1 } else { u64::MAX },
            dead: false,
        };
        Self { label, emitter, shared: Mutex::new(shared) }
    }

    /// Adds a listener, and returns its index and its number; `None` if the emitter is gone.
    pub(super) fn add(&self, kind: Kind) -> Option<(usize, u64)> {
        let mut shared = self.lock();
        (!shared.dead).then(|| shared.add(kind))
    }

    /// Takes a listener out.
    pub(super) fn remove(&self, index: usize) {
        let left = self.lock().remove(index);
        drop(left);
    }

    /// Notes that what arrives from now on was emitted after this listener, and all before it, were made.
    pub(super) fn arm(&self, number: u64) {
        self.lock().armed = number;
    }

    /// Tells of the wakers that wait.
    pub(super) fn list_waits(&self, found: &mut dyn FnMut(&Waker, &str)) {
        let what = format!("signal {}", self.label);
        // They are looked at only, as the third invariant has it.
        let shared = self.lock();
        let wakers = shared.entries.iter().filter_map(|entry| entry.waker.as_ref());
        wakers.for_each(|waker| found(waker, &what));
    }

    pub(super) fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// Delivers an emission. Returns whether somebody was there, or still is.
    pub(super) fn deliver(&self, args: &[&Variant]) -> bool {
        let order = DELIVERIES.get() + 1;
        DELIVERIES.set(order);
        self.hand_out(Emission::Here(order, args))
    }

    /// Takes down an emission on another thread.
    pub(super) fn deliver_elsewhere(&self) {
        self.hand_out(Emission::Elsewhere);
    }

    /// Takes down the emitter's end, on any thread.
    pub(super) fn die(&self) {
        let mut wakers = Vec::new();
        {
            let mut shared = self.lock();
            shared.dead = true;
            let waiting = mem::take(&mut shared.waiting);
            for (index, number) in waiting {
                wakers.extend(shared.find(index, number).and_then(|entry| entry.waker.take()));
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Takes what has arrived for a listener; `None` if nothing comes any more. Until something does, the waker is kept.
    /// A listener for one emission is taken out with it.
    pub(super) fn take(&self, index: usize, waker: Waker) -> Option<Option<Arrived>> {
        let mut shared = self.lock();
        let is_dead = shared.dead;
        let entry = &mut shared.entries[index];
        if let Some(arrived) = entry.next.take() {
            if !entry.more.is_empty() {
                entry.next = entry.more.pop_front();
            }
            let spent = (entry.kind == Kind::Emission).then(|| shared.remove(index));
            drop(shared);
            drop(spent);
            return Some(Some(arrived));
        }
        if is_dead {
            return Some(None);
        }
        let former = entry.waker.replace(waker);
        drop(shared);
        drop(former);
        None
    }

    /// Returns the place of a listener's emission in the order of all, if it has come.
    pub(super) fn order(&self, index: usize) -> Option<u64> {
        match self.lock().entries[index].next {
            Some(Arrived::Here(order, _)) => Some(order),
            _ => None,
        }
    }

    /// Has only the latest of a listener's emissions kept from now on.
    pub(super) fn keep_latest(&self, index: usize) {
        let mut shared = self.lock();
        let entry = &mut shared.entries[index];
        entry.latest = true;
        let outdated = match entry.more.pop_back() {
            Some(latest) => (entry.next.replace(latest), mem::take(&mut entry.more)),
            None => (None, VecDeque::new()),
        };
        drop(shared);
        drop(outdated);
    }

    fn hand_out(&self, emission: Emission<'_>) -> bool {
        // A nested emission finds this empty, and makes its own.
        let mut found = Found { wakers: WAKERS.take(), ..Found::default() };
        self.lock().hand_out(emission, &mut found);
        let Found { somebody, mut wakers, outdated } = found;
        wakers.drain(..).for_each(Waker::wake);
        drop(outdated);
        WAKERS.set(wakers);
        somebody
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn add(&mut self, kind: Kind) -> (usize, u64) {
        self.created += 1;
        let number = self.created;
        // Who gave up waiting is left out now and then, so that the list stays as long as it has to be.
        let count = self.entries.len() - self.empty.len();
        if self.waiting.len() >= 16 && self.waiting.len() >= 2 * count {
            let entries = &self.entries;
            self.waiting.retain(|&mut (index, number)| entries[index].is(number));
        }
        let index = self.empty.pop().unwrap_or_else(|| {
            self.entries.push(Entry::default());
            self.entries.len() - 1
        });
        let entry = &mut self.entries[index];
        entry.number = NonZeroU64::new(number);
        entry.kind = kind;
        entry.latest = false;
        self.waiting.push((index, number));
        (index, number)
    }

    /// Takes a listener out. What is left of it is handed back, to be dropped without the lock.
    fn remove(&mut self, index: usize) -> (Option<Waker>, Option<Arrived>, VecDeque<Arrived>) {
        let entry = &mut self.entries[index];
        entry.number = None;
        self.empty.push(index);
        (entry.waker.take(), entry.next.take(), mem::take(&mut entry.more))
    }

    fn find(&mut self, index: usize, number: u64) -> Option<&mut Entry> {
        self.entries.get_mut(index).filter(|entry| entry.is(number))
    }

    /// Hands an emission out to those who wait for it.
    fn hand_out(&mut self, emission: Emission<'_>, found: &mut Found) {
        let Self { entries, waiting, armed, .. } = self;
        waiting.retain(|&mut (index, number)| {
            let entry = &mut entries[index];
            if !entry.is(number) {
                return false;
            }
            found.somebody = true;
            if number > *armed {
                return true;
            }
            found.wakers.extend(entry.waker.take());
            if entry.next.is_none() {
                emission.write(&mut entry.next);
            } else if entry.latest {
                found.outdated.extend(entry.next.replace(emission.to_arrived()));
            } else {
                entry.more.push_back(emission.to_arrived());
            }
            entry.kind != Kind::Emission
        });
    }
}
