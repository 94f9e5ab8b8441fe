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

// ANCHOR: cleanup
async fn carry_lantern(mut me: Gd<Guard>) {
    let mut lantern = Node2D::new_alloc();
    me.add_child(&lantern);
    let _lantern = at_exit(move || {
        if lantern.is_instance_valid() {
            lantern.queue_free();
        }
    });
    wait_seconds(30.0).await;
}
// ANCHOR_END: cleanup
