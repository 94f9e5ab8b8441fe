//! Cues: who hears a value, which one, and in what order.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use cuelight_runtime::{Cue, CueWait, TaskGroup, ThreadConfined, engine, next_frame, spawn};

use crate::common::{CountedWaker, Log, OnDrop, World, panic_of, poll_once};

/// Spawns a task that pushes the next value under its name.
fn listener(log: &Log, name: &'static str, wait: CueWait<i32>) {
    let log = log.clone();
    spawn(async move { log.push(format!("{name} {}", wait.await)) }).detach();
}

#[test]
fn all_who_wait_get_the_value_in_the_order_of_their_creation() {
    let (world, log) = (World::start(), Log::new());
    let cue = Cue::new();
    let (first, second, third) = (cue.wait(), cue.clone().wait(), cue.wait());
    // The order of the first polls is another one.
    listener(&log, "third", third);
    listener(&log, "first", first);
    listener(&log, "second", second);
    cue.give(7);
    // Nobody resumes on the giver's stack.
    log.check(&[]);
    assert_eq!(world.calls(), 1);
    world.flush();
    log.check(&["first 7", "second 7", "third 7"]);
}

#[test]
fn listens_from_its_creation() {
    let cue = Cue::new();
    cue.give(1);
    let mut wait = cue.wait();
    cue.give(2);
    assert_eq!(poll_once(&mut wait), Poll::Ready(2));
}

#[test]
fn each_gets_the_first_of_several() {
    let (world, log) = (World::start(), Log::new());
    let cue = Cue::new();
    listener(&log, "a", cue.wait());
    cue.give(1);
    listener(&log, "b", cue.wait());
    cue.give(2);
    cue.give(3);
    world.flush();
    log.check(&["a 1", "b 2"]);
}

#[test]
fn a_loop_hears_one_value_a_drain() {
    let (world, log) = (World::start(), Log::new());
    let cue = Cue::new();
    let (inner, heard) = (log.clone(), cue.clone());
    spawn(async move {
        loop {
            inner.push(heard.wait().await);
        }
    })
    .detach();
    for value in 0..3 {
        cue.give(value);
        world.flush();
    }
    log.check(&["0", "1", "2"]);
}

#[test]
fn dropped_wait_leaves_nothing() {
    let log = Log::new();
    let cue = Cue::new();
    let (first, second, mut third) = (cue.wait(), cue.wait(), cue.wait());
    drop(second);
    cue.give(Rc::new(log.guard("value")));
    // One that has the value, and was not polled, drops it.
    drop(first);
    log.check(&[]);
    assert!(poll_once(&mut third).is_ready());
    log.check(&["drop value"]);
    // Their entries are used again, in any order.
    let waits = [0; 4].map(|_| cue.wait());
    cue.give(Rc::new(log.guard("next")));
    let values = waits.map(|mut wait| poll_once(&mut wait));
    assert!(values.iter().all(Poll::is_ready));
    log.check(&[]);
    drop(values);
    log.check(&["drop next"]);
}

#[test]
fn value_for_nobody_is_dropped() {
    let log = Log::new();
    let cue = Cue::default();
    cue.give(Rc::new(log.guard("value")));
    log.check(&["drop value"]);
}

#[test]
fn the_last_gets_the_value_itself() {
    let log = Log::new();
    let cue = Cue::new();
    let mut waits = [0; 3].map(|_| cue.wait());
    let inner = log.clone();
    cue.give(Lively::new(move |event| inner.push(event)));
    log.check(&["clone", "clone"]);
    waits.iter_mut().for_each(|wait| assert!(poll_once(wait).is_ready()));
    log.check(&["drop", "drop", "drop"]);
}

#[test]
fn panic_after_done() {
    let cue = Cue::new();
    let mut wait = cue.wait();
    cue.give(());
    assert!(poll_once(&mut wait).is_ready());
    let (message, _) = panic_of(|| poll_once(&mut wait));
    assert!(message.contains("polled after it was ready"), "{message}");
}

