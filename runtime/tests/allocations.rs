//! Awaiting in steady state allocates nothing, and spawning once: all allocations of this program
//! are counted.

mod common;
#[path = "common/counting.rs"]
mod counting;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Waker;

use cuelight_runtime::{
    Cue, Flag, SharedTask, TaskGroup, TaskSlot, TickWatch, current_group, next_frame, root_group,
    spawn, wait_frames, wait_physics_frames, wait_real_seconds, wait_seconds,
};

use common::{World, my_waker, wake_myself};
use counting::allocations;
#[cfg(not(cuelight_shared_wakers))]
use counting::bytes_held;

/// The allocations at the first clone of a task's waker: on 64 bits a waker holds its task's key, elsewhere all wakers of
/// a task share one `Arc`.
const FIRST_CLONE: usize =
    if cfg!(all(target_pointer_width = "64", not(cuelight_shared_wakers))) { 0 } else { 1 };

/// Spawns a hundred tasks that do one thing for ever, and checks that after a while it allocates
/// nothing any more.
#[track_caller]
fn check<F>(script: impl Fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    let world = World::start();
    let group = TaskGroup::new();
    for index in 0..100 {
        // Half of them on a clock of their own.
        let group = if index % 2 == 0 { group.handle() } else { group.child() };
        group.spawn(script()).detach();
    }
    let frame = || {
        world.tick();
        world.physics_tick();
        world.flush();
    };
    (0..300).for_each(|_| frame());
    assert_eq!(allocations(|| (0..300).for_each(|_| frame())), 0);
}

#[test]
fn the_count_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

#[test]
fn next_frame_allocates_nothing() {
    check(|| async {
        loop {
            next_frame().await;
        }
    });
}

#[test]
fn wait_frames_allocates_nothing() {
    check(|| async {
        loop {
            wait_frames(3).await;
            wait_physics_frames(2).await;
        }
    });
}

#[test]
fn wait_seconds_allocates_nothing() {
    check(|| async {
        loop {
            wait_seconds(0.03).await;
        }
    });
}

