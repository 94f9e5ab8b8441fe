//! `timeout`

use std::future::{pending, ready};

use cuelight_combinators::{
    Elapsed, ScriptFutureExt, next_frame, timeout, wait_frames, wait_seconds,
};
use cuelight_runtime::{TaskGroup, spawn};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::{FRAME, Part, World, panic_of};

#[test]
fn all_ok() {
    check(|log| timeout(1.0, Part::new(log, "a", 1, 1)), Ok(1), &["poll a", "drop a", "done"]);
}

#[test]
fn drops_loser() {
    let world = World::start();
    let log = crate::common::Log::new();
    let (inner, part) = (log.clone(), Part::new(&log, "a", 2, ()));
    let task = spawn(async move {
        let result = timeout(2.5 * FRAME.as_secs_f64(), join_forever(part)).await;
        inner.push("done");
        result
    });
    world.ticks(2);
    log.check(&["poll a", "poll a"]);
    world.tick();
    log.check(&["drop a", "done"]);
    assert_eq!(task.take(), Some(Ok(Err(Elapsed))));
}

/// Keeps a future that is ready, and is never ready itself.
async fn join_forever(mut future: impl Future + Unpin) {
    (&mut future).await;
    pending().await
}

#[test]
fn tie_goes_to_first() {
    let world = World::start();
    let task = spawn(timeout(FRAME.as_secs_f64(), next_frame()));
    world.tick();
    assert_eq!(task.take(), Some(Ok(Ok(()))));
    // At once, too.
    check(|_| timeout(0.0, ready(1)), Ok(1), &["done"]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| timeout(1.0, ready(1)));
    check_panic_after_done(|| timeout(0.0, pending::<()>()));
}

#[test]
fn drop_order() {
    check_drop(|log| timeout(1.0, Part::new(log, "a", 9, ())), &["poll a", "dropped", "drop a"]);
}

#[test]
fn frozen() {
    check_frozen(|| timeout(1.0, wait_frames(2)));
    check_frozen(|| timeout(2.0 * FRAME.as_secs_f64(), pending::<()>()));
}

#[test]
fn pending_then_ready() {
    check(
        |log| timeout(1.0, Part::new(log, "a", 3, 1)),
        Ok(1),
        &["poll a", "poll a", "poll a", "drop a", "done"],
    );
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| timeout(3600.0, next_frame()));
    check_leaves_nothing(|| timeout(0.1, wait_seconds(3600.0)));
}

#[test]
fn runs_on_the_clock_of_the_task() {
    let world = World::start();
    let group = TaskGroup::new();
    group.set_speed(0.5);
    let task = group.spawn(async { pending::<()>().timeout(0.5).await });
    world.ticks(59);
    assert!(!task.is_finished());
    world.tick();
    assert_eq!(task.take(), Some(Ok(Err(Elapsed))));
}

#[test]
fn starts_when_it_is_created() {
    let world = World::start();
    let task = spawn(async {
        let limited = pending::<()>().timeout(0.5);
        wait_frames(20).await;
        limited.await
    });
    world.ticks(29);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn negative_gives_one_poll_and_infinite_never_ends() {
    let world = World::start();
    for seconds in [0.0, -1.0, f64::NEG_INFINITY] {
        check(
            move |log| timeout(seconds, Part::new(log, "a", 9, ())),
            Err(Elapsed),
            &["poll a", "drop a", "done"],
        );
    }
    drop(world);
    let world = World::start();
    let task = spawn(timeout(f64::INFINITY, pending::<()>()));
    world.step(1e9);
    assert!(!task.is_finished());
}

#[test]
fn nan_panics_at_the_callers_line() {
    let _world = World::start();
    let calls: [fn(); 2] =
        [|| drop(timeout(f64::NAN, pending::<()>())), || drop(pending::<()>().timeout(f64::NAN))];
    for call in calls {
        let (message, file) = panic_of(call);
        assert!(message.starts_with("timeout(NaN)"), "{message}");
        assert_eq!(file, file!());
    }
}

#[test]
fn elapsed_says_so() {
    assert_eq!(Elapsed.to_string(), "the time was over first");
}
