//! Beats.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{Door, Hero};

// ANCHOR: poison
async fn poison(hero: Gd<Hero>) {
    let mut beat = every(0.5);
    for _tick in 0..10 {
        let periods = beat.next().await;
        hero.with(|hero| hero.hp -= periods as i64);
    }
}
// ANCHOR_END: poison

// ANCHOR: bell
async fn bell(door: Gd<Door>) {
    let mut beat = every(60.0);
    loop {
        beat.next().await;
        door.with(|door| door.signals().knocked().emit(1));
    }
}
// ANCHOR_END: bell

// ANCHOR: race
async fn poison_until_hidden(hero: Gd<Hero>) {
    let mut beat = every(0.5);
    loop {
        match select((hero.signals().hidden().wait(), beat.next())).await {
            Select2::First(_) => break,
            Select2::Second(periods) => hero.with(|hero| hero.hp -= periods as i64),
        }
    }
}
// ANCHOR_END: race
