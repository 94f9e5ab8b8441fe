//! The checks that all combinators share.

use std::cell::RefCell;
use std::fmt::Debug;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use cuelight_runtime::{TaskGroup, spawn};

use crate::common::{Log, World, panic_of};

/// How many polls, or frames, a future gets to be ready.
const PATIENCE: usize = 100;

/// Makes a future of parts that write into a log, and checks its output and all that happened: alone
/// in somebody else's executor, and as a task. `done` stands where the future was ready.
#[track_caller]
pub fn check<F>(make: impl Fn(&Log) -> F, output: F::Output, events: &[&str])
where
    F: Future + 'static,
    F::Output: PartialEq + Debug + 'static,
{
    let log = Log::new();
    {
        let _world = World::start();
        let mut future = pin!(make(&log));
        let mut cx = Context::from_waker(Waker::noop());
        let found = (0..PATIENCE).find_map(|_| match future.as_mut().poll(&mut cx) {
            Poll::Ready(found) => Some(found),
            Poll::Pending => None,
        });
        log.push("done");
        assert_eq!(found.as_ref(), Some(&output), "alone");
    }
    log.check(events);

    let world = World::start();
    let future = make(&log);
    let (inner, found) = (log.clone(), Rc::new(RefCell::new(None)));
    let place = found.clone();
    spawn(async move {
        let output = future.await;
        inner.push("done");
        *place.borrow_mut() = Some(output);
    })
    .detach();
    for _ in 0..PATIENCE {
        world.tick();
    }
    assert_eq!(found.borrow().as_ref(), Some(&output), "as a task");
    log.check(events);
}

/// Checks what is dropped, and in which order, when a future is dropped after its first poll: alone,
/// and by cancelling its task.
#[track_caller]
pub fn check_drop<F>(make: impl Fn(&Log) -> F, events: &[&str])
where
    F: Future + 'static,
    F::Output: 'static,
{
    let log = Log::new();
    {
        let _world = World::start();
        // Not pinned to the stack, since it is dropped here.
        let mut future = Box::pin(make(&log));
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        log.push("dropped");
        drop(future);
    }
    log.check(events);

    let world = World::start();
    let task = spawn(make(&log));
    log.push("dropped");
    task.cancel();
    world.flush();
    log.check(events);
}

/// Checks that polling a future after it was ready panics with the sentence that all share.
#[track_caller]
pub fn check_panic_after_done<F: Future>(make: impl FnOnce() -> F) {
    let _world = World::start();
    let mut future = pin!(make());
    let mut cx = Context::from_waker(Waker::noop());
    while future.as_mut().poll(&mut cx).is_pending() {}
    let (message, _) = panic_of(|| future.as_mut().poll(&mut cx).is_ready());
    assert_eq!(message, "a future was polled after it was ready");
}

/// Checks that a future of frames and times that ends in its second frame makes no step while its
/// group is frozen, and that it goes on from there.
#[track_caller]
pub fn check_frozen<F>(make: impl FnOnce() -> F)
where
    F: Future + 'static,
    F::Output: 'static,
{
    let world = World::start();
    let group = TaskGroup::new();
    let future = make();
    let task = group.spawn(future);
    world.tick();
    group.pause();
    world.ticks(1_000);
    assert!(!task.is_finished(), "it was frozen");
    group.resume();
    world.flush();
    assert!(!task.is_finished(), "its second frame is still to come");
    world.tick();
    assert!(task.is_finished());
}

/// Checks that a future leaves no wait on any clock when it is ready and dropped.
#[track_caller]
pub fn check_leaves_nothing<F>(make: impl Fn() -> F + 'static)
where
    F: Future + 'static,
    F::Output: 'static,
{
    let world = World::start();
    let task = spawn(async move {
        make().await;
        let waits = cuelight_runtime::engine::counts().waits;
        // And when it is dropped before.
        let dropped = make();
        let mut dropped = Box::pin(dropped);
        let _ = std::future::poll_fn(|cx| Poll::Ready(dropped.as_mut().poll(cx).is_ready())).await;
        drop(dropped);
        (waits, cuelight_runtime::engine::counts().waits)
    });
    world.ticks(PATIENCE);
    assert_eq!(task.take(), Some(Ok((0, 0))));
}

/// Checks that a future of which a part panics panics with it, and what is dropped then, at the latest with the future:
/// alone, and as a task.
#[track_caller]
pub fn check_panic<F>(make: impl Fn(&Log) -> F, events: &[&str])
where
    F: Future + 'static,
    F::Output: 'static,
{
    let log = Log::new();
    {
        let _world = World::start();
        let mut future = Box::pin(make(&log));
        let mut cx = Context::from_waker(Waker::noop());
        let (message, _) = panic_of(|| while future.as_mut().poll(&mut cx).is_pending() {});
        assert_eq!(message, "boo");
    }
    log.check(events);

    let world = World::start();
    spawn(make(&log)).detach();
    world.ticks(PATIENCE);
    world.check_reports(&["boo"]);
    log.check(events);
}

/// Checks what is dropped when a future is dropped after its first poll, and a part panics at that.
#[track_caller]
pub fn check_panic_in_drop<F>(make: impl Fn(&Log) -> F, events: &[&str])
where
    F: Future + 'static,
{
    let (_world, log) = (World::start(), Log::new());
    let mut future = Box::pin(make(&log));
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    log.push("dropped");
    assert_eq!(panic_of(|| drop(future)).0, "boo");
    log.check(events);
}

/// Checks that a future is never ready, and waits for nothing.
#[track_caller]
pub fn check_never<F>(make: impl Fn() -> F)
where
    F: Future + 'static,
    F::Output: 'static,
{
    let world = World::start();
    let task = spawn(make());
    world.ticks(PATIENCE);
    assert!(!task.is_finished());
    assert_eq!(cuelight_runtime::engine::counts().waits, 0);
    let (counted, waker) = crate::common::CountedWaker::new();
    let mut future = Box::pin(make());
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!((counted.count(), std::sync::Arc::strong_count(&counted)), (0, 2));
}
