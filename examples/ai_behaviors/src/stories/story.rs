//! Stories as whole logs: what each enemy does when nobody disturbs it, and a foe comes by.

use cuelight::Rehearsal;
use godot::builtin::Vector2;

use super::World;
use crate::body::{Body as _, Kind};
use crate::map::Map;

fn world() -> World {
    World::new(1, Map::open(3000.0))
}

#[test]
fn a_guard_hears_searches_finds_chases_loses_and_returns() {
    let rehearsal = Rehearsal::new();
    let world = world();
    let guard = world.wake(Kind::Guard, Vector2::ZERO);
    world.set_foe(Some(Vector2::new(700.0, 0.0)));
    rehearsal.run_for(1.0);
    world.make_noise(Vector2::new(350.0, 0.0), 600.0);
    world.log("a noise");
    rehearsal.run_for(1.0);
    world.set_foe(Some(Vector2::new(480.0, 0.0)));
    rehearsal.run_for(2.0);
    world.set_foe(Some(Vector2::new(500.0, 600.0)));
    world.log("the foe is gone");
    rehearsal.run_for(10.0);
    assert!(guard.position().length() < 400.0, "it has returned to its post");
    world.check_log(&[
        "0.00 guard 0 patrols",
        "1.00 a noise",
        "1.10 guard 0 searches",
        "2.70 guard 0 chases",
        "2.70 guard 0 calls",
        "4.00 the foe is gone",
        "5.30 guard 0 searches",
        "7.80 guard 0 patrols",
    ]);
}

#[test]
fn an_archer_keeps_its_distance() {
    let rehearsal = Rehearsal::new();
    let world = world();
    let archer = world.wake(Kind::Archer, Vector2::ZERO);
    world.set_foe(Some(Vector2::new(280.0, 0.0)));
    rehearsal.run_for(2.5);
    let foe = Vector2::new(120.0, 0.0);
    world.set_foe(Some(foe));
    world.log("the foe comes close");
    rehearsal.run_for(3.0);
    assert!(archer.position().distance_to(foe) > 185.0);
    world.check_log(&[
        "0.00 archer 0 patrols",
        "1.00 archer 0 strikes",
        "1.45 archer 0 shoots",
        "1.60 archer 0 chases",
        "1.70 archer 0 calls",
        "2.50 the foe comes close",
        "2.70 archer 0 strikes",
        "3.15 archer 0 shoots",
        "3.30 archer 0 chases",
        "4.50 archer 0 strikes",
        "4.95 archer 0 shoots",
        "5.10 archer 0 chases",
    ]);
}

#[test]
fn a_healer_helps_who_is_hurt() {
    let rehearsal = Rehearsal::new();
    let world = world();
    world.set_foe(Some(Vector2::new(0.0, -700.0)));
    let guard = world.wake(Kind::Guard, Vector2::new(300.0, 0.0));
    world.wake(Kind::Healer, Vector2::ZERO);
    rehearsal.run_for(0.2);
    guard.hit(30.0, 0.0);
    world.log("a blow");
    rehearsal.run_for(6.0);
    assert!(guard.health() > 0.95);
    world.check_log(&[
        "0.00 guard 0 patrols",
        "0.00 healer 1 patrols",
        "0.20 a blow",
        "0.50 healer 1 heals",
        "2.50 healer 1 helps guard 0",
        "3.10 healer 1 helps guard 0",
        "3.70 healer 1 helps guard 0",
        "4.40 healer 1 patrols",
    ]);
}

#[test]
fn those_who_are_called_come() {
    let rehearsal = Rehearsal::new();
    let world = world();
    world.wake(Kind::Guard, Vector2::ZERO);
    world.wake(Kind::Guard, Vector2::new(-200.0, 60.0));
    world.set_foe(Some(Vector2::new(250.0, 0.0)));
    rehearsal.run_for(2.0);
    world.check_log(&[
        "0.00 guard 0 patrols",
        "0.00 guard 1 patrols",
        "1.00 guard 0 chases",
        "1.00 guard 0 calls",
        "1.00 guard 1 searches",
    ]);
}

#[test]
fn a_boss_goes_through_its_phases_and_its_imps_do_not_outlive_theirs() {
    let rehearsal = Rehearsal::new();
    let world = world();
    let boss = world.wake(Kind::Boss, Vector2::ZERO);
    world.set_foe(Some(Vector2::new(200.0, 0.0)));
    rehearsal.run_for(2.5);
    boss.hit(250.0, 0.5);
    world.log("down to the second phase");
    rehearsal.run_for(1.2);
    boss.hit(200.0, 0.5);
    world.log("down to the third phase");
    rehearsal.run_for(0.8);
    boss.hit(200.0, 0.5);
    world.log("down to nothing");
    rehearsal.run_for(1.0);
    world.check_log(&[
        "0.00 boss 0 patrols",
        "0.20 boss 0 chases",
        "0.20 boss 0 calls",
        "2.00 boss 0 strikes",
        "2.40 boss 0 hits",
        "2.40 boss 0 chases",
        "2.50 down to the second phase",
        "2.52 boss 0 summons",
        "2.52 imp 1 searches",
        "2.92 boss 0 summons",
        "2.92 imp 2 searches",
        "3.02 imp 1 chases",
        "3.32 boss 0 summons",
        "3.32 imp 3 searches",
        "3.40 imp 1 strikes",
        "3.42 imp 2 chases",
        "3.65 imp 1 hits",
        "3.65 imp 1 leaves",
        "3.70 down to the third phase",
        "3.72 imp 2 leaves",
        "3.72 imp 3 leaves",
        "3.72 boss 0 strikes",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 shoots",
        "4.12 boss 0 chases",
        "4.50 down to nothing",
        "4.50 boss 0 falls",
        "4.95 boss 0 leaves",
    ]);
    assert!(world.everybody().is_empty());
}

#[test]
fn the_same_seed_is_the_same_log() {
    let play = |seed| {
        let rehearsal = Rehearsal::new();
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::new(seed, Map::with_pillars(30, &mut rng));
        for number in 0..30 {
            let kind = [Kind::Guard, Kind::Archer, Kind::Healer][number % 3];
            world.wake(kind, world.somewhere());
        }
        for _ in 0..20 {
            world.set_foe(Some(world.somewhere()));
            world.make_noise(world.somewhere(), 500.0);
            rehearsal.run_for(1.0);
            world.everybody()[0].hit(9.0, 0.3);
        }
        world.take_log()
    };
    let log = play(5);
    assert!(log.len() > 100, "something happens");
    assert_eq!(log, play(5));
    assert_ne!(log, play(6));
}
