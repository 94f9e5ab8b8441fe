//! What other threads may do, and what they may not.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use cuelight_runtime::{
    BeatWatch, Countdown, DynamicSend, IntoDynamicSend, TaskGroup, ThreadConfined, current_group,
    engine, next_frame, now, root_group, spawn, spawn_deferred, spawn_named, wait_real_seconds,
    wait_until_time,
};

use crate::common::{Log, World, my_waker, panic_of, poll_once};

/// Spawns a task that pushes its name at each of its polls, and returns its waker.
fn poll_logger(log: &Log, name: &'static str) -> Waker {
    let (log, kept) = (log.clone(), Rc::new(RefCell::new(None)));
    let inner = kept.clone();
    spawn(poll_fn(move |cx| {
        log.push(name);
        *inner.borrow_mut() = Some(cx.waker().clone());
        Poll::<()>::Pending
    }))
    .detach();
    kept.take().expect("the first poll has run")
}

#[test]
fn wake_from_another_thread_arrives_by_the_next_tick() {
    let (world, log) = (World::start(), Log::new());
    let (a, b) = (poll_logger(&log, "a"), poll_logger(&log, "b"));
    log.check(&["a", "b"]);
    thread::spawn(move || {
        b.wake_by_ref();
        a.wake();
        b.wake();
    })
    .join()
    .unwrap();
    // Nothing of the engine's was called on that thread.
    assert_eq!(world.calls(), 0);
    world.tick();
    log.check(&["b", "a"]);
    world.tick();
    log.check(&[]);
}

#[test]
fn wake_from_another_thread_arrives_with_a_flush_too() {
    let (world, log) = (World::start(), Log::new());
    let waker = poll_logger(&log, "a");
    log.check(&["a"]);
    thread::spawn(move || waker.wake()).join().unwrap();
    world.flush();
    log.check(&["a"]);
}

#[test]
fn wake_during_the_poll_from_another_thread_is_not_lost() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(poll_fn(move |cx| {
        inner.push("poll");
        let waker = cx.waker().clone();
        thread::spawn(move || waker.wake()).join().unwrap();
        Poll::<()>::Pending
    }))
    .detach();
    log.check(&["poll"]);
    world.tick();
    log.check(&["poll"]);
    world.tick();
    log.check(&["poll"]);
}

#[test]
fn waker_of_a_poll_is_cloned_and_woken_elsewhere_during_the_poll() {
    let (world, log) = (World::start(), Log::new());
    let (inner, kept) = (log.clone(), Rc::new(RefCell::new(Vec::<Waker>::new())));
    let clones = kept.clone();
    let mut polls = 0;
    spawn(poll_fn(move |cx| {
        polls += 1;
        inner.push(format!("poll {polls}"));
        // The first poll has a waker that nobody has cloned yet, the second not.
        if polls <= 2 {
            let waker = cx.waker();
            clones.borrow_mut().extend(thread::scope(|scope| {
                let threads = [(); 4].map(|()| {
                    scope.spawn(|| {
                        (0..100).for_each(|_| drop(waker.clone()));
                        waker.wake_by_ref();
                        waker.clone()
                    })
                });
                threads.map(|thread| thread.join().unwrap())
            }));
        }
        Poll::<()>::Pending
    }))
    .detach();
    log.check(&["poll 1"]);
    world.tick();
    log.check(&["poll 2"]);
    world.tick();
    log.check(&["poll 3"]);
    let mut kept = kept.take();
    assert_eq!(kept.len(), 8);
    assert!(kept.iter().all(|waker| waker.will_wake(&kept[0])));
    kept.pop().unwrap().wake();
    drop(kept);
    world.tick();
    log.check(&["poll 4"]);
}

#[test]
fn wake_from_a_thread_with_a_runtime_of_its_own() {
    let (world, log) = (World::start(), Log::new());
    let waker = poll_logger(&log, "a");
    log.check(&["a"]);
    thread::spawn(move || {
        let other = World::start();
        let log = Log::new();
        // The same slot of another runtime: it must not be mistaken for it.
        let _waker = poll_logger(&log, "other");
        log.check(&["other"]);
        waker.wake();
        other.tick();
        log.check(&[]);
    })
    .join()
    .unwrap();
    world.tick();
    log.check(&["a"]);
}

