//! Background work: where it runs, what becomes of its result, and that no thread outlives the shutdown.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

use cuelight_runtime::{
    Background, TaskError, TaskGroup, TaskHandle, background, engine, next_frame, spawn,
};

use crate::common::{CountedWaker, Log, OnDrop, World, panic_of, poll_once};

/// Ticks until a task has ended. How many ticks that takes is the threads' business.
fn tick_until<T>(world: &World, task: &TaskHandle<T>) {
    while !task.is_finished() {
        world.tick();
        thread::yield_now();
    }
}

fn result_of<T: Send + 'static>(
    world: &World,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TaskError> {
    let task = spawn(background(work));
    tick_until(world, &task);
    task.take().unwrap()
}

/// Polls a wait by hand until it is ready.
fn wait_for<T>(wait: &mut Background<T>) -> T {
    loop {
        if let Poll::Ready(output) = poll_once(wait) {
            return output;
        }
        thread::yield_now();
    }
}

/// What happened, on whichever thread.
#[derive(Clone, Default)]
struct SharedLog(Arc<Mutex<Vec<Event>>>);

/// What it was, and on which thread.
type Event = (&'static str, Option<ThreadId>);

impl SharedLog {
    /// Returns a guard that notes its drop, and where that was.
    fn guard(&self, name: &'static str) -> OnDrop<impl FnMut() + Send + use<>> {
        let log = self.clone();
        OnDrop(move || log.0.lock().unwrap().push((name, Some(thread::current().id()))))
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn names(&self) -> Vec<&'static str> {
        self.take().into_iter().map(|(name, _)| name).collect()
    }
}

/// Work that occupies a thread until it is told to end: who sends, and who hears that it has begun.
fn occupy() -> (Background<i32>, Sender<i32>, Receiver<()>) {
    let ((end, told), (begun, heard)) = (channel(), channel());
    let wait = background(move || {
        begun.send(()).unwrap();
        told.recv().unwrap()
    });
    (wait, end, heard)
}

#[test]
fn result_comes_back() {
    let world = World::start();
    let words = ["a".to_owned(), "b".to_owned()];
    assert_eq!(result_of(&world, move || words.concat()), Ok("ab".to_owned()));
}

#[test]
fn on_a_thread_of_its_name() {
    let world = World::start();
    let here = thread::current().id();
    let where_ = result_of(&world, || {
        let thread = thread::current();
        (thread.name().map(str::to_owned), thread.id())
    });
    let (name, id) = where_.unwrap();
    assert_eq!(name.as_deref(), Some("cuelight-background"));
    assert_ne!(id, here);
}

#[test]
fn begins_before_the_first_poll() {
    let _world = World::start();
    let (mut wait, end, heard) = occupy();
    heard.recv().unwrap();
    assert!(poll_once(&mut wait).is_pending());
    end.send(7).unwrap();
    assert_eq!(wait_for(&mut wait), 7);
}

#[test]
fn several_at_once() {
    let world = World::start();
    world.engine.threads.set(Some(2));
    // Each waits for the other, so they have to be on two threads.
    let barrier = Arc::new(Barrier::new(2));
    let tasks = [0, 1].map(|_| {
        let barrier = barrier.clone();
        spawn(background(move || barrier.wait().is_leader()))
    });
    tasks.iter().for_each(|task| tick_until(&world, task));
    let leaders = tasks.iter().filter(|task| task.take() == Some(Ok(true)));
    assert_eq!(leaders.count(), 1);
}

#[test]
fn never_on_more_threads_than_the_engine_says() {
    let world = World::start();
    world.engine.threads.set(Some(3));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (running, most) = (running.clone(), most.clone());
            spawn(background(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
                thread::current().id()
            }))
        })
        .collect();
    let ids: HashSet<_> = tasks
        .iter()
        .map(|task| {
            tick_until(&world, task);
            task.take().unwrap().unwrap()
        })
        .collect();
    assert!((1..=3).contains(&ids.len()));
    assert!(most.load(Ordering::SeqCst) <= 3);
}

#[test]
fn begun_in_order() {
    let world = World::start();
    world.engine.threads.set(Some(1));
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let order = order.clone();
            spawn(background(move || order.lock().unwrap().push(number)))
        })
        .collect();
    tasks.iter().for_each(|task| tick_until(&world, task));
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

#[test]
fn no_result_is_lost() {
    let world = World::start();
    // Results that come while their tasks are polled, between polls, and while the runtime ticks.
    let sum: usize = (0..500)
        .map(|number| {
            let task = spawn(async move {
                let first = background(move || number);
                let second = background(move || number);
                first.await + second.await
            });
            tick_until(&world, &task);
            task.take().unwrap().unwrap()
        })
        .sum();
    assert_eq!(sum, 499 * 500);
}

