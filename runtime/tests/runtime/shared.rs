//! Shared tasks: several who await one result.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use cuelight_runtime::{
    SharedTask, TaskError, TaskGroup, engine, next_frame, spawn, spawn_deferred, wait_frames,
};

use crate::common::{CountedWaker, Guard, Log, OnDrop, World, panic_of, poll_once};

/// Spawns a task that pushes the result under its name.
fn listener(log: &Log, name: &'static str, shared: SharedTask<i32>) {
    let log = log.clone();
    spawn(async move { log.push(format!("{name} {:?}", shared.await)) }).detach();
}

#[test]
fn all_get_the_result_in_the_order_of_their_first_polls() {
    let (world, log) = (World::start(), Log::new());
    let shared = spawn(async {
        wait_frames(2).await;
        7
    })
    .shared();
    let late = shared.clone();
    listener(&log, "a", shared.clone());
    listener(&log, "b", shared.clone());
    world.tick();
    listener(&log, "c", late);
    log.check(&[]);
    world.tick();
    log.check(&["a Ok(7)", "b Ok(7)", "c Ok(7)"]);
    // And who comes later has it at once.
    listener(&log, "d", shared.clone());
    log.check(&["d Ok(7)"]);
    assert!(shared.is_finished());
}

#[test]
fn polled_again_keeps_its_place() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(pending::<i32>());
    let canceller = task.canceller();
    let shared = task.shared();
    let (mut first, mut second) = (shared.clone(), shared);
    let wakers = ["first", "second", "third"].map(|name| {
        let (log, place) = (log.clone(), Rc::new(RefCell::new(None)));
        let inner = place.clone();
        spawn(async move {
            *inner.borrow_mut() = Some(crate::common::my_waker().await);
            let mut begun = false;
            std::future::poll_fn(move |_| match std::mem::replace(&mut begun, true) {
                false => Poll::Pending,
                true => Poll::Ready(()),
            })
            .await;
            log.push(name);
        })
        .detach();
        place.take().unwrap()
    });
    let poll = |shared: &mut SharedTask<i32>, waker| {
        assert!(Pin::new(shared).poll(&mut Context::from_waker(waker)).is_pending());
    };
    poll(&mut first, &wakers[0]);
    poll(&mut second, &wakers[1]);
    // With another waker now: it is woken instead, in the same place.
    poll(&mut first, &wakers[2]);
    canceller.cancel();
    world.flush();
    log.check(&["third", "second"]);
    assert_eq!(poll_once(&mut first), Poll::Ready(Err(TaskError::Cancelled)));
}

#[test]
fn drop_of_one_ends_no_wait_of_the_others() {
    let (world, log) = (World::start(), Log::new());
    let shared = spawn(async {
        next_frame().await;
        7
    })
    .shared();
    listener(&log, "a", shared.clone());
    let dropped = spawn(shared.clone());
    listener(&log, "b", shared);
    dropped.cancel();
    world.tick();
    log.check(&["a Ok(7)", "b Ok(7)"]);
}

#[test]
fn drop_of_all_detaches() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let shared = spawn(async move {
        next_frame().await;
        inner.push("went on");
    })
    .shared();
    let mut awaited = shared.clone();
    assert!(poll_once(&mut awaited).is_pending());
    drop((shared, awaited));
    world.tick();
    log.check(&["went on"]);
}

#[test]
fn ends_of_every_kind() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let cancelled = group.spawn(pending::<i32>()).shared();
    let mut is_broken = true;
    let panicked = spawn(async move {
        next_frame().await;
        assert!(!std::mem::take(&mut is_broken), "boo");
        0
    });
    let failed = spawn(async {
        next_frame().await;
        cuelight_runtime::fail_task("no door");
        pending::<i32>().await
    });
    listener(&log, "cancelled", cancelled);
    listener(&log, "panicked", panicked.shared());
    listener(&log, "failed", failed.shared());
    group.close();
    world.tick();
    log.check(&[
        "cancelled Err(Cancelled)",
        "panicked Err(Panicked)",
        "failed Err(Failed(\"no door\"))",
    ]);
    world.check_reports(&["boo", "no door"]);
}

