//! Awaiting combinators in steady state allocates nothing, and losers leave nothing behind.

#[path = "../../runtime/tests/common/mod.rs"]
mod common;
#[path = "../../runtime/tests/common/counting.rs"]
mod counting;

use std::future::{pending, ready};

use cuelight_combinators::{
    Ease, FrameBudget, ScriptFutureExt, animate, at_exit, branch, every, join, next_frame, race,
    scope, select, timeout, uncancellable, wait_changed, wait_frames, wait_physics_frames,
    wait_seconds, wait_until, wait_until_time, wait_while, yield_now,
};
use cuelight_runtime::engine::counts;
use cuelight_runtime::{TaskGroup, spawn};

use common::World;
use counting::allocations;

/// Spawns a hundred tasks that do one thing for ever, and checks that after a while it allocates
/// nothing any more.
#[track_caller]
fn check<F>(step: impl Fn() -> F + Clone + 'static)
where
    F: Future + 'static,
{
    let world = World::start();
    let group = TaskGroup::new();
    for index in 0..100 {
        // Half of them on a clock of their own.
        let group = if index % 2 == 0 { group.handle() } else { group.child() };
        let step = step.clone();
        group
            .spawn(async move {
                loop {
                    step().await;
                }
            })
            .detach();
    }
    let frame = || {
        world.tick();
        world.physics_tick();
        world.flush();
    };
    (0..300).for_each(|_| frame());
    let before = counts();
    assert_eq!(allocations(|| (0..300).for_each(|_| frame())), 0);
    assert_eq!(counts(), before);
}

#[test]
fn waits_allocate_nothing() {
    check(|| async {
        next_frame().await;
        wait_frames(2).await;
        wait_seconds(0.05).await;
        wait_physics_frames(2).await;
        yield_now().await;
    });
}

#[test]
fn race_with_a_losing_wait_allocates_nothing() {
    check(|| race((wait_seconds(3600.0), next_frame())));
}

#[test]
fn select_allocates_nothing() {
    check(|| select((wait_seconds(3600.0), wait_frames(2), pending::<u8>())));
}

#[test]
fn timeout_allocates_nothing() {
    check(|| timeout(3600.0, next_frame()));
    check(|| timeout(0.02, wait_seconds(3600.0)));
}

#[test]
fn until_allocates_nothing() {
    check(|| pending::<()>().until(wait_frames(2)));
}

#[test]
fn join_allocates_nothing() {
    check(|| join((next_frame(), wait_seconds(0.03), wait_frames(3), wait_physics_frames(1))));
}

#[test]
fn wait_until_allocates_nothing() {
    check(|| {
        let mut checks = 0;
        wait_until(move || {
            checks += 1;
            checks == 3
        })
    });
}

#[test]
fn checks_every_so_many_seconds_allocate_nothing() {
    check(|| {
        let mut checks = 0;
        let condition = move || {
            checks += 1;
            checks == 3
        };
        wait_until(condition).every(0.02)
    });
    check(|| race((wait_while(|| true).every(0.02), wait_frames(5))));
    check(|| {
        let mut reads = 0;
        let value = move || {
            reads += 1;
            reads / 4
        };
        wait_changed(value).every(0.02)
    });
}

#[test]
fn times_of_the_clock_allocate_nothing() {
    check(|| async { wait_until_time(cuelight_runtime::now() + 0.02).await });
}

#[test]
fn every_allocates_nothing() {
    check(|| async {
        let mut every = every(0.02);
        for _ in 0..5 {
            every.next().await;
        }
    });
}

#[test]
fn animate_allocates_nothing() {
    check(|| animate(0.05, Ease::OutElastic, |_| {}));
}

#[test]
fn frame_budget_allocates_nothing() {
    check(|| async {
        let mut budget = FrameBudget::new(0.0);
        for _ in 0..5 {
            budget.tick().await;
        }
    });
}

#[test]
fn at_exit_allocates_nothing() {
    check(|| async {
        let _guard = at_exit(|| {});
        next_frame().await;
    });
}

#[test]
fn map_and_on_cancel_allocate_nothing() {
    check(|| next_frame().map(|()| 7).on_cancel(|| {}));
    check(|| pending::<()>().on_cancel(|| {}).until(next_frame()));
}

#[test]
fn scope_allocates_once_and_for_each_child_and_nothing_in_between() {
    let world = World::start();
    spawn(async {
        let beats = std::cell::Cell::new(0);
        scope(async |s| {
            for _ in 0..10 {
                s.spawn(async {
                    loop {
                        next_frame().await;
                        beats.set(beats.get() + 1);
                    }
                });
            }
            pending::<()>().await;
        })
        .await;
    })
    .detach();
    world.ticks(10);
    assert_eq!(allocations(|| world.ticks(100)), 0);
    drop(world);
    let world = World::start();
    spawn(async {
        loop {
            scope(async |s| s.spawn(next_frame()).await).await;
        }
    })
    .detach();
    world.ticks(10);
    // The scope's two cells, the child with its state, and the places for them in two lists.
    assert_eq!(allocations(|| world.ticks(100)), 600);
}

#[test]
fn uncancellable_is_one_allocation() {
    let world = World::start();
    spawn(async {
        loop {
            uncancellable(next_frame()).await;
        }
    })
    .detach();
    world.ticks(10);
    assert_eq!(allocations(|| world.ticks(100)), 100);
}

#[test]
fn branch_is_one_allocation() {
    let world = World::start();
    spawn(async {
        loop {
            assert_eq!(branch(ready(7)).await, Ok(7));
            next_frame().await;
        }
    })
    .detach();
    world.ticks(10);
    assert_eq!(allocations(|| world.ticks(100)), 100);
}

#[test]
fn a_million_losers_leave_nothing_behind() {
    let world = World::start();
    let task = spawn(async {
        // A loser that waits as long as the loop, which must not pile up on the clock.
        for _ in 0..1_000_000 {
            let mut lost = race((pending::<()>(), wait_seconds(3600.0)));
            std::future::poll_fn(|cx| {
                assert!(std::pin::Pin::new(&mut lost).poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        }
        counts().waits
    });
    assert_eq!(task.take(), Some(Ok(0)));
    assert_eq!(counts().tasks, 0);
    // As losers of a race that goes on each frame, too.
    let task = spawn(async {
        for _ in 0..10_000 {
            race((wait_seconds(3600.0), next_frame())).await;
        }
    });
    for _ in 0..10_000 {
        assert_eq!(counts().waits, 2);
        world.tick();
    }
    assert!(task.is_finished());
    assert_eq!((counts().tasks, counts().waits), (0, 0));
}
