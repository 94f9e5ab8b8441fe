//! `as_completed`

use std::future::ready;

use cuelight_combinators::{AsCompleted, Stream, as_completed, wait_frames, wait_seconds};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic};
use crate::common::{Event, Log, Part, World, poll_once};
use crate::forms::{DROPPED, MANY, Nothing, Trap, When, after, pinned};
use cuelight_runtime::spawn;

/// Takes all that a stream gives.
async fn all<F: Future>(mut stream: AsCompleted<F>) -> Vec<(usize, F::Output)> {
    let mut all = Vec::new();
    while let Some(item) = stream.next().await {
        all.push(item);
    }
    all
}

#[test]
fn all_ok() {
    check(
        |log| all(as_completed([Part::new(log, "a", 1, 1), Part::new(log, "b", 1, 2)])),
        vec![(0, 1), (1, 2)],
        &["poll a", "drop a", "poll b", "drop b", "done"],
    );
}

#[test]
fn order_of_completion() {
    check(
        |log| {
            let (a, b) = (Part::new(log, "a", 3, 1), Part::new(log, "b", 1, 2));
            all(as_completed([a, b, Part::new(log, "c", 2, 3)]))
        },
        vec![(1, 2), (2, 3), (0, 1)],
        &[
            "poll a", "poll b", "drop b", "poll c", // the second
            "poll a", "poll c", "drop c", // the third
            "poll a", "drop a", "done",
        ],
    );
}

#[test]
fn empty() {
    check(|_| all(as_completed(Vec::<Part<()>>::new())), vec![], &["done"]);
}

#[test]
fn tie_goes_to_first() {
    check(
        |log| {
            let (a, b) = (Part::new(log, "a", 2, 1), Part::new(log, "b", 2, 2));
            all(as_completed(vec![a, b]))
        },
        vec![(0, 1), (1, 2)],
        &["poll a", "poll b", "poll a", "drop a", "poll b", "drop b", "done"],
    );
}

#[test]
fn what_was_ready_first_comes_first() {
    let (world, log) = (World::start(), Log::new());
    let (first, second) = (Event::new(), Event::new());
    let mut stream = as_completed([first.wait(), second.wait(), first.wait()]);
    let inner = log.clone();
    let go_on = Event::new();
    let mut next = go_on.wait();
    let again = go_on.clone();
    spawn(async move {
        while let Some((index, ())) = stream.next().await {
            inner.push(index);
            next.await;
            next = again.wait();
        }
        inner.push("end");
    })
    .detach();
    second.give();
    world.flush();
    log.check(&["1"]);
    // Nobody looks until both are ready.
    first.give();
    world.flush();
    go_on.give();
    world.flush();
    log.check(&["0"]);
    go_on.give();
    world.flush();
    log.check(&["2"]);
    go_on.give();
    world.flush();
    log.check(&["end"]);
}

#[test]
fn none_after_the_last() {
    let _world = World::start();
    let task = spawn(async {
        let mut stream = as_completed([ready(1)]);
        let hint = stream.size_hint();
        (hint, stream.next().await, stream.next().await, stream.next().await, stream.size_hint())
    });
    let nothing = (0, Some(0));
    assert_eq!(task.take(), Some(Ok(((1, Some(1)), Some((0, 1)), None, None, nothing))));
}

#[test]
fn drop_order() {
    check_drop(
        |log| {
            let b = Part::new(log, "b", 1, log.guard("output b"));
            let c = Part::new(log, "c", 1, log.guard("output c"));
            let mut stream = as_completed([
                Part::new(log, "a", 9, log.guard("output a")),
                b,
                c,
                Part::new(log, "d", 9, log.guard("output d")),
            ]);
            async move {
                let _item = stream.next().await;
                std::future::pending::<()>().await;
            }
        },
        &[
            "poll a",
            "poll b",
            "drop b",
            "poll c",
            "drop c",
            "poll d",
            "dropped", // as locals
            "drop output b",
            "drop output a",
            "drop a",
            "drop output d",
            "drop d",
            "drop output c",
        ],
    );
}

#[test]
fn frozen() {
    check_frozen(|| all(as_completed([wait_frames(2), wait_frames(1)])));
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| all(as_completed([wait_seconds(0.1), wait_seconds(0.01)])));
}

#[test]
fn pinned_parts() {
    // The stream is moved between two items.
    check(
        |log| {
            let parts = [pinned(log.clone(), "a", 2, 1), pinned(log.clone(), "b", 1, 2)];
            async move {
                let mut stream = as_completed(parts);
                let first = stream.next().await;
                let mut moved = Box::new(stream);
                (first, moved.next().await)
            }
        },
        (Some((1, 2)), Some((0, 1))),
        &["poll a", "poll b", "drop b", "drop b", "poll a", "drop a", "drop a", "done"],
    );
}

#[test]
fn zero_sized_parts() {
    let before = DROPPED.get();
    check(|_| all(as_completed([Nothing, Nothing])), vec![(0, ()), (1, ())], &["done"]);
    // Alone, and as a task.
    assert_eq!(DROPPED.get() - before, 4);
}

#[test]
fn part_panics() {
    check_panic(
        |log| {
            let b = Trap::new(log, "b", 9, 2, When::Polled);
            all(as_completed([Trap::new(log, "a", 1, 1, When::Never), b]))
        },
        &["poll a", "drop a", "poll b", "drop b"],
    );
}

#[test]
fn many_parts() {
    check(
        |_| all(as_completed((0..MANY).map(|index| after(MANY - 1 - index, ())))),
        (0..MANY).rev().map(|index| (index, ())).collect(),
        &["done"],
    );
}

#[test]
fn next_that_is_dropped_loses_nothing() {
    let world = World::start();
    let event = Event::new();
    let mut stream = as_completed([event.wait(), event.wait()]);
    let give = event.clone();
    let task = spawn(async move {
        assert!(poll_once(&mut stream.next()).is_pending());
        give.give();
        let first = stream.next().await;
        // The second is ready, too.
        {
            let _next = stream.next();
        }
        (first, stream.next().await, stream.next().await)
    });
    world.flush();
    assert_eq!(task.take(), Some(Ok((Some((0, ())), Some((1, ())), None))));
}
