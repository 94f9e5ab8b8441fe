//! Work in the background.

use std::sync::Arc;

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{Guard, walk_to};

pub struct Map {
    corners: Vec<Vector2>,
}

impl Map {
    fn find_path(&self, from: Vector2, to: Vector2) -> Vec<Vector2> {
        [from].into_iter().chain(self.corners.iter().copied()).chain([to]).collect()
    }
}

// ANCHOR: path
async fn go(me: Gd<Guard>, map: Arc<Map>, target: Vector2) {
    let start = me.get_position(); // Whatever has to do with Godot comes before …
    let path = background(move || map.find_path(start, target)).await;
    for corner in path {
        walk_to(&me, corner).await; // … or after.
    }
}
// ANCHOR_END: path

// ANCHOR: beside
async fn look_busy(me: Gd<Guard>, map: Arc<Map>, target: Vector2) {
    let start = me.get_position();
    let path = background(move || map.find_path(start, target)); // Begins here.
    me.with(|guard| guard.is_alert = true);
    wait_seconds(0.5).await;
    let path = path.await; // Most likely it is there already.
    godot_print!("{} corners", path.len());
}
// ANCHOR_END: beside

// ANCHOR: patience
async fn hurry(me: Gd<Guard>, map: Arc<Map>, target: Vector2) {
    let start = me.get_position();
    let search = background(move || map.find_path(start, target));
    match search.timeout(0.5).await {
        Ok(path) => godot_print!("{} corners", path.len()),
        Err(_elapsed) => walk_to(&me, target).await, // Straight on. The search runs out unheard.
    }
}
// ANCHOR_END: patience
