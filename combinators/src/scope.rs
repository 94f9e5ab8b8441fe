//! Scripts beside the script that end with it, and may borrow from it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::BoxFuture;
use crate::utils::POLLED_AFTER_COMPLETION;

/// Runs a body with a scope for children, which may borrow what lives outside of the scope; those that are left are
/// dropped when the body ends.
///
/// The body and its children are one future, and so one task: they are on one clock, and end together. In each poll the
/// body comes first, then the children in the order of their spawns; a child that is spawned meanwhile has its first
/// poll in the same one. When children have become ready, the body is polled again at once, and so are the children
/// that await them: awaiting a [`Child`] costs no frame.
///
/// When the body ends, the children that are left are dropped, in the order of their spawns, before `scope` returns.
/// When the scope itself is dropped, the children are dropped first, likewise, and then the body: so what the guards of
/// the body put back is put back last. (A body that ends has dropped its own guards before: what has to outlive the
/// children belongs outside of the scope.) A panic in a child goes through the scope, as one in its body does.
///
/// It allocates for itself and for each child, and nothing between. Children that need not borrow can be tasks:
/// [`branch`](crate::branch). A fixed number of them is a [`join`](crate::join()), which allocates nothing.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{scope, wait_frames};
///
/// # run(async {
/// let shots = Cell::new(0);
/// let won = scope(async |s| {
///     s.spawn(async {
///         loop {
///             wait_frames(1).await;
///             shots.set(shots.get() + 1); // It borrows.
///         }
///     });
///     let boss = s.spawn(async {
///         wait_frames(10).await;
///         "down"
///     });
///     boss.await
/// })
/// .await;
/// assert_eq!((won, shots.get()), ("down", 10));
/// # });
/// ```
///
/// What lives in the body is gone before its children are, so they cannot borrow it; move it into the child, or make it
/// outside of the scope:
/// ```compile_fail,E0373
/// # use std::cell::Cell;
/// # use cuelight_combinators::scope;
/// # async fn script() {
/// scope(async |s| {
///     let shots = Cell::new(0);
///     s.spawn(async { shots.set(1) });
/// })
/// .await;
/// # }
/// ```
pub async fn scope<'env, T>(body: impl AsyncFnOnce(Scope<'env>) -> T) -> T {
    let shared = Rc::new(Shared { spawned: RefCell::default(), hub: Rc::new(Hub::new()) });
    let mut body = pin!(body(Scope { shared: shared.clone() }));
    // Behind the body, so that it is dropped before it.
    let mut children = Children { shared, list: Vec::new() };
    poll_fn(|cx| children.poll(body.as_mut(), cx)).await
}

/// A cloneable handle to a running [`scope`]: children can spawn further children. Dropping it does nothing.
///
/// A handle that outlives its scope spawns nothing: the future is dropped at once, and awaiting its [`Child`] panics.
#[derive(Clone)]
pub struct Scope<'env> {
    shared: Rc<Shared<'env>>,
}

impl<'env> Scope<'env> {
    /// Starts a child of the scope, which is polled for the first time after the body, in the same poll of the scope.
    ///
    /// It is a child of the whole scope, whoever spawns it: one that a child has spawned lives on when that has ended.
    /// Dropping what this returns changes nothing: the child goes on until the body ends.
    ///
    /// When the scope has ended, the future is dropped at once.
    pub fn spawn<T: 'env>(&self, future: impl Future<Output = T> + 'env) -> Child<T> {
        let hub = &self.shared.hub;
        let state = Rc::new(ChildState {
            outcome: Cell::new(Outcome::Running),
            waiter: Cell::new(None),
            hub: hub.clone(),
        });
        let end = End(state.clone());
        if !hub.is_open.get() {
            // Its end is dropped with it.
            drop((future, end));
            return Child { state };
        }
        let future = Box::pin(async move {
            let output = future.await;
            end.give(output);
        });
        let number = hub.next_number();
        self.shared.spawned.borrow_mut().push(Spawned {
            number,
            is_new: true,
            future: Some(future),
        });
        if hub.polled.get().is_none() {
            // Somebody from outside: the scope has to be polled.
            hub.wake();
        }
        Child { state }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_open = self.shared.hub.is_open.get();
        f.debug_struct("Scope").field("is_open", &is_open).finish_non_exhaustive()
    }
}

