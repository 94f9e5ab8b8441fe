//! All of several.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Door, Guard, say, walk_to};

// ANCHOR: join
async fn entrance(mara: Gd<Guard>, finn: Gd<Guard>, ui: Gd<DialogueBox>) {
    let gate = Vector2::new(320.0, 0.0);
    join((
        walk_to(&mara, gate),
        walk_to(&finn, gate + Vector2::new(24.0, 0.0)),
        say(&ui, "They are coming!"),
    ))
    .await;
    godot_print!("All three are done.");
}
// ANCHOR_END: join

// ANCHOR: results
async fn two_doors(left: Gd<Door>, right: Gd<Door>) {
    let knocks = join((left.signals().knocked().wait(), right.signals().knocked().wait()));
    let ((left,), (right,)) = knocks.await;
    godot_print!("{left} on the left, {right} on the right");
}
// ANCHOR_END: results

// ANCHOR: list
async fn line_up(guards: &[Gd<Guard>], gate: Vector2) {
    let walks = guards.iter().zip(0..).map(|(guard, index)| {
        let place = gate + Vector2::new(24.0 * index as f32, 0.0);
        walk_to(guard, place)
    });
    join(walks.collect::<Vec<_>>()).await;
    godot_print!("They stand in line.");
}
// ANCHOR_END: list

// ANCHOR: try_join
async fn both_in_time(mara: Gd<Guard>, finn: Gd<Guard>, gate: Vector2) {
    let ways = try_join([walk_to(&mara, gate).timeout(5.0), walk_to(&finn, gate).timeout(5.0)]);
    match ways.await {
        Ok(_) => godot_print!("Both are there."),
        Err(Elapsed) => godot_print!("Too late!"), // Who is still walking has stopped.
    }
}
// ANCHOR_END: try_join

// ANCHOR: as_completed
async fn arrivals(guards: Vec<Gd<Guard>>, gate: Vector2) {
    let mut walks = as_completed(guards.iter().map(|guard| walk_to(guard, gate)));
    while let Some((index, ())) = walks.next().await {
        godot_print!("{} is there.", guards[index].bind().name);
    }
}
// ANCHOR_END: as_completed

// ANCHOR: many
async fn gather(guards: Vec<Gd<Guard>>, gate: Vector2) {
    let walks: Vec<_> = guards
        .into_iter()
        .map(|guard| branch(async move { walk_to(&guard, gate).await }))
        .collect();
    for walk in walks {
        let _ = walk.await; // Who was cancelled does not hold up the others.
    }
}
// ANCHOR_END: many

// ANCHOR: group
async fn gather_in_a_group(guards: Vec<Gd<Guard>>, gate: Vector2) {
    let walks = TaskGroup::under(&current_group());
    for guard in guards {
        walks.spawn(async move { walk_to(&guard, gate).await });
    }
    walks.join().await;
}
// ANCHOR_END: group
