//! Signals.

use cuelight::prelude::*;
use godot::classes::{AnimationPlayer, Mesh, Timer};
use godot::prelude::*;

use crate::keep::{DialogueBox, Door, Guard, Hero, say};

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

// ANCHOR: stream
async fn scoreboard(hero: Gd<Hero>) {
    let mut hits = hero.signals().hit().stream();
    let mut sum = 0;
    while let Some((damage,)) = hits.next().await {
        sum += damage; // Both of them, when two arrows hit in one frame.
        godot_print!("{sum} so far");
    }
    godot_print!("{sum} in all."); // The hero is gone.
}
// ANCHOR_END: stream

// ANCHOR: latest
async fn health_bar(hero: Gd<Hero>) {
    let mut hits = hero.signals().hit().stream().latest();
    while hits.next().await.is_some() {
        godot_print!("{} left", hero.bind().hp);
        wait_seconds(0.5).await; // The bar moves; what comes meanwhile is one.
    }
}
// ANCHOR_END: latest

// ANCHOR: wait_if
async fn flinch(hero: Gd<Hero>) {
    let (damage,) = hero.signals().hit().wait_if(|&(damage,)| damage >= 5).await;
    godot_print!("{damage}! That hurt.");
}
// ANCHOR_END: wait_if

// ANCHOR: several
async fn at_the_gate(door: Gd<Door>, guard: Gd<Guard>, shop: Gd<Node>) {
    let sold = Signal::from_object_signal(&shop, "sold");
    match select_signal((&door.signals().opened(), &guard.signals().stunned(), &sold)).await {
        Select3::First(()) => godot_print!("In!"),
        Select3::Second((seconds,)) => wait_seconds(seconds).await,
        Select3::Third(arguments) => godot_print!("{arguments:?}"), // As they are.
    }
}
// ANCHOR_END: several

// ANCHOR: own
#[derive(GodotConvert, Clone, Copy, PartialEq, Eq, Debug)]
#[godot(via = GString)]
enum Weather {
    Sun,
    Storm,
}

async fn take_shelter(sky: Gd<Node>) {
    let changed = Signal::from_object_signal(&sky, "changed"); // `signal changed(weather: String)`
    changed.wait_if(|&(weather,): &(Weather,)| weather == Weather::Storm).await;
    godot_print!("Inside, quick!");
}
// ANCHOR_END: own

// ANCHOR: threads
async fn build_world(builder: Gd<RefCounted>) {
    // `signal chunk_ready(at: Vector2i, mesh: Mesh)`, emitted by a thread of a script.
    let mut chunks =
        Signal::from_object_signal(&builder, "chunk_ready").stream::<(Vector2i, Gd<Mesh>)>();
    drop(builder); // The stream ends with the thread's last reference.
    while let Some((at, mesh)) = chunks.next().await {
        godot_print!("{at}: {mesh}");
    }
}
// ANCHOR_END: threads