/// Future of a child's output: see [`Scope::spawn`]. Dropping it changes nothing: the child goes on.
///
/// # Panics
/// If it is polled after it was ready, or when its scope has ended before the child was ready.
pub struct Child<T> {
    state: Rc<ChildState<T>>,
}

impl<T> Child<T> {
    /// Returns whether the child has ended: it was ready, or was dropped with its scope.
    pub fn is_finished(&self) -> bool {
        let outcome = self.state.outcome.replace(Outcome::Taken);
        let is_finished = !matches!(outcome, Outcome::Running);
        self.state.outcome.set(outcome);
        is_finished
    }
}

impl<T> Future for Child<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let state = &self.state;
        match state.outcome.replace(Outcome::Taken) {
            Outcome::Ready(output) => Poll::Ready(output),
            Outcome::Running => {
                state.outcome.set(Outcome::Running);
                state.register(cx.waker());
                Poll::Pending
            }
            Outcome::Dropped => {
                state.outcome.set(Outcome::Dropped);
                panic!(
                    "a child was awaited whose scope has ended before the child was ready: a scope drops the children \
                     that are left when its body ends, and takes no new ones; await it inside of the body"
                );
            }
            Outcome::Taken => panic!("{POLLED_AFTER_COMPLETION}"),
        }
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("is_finished", &self.is_finished()).finish_non_exhaustive()
    }
}

// ---------------------------------------------------------------- The children

/// The number that the body has among the parts of a scope; the children have those after it.
const BODY: u64 = 0;

/// What a scope and its handles share.
struct Shared<'env> {
    /// The children that the scope has not taken over yet.
    spawned: RefCell<Vec<Spawned<'env>>>,
    hub: Rc<Hub>,
}

/// A child in its scope.
struct Spawned<'env> {
    number: u64,
    /// Set until its first poll.
    is_new: bool,
    /// None when it has been ready.
    future: Option<BoxFuture<'env, ()>>,
}

/// The children that live in a scope's future: not in what is shared, since they may hold handles to it.
struct Children<'env> {
    shared: Rc<Shared<'env>>,
    list: Vec<Spawned<'env>>,
}

impl Children<'_> {
    /// Polls the body and the children, until nobody of them waits for what is there.
    fn poll<T>(
        &mut self,
        mut body: Pin<&mut impl Future<Output = T>>,
        cx: &mut Context<'_>,
    ) -> Poll<T> {
        let hub = self.shared.hub.clone();
        hub.set_waker(cx.waker());
        let mut is_first = true;
        let polled = loop {
            hub.polled.set(Some(BODY));
            let polled = body.as_mut().poll(cx);
            if polled.is_ready() || !self.poll_children(&hub, is_first, cx) {
                break polled;
            }
            is_first = false;
        };
        hub.polled.set(None);
        if polled.is_ready() {
            self.end();
        }
        polled
    }

    /// Polls the children: all of them, or those that are new or wait for one that is ready. Returns whether any has
    /// become ready.
    fn poll_children(&mut self, hub: &Hub, all: bool, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        let mut index = 0;
        loop {
            self.list.append(&mut self.shared.spawned.borrow_mut());
            let Some(child) = self.list.get_mut(index) else {
                break;
            };
            index += 1;
            let is_woken = hub.take_woken(child.number);
            let is_new = std::mem::replace(&mut child.is_new, false);
            if let Some(future) = &mut child.future
                && (all || is_new || is_woken)
            {
                hub.polled.set(Some(child.number));
                if future.as_mut().poll(cx).is_ready() {
                    any = true;
                    child.future = None;
                }
            }
        }
        if any {
            self.list.retain(|child| child.future.is_some());
        }
        any
    }

    /// Closes the scope, and drops the children that are left.
    fn end(&mut self) {
        self.shared.hub.is_open.set(false);
        drop(self.shared.hub.waker.take());
        drop(std::mem::take(&mut self.list));
        drop(self.shared.spawned.take());
    }
}

