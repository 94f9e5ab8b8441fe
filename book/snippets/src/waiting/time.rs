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

// ANCHOR: until
async fn fireworks(me: Gd<Guard>) {
    let start = now();
    for (time, name) in [(0.0, "red"), (1.5, "green"), (1.75, "gold"), (4.0, "all of them")] {
        wait_until_time(start + time).await;
        me.with(Guard::strike);
        godot_print!("{name}");
    }
}
// ANCHOR_END: until

// ANCHOR: real
async fn splash(ui: Gd<DialogueBox>) {
    let at_least = wait_real_seconds(2.0); // The logo is seen for that long …
    say(&ui, "Loading …").await;
    at_least.await; // … or as long as it takes.
}
// ANCHOR_END: real

// ANCHOR: budget
async fn lay_floor(mut floor: Gd<Node2D>) {
    let mut budget = FrameBudget::new(4.0); // Milliseconds.
    for number in 0..10_000 {
        budget.tick().await;
        let mut tile = Node2D::new_alloc();
        tile.set_position(Vector2::new(number as f32 * 16.0, 0.0));
        floor.add_child(&tile);
    }
}
// ANCHOR_END: budget
