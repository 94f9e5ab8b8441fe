//! Freed nodes.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Door, Guard, Hero, say, walk_to};

// ANCHOR: other
async fn escort(me: Gd<Guard>, hero: Gd<Hero>) {
    let way = async {
        loop {
            walk_to(&me, hero.get_position()).await;
            next_frame().await;
        }
    };
    if way.while_alive(&hero).await.is_none() {
        godot_print!("He is gone.");
    }
}
// ANCHOR_END: other

// ANCHOR: wait_freed
async fn victory(enemies: Vec<Gd<Guard>>, ui: Gd<DialogueBox>) {
    for enemy in &enemies {
        wait_freed(enemy).await; // At once, for those that are gone already.
    }
    say(&ui, "The keep is ours!").await;
}
// ANCHOR_END: wait_freed

// ANCHOR: signal
async fn hold_the_door(me: Gd<Guard>, door: Gd<Door>) {
    let opened = door.signals().opened().wait();
    if opened.while_alive(&door).await.is_none() {
        me.with(|guard| guard.is_alert = true); // It was broken down.
    }
}
// ANCHOR_END: signal

// ANCHOR: ends_with
fn challenge(me: &Gd<Guard>, rival: &Gd<Guard>) {
    let duel = me.tasks().child();
    duel.ends_with(rival);
    duel.spawn(fence(me.clone(), rival.clone()));
    duel.spawn(shout_at(rival.clone()));
}
// ANCHOR_END: ends_with

async fn fence(_me: Gd<Guard>, _rival: Gd<Guard>) {}

async fn shout_at(_rival: Gd<Guard>) {}

// ANCHOR: cleanup
async fn carry_lantern(mut me: Gd<Guard>) {
    let lantern = Node2D::new_alloc();
    me.add_child(&lantern);
    let _lantern = lantern.at_exit(|lantern| lantern.queue_free());
    wait_seconds(30.0).await;
}
// ANCHOR_END: cleanup
