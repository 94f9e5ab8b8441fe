//! `race`

use std::future::pending;

use cuelight_combinators::{next_frame, race, wait_frames, wait_seconds};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::Part;

#[test]
fn all_ok() {
    check(
        |log| race((Part::new(log, "a", 1, 1), Part::new(log, "b", 1, 2))),
        1,
        &["poll a", "drop a", "drop b", "done"],
    );
}

#[test]
fn drops_loser() {
    // The loser is gone before the output is there.
    check(
        |log| race((Part::new(log, "a", 9, 1), Part::new(log, "b", 2, 2))),
        2,
        &["poll a", "poll b", "poll a", "poll b", "drop a", "drop b", "done"],
    );
}

#[test]
fn tie_goes_to_first() {
    check(
        |log| race((Part::new(log, "a", 2, 1), Part::new(log, "b", 2, 2))),
        1,
        &["poll a", "poll b", "poll a", "drop a", "drop b", "done"],
    );
}

#[test]
fn poll_order() {
    check(
        |log| {
            race((
                Part::new(log, "a", 3, 1),
                Part::new(log, "b", 3, 2),
                Part::new(log, "c", 1, 3),
                Part::new(log, "d", 1, 4),
            ))
        },
        3,
        &["poll a", "poll b", "poll c", "drop a", "drop b", "drop c", "drop d", "done"],
    );
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| race((std::future::ready(1), pending())));
}

#[test]
fn drop_order() {
    check_drop(
        |log| race((Part::new(log, "a", 9, ()), Part::new(log, "b", 9, ()))),
        &["poll a", "poll b", "dropped", "drop a", "drop b"],
    );
}

#[test]
fn frozen() {
    check_frozen(|| race((wait_seconds(1.0), wait_frames(2))));
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
fn leaves_nothing() {
    check_leaves_nothing(|| race((wait_seconds(3600.0), next_frame())));
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
