//! Wakes from other threads, in every order that the threads' steps can take.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p cuelight-runtime --lib --release --target-dir target/loom loom` runs them. The
//! first half is about an inbox alone, the second about whole runtimes.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use loom::model;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread::{self, JoinHandle};

use super::inbox::Inbox;
use super::key::TaskKey;
use crate::engine::{self, Engine};
use crate::{Phase, TaskReport, spawn};

// ---------------------------------------------------------------- An inbox

fn key(number: u64) -> TaskKey {
    TaskKey::from_bits(number)
}

/// Pushes keys from another thread.
fn push(inbox: &Arc<Inbox>, keys: &'static [u64]) -> JoinHandle<()> {
    let inbox = inbox.clone();
    thread::spawn(move || keys.iter().for_each(|&number| inbox.push(key(number))))
}

/// Takes out what a drain would find, as it would: only if the inbox says that there is something.
fn drain(inbox: &Inbox, found: &mut Vec<u64>) {
    if inbox.is_filled() {
        let mut keys = Vec::new();
        inbox.swap(&mut keys);
        found.extend(keys.into_iter().map(TaskKey::to_bits));
    }
}

fn open_inbox() -> Arc<Inbox> {
    let inbox = Arc::new(Inbox::new());
    inbox.set_open(true);
    inbox
}

#[test]
fn key_pushed_before_a_drain_begins_is_found() {
    model(|| {
        let (inbox, pushed) = (open_inbox(), Arc::new(AtomicBool::new(false)));
        let (theirs, flag) = (inbox.clone(), pushed.clone());
        let pusher = thread::spawn(move || {
            theirs.push(key(1));
            flag.store(true, Ordering::Release);
        });
        // A drain that may come before the push, in the midst of it, or after it.
        let mut found = Vec::new();
        drain(&inbox, &mut found);
        // If the push is known to be over, this one finds what the first has not.
        if pushed.load(Ordering::Acquire) {
            drain(&inbox, &mut found);
            assert_eq!(found, [1]);
        }
        pusher.join().unwrap();
        drain(&inbox, &mut found);
        assert_eq!(found, [1]);
        assert!(!inbox.is_filled());
    });
}

#[test]
fn keys_of_several_threads_are_each_found_once_and_in_order() {
    model(|| {
        let inbox = open_inbox();
        let pushers = [push(&inbox, &[10, 11]), push(&inbox, &[20])];
        let mut found = Vec::new();
        drain(&inbox, &mut found);
        drain(&inbox, &mut found);
        for pusher in pushers {
            pusher.join().unwrap();
        }
        drain(&inbox, &mut found);
        drain(&inbox, &mut found);
        let tens: Vec<_> = found.iter().filter(|&&number| number < 20).collect();
        assert_eq!(tens, [&10, &11]);
        assert_eq!(found.iter().filter(|&&number| number == 20).count(), 1);
        assert_eq!(found.len(), 3);
    });
}

#[test]
fn closing_forgets_what_came_and_what_comes() {
    model(|| {
        let inbox = open_inbox();
        let pusher = push(&inbox, &[1, 2]);
        inbox.set_open(false);
        assert!(!inbox.is_filled());
        let mut found = Vec::new();
        drain(&inbox, &mut found);
        pusher.join().unwrap();
        assert!(!inbox.is_filled());
        let mut left = Vec::new();
        inbox.swap(&mut left);
        assert!(found.is_empty() && left.is_empty());
    });
}

#[test]
fn what_came_before_the_close_is_not_found_after_the_next_start() {
    model(|| {
        let (inbox, pushed) = (open_inbox(), Arc::new(AtomicBool::new(false)));
        let (theirs, flag) = (inbox.clone(), pushed.clone());
        let pusher = thread::spawn(move || {
            theirs.push(key(1));
            flag.store(true, Ordering::Release);
        });
        inbox.set_open(false);
        let was_pushed = pushed.load(Ordering::Acquire);
        inbox.set_open(true);
        pusher.join().unwrap();
        inbox.push(key(2));
        let mut found = Vec::new();
        drain(&inbox, &mut found);
        // A push between the close and the start is forgotten, one after the start is found: its task is looked for,
        // and not there.
        if found != [2] {
            assert_eq!(found, [1, 2]);
            assert!(!was_pushed);
        }
    });
}

#[test]
fn start_finds_what_comes_from_then_on() {
    model(|| {
        let inbox = Arc::new(Inbox::new());
        let pusher = push(&inbox, &[1, 2]);
        inbox.set_open(true);
        let mut found = Vec::new();
        drain(&inbox, &mut found);
        pusher.join().unwrap();
        drain(&inbox, &mut found);
        assert!([&[1, 2][..], &[2], &[]].contains(&&*found), "{found:?}");
        assert!(!inbox.is_filled());
    });
}