impl Drop for Children<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the children of a scope need of it, whatever they borrow.
struct Hub {
    /// Set until the body ends or the scope is dropped.
    is_open: Cell<bool>,
    /// The number of the part that is being polled.
    polled: Cell<Option<u64>>,
    /// The children that wait for others that are ready now.
    woken: RefCell<Vec<u64>>,
    /// Whom the scope was polled by last.
    waker: Cell<Option<Waker>>,
    spawned: Cell<u64>,
}

impl Hub {
    fn new() -> Self {
        Self {
            is_open: Cell::new(true),
            polled: Cell::new(None),
            woken: RefCell::default(),
            waker: Cell::new(None),
            spawned: Cell::new(BODY),
        }
    }

    fn next_number(&self) -> u64 {
        self.spawned.set(self.spawned.get() + 1);
        self.spawned.get()
    }

    fn set_waker(&self, waker: &Waker) {
        if !self.is_polled_by(waker) {
            drop(self.waker.replace(Some(waker.clone())));
        }
    }

    /// Returns whether it is the scope's own poll that this waker is from.
    fn is_polled_by(&self, waker: &Waker) -> bool {
        let own = self.waker.take();
        let is_same = own.as_ref().is_some_and(|own| own.will_wake(waker));
        self.waker.set(own);
        is_same
    }

    fn wake(&self) {
        let own = self.waker.take();
        let waker = own.clone();
        self.waker.set(own);
        // Nothing is taken out meanwhile: an executor may poll the scope from here.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn take_woken(&self, number: u64) -> bool {
        let mut woken = self.woken.borrow_mut();
        let before = woken.len();
        woken.retain(|&other| other != number);
        woken.len() < before
    }
}

/// What a child and the future of its output share.
struct ChildState<T> {
    outcome: Cell<Outcome<T>>,
    waiter: Cell<Option<Waiter>>,
    hub: Rc<Hub>,
}

/// What has become of a child.
enum Outcome<T> {
    /// Child is alive.
    Running,
    /// Child was ready.
    Ready(T),
    /// Child was ready, and its output has been taken.
    Taken,
    /// Child was dropped before it was ready.
    Dropped,
}

/// Who waits for a child.
enum Waiter {
    /// A part of the scope, by its number.
    Part(u64),
    /// Somebody else.
    Other(Waker),
}

impl<T> ChildState<T> {
    /// Notes who waits.
    fn register(&self, waker: &Waker) {
        let part = self.hub.polled.get().filter(|_| self.hub.is_polled_by(waker));
        let waiter = match (part, self.waiter.take()) {
            (Some(number), _) => Waiter::Part(number),
            (None, Some(Waiter::Other(former))) if former.will_wake(waker) => Waiter::Other(former),
            (None, _) => Waiter::Other(waker.clone()),
        };
        self.waiter.set(Some(waiter));
    }

    /// Wakes who waits.
    fn wake(&self) {
        match self.waiter.take() {
            // It is polled again whenever a child is ready.
            None | Some(Waiter::Part(BODY)) => {}
            Some(Waiter::Part(number)) => self.hub.woken.borrow_mut().push(number),
            Some(Waiter::Other(waker)) => waker.wake(),
        }
    }
}

/// The end of a child: tells who waits for it, also if the child is dropped.
struct End<T>(Rc<ChildState<T>>);

impl<T> End<T> {
    fn give(self, output: T) {
        self.0.outcome.set(Outcome::Ready(output));
        self.0.wake();
    }
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        match self.0.outcome.replace(Outcome::Taken) {
            Outcome::Running => {
                self.0.outcome.set(Outcome::Dropped);
                self.0.wake();
            }
            outcome => self.0.outcome.set(outcome),
        }
    }
}
