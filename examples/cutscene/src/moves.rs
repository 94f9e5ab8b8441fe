//! Movement over time. All of it is one loop over frames, in [`over`]; it obeys the pause and slow motion by itself,
//! since it reads the clock of the task that runs it.

use cuelight::prelude::*;
use godot::classes::{CanvasItem, CanvasModulate, Node2D};
use godot::prelude::*;

/// Calls a function with 0 to 1 over so many seconds, once a frame; with 1 last.
pub async fn over(seconds: f64, mut draw: impl FnMut(f32)) {
    let start = now();
    loop {
        let t = ((now() - start) / seconds).min(1.0);
        draw(t as f32);
        if t == 1.0 {
            return;
        }
        next_frame().await;
    }
}

/// Moves a node, from where it is.
pub async fn glide(node: &Gd<impl Inherits<Node2D>>, to: Vector2, seconds: f64) {
    let mut node = node.clone().upcast::<Node2D>();
    let from = node.get_position();
    over(seconds, |t| node.set_position(from.lerp(to, smooth(t)))).await;
}

/// Makes something more or less opaque: 0 is invisible.
pub async fn fade(item: &Gd<impl Inherits<CanvasItem>>, alpha: f32, seconds: f64) {
    let mut item = item.clone().upcast::<CanvasItem>();
    let from = item.get_modulate();
    let to = Color { a: alpha, ..from };
    over(seconds, |t| item.set_modulate(from.lerp(to, t.into()))).await;
}

/// Changes the light on the whole scene.
pub async fn tint(light: &Gd<CanvasModulate>, to: Color, seconds: f64) {
    let mut light = light.clone();
    let from = light.get_color();
    over(seconds, |t| light.set_color(from.lerp(to, t.into()))).await;
}

/// Slow at both ends.
pub fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