#[test]
fn frozen_gets_it_at_the_resume() {
    let (world, log) = (World::start(), Log::new());
    let (group, cue) = (TaskGroup::new(), Cue::new());
    let (inner, wait) = (log.clone(), cue.wait());
    group.spawn(async move { inner.push(wait.await) }).detach();
    group.pause();
    cue.give(1);
    cue.give(2);
    world.ticks(2);
    log.check(&[]);
    group.resume();
    world.flush();
    log.check(&["1"]);
}

#[test]
fn closed_group_hears_nothing() {
    let (world, log) = (World::start(), Log::new());
    let (group, cue) = (TaskGroup::new(), Cue::new());
    let (inner, wait) = (log.clone(), cue.wait());
    group.spawn(async move { inner.push(wait.await) }).detach();
    listener(&log, "other", cue.wait());
    group.close();
    cue.give(7);
    world.flush();
    log.check(&["other 7"]);
}

#[test]
fn without_a_runtime() {
    let cue = Cue::new();
    let mut wait = cue.wait();
    let (counted, waker) = CountedWaker::new();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
    assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
    cue.give("value");
    cue.give("too late");
    assert_eq!(counted.count(), 1);
    assert_eq!(Pin::new(&mut wait).poll(&mut cx), Poll::Ready("value"));
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    let cue = Cue::new();
    let mut wait = cue.wait();
    let (first, first_waker) = CountedWaker::new();
    let (second, second_waker) = CountedWaker::new();
    for waker in [&first_waker, &second_waker] {
        assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(waker)).is_pending());
    }
    cue.give(());
    assert_eq!((first.count(), second.count()), (0, 1));
}

#[test]
fn across_a_shutdown_and_a_restart() {
    let (world, log) = (World::start(), Log::new());
    let cue = Cue::new();
    listener(&log, "before", cue.wait());
    let outside = cue.wait();
    engine::shutdown();
    cue.give(1);
    let late = cue.wait();
    engine::start(world.engine.clone());
    listener(&log, "outside", outside);
    listener(&log, "late", late);
    cue.give(2);
    world.flush();
    log.check(&["outside 1", "late 2"]);
}

#[test]
fn from_a_drop() {
    let (world, log) = (World::start(), Log::new());
    let cue = Cue::new();
    listener(&log, "other", cue.wait());
    let (inner, given) = (log.clone(), cue.clone());
    let task = spawn(async move {
        let mut own = given.wait();
        let _guard = OnDrop(move || {
            given.give(7);
            inner.push(format!("{:?}", poll_once(&mut own)));
            drop(given.wait());
        });
        next_frame().await;
    });
    task.cancel();
    world.flush();
    log.check(&["Ready(7)", "other 7"]);
}

#[test]
fn given_by_the_drop_of_the_one_who_waits() {
    let world = World::start();
    let cue = Cue::<i32>::new();
    let given = cue.clone();
    let task = spawn(async move {
        let guard = OnDrop(move || given.give(7));
        let wait = (cue.wait(), guard);
        wait.0.await
    });
    task.cancel();
    world.flush();
    assert!(task.is_finished());
}

// ---------------------------------------------------------------- What comes back

