//! `race`

use std::future::{pending, ready};

use cuelight_combinators::{next_frame, race, race_iter, wait_frames, wait_seconds};

use crate::check::{
    check, check_drop, check_frozen, check_leaves_nothing, check_never, check_panic,
    check_panic_after_done, check_panic_in_drop,
};
use crate::common::Part;
use crate::forms::{DROPPED, MANY, Nothing, Trap, When, for_all_forms, pending_for, pinned};

for_all_forms! {
    all {
        #[test]
        fn all_ok() {
            check(
                |log| race(list![Part::new(log, "a", 1, 1), Part::new(log, "b", 1, 2)]),
                1,
                &["poll a", "drop a", "drop b", "done"],
            );
        }

        #[test]
        fn drops_loser() {
            // The losers are gone before the output is there.
            check(
                |log| {
                    let b = Part::new(log, "b", 2, 2);
                    race(list![Part::new(log, "a", 9, 1), b, Part::new(log, "c", 9, 3)])
                },
                2,
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
                |log| race(list![Part::new(log, "a", 2, 1), Part::new(log, "b", 2, 2)]),
                1,
                &["poll a", "poll b", "poll a", "drop a", "drop b", "done"],
            );
        }

        #[test]
        fn poll_order() {
            check(
                |log| {
                    let (a, b) = (Part::new(log, "a", 3, 1), Part::new(log, "b", 3, 2));
                    race(list![a, b, Part::new(log, "c", 1, 3)])
                },
                3,
                &["poll a", "poll b", "poll c", "drop a", "drop b", "drop c", "done"],
            );
        }

        #[test]
        fn panic_after_done() {
            check_panic_after_done(|| race(list![ready(1), ready(2)]));
        }

        #[test]
        fn drop_order() {
            check_drop(
                |log| race(list![Part::new(log, "a", 9, ()), Part::new(log, "b", 9, ())]),
                &["poll a", "poll b", "dropped", "drop a", "drop b"],
            );
        }

        #[test]
        fn frozen() {
            check_frozen(|| race(list![wait_frames(9), wait_frames(2)]));
        }

        #[test]
        fn leaves_nothing() {
            check_leaves_nothing(|| race(list![wait_seconds(3600.0), wait_seconds(0.01)]));
        }

        #[test]
        fn pinned_parts() {
            check(
                |log| race(list![pinned(log.clone(), "a", 9, 1), pinned(log.clone(), "b", 2, 2)]),
                2,
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
            check(|_| race(list![Nothing, Nothing, Nothing]), (), &["done"]);
            // Alone, and as a task.
            assert_eq!(DROPPED.get() - before, 6);
        }

        #[test]
        fn part_panics() {
            check_panic(
                |log| {
                    let b = Trap::new(log, "b", 9, 2, When::Polled);
                    let c = Trap::new(log, "c", 9, 3, When::Never);
                    race(list![Trap::new(log, "a", 9, 1, When::Never), b, c])
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
                    race(list![Trap::new(log, "a", 9, 1, When::Dropped), b, c])
                },
                &["poll a", "poll b", "drop a", "drop b", "drop c"],
            );
        }

        #[test]
        fn drop_panics() {
            check_panic_in_drop(
                |log| {
                    let b = Trap::new(log, "b", 9, 2, When::Never);
                    race(list![Trap::new(log, "a", 9, 1, When::Dropped), b])
                },
                &["poll a", "poll b", "dropped", "drop a", "drop b"],
            );
        }
    }
    lists {
        #[test]
        fn empty() {
            check_never(|| race(Empty::<Part<()>>::default()));
        }

        #[test]
        fn many_parts() {
            check(
                |_| race(many(|index| pending_for(MANY - 1 - index))),
                (),
                &["done"],
            );
        }
    }
}

#[test]
fn parts_of_several_types() {
    check_frozen(|| race((wait_seconds(1.0), wait_frames(2))));
    check_leaves_nothing(|| race((wait_seconds(3600.0), next_frame())));
}

#[test]
fn pending_then_ready() {
    check(
        |log| race((pending(), Part::new(log, "b", 3, 2))),
        2,
        &["poll b", "poll b", "poll b", "drop b", "done"],
    );
}

#[test]
fn eight() {
    let part = |log: &_, index: usize| Part::new(log, "p", 9 - index, index);
    check(
        |log| {
            race((
                part(log, 1),
                part(log, 2),
                part(log, 3),
                part(log, 4),
                part(log, 5),
                part(log, 6),
                part(log, 7),
                part(log, 8),
            ))
        },
        8,
        &[["poll p"; 8], ["drop p"; 8]].concat().into_iter().chain(["done"]).collect::<Vec<_>>(),
    );
}

mod iter {
    use super::*;

    #[test]
    fn all_ok() {
        check(
            |log| {
                let log = log.clone();
                race_iter(
                    [("a", 9), ("b", 1)].map(|(name, polls)| Part::new(&log, name, polls, polls)),
                )
            },
            1,
            &["poll a", "poll b", "drop a", "drop b", "done"],
        );
    }

    #[test]
    fn empty() {
        check_never(|| race_iter(std::iter::empty::<Part<()>>()));
    }

    #[test]
    fn panic_after_done() {
        check_panic_after_done(|| race_iter((0..9).map(ready)));
    }

    #[test]
    fn drop_order() {
        check_drop(
            |log| race_iter(["a", "b"].map(|name| Part::new(log, name, 9, ()))),
            &["poll a", "poll b", "dropped", "drop a", "drop b"],
        );
    }

    #[test]
    fn frozen() {
        check_frozen(|| race_iter((2..9).map(wait_frames)));
    }

    #[test]
    fn leaves_nothing() {
        check_leaves_nothing(|| race_iter([3600.0, 0.01].map(wait_seconds)));
    }
}