#[test]
fn frozen_waits_for_the_resume() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let shared = spawn(async {
        next_frame().await;
        7
    })
    .shared();
    let (inner, held) = (log.clone(), shared.clone());
    group.spawn(async move { inner.push(format!("frozen {:?}", held.await)) }).detach();
    listener(&log, "other", shared);
    group.pause();
    world.ticks(3);
    log.check(&["other Ok(7)"]);
    group.resume();
    world.flush();
    log.check(&["frozen Ok(7)"]);
}

#[test]
fn in_somebody_elses_executor() {
    let world = World::start();
    let mut shared = spawn(next_frame()).shared();
    let mut other = shared.clone();
    let (counted, waker) = CountedWaker::new();
    assert!(Pin::new(&mut shared).poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(Pin::new(&mut other).poll(&mut Context::from_waker(&waker)).is_pending());
    world.tick();
    assert_eq!(counted.count(), 2);
    assert_eq!(poll_once(&mut shared), Poll::Ready(Ok(())));
    assert_eq!(poll_once(&mut other), Poll::Ready(Ok(())));
}

#[test]
fn panic_after_done() {
    let _world = World::start();
    let mut shared = spawn(async { 7 }).shared();
    assert_eq!(poll_once(&mut shared), Poll::Ready(Ok(7)));
    // A clone of it begins anew.
    assert_eq!(poll_once(&mut shared.clone()), Poll::Ready(Ok(7)));
    let (message, _) = panic_of(|| poll_once(&mut shared));
    assert!(message.contains("polled after it was ready"), "{message}");
}

#[test]
fn awaiting_what_was_taken_panics() {
    let _world = World::start();
    let task = spawn(async { 7 });
    assert_eq!(task.take(), Some(Ok(7)));
    let (message, _) = panic_of(|| poll_once(&mut task.shared()));
    assert!(message.contains("polled after it was ready"), "{message}");
}

#[test]
fn shared_while_it_is_awaited() {
    let world = World::start();
    let mut task = spawn(next_frame());
    assert!(poll_once(&mut task).is_pending());
    let mut shared = task.shared();
    assert!(poll_once(&mut shared).is_pending());
    world.tick();
    assert_eq!(poll_once(&mut shared), Poll::Ready(Ok(())));
}

/// A result whose clone and drop do something.
struct Lively(Rc<dyn Fn(&str)>);

impl Clone for Lively {
    fn clone(&self) -> Self {
        self.0("clone");
        Self(self.0.clone())
    }
}

impl Drop for Lively {
    fn drop(&mut self) {
        self.0("drop");
    }
}

#[test]
fn clones_and_drops_may_come_back() {
    let (world, log) = (World::start(), Log::new());
    let place: Rc<RefCell<Option<SharedTask<Lively>>>> = Rc::default();
    let (inner, seen, depth) = (log.clone(), place.clone(), Rc::new(Cell::new(0)));
    let lively = Lively(Rc::new(move |event| {
        inner.push(event);
        // Who is cloned asks for another clone, once, and spawns a task that waits for one, too.
        if event == "clone" && depth.replace(depth.get() + 1) == 0 {
            let mut shared = seen.borrow().clone().unwrap();
            assert!(poll_once(&mut shared).is_ready());
            spawn(async move {
                let again = shared.clone().await;
                drop(again);
            })
            .detach();
        }
    }));
    let shared = spawn(async move {
        next_frame().await;
        lively
    })
    .shared();
    *place.borrow_mut() = Some(shared.clone());
    let result = spawn(shared);
    world.tick();
    log.check(&["clone", "clone", "drop", "clone", "drop"]);
    drop(result.take());
    log.check(&["drop"]);
    // The task that is spawned, and what is kept in the place, have the last of it.
    place.take();
    log.check(&["drop"]);
}

#[test]
fn a_clone_that_panics_ends_only_its_task() {
    let (world, log) = (World::start(), Log::new());
    let mut is_first = true;
    let broken = Rc::new(RefCell::new(move || std::mem::take(&mut is_first)));
    let lively = Lively(Rc::new(move |event| {
        let is_first = event == "clone" && broken.borrow_mut()();
        assert!(!is_first, "no clone");
    }));
    let shared = spawn(async move {
        next_frame().await;
        lively
    })
    .shared();
    for name in ["a", "b"] {
        let (log, shared) = (log.clone(), shared.clone());
        spawn(async move {
            log.push(format!("{name} {}", shared.await.is_ok()));
        })
        .detach();
    }
    world.tick();
    log.check(&["b true"]);
    world.check_reports(&["no clone"]);
}

#[test]
fn dropped_by_the_wake_of_another() {
    let world = World::start();
    // The first one's waker drops the second wait while the list is gone through.
    struct Dropping(std::sync::Mutex<Option<cuelight_runtime::ThreadConfined<SharedTask<()>>>>);
    impl std::task::Wake for Dropping {
        fn wake(self: std::sync::Arc<Self>) {
            drop(self.0.lock().unwrap().take());
        }
    }
    let shared = spawn(next_frame()).shared();
    let (mut first, mut second, mut third) = (shared.clone(), shared.clone(), shared);
    let dropping = std::sync::Arc::new(Dropping(std::sync::Mutex::new(None)));
    let waker = std::task::Waker::from(dropping.clone());
    assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
    let (counted, waker) = CountedWaker::new();
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&waker)).is_pending());
    let (also_counted, waker) = CountedWaker::new();
    assert!(Pin::new(&mut third).poll(&mut Context::from_waker(&waker)).is_pending());
    *dropping.0.lock().unwrap() = Some(cuelight_runtime::ThreadConfined::new(second));
    world.tick();
    assert_eq!((counted.count(), also_counted.count()), (0, 1));
    assert!(poll_once(&mut first).is_ready() && poll_once(&mut third).is_ready());
}