/// A value whose clone and drop do something.
struct Lively(Rc<dyn Fn(&'static str)>);

impl Lively {
    fn new(on: impl Fn(&'static str) + 'static) -> Self {
        Self(Rc::new(on))
    }
}

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

type Waits = Rc<RefCell<Vec<CueWait<Lively>>>>;

#[test]
fn a_clone_that_waits_hears_the_next() {
    let cue = Cue::new();
    let kept = Waits::default();
    let mut waits = [0; 2].map(|_| cue.wait());
    let (inner, heard) = (kept.clone(), cue.clone());
    cue.give(Lively::new(move |event| {
        if event == "clone" {
            inner.borrow_mut().push(heard.wait());
        }
    }));
    assert!(waits.iter_mut().all(|wait| poll_once(wait).is_ready()));
    let mut late = kept.take();
    assert_eq!(late.len(), 1);
    assert!(poll_once(&mut late[0]).is_pending());
    cue.give(Lively::new(|_| {}));
    assert!(poll_once(&mut late[0]).is_ready());
}

#[test]
fn a_clone_that_gives_does_not_reach_those_of_the_first_value() {
    let log = Log::new();
    let cue = Cue::new();
    let waits = [0; 3].map(|_| cue.wait());
    let (inner, given) = (log.clone(), cue.clone());
    cue.give(Lively::new(move |event| {
        if event == "clone" {
            // Only one who has come since hears it.
            let mut late = given.wait();
            let inner = inner.clone();
            given.give(Lively::new(move |event| inner.push(format!("second: {event}"))));
            assert!(poll_once(&mut late).is_ready());
        } else {
            inner.push("first: drop");
        }
    }));
    log.check(&["second: drop", "second: drop"]);
    for mut wait in waits {
        assert!(poll_once(&mut wait).is_ready());
        log.check(&["first: drop"]);
    }
}

#[test]
fn a_clone_that_drops_the_others() {
    let log = Log::new();
    let cue = Cue::new();
    let (mut first, others) = (cue.wait(), Waits::default());
    *others.borrow_mut() = vec![cue.wait(), cue.wait()];
    let mut last = cue.wait();
    let (inner, dropped) = (log.clone(), others.clone());
    cue.give(Lively::new(move |event| {
        inner.push(event);
        let others = std::mem::take(&mut *dropped.borrow_mut());
        drop(others);
    }));
    // Two clones were asked for only because nobody knew yet that they would be dropped.
    assert!(poll_once(&mut first).is_ready() && poll_once(&mut last).is_ready());
    log.check(&["clone", "drop", "drop"]);
}

#[test]
fn a_clone_that_drops_the_one_it_is_for() {
    let log = Log::new();
    let cue = Cue::new();
    let place = Waits::default();
    *place.borrow_mut() = vec![cue.wait()];
    let mut other = cue.wait();
    let (inner, dropped, heard) = (log.clone(), place.clone(), cue.clone());
    let kept = Waits::default();
    let kept_inside = kept.clone();
    cue.give(Lively::new(move |event| {
        inner.push(event);
        if event == "clone" {
            drop(dropped.take());
            // It has the entry of the one that was dropped, and is another one all the same.
            kept_inside.borrow_mut().push(heard.wait());
        }
    }));
    log.check(&["clone", "drop"]);
    assert!(poll_once(&mut other).is_ready());
    assert!(poll_once(&mut kept.borrow_mut()[0]).is_pending());
}

#[test]
fn a_clone_that_panics() {
    let (world, log) = (World::start(), Log::new());
    let cue = Cue::new();
    for name in ["a", "b", "c"] {
        let (log, wait) = (log.clone(), cue.wait());
        spawn(async move {
            wait.await;
            log.push(name);
        })
        .detach();
    }
    let clones = std::cell::Cell::new(0);
    let broken = Lively::new(move |event| {
        if event == "clone" {
            clones.set(clones.get() + 1);
            assert!(clones.get() < 2, "no second clone");
        }
    });
    let (message, _) = panic_of(|| cue.give(broken));
    assert!(message.contains("no second clone"), "{message}");
    world.flush();
    log.check(&["a"]);
    // Who has not got it waits on, in the old order and before who comes later.
    let (inner, wait) = (log.clone(), cue.wait());
    spawn(async move {
        wait.await;
        inner.push("d");
    })
    .detach();
    cue.give(Lively::new(|_| {}));
    world.flush();
    log.check(&["b", "c", "d"]);
}

#[test]
fn a_drop_that_comes_back() {
    let log = Log::new();
    let cue = Cue::new();
    let wait = cue.wait();
    let (inner, given) = (log.clone(), cue.clone());
    cue.give(Lively::new(move |event| {
        inner.push(event);
        drop(given.wait());
        given.give(Lively::new(|_| {}));
    }));
    // The wait drops the value that it has got.
    drop(wait);
    log.check(&["drop"]);
}

#[test]
fn a_waker_that_panics_keeps_it_from_nobody() {
    struct Broken;
    impl Wake for Broken {
        fn wake(self: Arc<Self>) {
            panic!("in the waker");
        }
    }
    let cue = Cue::new();
    let mut waits = [0; 3].map(|_| cue.wait());
    let broken = Waker::from(Arc::new(Broken));
    for wait in &mut waits[..2] {
        assert!(Pin::new(wait).poll(&mut Context::from_waker(&broken)).is_pending());
    }
    let (message, _) = panic_of(|| cue.give(7));
    assert_eq!(message, "in the waker");
    assert_eq!(waits.map(|mut wait| poll_once(&mut wait)), [Poll::Ready(7); 3]);
}

#[test]
fn a_waker_that_drops_the_next() {
    struct Dropping(Mutex<Option<ThreadConfined<CueWait<i32>>>>);
    impl Wake for Dropping {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
        }
    }
    let cue = Cue::new();
    let (mut first, second, mut third) = (cue.wait(), cue.wait(), cue.wait());
    let dropping = Arc::new(Dropping(Mutex::new(Some(ThreadConfined::new(second)))));
    let waker = Waker::from(dropping);
    assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
    cue.give(7);
    assert_eq!((poll_once(&mut first), poll_once(&mut third)), (Poll::Ready(7), Poll::Ready(7)));
}

thread_local! {
    /// What the clone of the waker below gives.
    static GIVEN: RefCell<Option<Cue<i32>>> = const { RefCell::new(None) };
}

/// A waker whose clone gives a value.
fn giving_waker() -> Waker {
    fn clone(data: *const ()) -> RawWaker {
        if let Some(cue) = GIVEN.take() {
            cue.give(7);
        }
        RawWaker::new(data, &TABLE)
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, |_| {}, |_| {}, |_| {});
    // SAFETY: the data is never followed.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

#[test]
fn a_waker_whose_clone_gives_the_value() {
    let cue = Cue::new();
    let mut wait = cue.wait();
    GIVEN.set(Some(cue));
    let waker = giving_waker();
    // Nobody would wake it any more, so it is ready at once.
    assert_eq!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)), Poll::Ready(7));
}