#[test]
fn wakes_from_many_threads_while_it_ticks() {
    let world = World::start();
    let counter = Arc::new(AtomicUsize::new(0));
    let (inner, target) = (counter.clone(), 4 * 1_000);
    let place = Rc::new(RefCell::new(None));
    let kept = place.clone();
    let task = spawn(poll_fn(move |cx| {
        *kept.borrow_mut() = Some(cx.waker().clone());
        if inner.load(Ordering::SeqCst) == target { Poll::Ready(()) } else { Poll::Pending }
    }));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (waker, counter) = (place.borrow().clone().unwrap(), counter.clone());
            thread::spawn(move || {
                for _ in 0..1_000 {
                    counter.fetch_add(1, Ordering::SeqCst);
                    waker.wake_by_ref();
                }
            })
        })
        .collect();
    while threads.iter().any(|thread| !thread.is_finished()) {
        world.tick();
    }
    world.tick();
    assert!(task.is_finished());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn wake_after_the_shutdown_is_forgotten() {
    let (world, log) = (World::start(), Log::new());
    let waker = poll_logger(&log, "a");
    engine::shutdown();
    let late = waker.clone();
    thread::spawn(move || late.wake()).join().unwrap();
    engine::start(world.engine.clone());
    let fresh = poll_logger(&log, "b");
    thread::spawn(move || waker.wake()).join().unwrap();
    world.tick();
    log.check(&["a", "b"]);
    drop(fresh);
}

#[test]
fn wake_after_its_runtimes_thread_has_ended() {
    let waker = thread::spawn(|| {
        let _world = World::start();
        spawn(my_waker()).take().unwrap().unwrap()
    })
    .join()
    .unwrap();
    waker.wake_by_ref();
    drop(waker);
}

/// Checks that a call on another thread panics with that thread's name, at a line of this file.
#[track_caller]
fn check_elsewhere<T: 'static>(call: fn() -> T) {
    let _world = World::start();
    let elsewhere = thread::Builder::new().name("loader".into()).spawn(move || panic_of(call));
    let (message, file) = elsewhere.unwrap().join().unwrap();
    assert!(message.contains("the thread \"loader\" has no runtime"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn spawn_elsewhere_names_the_thread() {
    check_elsewhere(|| spawn(async {}));
    check_elsewhere(|| spawn_named("a", async {}));
    check_elsewhere(|| spawn_deferred(async {}));
}

#[test]
fn groups_and_clocks_elsewhere_name_the_thread() {
    check_elsewhere(|| drop(TaskGroup::new()));
    check_elsewhere(|| drop(TaskGroup::default()));
    check_elsewhere(|| current_group().len());
    check_elsewhere(|| root_group().len());
    check_elsewhere(|| now() > 0.0);
    check_elsewhere(|| cuelight_runtime::delta() > 0.0);
}

#[test]
fn wait_elsewhere_names_the_thread() {
    let elsewhere = thread::Builder::new().name("loader".into());
    let (message, _) =
        elsewhere.spawn(|| panic_of(|| poll_once(&mut next_frame()))).unwrap().join().unwrap();
    assert!(message.contains("the thread \"loader\" has no runtime"), "{message}");
}

#[test]
fn times_and_beats_elsewhere_name_the_thread() {
    let calls: [fn() -> bool; 4] = [
        || poll_once(&mut wait_until_time(1.0)).is_ready(),
        || poll_once(&mut wait_real_seconds(1.0)).is_ready(),
        || Countdown::new(1.0).progress().is_none(),
        || {
            let mut watch = BeatWatch::new(1.0);
            let beats = std::future::poll_fn(move |cx| watch.poll_beats(cx));
            poll_once(&mut Box::pin(beats)).is_ready()
        },
    ];
    for call in calls {
        let elsewhere = thread::Builder::new().name("loader".into());
        let (message, _) = elsewhere.spawn(move || panic_of(call)).unwrap().join().unwrap();
        assert!(message.contains("the thread \"loader\" has no runtime"), "{message}");
    }
}

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn confined_leaks_elsewhere_and_drops_at_home() {
    let drops = Arc::new(AtomicUsize::new(0));
    let confined = ThreadConfined::new((Counted(drops.clone()), Rc::new(1)));
    thread::spawn(move || drop(confined)).join().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(ThreadConfined::new(Counted(drops.clone())));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn confined_comes_out_at_home_only() {
    let drops = Arc::new(AtomicUsize::new(0));
    let confined = ThreadConfined::new(Counted(drops.clone()));
    let mut confined = thread::spawn(move || {
        let mut confined = confined;
        assert!(!confined.is_at_home() && confined.get().is_none() && confined.get_mut().is_none());
        confined
    })
    .join()
    .unwrap();
    // It has been elsewhere, and is none the worse for it.
    assert!(confined.is_at_home() && confined.get().is_some() && confined.get_mut().is_some());
    drop(confined.extract_if_safe());
    assert_eq!(drops.load(Ordering::SeqCst), 1);

    let confined = ThreadConfined::new(Counted(drops.clone()));
    thread::spawn(move || assert!(confined.extract_if_safe().is_none())).join().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn confined_says_nothing_of_its_value() {
    let text = format!("{:?}", ThreadConfined::new("secret"));
    assert!(text.starts_with("ThreadConfined") && !text.contains("secret"), "{text}");
}

#[test]
fn plain_values_come_out_anywhere() {
    let (text, number) = (String::from("a").into_dynamic_send(), 7_i64.into_dynamic_send());
    thread::spawn(move || {
        assert_eq!(text.extract_if_safe().as_deref(), Some("a"));
        assert_eq!(number.extract_if_safe(), Some(7));
    })
    .join()
    .unwrap();
}
