//! `rush`

use std::future::ready;

use cuelight_combinators::{rush, wait_frames, wait_seconds};
use cuelight_runtime::engine::counts;
use cuelight_runtime::{TaskError, TaskGroup, root_group, spawn};

use crate::check::{
    check, check_drop, check_frozen, check_never, check_panic, check_panic_after_done,
    check_panic_in_drop,
};
use crate::common::{Event, Log, Part, World};
use crate::forms::{DROPPED, MANY, Nothing, Trap, When, after, for_all_forms, pinned};

for_all_forms! {
    all {
        #[test]
        fn all_ok() {
            // Who has not begun begins as a task.
            check(
                |log| rush(list![Part::new(log, "a", 1, 1), Part::new(log, "b", 1, 2)]),
                1,
                &["poll a", "drop a", "poll b", "drop b", "done"],
            );
        }

        #[test]
        fn losers_go_on() {
            let (world, log) = (World::start(), Log::new());
            let group = TaskGroup::new();
            let part = async |log: Log, name: &'static str, frames| {
                let _guard = log.guard(name);
                wait_frames(frames).await;
                log.push(name);
                name
            };
            let parts = list![
                part(log.clone(), "a", 3),
                part(log.clone(), "b", 1),
                part(log.clone(), "c", 2),
            ];
            let task = group.spawn(rush(parts));
            world.tick();
            // Their waits are the same as before.
            assert_eq!((task.take(), group.len(), counts().waits), (Some(Ok("b")), 2, 2));
            assert_eq!(root_group().len(), 2, "they are in the group only");
            log.check(&["b", "drop b"]);
            world.tick();
            log.check(&["c", "drop c"]);
            world.tick();
            log.check(&["a", "drop a"]);
            assert!(group.is_empty());
        }

        #[test]
        fn drops_loser() {
            // With their group, as tasks of it.
            let (world, log) = (World::start(), Log::new());
            let group = TaskGroup::new();
            let parts = list![Part::new(&log, "a", 2, 1), Part::new(&log, "b", 99, 2)];
            group.spawn(rush(parts)).detach();
            world.flush();
            log.check(&["poll a", "poll b", "poll a", "drop a", "poll b"]);
            drop(group);
            world.flush();
            log.check(&["drop b"]);
        }

        #[test]
        fn tie_goes_to_first() {
            check(
                |log| rush(list![Part::new(log, "a", 2, 1), Part::new(log, "b", 2, 2)]),
                1,
                &["poll a", "poll b", "poll a", "drop a", "poll b", "drop b", "done"],
            );
        }

        #[test]
        fn poll_order() {
            check(
                |log| {
                    let (a, b) = (Part::new(log, "a", 2, 1), Part::new(log, "b", 1, 2));
                    rush(list![a, b, Part::new(log, "c", 1, 3)])
                },
                2,
                &[
                    "poll a", "poll b", "drop b", // the first
                    "poll a", "drop a", "poll c", "drop c", "done", // as tasks
                ],
            );
        }

        #[test]
        fn panic_after_done() {
            check_panic_after_done(|| rush(list![ready(1), ready(2)]));
        }

        #[test]
        fn drop_order() {
            check_drop(
                |log| rush(list![Part::new(log, "a", 9, ()), Part::new(log, "b", 9, ())]),
                &["poll a", "poll b", "dropped", "drop a", "drop b"],
            );
        }

        #[test]
        fn frozen() {
            check_frozen(|| rush(list![wait_frames(9), wait_frames(2)]));
            // A loser is frozen with its group.
            let (world, log) = (World::start(), Log::new());
            let group = TaskGroup::new();
            let part = async |log: Log, frames| {
                wait_frames(frames).await;
                log.push(frames);
            };
            group.spawn(rush(list![part(log.clone(), 1), part(log.clone(), 2)])).detach();
            world.tick();
            log.check(&["1"]);
            group.pause();
            world.ticks(9);
            log.check(&[]);
            group.resume();
            world.tick();
            log.check(&["2"]);
        }

        #[test]
        fn leaves_nothing() {
            let world = World::start();
            let task = spawn(rush(list![wait_seconds(0.1), wait_seconds(0.01)]));
            world.tick();
            assert_eq!((task.is_finished(), counts().tasks, counts().waits), (true, 1, 1));
            world.ticks(9);
            assert_eq!((counts().tasks, counts().waits), (0, 0));
            // And when it is dropped before.
            let task = spawn(rush(list![wait_seconds(0.1), wait_seconds(0.01)]));
            task.cancel();
            world.flush();
            assert_eq!((counts().tasks, counts().waits), (0, 0));
        }

        #[test]
        fn pinned_parts() {
            check(
                |log| rush(list![pinned(log.clone(), "a", 2, 1), pinned(log.clone(), "b", 1, 2)]),
                2,
                &["poll a", "poll b", "drop b", "drop b", "poll a", "drop a", "drop a", "done"],
            );
        }

        #[test]
        fn zero_sized_parts() {
            let before = DROPPED.get();
            check(|_| rush(list![Nothing, Nothing, Nothing]), (), &["done"]);
            // Alone, and as a task.
            assert_eq!(DROPPED.get() - before, 6);
        }

        #[test]
        fn part_panics() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 9, 2, When::Polled);
                    let c = Trap::new(log, "c", 9, 3, When::Never);
                    rush(list![Trap::new(log, "a", 9, 1, When::Never), b, c])
                },
                &["poll a", "poll b", "drop a", "drop b", "drop c"],
            );
        }

        #[test]
        fn loser_panics() {
            // By itself, as a task of the line of the rush.
            let (world, log) = (World::start(), Log::new());
            let b = Trap::new(&log, "b", 9, 2, When::Polled);
            let c = Part::new(&log, "c", 2, 3);
            let parts = list![boxed(Part::new(&log, "a", 1, 1)), boxed(b), boxed(c)];
            let (future, line) = (rush(parts), line!());
            let task = spawn(future);
            assert_eq!(task.take(), Some(Ok(1)));
            let reports = world.reports();
            assert_eq!(reports.len(), 1);
            assert_eq!((&*reports[0].message, &reports[0].error), ("boo", &TaskError::Panicked));
            assert_eq!((reports[0].location.file(), reports[0].location.line()), (file!(), line));
            log.check(&["poll a", "drop a", "poll b", "drop b", "poll c"]);
            world.flush();
            log.check(&["poll c", "drop c"]);
        }

        #[test]
        fn drop_panics() {
            check_panic_in_drop(
                |log| {
                    let b = Trap::new(log, "b", 9, 2, When::Never);
                    rush(list![Trap::new(log, "a", 9, 1, When::Dropped), b])
                },
                &["poll a", "poll b", "dropped", "drop a", "drop b"],
            );
        }

        #[test]
        fn wakes_go_to_the_new_tasks() {
            let (world, log) = (World::start(), Log::new());
            let (first, second) = (Event::new(), Event::new());
            let part = async |log: Log, event: Event| {
                event.wait().await;
                log.push("resumed");
            };
            spawn(rush(list![part(log.clone(), first.clone()), part(log.clone(), second.clone())]))
                .detach();
            first.give();
            world.flush();
            log.check(&["resumed"]);
            assert_eq!(counts().tasks, 1);
            second.give();
            world.flush();
            log.check(&["resumed"]);
            assert_eq!(counts().tasks, 0);
        }

        #[test]
        fn in_a_closed_group() {
            let (world, log) = (World::start(), Log::new());
            let group = TaskGroup::new();
            let handle = group.handle();
            let (a, b) = (Part::new(&log, "a", 1, ()), Part::new(&log, "b", 1, ()));
            let rush = rush(list![a, b]);
            let task = group.spawn(async move {
                handle.close();
                rush.await;
            });
            // Its poll goes on, and the loser comes back cancelled.
            log.check(&["poll a", "drop a"]);
            world.flush();
            log.check(&["drop b"]);
            assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
        }

        #[test]
        fn outside_of_any_task_they_go_to_the_root_group() {
            let _world = World::start();
            let mut rush = rush(list![after(0, 1), after(9, 2)]);
            assert_eq!(crate::common::poll_once(&mut rush), std::task::Poll::Ready(1));
            assert_eq!(root_group().len(), 1);
        }
    }
    lists {
        #[test]
        fn empty() {
            check_never(|| rush(Empty::<Part<()>>::default()));
        }

        #[test]
        fn many_parts() {
            let world = World::start();
            let task = spawn(rush(many(async |index| {
                wait_frames(MANY as u64 - index as u64).await;
                index
            })));
            world.tick();
            assert_eq!((task.take(), counts().tasks), (Some(Ok(MANY - 1)), MANY - 1));
            world.ticks(MANY);
            assert_eq!(counts().tasks, 0);
        }
    }
}

/// Gives parts of several types one.
fn boxed<T>(
    future: impl Future<Output = T> + 'static,
) -> std::pin::Pin<Box<dyn Future<Output = T>>> {
    Box::pin(future)
}

#[test]
fn outputs_of_losers_are_dropped() {
    let (world, log) = (World::start(), Log::new());
    let (kept, lost) = (log.guard("kept"), log.guard("lost"));
    let task = spawn(rush((after(0, kept), after(1, lost))));
    log.check(&[]);
    world.flush();
    log.check(&["drop lost"]);
    drop(task);
    log.check(&["drop kept"]);
}
