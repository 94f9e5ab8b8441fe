//! `at_exit`

use std::future::pending;

use cuelight_combinators::{at_exit, next_frame};
use cuelight_runtime::{engine, spawn};

use crate::common::{Log, World};

/// Spawns a script with a guard.
fn script<F>(log: &Log, body: impl FnOnce() -> F + 'static) -> cuelight_runtime::TaskHandle<()>
where
    F: Future<Output = ()> + 'static,
{
    let log = log.clone();
    spawn(async move {
        let _guard = at_exit(|| log.push("exit"));
        body().await;
        log.push("end");
    })
}

#[test]
fn runs_at_the_end() {
    let (world, log) = (World::start(), Log::new());
    script(&log, || async { next_frame().await }).detach();
    log.check(&[]);
    world.tick();
    log.check(&["end", "exit"]);
}

#[test]
fn runs_when_it_is_cancelled() {
    let (world, log) = (World::start(), Log::new());
    script(&log, pending::<()>).cancel();
    log.check(&[]);
    world.flush();
    log.check(&["exit"]);
}

#[test]
fn runs_when_it_panics() {
    let (world, log) = (World::start(), Log::new());
    script(&log, || async { panic!("boo") }).detach();
    log.check(&["exit"]);
    world.check_reports(&["boo"]);
}

#[test]
fn runs_at_the_shutdown() {
    let (_world, log) = (World::start(), Log::new());
    script(&log, pending::<()>).detach();
    engine::shutdown();
    log.check(&["exit"]);
}

#[test]
fn kept_it_never_runs() {
    let log = Log::new();
    let guard = at_exit(|| log.push("exit"));
    guard.keep();
    log.check(&[]);
}

#[test]
fn drop_order() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        let _first = at_exit(|| inner.push("first"));
        let _second = at_exit(|| inner.push("second"));
        pending::<()>().await;
    });
    task.cancel();
    world.flush();
    // As all guards of Rust: the last comes first.
    log.check(&["second", "first"]);
}

#[test]
fn outside_of_any_task() {
    let log = Log::new();
    drop(at_exit(|| log.push("exit")));
    log.check(&["exit"]);
}

#[test]
fn two_guards_that_panic_do_not_abort() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn({
        let log = log.clone();
        async move {
            let _last = at_exit(move || log.push("the last guard"));
            let _second = at_exit(|| panic!("the second to panic"));
            let _first = at_exit(|| panic!("the first to panic"));
            pending::<()>().await;
        }
    });
    task.cancel();
    world.flush();
    log.check(&["the last guard"]);
    world.check_reports(&["in a destructor: the first to panic"]);
}
