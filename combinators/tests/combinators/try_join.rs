//! `try_join`

use std::future::ready;

use cuelight_combinators::{
    TryJoin, TryJoinInput, next_frame, try_join, wait_frames, wait_seconds,
};

use crate::check::{
    check, check_drop, check_frozen, check_leaves_nothing, check_panic, check_panic_after_done,
    check_panic_in_drop,
};
use crate::common::{Guard, Part};
use crate::forms::{DROPPED, Listed, MANY, Nothing, Trap, When, after, for_all_forms, pinned};

/// Gives the outputs as a list, whatever the form.
async fn listed<T, E, O, J>(join: TryJoin<J>) -> Result<Vec<T>, E>
where
    O: Listed<T>,
    J: TryJoinInput<Output = Result<O, E>>,
{
    join.await.map(O::listed)
}

fn fine<T>(output: T) -> Result<T, &'static str> {
    Ok(output)
}

fn failed(error: &'static str) -> Result<i32, &'static str> {
    Err(error)
}

/// Makes a future one that could fail.
async fn ok<F: Future>(future: F) -> Result<F::Output, &'static str> {
    Ok(future.await)
}

for_all_forms! {
    all {
        #[test]
        fn all_ok() {
            check(
                |log| listed(try_join(list![Part::new(log, "a", 1, fine(1)), Part::new(log, "b", 1, fine(2))])),
                Ok::<_, &str>(vec![1, 2]),
                &["poll a", "drop a", "poll b", "drop b", "done"],
            );
        }

        #[test]
        fn drops_each_when_it_is_ready() {
            check(
                |log| listed(try_join(list![Part::new(log, "a", 3, fine(1)), Part::new(log, "b", 1, fine(2))])),
                Ok::<_, &str>(vec![1, 2]),
                &["poll a", "poll b", "drop b", "poll a", "poll a", "drop a", "done"],
            );
        }

        #[test]
        fn poll_order() {
            check(
                |log| {
                    let b = Part::new(log, "b", 1, fine(2));
                    listed(try_join(list![Part::new(log, "a", 2, fine(1)), b, Part::new(log, "c", 2, fine(3))]))
                },
                Ok::<_, &str>(vec![1, 2, 3]),
                &[
                    "poll a", "poll b", "drop b", "poll c", // one is ready
                    "poll a", "drop a", "poll c", "drop c", "done",
                ],
            );
        }

        #[test]
        fn panic_after_done() {
            check_panic_after_done(|| try_join(list![ready(Ok::<_, ()>(1)), ready(Ok::<_, ()>(2))]));
        }

        #[test]
        fn drop_order() {
            check_drop(
                |log| {
                    let b = Part::new(log, "b", 1, fine(2));
                    try_join(list![Part::new(log, "a", 9, fine(1)), b, Part::new(log, "c", 9, fine(3))])
                },
                &["poll a", "poll b", "drop b", "poll c", "dropped", "drop a", "drop c"],
            );
        }

        #[test]
        fn drops_the_outputs_so_far() {
            check_drop(
                |log| {
                    let (first, second) = (log.guard("first"), log.guard("second"));
                    try_join(list![ok(after(9, first)), ok(after(1, second))])
                },
                // The first is in its part.
                &["dropped", "drop first", "drop second"],
            );
        }

        #[test]
        fn frozen() {
            check_frozen(|| try_join(list![ok(wait_frames(1)), ok(wait_frames(2))]));
        }

        #[test]
        fn leaves_nothing() {
            check_leaves_nothing(|| try_join(list![ok(wait_seconds(0.1)), ok(wait_seconds(0.01))]));
        }

        #[test]
        fn pinned_parts() {
            check(
                |log| listed(try_join(list![ok(pinned(log.clone(), "a", 2, 1)), ok(pinned(log.clone(), "b", 1, 2))])),
                Ok::<_, &str>(vec![1, 2]),
                &[
                    "poll a", "poll b", "drop b", "drop b", // by itself
                    "poll a", "drop a", "drop a", "done",
                ],
            );
        }

        #[test]
        fn zero_sized_parts() {
            let before = DROPPED.get();
            check(|_| listed(try_join(list![ok(Nothing), ok(Nothing), ok(Nothing)])), Ok::<_, &str>(vec![(); 3]), &["done"]);
            // Alone, and as a task.
            assert_eq!(DROPPED.get() - before, 6);
        }

        #[test]
        fn part_panics() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 9, fine(2), When::Polled);
                    let c = Trap::new(log, "c", 9, fine(3), When::Never);
                    try_join(list![Trap::new(log, "a", 1, fine(1), When::Never), b, c])
                },
                &["poll a", "drop a", "poll b", "drop b", "drop c"],
            );
        }

        #[test]
        fn part_panics_when_it_is_dropped() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 1, fine(2), When::Dropped);
                    let c = Trap::new(log, "c", 9, fine(3), When::Never);
                    try_join(list![Trap::new(log, "a", 9, fine(1), When::Never), b, c])
                },
                &["poll a", "poll b", "drop b", "drop a", "drop c"],
            );
        }

        #[test]
        fn drop_panics() {
            check_panic_in_drop(
                |log| {
                    let b = Trap::new(log, "b", 1, fine(2), When::Never);
                    let c = Trap::new(log, "c", 9, fine(3), When::Never);
                    try_join(list![Trap::new(log, "a", 9, fine(1), When::Dropped), b, c])
                },
                &["poll a", "poll b", "drop b", "poll c", "dropped", "drop a", "drop c"],
            );
        }

        #[test]
        fn one_err() {
            // What is left is dropped before the error is there, and then the outputs.
            check(
                |log| {
                    let b = Part::new(log, "b", 2, Err::<Option<Guard>, _>("no"));
                    let output = log.guard("output");
                    let all = try_join(list![
                        Part::new(log, "a", 9, fine(None::<Guard>)),
                        b,
                        Part::new(log, "c", 1, fine(Some(output))),
                        Part::new(log, "d", 9, fine(None::<Guard>)),
                    ]);
                    async { all.await.err() }
                },
                Some("no"),
                &[
                    "poll a", "poll b", "poll c", "drop c", "poll d", // one is ready
                    "poll a", "poll b", "drop b", // failed
                    "drop a", "drop d", "drop output", "done",
                ],
            );
        }

        #[test]
        fn drops_loser() {
            check(
                |log| {
                    let b = Part::new(log, "b", 1, failed("no"));
                    listed(try_join(list![
                        Part::new(log, "a", 9, fine(1)),
                        b,
                        Part::new(log, "c", 9, fine(3)),
                    ]))
                },
                Err("no"),
                &["poll a", "poll b", "drop b", "drop a", "drop c", "done"],
            );
        }

        #[test]
        fn tie_goes_to_first() {
            check(
                |log| {
                    let b = Part::new(log, "b", 2, failed("first"));
                    listed(try_join(list![
                        Part::new(log, "a", 2, fine(1)),
                        b,
                        Part::new(log, "c", 2, failed("second")),
                    ]))
                },
                Err("first"),
                &[
                    "poll a", "poll b", "poll c", // all pending
                    "poll a", "drop a", "poll b", "drop b", "drop c", "done",
                ],
            );
        }

        #[test]
        fn panic_after_err() {
            check_panic_after_done(|| try_join(list![ready(fine(1)), ready(failed("no"))]));
        }

        #[test]
        fn loser_panics_when_it_is_dropped() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 1, failed("no"), When::Never);
                    let c = Trap::new(log, "c", 9, fine(3), When::Never);
                    try_join(list![Trap::new(log, "a", 9, fine(1), When::Dropped), b, c])
                },
                &["poll a", "poll b", "drop b", "drop a", "drop c"],
            );
        }
    }
    lists {
        #[test]
        fn empty() {
            check(|_| listed(try_join(Empty::<Part<Result<u32, ()>>>::default())), Ok(vec![]), &["done"]);
            check_panic_after_done(|| try_join(Empty::<Part<Result<u32, ()>>>::default()));
        }

        #[test]
        fn many_parts() {
            check(
                |_| listed(try_join(many(|index| ok(after(index * 7 % 50, index))))),
                Ok::<_, &str>((0..MANY).collect()),
                &["done"],
            );
        }

        #[test]
        fn one_err_of_many() {
            check(
                |_| {
                    listed(try_join(many(async |index| {
                        after(index * 7 % 50, ()).await;
                        if index == 140 { Err(index) } else { Ok(()) }
                    })))
                },
                Err(140),
                &["done"],
            );
        }
    }
}

