//! What is no time and no speed panics where it was written.

use cuelight_runtime::{TaskGroup, root_group, wait_real_seconds, wait_seconds, wait_until_time};

use crate::common::{World, panic_of};

/// Checks that a call panics, at a line of this file, and says which function was called with what.
#[track_caller]
fn check<T>(call: impl FnOnce() -> T, expected: &str) {
    let (message, file) = panic_of(call);
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn wait_seconds_of_nan() {
    let _world = World::start();
    check(|| wait_seconds(f64::NAN), "wait_seconds(NaN)");
}

#[test]
fn wait_until_time_of_nan() {
    let _world = World::start();
    check(|| wait_until_time(f64::NAN), "wait_until_time(NaN)");
}

#[test]
fn wait_real_seconds_of_nan() {
    let _world = World::start();
    check(|| wait_real_seconds(f64::NAN), "wait_real_seconds(NaN)");
}

#[test]
fn clock_wait_seconds_of_nan() {
    let _world = World::start();
    check(|| root_group().clock().wait_seconds(f64::NAN), "wait_seconds(NaN)");
}

#[test]
fn speeds_that_are_none() {
    let _world = World::start();
    let group = TaskGroup::new();
    check(|| group.set_speed(f64::NAN), "set_speed(NaN)");
    check(|| group.set_speed(-1.0), "set_speed(-1)");
    check(|| group.set_speed(f64::INFINITY), "set_speed(inf)");
    check(|| group.clock().slow(f64::NAN), "slow(NaN)");
    check(|| group.clock().slow(-0.5), "slow(-0.5)");
    check(|| group.clock().slow(f64::INFINITY), "slow(inf)");
    assert_eq!(group.clock().speed(), 1.0);
}

#[test]
fn speeds_whose_product_is_too_large() {
    let world = World::start();
    let group = TaskGroup::new();
    let _guards = [group.clock().slow(1e200), group.clock().slow(1e200)];
    let task = group.spawn(wait_seconds(1e9));
    world.ticks(2);
    assert!(task.is_finished());
}
