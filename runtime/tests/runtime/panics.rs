//! Panics stay in their task, and none is silent.

use std::cell::Cell;
use std::future::{Pending, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cuelight_runtime::engine::{self, Engine, counts};
use cuelight_runtime::{
    TaskError, TaskGroup, TaskReport, next_frame, spawn, spawn_deferred, spawn_named,
};

use crate::common::{Event, Log, OnDrop, World};

/// A guard that panics when it is dropped.
fn bomb(message: &'static str) -> OnDrop<impl FnMut()> {
    OnDrop(move || panic!("{message}"))
}

#[test]
fn one_of_three() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    let mut tasks = Vec::new();
    for name in ["a", "b", "c"] {
        let (inner, wait) = (log.clone(), event.wait());
        tasks.push(spawn(async move {
            wait.await;
            assert_ne!(name, "b", "b breaks");
            inner.push(name);
            next_frame().await;
            inner.push(format!("{name} again"));
        }));
    }
    event.give();
    world.flush();
    log.check(&["a", "c"]);
    assert_eq!(tasks[1].take(), Some(Err(TaskError::Panicked)));
    assert!(world.reports()[0].message.contains("b breaks"));
    world.tick();
    log.check(&["a again", "c again"]);
}

#[test]
fn report_says_which_task() {
    let world = World::start();
    let task = spawn_named("patrol", async {
        next_frame().await;
        panic!("the path has {} points", 0);
    });
    let line = line!() - 4;
    world.tick();
    let reports = world.reports();
    assert_eq!(reports.len(), 1);
    let TaskReport { id, name, location, error, message } = reports[0].clone();
    assert_eq!((id, name.as_deref()), (task.id(), Some("patrol")));
    assert_eq!((location.file(), location.line()), (file!(), line));
    assert_eq!((error, &*message), (TaskError::Panicked, "the path has 0 points"));
    let expected = format!("task {id} \"patrol\" ({location}) panicked: the path has 0 points");
    assert_eq!(reports[0].to_string(), expected);
    assert!(matches!(task.take(), Some(Err::<(), _>(TaskError::Panicked))));
}

#[test]
fn locations_are_those_of_every_kind_of_spawn() {
    let world = World::start();
    let group = TaskGroup::new();
    let lines = line!() + 1..line!() + 7;
    spawn(async { panic!() }).detach();
    spawn_named("a", async { panic!() }).detach();
    spawn_deferred(async { panic!() }).detach();
    group.spawn(async { panic!() }).detach();
    group.spawn_named("b", async { panic!() }).detach();
    group.spawn_deferred(async { panic!() }).detach();
    world.flush();
    let mut seen: Vec<_> = world
        .reports()
        .iter()
        .map(|report| (report.location.file(), report.location.line()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, lines.map(|line| (file!(), line)).collect::<Vec<_>>());
}

#[test]
fn in_the_first_poll_reaches_the_spawner_as_a_result() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(async { panic!("at once") });
    log.push("spawned");
    log.check(&["spawned"]);
    assert!(matches!(task.take(), Some(Err::<(), _>(TaskError::Panicked))));
    world.check_reports(&["at once"]);
}

#[test]
fn without_a_handle_is_reported_too() {
    let world = World::start();
    spawn(async {
        next_frame().await;
        panic!("nobody holds a handle");
    })
    .detach();
    world.tick();
    world.check_reports(&["nobody holds a handle"]);
    assert_eq!(counts().tasks, 0);
}

#[test]
fn with_a_payload_that_is_no_text() {
    let world = World::start();
    spawn(async { std::panic::panic_any(7) }).detach();
    world.check_reports(&["a panic without a text"]);
}

/// A panic's payload that panics when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("in the payload");
    }
}

#[test]
fn with_a_payload_that_panics_in_its_drop() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    for name in ["a", "b"] {
        let (inner, wait) = (log.clone(), event.wait());
        spawn(async move {
            wait.await;
            if name == "a" {
                std::panic::panic_any(Payload);
            }
            inner.push(name);
        })
        .detach();
    }
    event.give();
    world.flush();
    log.check(&["b"]);
    assert_eq!(counts().tasks, 0);
    assert_eq!(world.reports()[0].message, "a panic without a text");
    // The drain has ended as every other one.
    event.give();
    world.tick();
}

#[test]
fn in_a_drop_while_cancelling() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(async {
        let _bomb = bomb("in the guard");
        pending::<()>().await;
    });
    let guard = log.guard("other");
    let other = spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    task.cancel();
    other.cancel();
    world.flush();
    log.check(&["drop other"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    assert_eq!(counts().tasks, 0);
    let reports = world.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].id, &*reports[0].message), (task.id(), "in a destructor: in the guard"));
}

/// A future that is ready in its second poll, with a part that panics when it is dropped.
struct ReadyBomb<B> {
    frame: cuelight_runtime::NextFrame,
    _bomb: B,
}

impl<B: Unpin> Future for ReadyBomb<B> {
    type Output = u8;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u8> {
        Pin::new(&mut self.frame).poll(cx).map(|()| 7)
    }
}

#[test]
fn in_a_drop_after_it_was_ready() {
    let world = World::start();
    let task = spawn(ReadyBomb { frame: next_frame(), _bomb: Box::pin(bomb("afterwards")) });
    world.tick();
    world.check_reports(&["in a destructor: afterwards"]);
    // The output was there before.
    assert_eq!(task.take(), Some(Ok(7)));
    assert_eq!(counts().tasks, 0);
}

#[test]
fn in_the_drop_of_an_output_that_nobody_takes() {
    let world = World::start();
    spawn(async {
        next_frame().await;
        bomb("in the output")
    })
    .detach();
    world.tick();
    world.check_reports(&["dropping its output: in the output"]);
    assert_eq!(counts().tasks, 0);
}

