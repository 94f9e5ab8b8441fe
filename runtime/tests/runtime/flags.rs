//! Flags: conditions that are set and cleared.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use cuelight_runtime::{Flag, FlagWait, TaskGroup, ThreadConfined, engine, next_frame, spawn};

use crate::common::{CountedWaker, Log, OnDrop, World, panic_of, poll_once};

/// Spawns a task that pushes its name when the flag is set.
fn listener(log: &Log, name: &'static str, wait: FlagWait) {
    let log = log.clone();
    spawn(async move {
        wait.await;
        log.push(name);
    })
    .detach();
}

#[test]
fn set_and_clear() {
    let flag = Flag::default();
    assert!(!flag.is_set());
    let same = flag.clone();
    same.set();
    same.set();
    assert!(flag.is_set());
    flag.clear();
    assert!(!same.is_set());
}

#[test]
fn set_releases_all_in_the_order_of_their_creation() {
    let (world, log) = (World::start(), Log::new());
    let flag = Flag::new();
    let (first, second) = (flag.wait_set(), flag.wait_set());
    listener(&log, "second", second);
    listener(&log, "first", first);
    flag.set();
    log.check(&[]);
    assert_eq!(world.calls(), 1);
    world.flush();
    log.check(&["first", "second"]);
    // It is a condition: who comes later does not wait at all.
    listener(&log, "late", flag.wait_set());
    log.check(&["late"]);
}

#[test]
fn released_stays_released() {
    let (world, log) = (World::start(), Log::new());
    let flag = Flag::new();
    listener(&log, "before", flag.wait_set());
    flag.set();
    flag.clear();
    listener(&log, "after", flag.wait_set());
    world.flush();
    log.check(&["before"]);
    flag.set();
    world.flush();
    log.check(&["after"]);
}

#[test]
fn made_while_it_was_set_is_ready() {
    let flag = Flag::new();
    flag.set();
    let mut wait = flag.wait_set();
    flag.clear();
    assert!(poll_once(&mut wait).is_ready());
}

#[test]
fn set_twice_releases_once() {
    let flag = Flag::new();
    let mut wait = flag.wait_set();
    let (counted, waker) = CountedWaker::new();
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    flag.set();
    flag.set();
    flag.clear();
    flag.set();
    assert_eq!(counted.count(), 1);
}

#[test]
fn dropped_wait_leaves_nothing() {
    let flag = Flag::new();
    let (counted, waker) = CountedWaker::new();
    let mut waits = [0; 3].map(|_| flag.wait_set());
    for wait in &mut waits {
        assert!(Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let [first, second, mut third] = waits;
    drop(second);
    flag.set();
    drop(first);
    assert_eq!(counted.count(), 2);
    assert!(poll_once(&mut third).is_ready());
    assert_eq!(Arc::strong_count(&counted), 2);
}

#[test]
fn panic_after_done() {
    let flag = Flag::new();
    let mut waited = flag.wait_set();
    flag.set();
    for wait in [&mut waited, &mut flag.wait_set()] {
        assert!(poll_once(wait).is_ready());
        let (message, _) = panic_of(|| poll_once(wait));
        assert!(message.contains("polled after it was ready"), "{message}");
    }
}

#[test]
fn frozen_is_released_all_the_same() {
    let (world, log) = (World::start(), Log::new());
    let (group, flag) = (TaskGroup::new(), Flag::new());
    let (inner, wait) = (log.clone(), flag.wait_set());
    group
        .spawn(async move {
            wait.await;
            inner.push("released");
        })
        .detach();
    group.pause();
    flag.set();
    flag.clear();
    world.ticks(2);
    log.check(&[]);
    group.resume();
    world.flush();
    log.check(&["released"]);
}

#[test]
fn closed_group_hears_nothing() {
    let (world, log) = (World::start(), Log::new());
    let (group, flag) = (TaskGroup::new(), Flag::new());
    let guard = log.guard("task");
    let wait = flag.wait_set();
    group
        .spawn(async move {
            let _guard = guard;
            wait.await;
            unreachable!("its group is closed");
        })
        .detach();
    group.close();
    flag.set();
    world.flush();
    log.check(&["drop task"]);
}

#[test]
fn across_a_shutdown_and_a_restart() {
    let (world, log) = (World::start(), Log::new());
    let flag = Flag::new();
    listener(&log, "before", flag.wait_set());
    let outside = flag.wait_set();
    engine::shutdown();
    flag.set();
    flag.clear();
    engine::start(world.engine.clone());
    listener(&log, "outside", outside);
    log.check(&["outside"]);
}

#[test]
fn from_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let flag = Flag::new();
    listener(&log, "other", flag.wait_set());
    let task = spawn(async move {
        let own = flag.wait_set();
        let _guard = OnDrop(move || {
            flag.set();
            assert!(poll_once(&mut flag.wait_set()).is_ready());
        });
        own.await;
        next_frame().await;
    });
    task.cancel();
    world.flush();
    log.check(&["other"]);
}

/// A waker that clears the flag, sets it again, and begins to wait.
struct Meddler(Mutex<Option<ThreadConfined<(Flag, Log)>>>);

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        let taken = self.0.lock().unwrap().take().unwrap();
        let (flag, log) = taken.get().unwrap();
        assert!(flag.is_set());
        flag.clear();
        let mut wait = flag.wait_set();
        assert!(poll_once(&mut wait).is_pending());
        flag.set();
        log.push(format!("{:?}", poll_once(&mut wait)));
        flag.clear();
    }
}

#[test]
fn a_waker_that_meddles() {
    let (flag, log) = (Flag::new(), Log::new());
    let (mut first, mut second) = (flag.wait_set(), flag.wait_set());
    let taken = ThreadConfined::new((flag.clone(), log.clone()));
    let waker = Waker::from(Arc::new(Meddler(Mutex::new(Some(taken)))));
    assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
    let (counted, waker) = CountedWaker::new();
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&waker)).is_pending());
    flag.set();
    log.check(&["Ready(())"]);
    assert!(!flag.is_set());
    assert_eq!(counted.count(), 1);
    assert_eq!((poll_once(&mut first), poll_once(&mut second)), (Poll::Ready(()), Poll::Ready(())));
}
