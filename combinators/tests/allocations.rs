//! Awaiting combinators in steady state allocates nothing, and losers leave nothing behind.

#[path = "../../runtime/tests/common/mod.rs"]
mod common;
#[path = "../../runtime/tests/common/counting.rs"]
mod counting;

use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cuelight_combinators::{
    Branch, Ease, FrameBudget, ScriptFutureExt, animate, as_completed, at_exit, branch, during,
    every, join, next_frame, otherwise, priority, race, race_iter, rush, scope, select, timeout,
    try_join, uncancellable, wait_changed, wait_frames, wait_physics_frames, wait_seconds,
    wait_until, wait_until_time, wait_while, when, when_on, yield_now,
};
use cuelight_runtime::engine::counts;
use cuelight_runtime::{TaskGroup, spawn};

use smallvec::SmallVec;

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
fn try_join_allocates_nothing() {
    check(|| try_join((next_frame().timeout(1.0), wait_seconds(0.03).timeout(1.0))));
    check(|| try_join((wait_seconds(3600.0).timeout(0.01), wait_frames(3).timeout(1.0))));
}

#[test]
fn arrays_allocate_nothing() {
    check(|| race([wait_frames(1000), wait_frames(2)]));
    check(|| select([wait_frames(1000), wait_frames(2)]));
    check(|| join([wait_frames(1), wait_frames(2), wait_frames(3)]));
    check(|| try_join([1, 2, 3].map(|frames| wait_frames(frames).timeout(1.0))));
    check(|| try_join([1.0, 0.01].map(|seconds| wait_frames(9).timeout(seconds))));
}

#[test]
fn the_first_of_a_small_list_allocates_nothing() {
    check(|| race(SmallVec::<[_; 2]>::from([wait_frames(1000), wait_frames(2)])));
    check(|| select(SmallVec::<[_; 2]>::from([wait_frames(1000), wait_frames(2)])));
    check(|| race_iter((2..6).map(wait_frames)));
}

/// Counts the allocations of a list's future, from its creation to its end, once the list is there.
fn count<L, F: Future>(list: L, make: impl FnOnce(L) -> F) -> usize {
    allocations(|| {
        let mut future = pin!(make(list));
        let mut cx = Context::from_waker(Waker::noop());
        while future.as_mut().poll(&mut cx).is_pending() {}
    })
}

/// Pends once.
async fn once() -> Result<(), ()> {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
    Ok(())
}

#[test]
fn lists_allocate_what_holds_the_outputs() {
    for len in [2, 100, 1_000] {
        let parts = || Vec::from_iter((0..len).map(|_| once()));
        let small_parts = || SmallVec::<[_; 4]>::from_iter((0..len).map(|_| once()));
        assert_eq!(count(parts(), race), 0, "race of {len}");
        assert_eq!(count(small_parts(), race), 0, "race of a small list of {len}");
        assert_eq!(count(parts(), select), 0, "select of {len}");
        assert_eq!(count(small_parts(), select), 0, "select of a small list of {len}");
        // The notes of which are alive.
        let notes = usize::from(len > 128);
        assert_eq!(count(parts(), join), 1 + notes, "join of {len}");
        assert_eq!(count(small_parts(), join), 1 + notes, "join of a small list of {len}");
        assert_eq!(count(parts(), try_join), 1 + notes, "try_join of {len}");
        assert_eq!(count(small_parts(), try_join), 1 + notes, "try_join of a small list of {len}");
    }
    // In place, also where an output alone is smaller than one that may be missing.
    assert_eq!(count(Vec::from([ready(1_u64), ready(2), ready(3)]), join), 1);
    assert_eq!(count(Vec::from_iter((0..0).map(|_| once())), join), 0);
}

#[test]
fn as_completed_allocates_its_outputs() {
    async fn all<F: Future>(list: Vec<F>) {
        let mut stream = as_completed(list);
        while stream.next().await.is_some() {}
    }
    // The memory for those that are ready at once grows by doubling.
    assert_eq!(count(Vec::from_iter((0..100).map(|_| ready(()))), all), 6);
    // One after the other, they are kept in the same place.
    let one_by_one = (0..100).map(async |polls| {
        for _ in 0..polls {
            let _ = once().await;
        }
    });
    assert_eq!(count(one_by_one.collect(), all), 1);
}

#[test]
fn rush_allocates_boxes_and_tasks() {
    let _world = World::start();
    let count = || count((), |()| rush((once(), once(), once())));
    count();
    assert_eq!(count(), 3 + 2);
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

/// Branches of which each interrupts another, ends by its condition or by itself, and is chosen again.
#[test]
fn priority_allocates_nothing() {
    // What they do repeats every ten frames, so that it waits for as much at the end as at the start.
    fn habits() -> impl Future<Output = ()> {
        let [mut high, mut low] = [0, 0];
        let now_and_then = move || {
            high += 1;
            high % 8 == 0
        };
        let for_a_while = move || {
            low += 1;
            low % 7 < 5
        };
        priority((
            when(now_and_then, || wait_seconds(0.03)),
            during(for_a_while, || wait_frames(9)),
            when_on(&7, |_| false, |_| next_frame()),
            otherwise(|| async { priority((otherwise(|| wait_frames(2)),)).await }),
        ))
    }
    check(habits);
    check(|| habits().until(wait_frames(50)));
    check(|| priority((during(|| true, || wait_frames(2)),)).every(0.05));
    check(|| priority(vec![otherwise(|| wait_frames(2))]));
}

#[test]
fn a_boxed_branch_allocates_at_each_choice() {
    let world = World::start();
    spawn(priority(vec![otherwise(next_frame).boxed()])).detach();
    world.ticks(10);
    // It ends in one frame, and is chosen again in the next.
    assert_eq!(allocations(|| world.ticks(100)), 50);
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