// ---------------------------------------------------------------- Panics

#[test]
fn a_panic_goes_on_in_the_one_who_awaits() {
    let (world, log) = (World::start(), Log::new());
    let guard = log.guard("task");
    let task = spawn(async move {
        let _guard = guard;
        background(|| -> i32 { panic!("no path to {}", "the harbour") }).await
    });
    tick_until(&world, &task);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
    log.check(&["drop task"]);
    world.check_reports(&["no path to the harbour"]);
    // The thread is still good.
    assert_eq!(result_of(&world, || 7), Ok(7));
}

#[test]
fn a_panic_that_nobody_awaits_ends_nothing() {
    let world = World::start();
    world.engine.threads.set(Some(1));
    drop(background(|| panic!("unheard")));
    assert_eq!(result_of(&world, || 7), Ok(7));
}

#[test]
fn a_result_whose_drop_panics_ends_no_thread() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the result");
        }
    }
    let world = World::start();
    world.engine.threads.set(Some(1));
    let (end, told) = channel();
    let unwanted = background(move || {
        told.recv().unwrap();
        Bomb
    });
    drop(unwanted);
    // So it is the thread that has the result, and drops it.
    end.send(()).unwrap();
    assert_eq!(result_of(&world, || 7), Ok(7));
}

#[test]
fn a_waker_that_panics_ends_no_thread() {
    struct Broken;
    impl std::task::Wake for Broken {
        fn wake(self: Arc<Self>) {
            panic!("in the waker");
        }
    }
    let world = World::start();
    world.engine.threads.set(Some(1));
    let (mut wait, end, _heard) = occupy();
    let waker = std::task::Waker::from(Arc::new(Broken));
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    end.send(1).unwrap();
    assert_eq!(result_of(&world, || 7), Ok(7));
    assert_eq!(poll_once(&mut wait), Poll::Ready(1));
}

#[test]
fn elsewhere_it_panics() {
    let world = World::start();
    // From background work, too: it has no part in the runtime.
    let (message, file) = result_of(&world, || panic_of(|| background(|| {}))).unwrap();
    assert!(message.contains("\"cuelight-background\" has no runtime"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn before_the_start_it_panics() {
    let (message, _) =
        thread::spawn(|| panic_of(|| background(|| {}))).join().expect("caught there");
    assert!(message.contains("has no runtime"), "{message}");
}

// ---------------------------------------------------------------- Dropped waits

#[test]
fn dropped_wait_lets_the_closure_run_to_its_end() {
    let _world = World::start();
    let log = SharedLog::default();
    let ((go, told), (done, heard)) = (channel::<()>(), channel());
    let guard = log.guard("result");
    let wait = background(move || {
        told.recv().unwrap();
        done.send(thread::current().id()).unwrap();
        guard
    });
    drop(wait);
    go.send(()).unwrap();
    let there = heard.recv().unwrap();
    engine::shutdown();
    // The result was dropped where nobody waited for it.
    assert_eq!(log.take(), [("result", Some(there))]);
}

#[test]
fn dropped_wait_whose_closure_has_not_begun() {
    let _world = World::start();
    let (done, heard) = channel();
    drop(background(move || done.send(7).unwrap()));
    assert_eq!(heard.recv(), Ok(7));
}

#[test]
fn result_that_nobody_takes_is_dropped_with_its_wait() {
    let world = World::start();
    let log = SharedLog::default();
    world.engine.threads.set(Some(1));
    let guard = log.guard("result");
    let wait = background(move || guard);
    // One thread: the one before has ended.
    assert_eq!(result_of(&world, || 7), Ok(7));
    assert_eq!(log.take(), []);
    drop(wait);
    assert_eq!(log.take(), [("result", Some(thread::current().id()))]);
}

#[test]
fn cancelled_task_hears_nothing() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let (wait, end, heard) = occupy();
    let guard = log.guard("task");
    let task = group.spawn(async move {
        let _guard = guard;
        wait.await
    });
    heard.recv().unwrap();
    group.close();
    world.flush();
    log.check(&["drop task"]);
    end.send(7).unwrap();
    assert_eq!(result_of(&world, || 8), Ok(8));
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn frozen_gets_it_at_the_resume() {
    let (world, log) = (World::start(), Log::new());
    world.engine.threads.set(Some(1));
    let group = TaskGroup::new();
    let (inner, (wait, end, _heard)) = (log.clone(), occupy());
    group.spawn(async move { inner.push(wait.await) }).detach();
    group.pause();
    end.send(7).unwrap();
    assert_eq!(result_of(&world, || 8), Ok(8));
    world.ticks(3);
    log.check(&[]);
    group.resume();
    world.flush();
    log.check(&["7"]);
}

#[test]
fn in_somebody_elses_executor() {
    let _world = World::start();
    let (mut wait, end, _heard) = occupy();
    let (first, first_waker) = CountedWaker::new();
    let (second, second_waker) = CountedWaker::new();
    for waker in [&first_waker, &second_waker] {
        assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(waker)).is_pending());
    }
    end.send(7).unwrap();
    while second.count() == 0 {
        thread::yield_now();
    }
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(poll_once(&mut wait), Poll::Ready(7));
}

#[test]
fn panic_after_done() {
    let _world = World::start();
    let mut wait = background(|| 7);
    assert_eq!(wait_for(&mut wait), 7);
    let (message, _) = panic_of(|| poll_once(&mut wait));
    assert!(message.contains("polled after it was ready"), "{message}");
}

#[test]
fn from_a_drop() {
    let world = World::start();
    let (done, heard) = channel();
    let task = spawn(async move {
        let _guard = OnDrop(move || {
            let done = done.clone();
            drop(background(move || done.send(7).unwrap()));
        });
        pending::<()>().await;
    });
    task.cancel();
    world.flush();
    assert_eq!(heard.recv(), Ok(7));
}

#[test]
fn a_result_whose_drop_comes_back() {
    struct Again(Sender<i32>);
    impl Drop for Again {
        fn drop(&mut self) {
            let done = self.0.clone();
            drop(background(move || done.send(7).unwrap()));
        }
    }
    let world = World::start();
    let (done, heard) = channel();
    let again = result_of(&world, move || Again(done));
    drop(again);
    assert_eq!(heard.recv(), Ok(7));
}

// ---------------------------------------------------------------- The shutdown

/// Counts when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local! {
    /// Set by work, dropped when its thread ends.
    static ON_THREAD_END: RefCell<Option<Counted>> = const { RefCell::new(None) };
}