#[test]
fn from_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let shared = spawn(async { 7 }).shared();
    let (inner, awaited) = (log.clone(), shared.clone());
    let task = spawn(async move {
        let _guard = OnDrop(move || {
            inner.push(format!("{:?}", poll_once(&mut awaited.clone())));
            let fresh = spawn(next_frame()).shared();
            drop((fresh.clone(), fresh));
        });
        pending::<()>().await;
    });
    task.cancel();
    world.flush();
    log.check(&["Ready(Ok(7))"]);
}

#[test]
fn after_the_shutdown_and_across_a_restart() {
    let (world, log) = (World::start(), Log::new());
    let shared = spawn(pending::<i32>()).shared();
    listener(&log, "task", shared.clone());
    let mut outside = shared.clone();
    assert!(poll_once(&mut outside).is_pending());
    engine::shutdown();
    log.check(&[]);
    assert_eq!(poll_once(&mut outside), Poll::Ready(Err(TaskError::Cancelled)));
    // What is spawned now comes back cancelled.
    let stillborn = spawn_deferred(async { 7 }).shared();
    assert_eq!(poll_once(&mut stillborn.clone()), Poll::Ready(Err(TaskError::Cancelled)));
    engine::start(world.engine.clone());
    listener(&log, "later", shared);
    listener(&log, "stillborn", stillborn);
    log.check(&["later Err(Cancelled)", "stillborn Err(Cancelled)"]);
}

#[test]
fn result_lives_as_long_as_its_holders() {
    let (world, log) = (World::start(), Log::new());
    let output = Rc::new(log.guard("output"));
    let shared: SharedTask<Rc<Guard>> = spawn(async move {
        next_frame().await;
        output
    })
    .shared();
    let awaiting = spawn(shared.clone());
    world.tick();
    drop(awaiting.take());
    log.check(&[]);
    assert_eq!(shared.id(), shared.clone().id());
    assert!(shared.canceller().is_finished());
    drop(shared);
    log.check(&["drop output"]);
}