// ---------------------------------------------------------------- A runtime

/// An engine that only hears of what went wrong.
struct Quiet;

impl Engine for Quiet {
    fn real_time(&self) -> Duration {
        Duration::ZERO
    }

    fn call_soon(&self) {}

    fn report(&self, report: &TaskReport) {
        panic!("{report}");
    }

    fn error(&self, message: &str) {
        panic!("{message}");
    }
}

fn tick() {
    engine::tick(Phase::Process, Duration::from_millis(16));
}

/// Spawns a task that counts its polls and waits for ever, and returns its waker and the count.
fn spawn_counter() -> (Waker, Rc<Cell<usize>>) {
    let (kept, polls) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(0)));
    let (inner, counter) = (kept.clone(), polls.clone());
    spawn(poll_fn(move |cx| {
        counter.set(counter.get() + 1);
        inner.set(Some(cx.waker().clone()));
        Poll::<()>::Pending
    }))
    .detach();
    (kept.take().expect("the first poll has run"), polls)
}

#[test]
fn task_that_is_woken_sees_what_was_done_before_the_wake() {
    model(|| {
        engine::start(Quiet);
        // Relaxed: the wake alone has to make it seen.
        let done = Arc::new(AtomicUsize::new(0));
        let threads = Rc::new(Cell::new(None));
        let (seen, started) = (done.clone(), threads.clone());
        let mut polls = 0;
        let task = spawn(poll_fn(move |cx| {
            polls += 1;
            if polls == 1 {
                // So the wake may come in the midst of the poll, too.
                let (done, waker) = (seen.clone(), cx.waker().clone());
                started.set(Some(thread::spawn(move || {
                    done.store(1, Ordering::Relaxed);
                    waker.wake();
                })));
                return Poll::Pending;
            }
            assert_eq!(seen.load(Ordering::Relaxed), 1);
            Poll::Ready(polls)
        }));
        tick();
        threads.take().unwrap().join().unwrap();
        tick();
        assert_eq!(task.take(), Some(Ok(2)));
        engine::shutdown();
    });
}

#[test]
fn wakes_of_several_threads_are_not_lost_and_never_polled_twice() {
    model(|| {
        engine::start(Quiet);
        let (waker, polls) = spawn_counter();
        let threads = [waker.clone(), waker].map(|waker| thread::spawn(move || waker.wake()));
        tick();
        let before = polls.get();
        assert!(before <= 2, "two wakes of one drain are one poll");
        for thread in threads {
            thread.join().unwrap();
        }
        tick();
        assert!((2..=3).contains(&polls.get()));
        let after = polls.get();
        tick();
        assert_eq!(polls.get(), after);
        engine::shutdown();
    });
}

#[test]
fn nothing_is_polled_after_a_shutdown_that_wakes_race_with() {
    model(|| {
        engine::start(Quiet);
        let (waker, polls) = spawn_counter();
        let woken = thread::spawn(move || {
            waker.wake_by_ref();
            waker.wake();
        });
        tick();
        let before = polls.get();
        engine::shutdown();
        tick();
        engine::flush();
        woken.join().unwrap();
        tick();
        assert_eq!(polls.get(), before);
        assert!((1..=2).contains(&before));
    });
}

#[test]
fn stale_wakes_that_race_with_the_next_start_reach_nobody() {
    model(|| {
        engine::start(Quiet);
        let (stale, old) = spawn_counter();
        let woken = thread::spawn(move || {
            stale.wake_by_ref();
            stale.wake();
        });
        engine::shutdown();
        engine::start(Quiet);
        // It lives in the slot of the other.
        let (fresh, polls) = spawn_counter();
        tick();
        woken.join().unwrap();
        tick();
        assert_eq!((old.get(), polls.get()), (1, 1));
        fresh.wake();
        tick();
        assert_eq!((old.get(), polls.get()), (1, 2));
        engine::shutdown();
    });
}

#[test]
fn wake_finds_its_runtime_while_others_begin() {
    model(|| {
        engine::start(Quiet);
        let (waker, polls) = spawn_counter();
        let other = thread::spawn(move || {
            engine::start(Quiet);
            let (mine, own) = spawn_counter();
            waker.wake();
            mine.wake();
            tick();
            assert_eq!(own.get(), 2);
            engine::shutdown();
        });
        tick();
        other.join().unwrap();
        tick();
        assert_eq!(polls.get(), 2);
        engine::shutdown();
    });
}