#[test]
fn parts_of_several_types() {
    check(
        |log| try_join((Part::new(log, "a", 1, fine(1)), Part::new(log, "b", 1, fine("two")))),
        Ok((1, "two")),
        &["poll a", "drop a", "poll b", "drop b", "done"],
    );
    check_leaves_nothing(|| try_join((ok(wait_seconds(0.1)), ok(next_frame()))));
}

#[test]
fn pending_then_ready() {
    check(
        |log| try_join((ok(Part::new(log, "a", 3, 1)), ok(ready(2)))),
        Ok((1, 2)),
        &["poll a", "poll a", "poll a", "drop a", "done"],
    );
}

#[test]
fn eight() {
    let ok = |number: i32| ready(Ok::<_, ()>(number));
    check(
        |_| try_join((ok(1), ok(2), ok(3), ok(4), ok(5), ok(6), ok(7), ok(8))),
        Ok((1, 2, 3, 4, 5, 6, 7, 8)),
        &["done"],
    );
    let failing = || ready(Err::<i32, _>("eighth"));
    let ok = |number: i32| ready(Ok::<_, &str>(number));
    check(
        |_| try_join((ok(1), ok(2), ok(3), ok(4), ok(5), ok(6), ok(7), failing())),
        Err("eighth"),
        &["done"],
    );
}
