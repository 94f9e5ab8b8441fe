//! Scopes.

use std::cell::Cell;

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{Guard, Hero, walk_to};

// ANCHOR: boss
async fn boss_fight(me: Gd<Guard>, hero: Gd<Hero>) {
    let hits = Cell::new(0);
    scope(async |s| {
        while me.bind().hp > 0 {
            s.spawn(async {
                if throw_torch(&me, &hero).await {
                    hits.set(hits.get() + 1);
                }
            });
            wait_seconds(1.5).await;
        }
    })
    .await; // No torch flies on.
    godot_print!("{} of them hit", hits.get());
}
// ANCHOR_END: boss

async fn throw_torch(_me: &Gd<Guard>, hero: &Gd<Hero>) -> bool {
    let target = hero.get_position();
    wait_seconds(0.7).await;
    hero.get_position().distance_to(target) < 20.0
}

// ANCHOR: results
async fn gather(guards: &[Gd<Guard>], gate: Vector2) -> usize {
    scope(async |s| {
        let mut walks = Vec::new();
        for guard in guards {
            walks.push(s.spawn(walk_to(guard, gate).timeout(10.0)));
        }
        let mut arrived = 0;
        for walk in walks {
            arrived += usize::from(walk.await.is_ok());
        }
        arrived
    })
    .await
}
// ANCHOR_END: results
