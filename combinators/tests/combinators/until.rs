//! `until`

use std::future::{pending, ready};

use cuelight_combinators::{ScriptFutureExt, next_frame, wait_frames, wait_seconds};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing, check_panic_after_done};
use crate::common::Part;

#[test]
fn all_ok() {
    check(
        |log| Part::new(log, "a", 1, 1).until(Part::new(log, "stop", 1, ())),
        Some(1),
        &["poll a", "drop a", "drop stop", "done"],
    );
}

#[test]
fn drops_loser() {
    check(
        |log| Part::new(log, "a", 9, 1).until(Part::new(log, "stop", 1, ())),
        None,
        &["poll a", "poll stop", "drop a", "drop stop", "done"],
    );
}

#[test]
fn tie_goes_to_first() {
    check(
        |log| Part::new(log, "a", 2, 1).until(Part::new(log, "stop", 2, ())),
        Some(1),
        &["poll a", "poll stop", "poll a", "drop a", "drop stop", "done"],
    );
}

#[test]
fn poll_order() {
    check(
        |log| Part::new(log, "a", 3, 1).until(Part::new(log, "stop", 2, ())),
        None,
        &["poll a", "poll stop", "poll a", "poll stop", "drop a", "drop stop", "done"],
    );
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| ready(1).until(pending::<()>()));
}

#[test]
fn drop_order() {
    check_drop(
        |log| Part::new(log, "a", 9, ()).until(Part::new(log, "stop", 9, ())),
        &["poll a", "poll stop", "dropped", "drop a", "drop stop"],
    );
}

#[test]
fn frozen() {
    check_frozen(|| pending::<()>().until(wait_frames(2)));
}

#[test]
fn pending_then_ready() {
    check(
        |log| Part::new(log, "a", 3, 1).until(pending::<()>()),
        Some(1),
        &["poll a", "poll a", "poll a", "drop a", "done"],
    );
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| wait_seconds(3600.0).until(next_frame()));
}