#[test]
fn in_the_drop_of_the_output_of_a_cancelled_task() {
    let world = World::start();
    let group = TaskGroup::new();
    let handle = group.handle();
    let task = group.spawn(async move {
        next_frame().await;
        handle.cancel_all();
        bomb("in the output")
    });
    world.tick();
    world.check_reports(&["in a destructor: in the output"]);
    assert!(matches!(task.take(), Some(Err(TaskError::Cancelled))));
}

#[test]
fn in_a_report() {
    let (world, log, event) = (World::start(), Log::new(), Event::new());
    *world.engine.on_report.borrow_mut() = Some(Box::new(|| panic!("in the report")));
    let wait = event.wait();
    spawn(async move {
        wait.await;
        panic!("in the task");
    })
    .detach();
    let (inner, wait) = (log.clone(), event.wait());
    spawn(async move {
        wait.await;
        inner.push("other");
    })
    .detach();
    event.give();
    world.flush();
    log.check(&["other"]);
    world.check_reports(&["in the task"]);
}

#[test]
fn in_a_settle() {
    let (world, log) = (World::start(), Log::new());
    *world.engine.settle.borrow_mut() = Some(Box::new(|| panic!("boo")));
    let inner = log.clone();
    spawn_deferred(async move { inner.push("other") }).detach();
    engine::ask_settle();
    world.flush();
    log.check(&["other"]);
    assert_eq!(world.errors(), ["settling panicked: boo"]);
}

/// An engine that cannot be asked for a flush.
struct Broken {
    errors: Rc<Cell<usize>>,
}

impl Engine for Broken {
    fn real_time(&self) -> Duration {
        Duration::ZERO
    }

    fn call_soon(&self) {
        panic!("no deferred calls here");
    }

    fn error(&self, message: &str) {
        assert!(message.contains("no deferred calls here"), "{message}");
        self.errors.set(self.errors.get() + 1);
    }
}

#[test]
fn in_call_soon() {
    let (log, errors) = (Log::new(), Rc::new(Cell::new(0)));
    engine::start(Broken { errors: errors.clone() });
    let event = Event::new();
    let (inner, wait) = (log.clone(), event.wait());
    spawn(async move {
        wait.await;
        inner.push("heard");
    })
    .detach();
    // The panic is not that of whoever gives the event.
    event.give();
    assert_eq!(errors.get(), 1);
    engine::tick(engine_phase(), Duration::ZERO);
    log.check(&["heard"]);
    engine::shutdown();
}

fn engine_phase() -> cuelight_runtime::Phase {
    cuelight_runtime::Phase::Process
}

/// A waker of a broken executor.
struct BrokenWaker;

impl Wake for BrokenWaker {
    fn wake(self: Arc<Self>) {
        panic!("in the waker");
    }
}

#[test]
fn in_a_foreign_waker_that_awaits_a_task() {
    let (world, log) = (World::start(), Log::new());
    let waker = Waker::from(Arc::new(BrokenWaker));
    let mut task = spawn(next_frame());
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        inner.push("other");
    })
    .detach();
    world.tick();
    log.check(&["other"]);
    assert_eq!(counts().tasks, 0);
    check_waker_errors(&world);
}

#[test]
fn in_a_foreign_waker_that_awaits_a_frame() {
    let (world, log) = (World::start(), Log::new());
    let waker = Waker::from(Arc::new(BrokenWaker));
    let mut wait = next_frame();
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        inner.push("other");
    })
    .detach();
    world.tick();
    log.check(&["other"]);
    check_waker_errors(&world);
}

#[test]
fn in_a_foreign_waker_that_awaits_a_group() {
    let (world, log) = (World::start(), Log::new());
    let waker = Waker::from(Arc::new(BrokenWaker));
    let group = TaskGroup::new();
    group.spawn(next_frame()).detach();
    let mut join = group.join();
    assert!(Pin::new(&mut join).poll(&mut Context::from_waker(&waker)).is_pending());
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        inner.push("other");
    })
    .detach();
    world.tick();
    log.check(&["other"]);
    check_waker_errors(&world);
}

#[track_caller]
fn check_waker_errors(world: &World) {
    let errors = world.errors();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("in the waker"), "{}", errors[0]);
}

#[test]
fn guards_run_while_it_unwinds() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let _guard = inner.guard("guard");
        next_frame().await;
        inner.push("panics");
        panic!("boo");
    })
    .detach();
    world.tick();
    log.check(&["panics", "drop guard"]);
    world.check_reports(&["boo"]);
}

/// A future that panics in its second poll and keeps its parts.
struct Panics {
    frame: Option<cuelight_runtime::NextFrame>,
    _rest: Box<dyn std::any::Any>,
    _never: Pending<()>,
}

impl Future for Panics {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.frame.as_mut().map(|frame| Pin::new(frame).poll(cx)) {
            Some(Poll::Pending) => Poll::Pending,
            _ => panic!("boo"),
        }
    }
}

#[test]
fn what_the_panic_left_is_dropped() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(Panics {
        frame: Some(next_frame()),
        _rest: Box::new(log.guard("rest")),
        _never: pending(),
    });
    world.tick();
    log.check(&["drop rest"]);
    world.check_reports(&["boo"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

#[test]
fn what_the_panic_left_panics_too() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(Panics {
        frame: Some(next_frame()),
        _rest: Box::new(bomb("and again")),
        _never: pending(),
    });
    let inner = log.clone();
    spawn(async move {
        next_frame().await;
        inner.push("other");
    })
    .detach();
    world.tick();
    log.check(&["other"]);
    world.check_reports(&["boo", "in a destructor: and again"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}
