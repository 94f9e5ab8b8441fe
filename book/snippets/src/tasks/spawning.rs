//! Where tasks live.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, Hero, say, walk_to};

// ANCHOR: node
fn start(guard: &Gd<Guard>, hero: Gd<Hero>) {
    guard.spawn_task(|me| chase(me, hero)); // Ends with the guard, and freezes with it.
}
// ANCHOR_END: node

async fn chase(me: Gd<Guard>, hero: Gd<Hero>) {
    walk_to(&me, hero.get_position()).await;
}

// ANCHOR: root
fn autosave() {
    spawn(async {
        loop {
            wait_seconds(60.0).await;
            save();
        }
    });
}
// ANCHOR_END: root

fn save() {}

async fn hum(me: Gd<Guard>) {
    loop {
        me.with(|guard| guard.is_alert = false);
        next_frame().await;
    }
}

// ANCHOR: trap
async fn meet(me: Gd<Guard>, ui: Gd<DialogueBox>) {
    spawn(hum(me.clone())); // Wrong: it lives on when the guard is freed, and panics.
    branch(hum(me.clone())); // Right: it belongs to the guard, as this script does.
    say(&ui, "Nobody passes!").await;
}
// ANCHOR_END: trap

// ANCHOR: group
struct Wave {
    scripts: TaskGroup,
}

impl Wave {
    fn begin(hero: &Gd<Hero>) -> Self {
        let scripts = TaskGroup::under(&hero.tasks());
        scripts.spawn_named("countdown", countdown());
        Self { scripts }
    }
}
// ANCHOR_END: group

async fn countdown() {
    for left in (1..=3).rev() {
        godot_print!("{left}");
        wait_seconds(1.0).await;
    }
}

// ANCHOR: join
async fn last_wave(hero: Gd<Hero>) {
    let wave = Wave::begin(&hero);
    wave.scripts.join().await; // Nothing is alive in the group any more.
    godot_print!("The keep holds!");
}
// ANCHOR_END: join

// ANCHOR: channel
fn start_ambience(node: &Gd<Node2D>) {
    let ambience = cuelight::root_group().channel("ambience");
    ambience.spawn(flicker(node.clone()).while_alive(node));
}

fn open_menu() {
    cuelight::root_group().channel("ambience").pause(); // The same group, from anywhere.
}
// ANCHOR_END: channel

async fn flicker(mut node: Gd<Node2D>) {
    loop {
        node.rotate(0.1);
        wait_seconds(0.2).await;
    }
}
