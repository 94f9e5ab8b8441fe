//! There is no seed in which somebody is stuck: whatever was done to them, when they are left in peace all go their rounds.

use cuelight::{Rehearsal, ScriptFutureExt as _, wait_until};
use godot::builtin::Vector2;

use super::World;
use crate::body::{Body as _, Kind, Mood};
use crate::map::Map;

const SEEDS: u64 = 100;
const AGENTS: usize = 12;

#[test]
fn nobody_is_stuck() {
    for seed in 0..SEEDS {
        let rehearsal = Rehearsal::new();
        let mut rng = fastrand::Rng::with_seed(seed);
        let map = Map::with_pillars(AGENTS, &mut rng);
        let world = World::new(seed, map);
        for number in 0..AGENTS {
            let kinds = [Kind::Guard, Kind::Archer, Kind::Guard, Kind::Healer];
            world.wake(kinds[number % kinds.len()], world.somewhere());
        }
        harass(&rehearsal, &world, &mut rng);

        world.set_foe(None);
        let them = world.clone();
        let is_calm = move || them.everybody().iter().all(|figure| figure.mood() == Mood::Calm);
        let peace = rehearsal.spawn(wait_until(is_calm).timeout(60.0));
        rehearsal.run_until(&peace).unwrap();
        assert_eq!(peace.take(), Some(Ok(Ok(()))), "seed {seed}: all are calm within a minute");
        let mut gone: Vec<_> =
            world.everybody().into_iter().map(|it| (it.position(), 0.0_f32, it)).collect();
        for _ in 0..9 {
            rehearsal.run_for(1.0);
            for (start, most, figure) in &mut gone {
                *most = most.max(figure.position().distance_to(*start));
            }
        }
        for (start, most, figure) in gone {
            assert!(most > 20.0, "seed {seed}: {} stays at {start}", figure.name());
        }
        let log = rehearsal.log();
        assert!(!log.iter().any(|line| line.contains("panicked")), "seed {seed}: {log:#?}");
    }
}

/// Half a minute of a foe that appears here and there, and hits whoever is next to it.
fn harass(rehearsal: &Rehearsal, world: &World, rng: &mut fastrand::Rng) {
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
        rehearsal.run_for(rng.f64());
    }
    for figure in world.everybody() {
        figure.group().set_speed(1.0);
    }
}
