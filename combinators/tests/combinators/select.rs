//! `select`

use std::future::{pending, ready};

use cuelight_combinators::{
    Select, Select2, Select3, Select8, SelectInput, next_frame, select, wait_frames, wait_seconds,
};

use crate::check::{
    check, check_drop, check_frozen, check_leaves_nothing, check_never, check_panic,
    check_panic_after_done, check_panic_in_drop,
};
use crate::common::Part;
use crate::forms::{
    DROPPED, MANY, Nothing, Numbered, Trap, When, for_all_forms, pending_for, pinned,
};

/// Gives the index of the first, whatever the form.
async fn numbered<T, S: SelectInput<Output: Numbered<T>>>(select: Select<S>) -> (usize, T) {
    select.await.numbered()
}

for_all_forms! {
    all {
        #[test]
        fn all_ok() {
            check(
                |log| numbered(select(list![Part::new(log, "a", 1, 1), Part::new(log, "b", 1, 2)])),
                (0, 1),
                &["poll a", "drop a", "drop b", "done"],
            );
        }

        #[test]
        fn drops_loser() {
            // The losers are gone before the output is there.
            check(
                |log| {
                    let b = Part::new(log, "b", 2, 2);
                    numbered(select(list![Part::new(log, "a", 9, 1), b, Part::new(log, "c", 9, 3)]))
                },
                (1, 2),
                &[
                    "poll a", "poll b", "poll c", // all pending
                    "poll a", "poll b", // ready
                    "drop a", "drop b", "drop c", "done",
                ],
            );
        }

        #[test]
        fn tie_goes_to_first() {
            check(
                |log| numbered(select(list![Part::new(log, "a", 2, 1), Part::new(log, "b", 2, 2)])),
                (0, 1),
                &["poll a", "poll b", "poll a", "drop a", "drop b", "done"],
            );
        }

        #[test]
        fn poll_order() {
            check(
                |log| {
                    let (a, b) = (Part::new(log, "a", 3, 1), Part::new(log, "b", 3, 2));
                    numbered(select(list![a, b, Part::new(log, "c", 1, 3)]))
                },
                (2, 3),
                &["poll a", "poll b", "poll c", "drop a", "drop b", "drop c", "done"],
            );
        }

        #[test]
        fn panic_after_done() {
            check_panic_after_done(|| select(list![ready(1), ready(2)]));
        }

        #[test]
        fn drop_order() {
            check_drop(
                |log| select(list![Part::new(log, "a", 9, ()), Part::new(log, "b", 9, ())]),
                &["poll a", "poll b", "dropped", "drop a", "drop b"],
            );
        }

        #[test]
        fn frozen() {
            check_frozen(|| select(list![wait_frames(9), wait_frames(2)]));
        }

        #[test]
        fn leaves_nothing() {
            check_leaves_nothing(|| select(list![wait_seconds(3600.0), wait_seconds(0.01)]));
        }

        #[test]
        fn pinned_parts() {
            check(
                |log| numbered(select(list![pinned(log.clone(), "a", 9, 1), pinned(log.clone(), "b", 2, 2)])),
                (1, 2),
                &[
                    "poll a", "poll b", "poll a", "poll b", // ready
                    "drop b", "drop b", // by itself
                    "drop a", "drop a", "done",
                ],
            );
        }

        #[test]
        fn zero_sized_parts() {
            let before = DROPPED.get();
            check(|_| numbered(select(list![Nothing, Nothing, Nothing])), (0, ()), &["done"]);
            // Alone, and as a task.
            assert_eq!(DROPPED.get() - before, 6);
        }

        #[test]
        fn part_panics() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 9, 2, When::Polled);
                    let c = Trap::new(log, "c", 9, 3, When::Never);
                    select(list![Trap::new(log, "a", 9, 1, When::Never), b, c])
                },
                &["poll a", "poll b", "drop a", "drop b", "drop c"],
            );
        }

        #[test]
        fn loser_panics_when_it_is_dropped() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 1, 2, When::Never);
                    let c = Trap::new(log, "c", 9, 3, When::Never);
                    select(list![Trap::new(log, "a", 9, 1, When::Dropped), b, c])
                },
                &["poll a", "poll b", "drop a", "drop b", "drop c"],
            );
        }

        #[test]
        fn drop_panics() {
            check_panic_in_drop(
                |log| {
                    let b = Trap::new(log, "b", 9, 2, When::Never);
                    select(list![Trap::new(log, "a", 9, 1, When::Dropped), b])
                },
                &["poll a", "poll b", "dropped", "drop a", "drop b"],
            );
        }
    }
    lists {
        #[test]
        fn empty() {
            check_never(|| select(Empty::<Part<()>>::default()));
        }

        #[test]
        fn many_parts() {
            check(
                |_| numbered(select(many(|index| pending_for(MANY - 1 - index)))),
                (MANY - 1, ()),
                &["done"],
            );
        }
    }
}

#[test]
fn outputs_of_several_types() {
    check(
        |log| {
            select((
                Part::new(log, "a", 3, 1),
                Part::new(log, "b", 1, "two"),
                Part::new(log, "c", 1, 3.0),
            ))
        },
        Select3::Second("two"),
        &["poll a", "poll b", "drop a", "drop b", "drop c", "done"],
    );
    check_frozen(|| select((wait_seconds(1.0), wait_frames(2))));
    check_leaves_nothing(|| select((wait_seconds(3600.0), next_frame())));
}

#[test]
fn pending_then_ready() {
    check(
        |log| select((pending::<()>(), Part::new(log, "b", 3, 2))),
        Select2::Second(2),
        &["poll b", "poll b", "poll b", "drop b", "done"],
    );
}

#[test]
fn eight() {
    let never = pending::<()>;
    check(
        |_| {
            select((never(), never(), never(), never(), never(), never(), never(), ready("eighth")))
        },
        Select8::Eighth("eighth"),
        &["done"],
    );
}
