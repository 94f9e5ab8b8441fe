//! Hooks that hear of every panic and failure.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::thread;

use cuelight_runtime::{
    TaskError, TaskReport, engine, fail_task, next_frame, on_task_panic, spawn, spawn_deferred,
    spawn_named,
};

use crate::common::{Log, OnDrop, World, panic_of};

/// Adds a hook that pushes its name and the message.
fn add(log: &Log, name: &'static str) {
    let log = log.clone();
    on_task_panic(move |report| log.push(format!("{name}: {}", report.message)));
}

fn fail_with(message: &'static str) {
    spawn(async move { panic!("{message}") }).detach();
}

#[test]
fn hears_of_panics_and_failures_of_any_task() {
    let (world, log) = (World::start(), Log::new());
    let reports = Rc::new(RefCell::new(Vec::<TaskReport>::new()));
    let inner = reports.clone();
    on_task_panic(move |report| inner.borrow_mut().push(report.clone()));
    add(&log, "second");
    // Nobody holds this one's handle.
    fail_with("at once");
    let task = spawn_named("patrol", async {
        next_frame().await;
        fail_task("no path");
        pending::<()>().await;
    });
    let bomb = OnDrop(|| panic!("the guard"));
    let cancelled = spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    cancelled.cancel();
    world.tick();
    log.check(&["second: at once", "second: in a destructor: the guard", "second: no path"]);
    let reports = reports.take();
    let last = reports.last().unwrap();
    assert_eq!((last.id, last.name.as_deref()), (task.id(), Some("patrol")));
    assert_eq!(last.error, TaskError::Failed("no path".into()));
    // The engine's own report comes as ever.
    world.check_reports(&["at once", "in a destructor: the guard", "no path"]);
}

#[test]
fn called_in_order_and_after_the_engine() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    *world.engine.on_report.borrow_mut() = Some(Box::new(move || inner.push("engine")));
    ["a", "b", "c"].iter().for_each(|name| add(&log, name));
    fail_with("boo");
    log.check(&["engine", "a: boo", "b: boo", "c: boo"]);
    world.check_reports(&["boo"]);
}

#[test]
fn a_panic_in_one_is_an_error_and_the_others_are_called() {
    let (world, log) = (World::start(), Log::new());
    add(&log, "a");
    on_task_panic(|_| panic!("in the hook"));
    add(&log, "c");
    fail_with("boo");
    log.check(&["a: boo", "c: boo"]);
    world.check_reports(&["boo"]);
    assert_eq!(world.errors(), ["a hook of `on_task_panic` panicked: in the hook"]);
}

#[test]
fn may_use_the_runtime() {
    let (world, log) = (World::start(), Log::new());
    let victim = spawn(pending::<()>());
    let (inner, canceller) = (log.clone(), victim.canceller());
    on_task_panic(move |report| {
        canceller.cancel();
        let inner = inner.clone();
        if report.message == "boo" {
            spawn(async move {
                inner.push("spawned");
                next_frame().await;
                inner.push("a frame later");
            })
            .detach();
            fail_with("from the hook");
            add(&Log::new(), "unheard");
        }
    });
    add(&log, "second");
    fail_with("boo");
    // A hook that is added by another one hears of the next report.
    log.check(&["spawned", "second: from the hook", "second: boo"]);
    world.flush();
    assert!(victim.is_finished());
    world.tick();
    log.check(&["a frame later"]);
    world.check_reports(&["boo", "from the hook"]);
}

#[test]
fn added_by_a_hook_hears_of_the_next() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    on_task_panic(move |report| {
        if report.message == "first" {
            add(&inner, "added");
        }
    });
    fail_with("first");
    log.check(&[]);
    fail_with("second");
    log.check(&["added: second"]);
    world.check_reports(&["first", "second"]);
}

#[test]
fn dropped_at_the_shutdown_after_the_last_future() {
    let (world, log) = (World::start(), Log::new());
    add(&log, "hook");
    let guard = log.guard("a hook");
    on_task_panic(move |_| {
        let _guard = &guard;
    });
    let bomb = OnDrop(|| panic!("boo"));
    spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    })
    .detach();
    engine::shutdown();
    // What the end breaks is heard, too.
    log.check(&["hook: in a destructor: boo", "drop a hook"]);
    world.check_reports(&["in a destructor: boo"]);
    // After the shutdown it does nothing.
    let guard = log.guard("late");
    on_task_panic(move |_| {
        let _guard = &guard;
    });
    log.check(&["drop late"]);
    // The next start begins without any.
    engine::start(world.engine.clone());
    fail_with("after");
    log.check(&[]);
    world.check_reports(&["after"]);
    add(&log, "new");
    fail_with("again");
    log.check(&["new: again"]);
    world.check_reports(&["again"]);
}

#[test]
fn added_from_a_drop_at_the_shutdown_is_dropped() {
    let (_world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let _guard = OnDrop(move || {
            let guard = inner.guard("hook");
            on_task_panic(move |_| {
                let _guard = &guard;
            });
        });
        pending::<()>().await;
    })
    .detach();
    engine::shutdown();
    log.check(&["drop hook"]);
}

#[test]
fn a_panic_in_its_drop_is_an_error() {
    let (world, log) = (World::start(), Log::new());
    let bomb = OnDrop(|| panic!("boo"));
    on_task_panic(move |_| {
        let _bomb = &bomb;
    });
    let guard = log.guard("other");
    on_task_panic(move |_| {
        let _guard = &guard;
    });
    engine::shutdown();
    log.check(&["drop other"]);
    assert_eq!(world.errors(), ["dropping a hook of `on_task_panic` panicked: boo"]);
}

#[test]
fn shutdown_from_a_hook() {
    let (world, log) = (World::start(), Log::new());
    let guard = log.guard("hook");
    on_task_panic(move |_| {
        guard_is_alive(&guard);
        engine::shutdown();
    });
    add(&log, "never called");
    spawn_deferred(async { panic!("boo") }).detach();
    let other = spawn(pending::<()>());
    world.flush();
    log.check(&["drop hook"]);
    assert!(other.is_finished());
    world.check_reports(&["boo"]);
}

fn guard_is_alive(_guard: &crate::common::Guard) {}

#[test]
fn before_the_start_and_elsewhere_it_panics() {
    let (message, file) =
        thread::spawn(|| panic_of(|| on_task_panic(|_| {}))).join().expect("caught there");
    assert!(message.contains("has no runtime"), "{message}");
    assert_eq!(file, file!());
}
