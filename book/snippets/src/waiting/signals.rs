//! Signals.

use cuelight::prelude::*;
use godot::classes::{AnimationPlayer, Timer};
use godot::prelude::*;

use crate::keep::{DialogueBox, Door, Hero, say};

// ANCHOR: wait
async fn doorkeeper(door: Gd<Door>, ui: Gd<DialogueBox>) {
    let (times,) = door.signals().knocked().wait().await;
    say(&ui, &format!("{times} knocks. That is the sign.")).await;
    door.signals().opened().wait().await;
}
// ANCHOR_END: wait

// ANCHOR: engine
async fn blow_up(mut anim: Gd<AnimationPlayer>, fuse: Gd<Timer>) {
    fuse.signals().timeout().wait().await;
    let finished = anim.signals().animation_finished().wait(); // Listens from here.
    anim.play_ex().name("explosion").done();
    let (animation,) = finished.await;
    godot_print!("{animation} is over");
}
// ANCHOR_END: engine

// ANCHOR: untyped
async fn shop(shop: Gd<Node>) {
    // A signal of a GDScript class: `signal sold(item: String, price: int)`.
    let sold = Signal::from_object_signal(&shop, "sold");
    let (item, price): (GString, i64) = sold.wait().await;
    godot_print!("{item} for {price}");

    let (item,): (GString,) = sold.wait().await; // The first argument is enough.
    godot_print!("{item}");

    let arguments: Vec<Variant> = sold.wait_any().await;
    godot_print!("{arguments:?}");
}
// ANCHOR_END: untyped

// ANCHOR: before
async fn good(mut door: Gd<Door>) {
    let opened = door.signals().opened().wait(); // Listens from here …
    door.bind_mut().set_open(true); // … so that it hears this.
    opened.await;
}

async fn too_late(mut door: Gd<Door>) {
    door.bind_mut().set_open(true);
    door.signals().opened().wait().await; // Waits for the next opening.
}
// ANCHOR_END: before

// ANCHOR: state
async fn fall(hero: Gd<Hero>) {
    wait_until(|| hero.bind().hp <= 0).await; // However many hits a frame brings.
}
// ANCHOR_END: state