#[test]
fn shutdown_joins_the_threads() {
    let world = World::start();
    world.engine.threads.set(Some(2));
    let ended = Arc::new(AtomicUsize::new(0));
    let barrier = Arc::new(Barrier::new(2));
    let tasks = [0, 1].map(|_| {
        let (barrier, ended) = (barrier.clone(), ended.clone());
        spawn(background(move || {
            barrier.wait();
            ON_THREAD_END.set(Some(Counted(ended)));
        }))
    });
    tasks.iter().for_each(|task| tick_until(&world, task));
    assert_eq!(ended.load(Ordering::SeqCst), 0);
    engine::shutdown();
    assert_eq!(ended.load(Ordering::SeqCst), 2);
}

#[test]
fn shutdown_waits_for_what_has_begun_and_drops_the_rest_in_order() {
    let world = World::start();
    world.engine.threads.set(Some(1));
    let log = SharedLog::default();
    let ((begun, heard), (end, told)) = (channel(), channel());
    let last = log.guard("running");
    let running = background(move || {
        let _last = last;
        begun.send(thread::current().id()).unwrap();
        told.recv().unwrap();
    });
    let there = Some(heard.recv().unwrap());
    // What has begun goes on until the last of the others is dropped.
    let ender = OnDrop(move || end.send(()).unwrap());
    let (first, second, third) = (log.guard("first"), log.guard("second"), log.guard("third"));
    let first = background(move || drop(first));
    let task = log.guard("task");
    spawn(async move {
        let _guard = task;
        let _first = first;
        background(move || drop(second)).await;
    })
    .detach();
    drop(background(move || drop((third, ender))));
    engine::shutdown();
    let here = Some(thread::current().id());
    // The tasks go first; the dropped waits have left their closures where they were.
    let expected =
        [("task", here), ("first", here), ("second", here), ("third", here), ("running", there)];
    assert_eq!(log.take(), expected);
    drop(running);
}

#[test]
fn a_closure_whose_drop_panics_at_the_shutdown() {
    let world = World::start();
    world.engine.threads.set(Some(1));
    let log = SharedLog::default();
    let (wait, end, heard) = occupy();
    heard.recv().unwrap();
    let bomb = OnDrop(move || {
        end.send(7).unwrap();
        panic!("boo");
    });
    let guard = log.guard("other");
    drop((background(move || drop(bomb)), background(move || drop(guard)), wait));
    engine::shutdown();
    assert_eq!(log.names(), ["other"]);
    assert_eq!(world.errors(), ["dropping background work panicked: boo"]);
}

