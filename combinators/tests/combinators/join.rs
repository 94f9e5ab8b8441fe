//! `join`

use std::future::{pending, ready};

use cuelight_combinators::{join, next_frame, wait_frames, wait_seconds};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::Part;

#[test]
fn all_ok() {
    check(
        |log| join((Part::new(log, "a", 1, 1), Part::new(log, "b", 1, "two"))),
        (1, "two"),
        &["poll a", "drop a", "poll b", "drop b", "done"],
    );
}

#[test]
fn drops_each_when_it_is_ready() {
    check(
        |log| join((Part::new(log, "a", 3, 1), Part::new(log, "b", 1, 2))),
        (1, 2),
        &["poll a", "poll b", "drop b", "poll a", "poll a", "drop a", "done"],
    );
}

#[test]
fn poll_order() {
    check(
        |log| {
            join((Part::new(log, "a", 2, 1), Part::new(log, "b", 1, 2), Part::new(log, "c", 2, 3)))
        },
        (1, 2, 3),
        &["poll a", "poll b", "drop b", "poll c", "poll a", "drop a", "poll c", "drop c", "done"],
    );
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| join((ready(1), ready(2))));
}

#[test]
fn drop_order() {
    check_drop(
        |log| join((Part::new(log, "a", 9, ()), Part::new(log, "b", 9, ()))),
        &["poll a", "poll b", "dropped", "drop a", "drop b"],
    );
}

#[test]
fn drops_the_outputs_so_far() {
    check_drop(
        |log| {
            let output = log.guard("output");
            join((pending::<()>(), async { output }))
        },
        &["dropped", "drop output"],
    );
}

#[test]
fn frozen() {
    check_frozen(|| join((next_frame(), wait_frames(2))));
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
fn leaves_nothing() {
    check_leaves_nothing(|| join((wait_seconds(0.1), next_frame())));
}

#[test]
fn eight() {
    check(
        |_| join((ready(1), ready(2), ready(3), ready(4), ready(5), ready(6), ready(7), ready(8))),
        (1, 2, 3, 4, 5, 6, 7, 8),
        &["done"],
    );
}
