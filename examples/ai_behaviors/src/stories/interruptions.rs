//! Interruptions, each as a whole log, and what is true right after them.

use cuelight::Rehearsal;
use godot::builtin::Vector2;

use super::World;
use crate::body::{Body as _, Kind};
use crate::map::Map;

const NEAR: Vector2 = Vector2::new(40.0, 0.0);

/// A guard that has begun its wind-up.
fn guard_that_winds_up() -> (Rehearsal, World, super::world::Figure) {
    let rehearsal = Rehearsal::new();
    let world = World::new(1, Map::open(3000.0));
    world.set_foe(Some(NEAR));
    let guard = world.wake(Kind::Guard, Vector2::ZERO);
    world.check_log(&["0.00 guard 0 strikes"]);
    rehearsal.run_for(0.1);
    (rehearsal, world, guard)
}

// ANCHOR: stun
#[test]
fn a_stun_ends_the_wind_up_and_the_cooldown_goes_on() {
    let (rehearsal, world, guard) = guard_that_winds_up();
    guard.hit(1.0, 0.3);
    world.log("a blow");
    rehearsal.run_for(2.0);
    world.check_log(&[
        "0.10 a blow",
        "0.10 guard 0 is stunned",
        "0.40 guard 0 chases",
        "0.40 guard 0 calls",
        "1.20 guard 0 strikes",
        "1.50 guard 0 hits",
        "1.70 guard 0 chases",
    ]);
}
// ANCHOR_END: stun

#[test]
fn fear_ends_the_wind_up() {
    let (rehearsal, world, guard) = guard_that_winds_up();
    guard.hit(50.0, 0.0);
    world.log("a blow");
    rehearsal.run_for(0.5);
    world.check_log(&["0.10 a blow", "0.20 guard 0 flees"]);
}

#[test]
fn death_ends_everything() {
    let (rehearsal, world, guard) = guard_that_winds_up();
    guard.hit(100.0, 0.3);
    world.log("a blow");
    rehearsal.run_for(2.0);
    world.check_log(&["0.10 a blow", "0.10 guard 0 falls", "0.55 guard 0 leaves"]);
    assert!(guard.group().is_closed());
}

#[test]
fn whoever_is_freed_in_the_middle_of_something_does_nothing_more() {
    let (rehearsal, world, guard) = guard_that_winds_up();
    guard.leave();
    rehearsal.run_for(2.0);
    world.check_log(&["0.10 guard 0 leaves"]);
}

#[test]
fn frost_slows_the_wind_up_of_one_and_not_of_the_other() {
    let rehearsal = Rehearsal::new();
    let world = World::new(1, Map::open(3000.0));
    world.set_foe(Some(NEAR));
    let cold = world.wake(Kind::Guard, Vector2::ZERO);
    world.wake(Kind::Guard, Vector2::new(5.0, 0.0));
    cold.group().set_speed(0.25);
    rehearsal.run_for(1.3);
    world.check_log(&[
        "0.00 guard 0 strikes",
        "0.00 guard 1 strikes",
        "0.30 guard 1 hits",
        "0.50 guard 1 chases",
        "0.60 guard 1 calls",
        "1.20 guard 0 hits",
        "1.20 guard 1 strikes",
    ]);
}

#[test]
fn a_blow_during_a_stun_does_not_make_it_longer() {
    let (rehearsal, world, guard) = guard_that_winds_up();
    guard.hit(1.0, 0.3);
    rehearsal.run_for(0.1);
    guard.hit(1.0, 5.0);
    world.log("a second blow");
    rehearsal.run_for(1.0);
    world.check_log(&[
        "0.10 guard 0 is stunned",
        "0.20 a second blow",
        "0.40 guard 0 chases",
        "0.40 guard 0 calls",
        "1.20 guard 0 strikes",
    ]);
}