#[test]
fn wall_time_allocates_nothing() {
    // Registered, lost, and due: the wall time stands still here, but for what is over at once.
    check(|| async {
        loop {
            let mut long = wait_real_seconds(3600.0);
            poll_fn(|cx| {
                assert!(std::pin::Pin::new(&mut long).poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            wait_real_seconds(0.0).await;
            next_frame().await;
        }
    });
    let world = World::start();
    for _ in 0..100 {
        spawn(async {
            loop {
                wait_real_seconds(0.02).await;
            }
        })
        .detach();
    }
    let frame = || {
        world.pass_real(0.016);
        world.tick();
    };
    (0..300).for_each(|_| frame());
    assert_eq!(allocations(|| (0..300).for_each(|_| frame())), 0);
}

#[test]
fn clock_wait_allocates_nothing() {
    check(|| async {
        let clock = root_group().clock();
        loop {
            clock.wait_seconds(0.03).await;
        }
    });
}

#[test]
fn dropped_wait_allocates_nothing() {
    check(|| async {
        loop {
            let mut long = wait_seconds(3600.0);
            let mut begun = false;
            poll_fn(|cx| {
                begun |= std::pin::Pin::new(&mut long).poll(cx).is_pending();
                std::task::Poll::Ready(())
            })
            .await;
            assert!(begun);
            next_frame().await;
        }
    });
}

#[test]
fn condition_allocates_nothing() {
    check(|| async {
        loop {
            let mut watch = TickWatch::new();
            poll_fn(|cx| watch.poll_tick(cx)).await;
            poll_fn(|cx| watch.poll_tick(cx)).await;
        }
    });
}

#[test]
fn cue_allocates_nothing() {
    let cue = Cue::new();
    let given = cue.clone();
    check(move || {
        let (cue, given) = (cue.clone(), given.clone());
        async move {
            loop {
                let wait = cue.wait();
                drop(cue.wait());
                given.give(7);
                assert_eq!(wait.await, 7);
                let wait = cue.wait();
                next_frame().await;
                assert_eq!(wait.await, 7);
            }
        }
    });
}

#[test]
fn flag_allocates_nothing() {
    let flag = Flag::new();
    check(move || {
        let flag = flag.clone();
        async move {
            loop {
                flag.clear();
                let wait = flag.wait_set();
                next_frame().await;
                flag.set();
                wait.await;
            }
        }
    });
}

#[test]
fn channel_that_is_there_allocates_nothing() {
    check(|| async {
        loop {
            assert!(root_group().channel("ai").is_empty());
            next_frame().await;
        }
    });
}

#[test]
fn cooldown_allocates_nothing() {
    check(|| async {
        let cooldown = current_group().cooldown(0.03);
        loop {
            assert!(cooldown.try_start());
            drop(cooldown.ready());
            cooldown.ready().await;
        }
    });
}

#[test]
fn slow_guard_allocates_nothing() {
    check(|| async {
        let clock = root_group().clock();
        loop {
            let _guard = clock.slow(0.9);
            next_frame().await;
        }
    });
}

#[test]
fn wake_allocates_nothing() {
    let world = World::start();
    let mut wakers = Vec::<Waker>::new();
    for _ in 0..100 {
        let place = Rc::new(Cell::new(None));
        let inner = place.clone();
        spawn(async move {
            inner.set(Some(my_waker().await));
            poll_fn(|_| std::task::Poll::<()>::Pending).await;
        })
        .detach();
        wakers.push(place.take().unwrap());
    }
    let wake_all = || {
        wakers.iter().for_each(Waker::wake_by_ref);
        wakers.iter().for_each(|waker| assert!(waker.clone().will_wake(waker)));
        world.flush();
    };
    (0..3).for_each(|_| wake_all());
    assert_eq!(allocations(|| (0..100).for_each(|_| wake_all())), 0);
}

#[test]
fn clones_of_a_waker_are_one_allocation_at_the_most() {
    let world = World::start();
    let kept = Rc::new(RefCell::new(Vec::<Waker>::with_capacity(1_000)));
    let spawn_one = || {
        let inner = kept.clone();
        spawn(poll_fn(move |cx| {
            inner.borrow_mut().push(cx.waker().clone());
            std::task::Poll::<()>::Pending
        }))
        .detach();
    };
    // So that the slots and the queues have their memory.
    (0..10).for_each(|_| spawn_one());
    let first = kept.borrow()[0].clone();
    let round = |waker: &Waker| {
        waker.wake_by_ref();
        world.flush();
    };
    (0..3).for_each(|_| round(&first));
    assert_eq!(allocations(spawn_one), 1 + FIRST_CLONE);
    let last = kept.borrow().last().unwrap().clone();
    assert_eq!(allocations(|| (0..100).for_each(|_| round(&last))), 0);
    assert_eq!(kept.borrow().len(), 10 + 3 + 1 + 100);
}

#[test]
fn wake_without_a_clone_allocates_nothing() {
    let world = World::start();
    let round = || {
        (0..10).for_each(|_| spawn(wake_myself()).detach());
        world.flush();
    };
    (0..3).for_each(|_| round());
    assert_eq!(allocations(round), 10);
}

#[test]
fn wake_from_another_thread_allocates_nothing_here() {
    let world = World::start();
    let waker = spawn(my_waker()).take().unwrap().unwrap();
    let round = || {
        let waker = waker.clone();
        std::thread::spawn(move || (0..100).for_each(|_| waker.wake_by_ref())).join().unwrap();
    };
    // The two lists of the inbox take turns.
    for _ in 0..3 {
        round();
        world.flush();
    }
    round();
    assert_eq!(allocations(|| world.flush()), 0);
}

#[test]
fn spawn_and_finish_is_one_allocation() {
    let _world = World::start();
    let spawn_one = || {
        assert_eq!(spawn(async { 7 }).take(), Some(Ok(7)));
    };
    (0..10).for_each(|_| spawn_one());
    assert_eq!(allocations(|| (0..1_000).for_each(|_| spawn_one())), 1_000);
}

#[test]
fn spawn_await_and_finish_is_one_allocation() {
    let world = World::start();
    let round = || {
        for _ in 0..10 {
            spawn(next_frame()).detach();
        }
        world.tick();
    };
    (0..10).for_each(|_| round());
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 1_000);
}

#[test]
fn spawn_and_cancel_is_one_allocation() {
    let world = World::start();
    let round = || {
        let task = spawn(pending::<()>());
        task.cancel();
        world.flush();
    };
    (0..10).for_each(|_| round());
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 100);
}

#[test]
fn awaiting_a_task_is_its_own_allocation_only() {
    let world = World::start();
    spawn(async {
        loop {
            assert_eq!(spawn(next_frame()).await, Ok(()));
        }
    })
    .detach();
    world.ticks(10);
    assert_eq!(allocations(|| world.ticks(100)), 100);
}

#[test]
fn awaiting_a_shared_task_is_its_own_allocation_only() {
    let world = World::start();
    spawn(async {
        loop {
            let shared = spawn(next_frame()).shared();
            for _ in 0..3 {
                branch_off(shared.clone());
            }
            assert_eq!(shared.await, Ok(()));
        }
    })
    .detach();
    world.ticks(10);
    // The task and the three who await it beside its owner; what they share, its list, the entries of
    // that, which grow once.
    assert_eq!(allocations(|| world.ticks(100)), 800 + 300 * FIRST_CLONE);
}

/// Spawns a task that awaits another.
fn branch_off(shared: SharedTask<()>) {
    spawn(shared).detach();
}

#[test]
fn slot_is_its_tasks_allocations_only() {
    let world = World::start();
    let slot = TaskSlot::new();
    let round = || {
        slot.replace(next_frame()).detach();
        slot.enqueue(next_frame()).detach();
        world.ticks(4);
        assert!(slot.is_idle());
    };
    (0..10).for_each(|_| round());
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 200 + 200 * FIRST_CLONE);
}

