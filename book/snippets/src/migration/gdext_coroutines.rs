//! From `gdext_coroutines`.

use cuelight::prelude::*;
use godot::classes::Label;
use godot::prelude::*;

// ANCHOR: after
fn run(label: &Gd<Label>) -> TaskHandle<i64> {
    label.spawn_task(async |mut label| {
        wait_seconds(5.0).await;
        label.set_text("five seconds");
        wait_frames(30).await;
        wait_until(|| label.is_visible()).await;
        Signal::from_object_signal(&label, "some_signal").wait_any().await;
        42
    })
}
// ANCHOR_END: after
