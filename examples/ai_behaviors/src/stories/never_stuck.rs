//! There is no seed in which somebody is stuck: whatever was done to them, when they are left in peace all go their rounds.

use godot::builtin::Vector2;

use super::{Driver, World};
use crate::body::{Body as _, Kind, Mood};
use crate::map::Map;

const SEEDS: u64 = 40;
const AGENTS: usize = 12;

#[test]
fn nobody_is_stuck() {
    for seed in 0..SEEDS {
        let driver = Driver::start();
        let mut rng = fastrand::Rng::with_seed(seed);
        let map = Map::with_pillars(AGENTS, &mut rng);
        let world = World::new(seed, map);
        for number in 0..AGENTS {
            let kinds = [Kind::Guard, Kind::Archer, Kind::Guard, Kind::Healer];
            world.wake(kinds[number % kinds.len()], world.somewhere());
        }
        harass(&driver, &world, &mut rng);

        world.set_foe(None);
        let is_calm = || world.everybody().iter().all(|figure| figure.mood() == Mood::Calm);
        driver.run_until(60.0, &format!("seed {seed}: all are calm"), is_calm);
        let corners: Vec<_> = world.everybody().into_iter().map(|it| (it.position(), it)).collect();
        driver.run_for(9.0);
        for (before, figure) in corners {
            let gap = figure.position().distance_to(before);
            let home = figure.position().distance_to(figure.post());
            assert!(gap > 1.0 || home < 200.0, "seed {seed}: {} stays at {before}", figure.name());
        }
    }
}

/// Half a minute of a foe that appears here and there, and hits whoever is next to it.
fn harass(driver: &Driver, world: &World, rng: &mut fastrand::Rng) {
    for _ in 0..60 {
        let everybody = world.everybody();
        let Some(victim) = everybody.get(rng.usize(..everybody.len().max(1))) else { return };
        match rng.u32(..5) {
            0 => world.set_foe(Some(victim.position() + Vector2::new(60.0, 20.0))),
            1 => world.make_noise(world.somewhere(), 600.0),
            2 => victim.hit(rng.f32() * 30.0, rng.f64()),
            3 => victim.group().set_speed(0.3 + rng.f64()),
            _ => world.set_foe(None),
        }
        driver.run_for(rng.f64());
    }
    for figure in world.everybody() {
        figure.group().set_speed(1.0);
    }
}
