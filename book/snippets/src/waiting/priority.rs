//! What is most urgent.

use cuelight::prelude::*;
use godot::classes::Light2D;
use godot::prelude::*;

use crate::keep::{Guard, Hero, walk_to};

// ANCHOR: guard
async fn live(me: Gd<Guard>, hero: Gd<Hero>) {
    let swing = me.tasks().cooldown(1.2);
    let gap = || me.get_position().distance_to(hero.get_position());
    priority((
        during(|| me.bind().hp <= 3, || flee(&me)),
        when(|| gap() < 40.0 && swing.is_ready(), || attack(&me, &swing)),
        during(|| gap() < 300.0, || chase(&me, &hero)),
        otherwise(|| patrol(&me)),
    ))
    .await;
}
// ANCHOR_END: guard

// ANCHOR: attack
async fn attack(me: &Gd<Guard>, swing: &Cooldown) {
    swing.try_start();
    wait_seconds(0.2).await; // The wind-up: who flees now does not strike.
    me.with(Guard::strike);
}
// ANCHOR_END: attack

async fn flee(me: &Gd<Guard>) {
    walk_to(me, Vector2::ZERO).await;
}

// ANCHOR: nested
async fn chase(me: &Gd<Guard>, hero: &Gd<Hero>) {
    let gap = || me.get_position().distance_to(hero.get_position());
    priority((
        during(|| gap() < 30.0, || wait_seconds(0.5)), // He waits for his swing.
        otherwise(|| walk_to(me, hero.get_position())),
    ))
    .await;
}
// ANCHOR_END: nested

async fn patrol(me: &Gd<Guard>) {
    walk_to(me, Vector2::new(100.0, 0.0)).await;
    walk_to(me, Vector2::ZERO).await;
}

// ANCHOR: until
async fn guard_the_gate(me: Gd<Guard>, hero: Gd<Hero>) {
    let mut stuns = me.signals().stunned().stream();
    loop {
        let act = live(me.clone(), hero.clone());
        let Select2::Second(Some((seconds,))) = select((act, stuns.next())).await else {
            return;
        };
        wait_seconds(seconds).await;
    }
}
// ANCHOR_END: until

// ANCHOR: every
async fn watch(me: Gd<Guard>, hero: Gd<Hero>) {
    let is_near = || me.get_position().distance_to(hero.get_position()) < 300.0;
    let act = priority((during(is_near, || chase(&me, &hero)), otherwise(|| patrol(&me))));
    act.every(0.1).await;
}
// ANCHOR_END: every

// ANCHOR: alive
async fn bully(me: Gd<Guard>, hero: Gd<Hero>) {
    let is_weak = || hero.bind().hp < 3;
    let act = priority((when(is_weak, || chase(&me, &hero)), otherwise(|| patrol(&me))));
    let _: Option<()> = act.while_alive(&hero).await;
    patrol(&me).await;
}
// ANCHOR_END: alive

// ANCHOR: when_on
async fn street_lamp(lamp: Gd<Light2D>, is_night: Flag) {
    priority((
        when_on(
            &lamp,
            |lamp| is_night.is_set() && !lamp.is_enabled(),
            async |mut lamp| {
                wait_seconds(0.5).await;
                lamp.set_enabled(true);
            },
        ),
        otherwise(|| wait_seconds(10.0)),
    ))
    .await;
}
// ANCHOR_END: when_on

// ANCHOR: list
async fn live_by_character(me: Gd<Guard>, hero: Gd<Hero>, is_brave: bool) {
    let is_near = || me.get_position().distance_to(hero.get_position()) < 300.0;
    let mut habits =
        vec![during(is_near, || chase(&me, &hero)).boxed(), otherwise(|| patrol(&me)).boxed()];
    if !is_brave {
        habits.insert(0, during(is_near, || flee(&me)).boxed());
    }
    priority(habits).await;
}
// ANCHOR_END: list