// ---------------------------------------------------------------- Many of them

/// Pushes its number when it is woken.
struct Numbered(Mutex<ThreadConfined<Log>>, usize);

impl Wake for Numbered {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().get().unwrap().push(self.1);
    }
}

/// A wait, and what is to be expected of it.
struct Expected {
    wait: CueWait<u64>,
    number: usize,
    is_polled: bool,
    value: Option<u64>,
}

#[test]
fn any_number_in_any_order() {
    let (cue, log) = (Cue::new(), Log::new());
    let mut waits: Vec<Expected> = Vec::new();
    let (mut seed, mut made) = (1_u64, 0);
    for round in 0..20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (choice, which) = (seed >> 60, (seed >> 20) as usize % waits.len().max(1));
        match choice {
            0..=5 => {
                let wait = cue.wait();
                waits.push(Expected { wait, number: made, is_polled: false, value: None });
                made += 1;
            }
            6..=8 if !waits.is_empty() => drop(waits.remove(which)),
            9..=13 if !waits.is_empty() => {
                let expected = &mut waits[which];
                let numbered =
                    Numbered(Mutex::new(ThreadConfined::new(log.clone())), expected.number);
                let waker = Waker::from(Arc::new(numbered));
                let polled = Pin::new(&mut expected.wait).poll(&mut Context::from_waker(&waker));
                expected.is_polled = true;
                match expected.value {
                    None => assert!(polled.is_pending()),
                    Some(value) => {
                        assert_eq!(polled, Poll::Ready(value));
                        drop(waits.remove(which));
                    }
                }
            }
            _ => {
                cue.give(round);
                let missing = waits.iter_mut().filter(|expected| expected.value.is_none());
                let mut woken = Vec::new();
                for expected in missing {
                    expected.value = Some(round);
                    if expected.is_polled {
                        woken.push(expected.number.to_string());
                    }
                }
                assert_eq!(log.take(), woken);
            }
        }
    }
    assert!(made > 5_000);
}
