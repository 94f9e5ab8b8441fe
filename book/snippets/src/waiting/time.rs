//! Time and frames.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, say};

// ANCHOR: seconds
async fn volley(me: Gd<Guard>) {
    for _arrow in 0..3 {
        me.with(Guard::strike);
        wait_seconds(0.4).await;
    }
}
// ANCHOR_END: seconds

// ANCHOR: cooldown
async fn boast(me: Gd<Guard>, ui: Gd<DialogueBox>) {
    loop {
        let cooldown = wait_seconds(5.0); // Counts from here.
        me.with(Guard::strike);
        say(&ui, "Ha!").await; // However long this takes …
        cooldown.await; // … there are five seconds between two strikes, or more.
    }
}
// ANCHOR_END: cooldown

// ANCHOR: frames
async fn fade_out(mut node: Gd<Node2D>) {
    let mut alpha = 1.0;
    while alpha > 0.0 {
        alpha -= delta() as f32 / 0.5;
        node.set_modulate(Color::from_rgba(1.0, 1.0, 1.0, alpha.max(0.0)));
        next_frame().await;
    }
}
// ANCHOR_END: frames

// ANCHOR: physics
async fn look_around(me: Gd<Guard>) {
    let mut me = me;
    for _step in 0..30 {
        me.rotate(0.02);
        wait_physics_frames(1).await;
    }
}
// ANCHOR_END: physics

// ANCHOR: stopwatch
async fn stopwatch(ui: Gd<DialogueBox>) {
    let start = now();
    say(&ui, "Quick, press a key!").await;
    godot_print!("{:.2} s", now() - start);
}
// ANCHOR_END: stopwatch