/// Parks tasks in a runtime of their own, and returns the bytes that each takes beside its future.
#[cfg(not(cuelight_shared_wakers))]
fn bytes_of_a_parked_task<F>(script: fn() -> F) -> f64
where
    F: Future<Output = ()> + 'static,
{
    bytes_of_a_task(script, 0)
}

/// Does the same after so many frames.
#[cfg(not(cuelight_shared_wakers))]
fn bytes_of_a_task<F>(script: fn() -> F, frames: usize) -> f64
where
    F: Future<Output = ()> + 'static,
{
    /// So many fill all lists, which grow by an eighth.
    const TASKS: usize = 16_728;
    let measure = move || {
        let world = World::start();
        let group = TaskGroup::new();
        let future = size_of_val(&script());
        let held = bytes_held(|| {
            for _ in 0..TASKS {
                group.spawn(script()).detach();
            }
            world.ticks(frames);
        });
        drop(group);
        world.flush();
        held as f64 / TASKS as f64 - future as f64
    };
    std::thread::spawn(measure).join().expect("it measures")
}

/// Has some state over an await, as scripts have.
#[cfg(not(cuelight_shared_wakers))]
async fn with_state(wait: impl Future) {
    let state = std::hint::black_box([0_u64; 32]);
    wait.await;
    std::hint::black_box(state);
}

// Shared wakers are for smaller pointers, with which all of this is smaller.
#[cfg(not(cuelight_shared_wakers))]
#[test]
fn a_parked_task_takes_128_bytes_beside_its_future() {
    assert!(bytes_of_a_parked_task(|| with_state(pending::<()>())) <= 128.0);
    // A result that is a little larger than the future needs room, too.
    assert!(bytes_of_a_parked_task(pending) <= 136.0);
    // And what it waits for: a place in a list for the next frame, an entry and a place in a queue for a time.
    assert!(bytes_of_a_parked_task(|| with_state(next_frame())) <= 137.0);
    assert!(bytes_of_a_parked_task(|| with_state(wait_seconds(100.0))) <= 209.0);
}

#[cfg(not(cuelight_shared_wakers))]
#[test]
fn a_loop_over_frames_takes_one_place_in_a_round_more() {
    async fn frames() {
        let state = std::hint::black_box([0_u64; 32]);
        loop {
            next_frame().await;
            std::hint::black_box(state);
        }
    }
    assert!(bytes_of_a_task(frames, 100) <= 137.0 + 16.0);
}

/// A list that is long enough becomes the round, in exchange for its memory.
#[cfg(not(cuelight_shared_wakers))]
#[test]
fn short_lists_do_not_get_the_memory_of_long_rounds() {
    async fn frames() {
        loop {
            next_frame().await;
        }
    }
    let measure = || {
        let world = World::start();
        let pairs: Vec<_> = (0..10).map(|_| TaskGroup::new()).collect();
        let crowd = TaskGroup::new();
        let spawn_into = |group: &TaskGroup, count: usize| {
            (0..count).for_each(|_| group.spawn(frames()).detach());
        };
        pairs.iter().for_each(|pair| spawn_into(pair, 2));
        spawn_into(&crowd, 10_000);
        world.ticks(10);
        // Each pair is once the first in the tree that wakes anybody.
        let held = bytes_held(|| {
            for pair in &pairs {
                world.ticks(2);
                pair.pause();
            }
            world.ticks(2);
        });
        drop((pairs, crowd));
        world.flush();
        held
    };
    assert!(std::thread::spawn(measure).join().expect("it measures") < 10_000);
}

#[cfg(not(cuelight_shared_wakers))]
#[test]
fn a_wait_that_was_made_and_dropped_leaves_nothing() {
    let measure = || {
        let world = World::start();
        let kept = Rc::new(RefCell::new(Vec::new()));
        let made = kept.clone();
        spawn(async move {
            loop {
                made.borrow_mut().push(next_frame());
                spawn(async { drop(next_frame()) }).detach();
                made.borrow_mut().push(next_frame());
                next_frame().await;
            }
        })
        .detach();
        let frames = || {
            world.ticks(100);
            kept.borrow_mut().clear();
        };
        frames();
        bytes_held(frames)
    };
    assert_eq!(std::thread::spawn(measure).join().expect("it measures"), 0);
}
