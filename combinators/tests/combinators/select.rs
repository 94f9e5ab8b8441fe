//! `select`

use std::future::{pending, ready};

use cuelight_combinators::{
    Select2, Select3, Select8, next_frame, select, wait_frames, wait_seconds,
};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::Part;

#[test]
fn all_ok() {
    check(
        |log| select((Part::new(log, "a", 1, 1), Part::new(log, "b", 1, "two"))),
        Select2::First(1),
        &["poll a", "drop a", "drop b", "done"],
    );
}

#[test]
fn drops_loser() {
    check(
        |log| select((Part::new(log, "a", 9, 1), Part::new(log, "b", 2, "two"))),
        Select2::Second("two"),
        &["poll a", "poll b", "poll a", "poll b", "drop a", "drop b", "done"],
    );
}

#[test]
fn tie_goes_to_first() {
    check(
        |log| select((Part::new(log, "a", 2, 1), Part::new(log, "b", 2, "two"))),
        Select2::First(1),
        &["poll a", "poll b", "poll a", "drop a", "drop b", "done"],
    );
}

#[test]
fn poll_order() {
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
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| select((pending::<()>(), ready(1))));
}

#[test]
fn drop_order() {
    check_drop(
        |log| select((Part::new(log, "a", 9, ()), Part::new(log, "b", 9, ()))),
        &["poll a", "poll b", "dropped", "drop a", "drop b"],
    );
}

#[test]
fn frozen() {
    check_frozen(|| select((wait_seconds(1.0), wait_frames(2))));
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
fn leaves_nothing() {
    check_leaves_nothing(|| select((wait_seconds(3600.0), next_frame())));
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
