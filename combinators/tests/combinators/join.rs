//! `join`

use std::future::ready;

use cuelight_combinators::{Join, JoinInput, join, next_frame, wait_frames, wait_seconds};

use crate::check::{
    check, check_drop, check_frozen, check_leaves_nothing, check_panic, check_panic_after_done,
    check_panic_in_drop,
};
use crate::common::Part;
use crate::forms::{DROPPED, Listed, MANY, Nothing, Trap, When, after, for_all_forms, pinned};

/// Gives the outputs as a list, whatever the form.
async fn listed<T, J: JoinInput<Output: Listed<T>>>(join: Join<J>) -> Vec<T> {
    join.await.listed()
}

for_all_forms! {
    all {
        #[test]
        fn all_ok() {
            check(
                |log| listed(join(list![Part::new(log, "a", 1, 1), Part::new(log, "b", 1, 2)])),
                vec![1, 2],
                &["poll a", "drop a", "poll b", "drop b", "done"],
            );
        }

        #[test]
        fn drops_each_when_it_is_ready() {
            check(
                |log| listed(join(list![Part::new(log, "a", 3, 1), Part::new(log, "b", 1, 2)])),
                vec![1, 2],
                &["poll a", "poll b", "drop b", "poll a", "poll a", "drop a", "done"],
            );
        }

        #[test]
        fn poll_order() {
            check(
                |log| {
                    let b = Part::new(log, "b", 1, 2);
                    listed(join(list![Part::new(log, "a", 2, 1), b, Part::new(log, "c", 2, 3)]))
                },
                vec![1, 2, 3],
                &[
                    "poll a", "poll b", "drop b", "poll c", // one is ready
                    "poll a", "drop a", "poll c", "drop c", "done",
                ],
            );
        }

        #[test]
        fn panic_after_done() {
            check_panic_after_done(|| join(list![ready(1), ready(2)]));
        }

        #[test]
        fn drop_order() {
            check_drop(
                |log| {
                    let b = Part::new(log, "b", 1, 2);
                    join(list![Part::new(log, "a", 9, 1), b, Part::new(log, "c", 9, 3)])
                },
                &["poll a", "poll b", "drop b", "poll c", "dropped", "drop a", "drop c"],
            );
        }

        #[test]
        fn drops_the_outputs_so_far() {
            check_drop(
                |log| {
                    let (first, second) = (log.guard("first"), log.guard("second"));
                    join(list![after(9, first), after(1, second)])
                },
                // The first is in its part.
                &["dropped", "drop first", "drop second"],
            );
        }

        #[test]
        fn frozen() {
            check_frozen(|| join(list![wait_frames(1), wait_frames(2)]));
        }

        #[test]
        fn leaves_nothing() {
            check_leaves_nothing(|| join(list![wait_seconds(0.1), wait_seconds(0.01)]));
        }

        #[test]
        fn pinned_parts() {
            check(
                |log| listed(join(list![pinned(log.clone(), "a", 2, 1), pinned(log.clone(), "b", 1, 2)])),
                vec![1, 2],
                &[
                    "poll a", "poll b", "drop b", "drop b", // by itself
                    "poll a", "drop a", "drop a", "done",
                ],
            );
        }

        #[test]
        fn zero_sized_parts() {
            let before = DROPPED.get();
            check(|_| listed(join(list![Nothing, Nothing, Nothing])), vec![(); 3], &["done"]);
            // Alone, and as a task.
            assert_eq!(DROPPED.get() - before, 6);
        }

        #[test]
        fn part_panics() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 9, 2, When::Polled);
                    let c = Trap::new(log, "c", 9, 3, When::Never);
                    join(list![Trap::new(log, "a", 1, 1, When::Never), b, c])
                },
                &["poll a", "drop a", "poll b", "drop b", "drop c"],
            );
        }

        #[test]
        fn part_panics_when_it_is_dropped() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 1, 2, When::Dropped);
                    let c = Trap::new(log, "c", 9, 3, When::Never);
                    join(list![Trap::new(log, "a", 9, 1, When::Never), b, c])
                },
                &["poll a", "poll b", "drop b", "drop a", "drop c"],
            );
        }

        #[test]
        fn drop_panics() {
            check_panic_in_drop(
                |log| {
                    let b = Trap::new(log, "b", 1, 2, When::Never);
                    let c = Trap::new(log, "c", 9, 3, When::Never);
                    join(list![Trap::new(log, "a", 9, 1, When::Dropped), b, c])
                },
                &["poll a", "poll b", "drop b", "poll c", "dropped", "drop a", "drop c"],
            );
        }
    }
    lists {
        #[test]
        fn empty() {
            check(|_| listed(join(Empty::<Part<u32>>::default())), vec![0; 0], &["done"]);
            check_panic_after_done(|| join(Empty::<Part<u32>>::default()));
        }

        #[test]
        fn many_parts() {
            check(
                |_| listed(join(many(|index| after(index * 7 % 50, index)))),
                (0..MANY).collect(),
                &["done"],
            );
        }
    }
}

#[test]
fn parts_of_several_types() {
    check(
        |log| join((Part::new(log, "a", 1, 1), Part::new(log, "b", 1, "two"))),
        (1, "two"),
        &["poll a", "drop a", "poll b", "drop b", "done"],
    );
    check_frozen(|| join((next_frame(), wait_frames(2))));
    check_leaves_nothing(|| join((wait_seconds(0.1), next_frame())));
}

#[test]
fn pending_then_ready() {
    check(
        |log| join((Part::new(log, "a", 3, 1), ready(2))),
        (1, 2),
        &["poll a", "poll a", "poll a", "drop a", "done"],
    );
}

#[test]
fn eight() {
    check(
        |_| join((ready(1), ready(2), ready(3), ready(4), ready(5), ready(6), ready(7), ready(8))),
        (1, 2, 3, 4, 5, 6, 7, 8),
        &["done"],
    );
}