#[test]
fn after_the_shutdown_it_is_dropped_at_once() {
    let _world = World::start();
    engine::shutdown();
    let log = SharedLog::default();
    let guard = log.guard("closure");
    let mut wait = background(move || drop(guard));
    assert_eq!(log.take(), [("closure", Some(thread::current().id()))]);
    assert!(poll_once(&mut wait).is_pending());
}

#[test]
fn handed_over_by_a_guard_at_the_shutdown() {
    let _world = World::start();
    let log = SharedLog::default();
    let guard = log.guard("closure");
    let place = Cell::new(Some(guard));
    spawn(async move {
        let _guard = OnDrop(move || {
            let guard = place.take();
            drop(background(move || drop(guard)));
        });
        pending::<()>().await;
    })
    .detach();
    engine::shutdown();
    assert_eq!(log.take(), [("closure", Some(thread::current().id()))]);
}

#[test]
fn the_next_start_makes_new_threads() {
    let world = World::start();
    world.engine.threads.set(Some(1));
    let mut wait = background(|| thread::current().id());
    // The only thread has ended this before it ends that.
    let before = result_of(&world, || thread::current().id()).unwrap();
    engine::shutdown();
    engine::start(world.engine.clone());
    let after = result_of(&world, || thread::current().id()).unwrap();
    assert_ne!(after, before);
    // What came before the shutdown is there.
    assert_eq!(poll_once(&mut wait), Poll::Ready(before));
}

#[test]
fn awaited_after_it_was_dropped_fails_the_task() {
    let world = World::start();
    world.engine.threads.set(Some(1));
    let (wait, end, heard) = occupy();
    heard.recv().unwrap();
    let ender = OnDrop(move || end.send(7).unwrap());
    let never = background(move || drop(ender));
    engine::shutdown();
    engine::start(world.engine.clone());
    let task = spawn(never);
    world.flush();
    let reason = "the shutdown has dropped this background work before it began";
    assert_eq!(task.take(), Some(Err(TaskError::Failed(reason.into()))));
    world.check_reports(&[reason]);
    assert_eq!(spawn(wait).take(), Some(Ok(7)));
}

// ---------------------------------------------------------------- Without threads

#[test]
fn without_threads_it_runs_at_the_first_poll() {
    let (world, log) = (World::start(), SharedLog::default());
    world.engine.threads.set(Some(0));
    let guard = log.guard("closure");
    let mut wait = background(move || {
        drop(guard);
        thread::current().id()
    });
    assert_eq!(log.names(), [""; 0]);
    let here = thread::current().id();
    assert_eq!(poll_once(&mut wait), Poll::Ready(here));
    assert_eq!(log.names(), ["closure"]);
    let (message, _) = panic_of(|| poll_once(&mut wait));
    assert!(message.contains("polled after it was ready"), "{message}");
    // A closure may use the runtime there, for what that is worth.
    let task = spawn(async { background(|| drop(spawn(next_frame()))).await });
    assert_eq!(task.take(), Some(Ok(())));
}

#[test]
fn without_threads_a_panic_is_the_pollers() {
    let world = World::start();
    world.engine.threads.set(Some(0));
    let task = spawn(async { background(|| -> i32 { panic!("no path") }).await });
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
    world.check_reports(&["no path"]);
}

#[test]
fn without_threads_a_dropped_wait_drops_the_closure() {
    let (world, log) = (World::start(), SharedLog::default());
    world.engine.threads.set(Some(0));
    let guard = log.guard("closure");
    drop(background(move || {
        drop(guard);
        unreachable!("nobody polled it");
    }));
    assert_eq!(log.names(), ["closure"]);
}

#[test]
fn an_engine_that_panics_has_no_threads() {
    struct Broken(Rc<RefCell<Vec<String>>>);
    impl engine::Engine for Broken {
        fn real_time(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }
        fn call_soon(&self) {}
        fn background_threads(&self) -> usize {
            panic!("boo");
        }
        fn error(&self, message: &str) {
            self.0.borrow_mut().push(message.to_owned());
        }
    }
    let errors = Rc::new(RefCell::new(Vec::new()));
    engine::start(Broken(errors.clone()));
    assert_eq!(poll_once(&mut background(|| 7)), Poll::Ready(7));
    assert_eq!(*errors.borrow(), ["asking for the number of threads panicked: boo"]);
    engine::shutdown();
}
