//! A library beside the one of the game, which scripts its own nodes with its own cuelight.

use cuelight::prelude::*;
use godot::prelude::*;

struct AddOn;

// SAFETY: this is the library's one entry point, and nothing in it is called before Godot has loaded it.
#[gdextension]
unsafe impl ExtensionLibrary for AddOn {
    fn on_stage_init(stage: InitStage) {
        cuelight::stage_init(stage);
    }

    fn on_stage_deinit(stage: InitStage) {
        cuelight::stage_deinit(stage);
    }
}

/// A node that writes down what happens to its scripts.
#[derive(GodotClass)]
#[class(init, tool, base = Node)]
struct AddOnNode {
    /// The frames that its script has counted.
    #[var]
    frames: i64,
    /// The scripts that have been dropped.
    #[var]
    drops: i64,
    base: Base<Node>,
}

#[godot_api]
impl AddOnNode {
    #[signal]
    fn told(number: i64);

    /// Counts frames for ever.
    #[func]
    fn count_frames(&mut self) {
        self.spawn_task(|me| async move {
            let _drops = me.at_exit(|me| me.bind_mut().drops += 1);
            loop {
                me.with(|me| me.frames += 1);
                next_frame().await;
            }
        });
    }

    /// Waits for its own signal, and for some time, and emits the next number.
    #[func]
    fn answer(&mut self) {
        self.spawn_task(|me| async move {
            let (number,) = me.signals().told().wait().await;
            wait_seconds(0.05).await;
            me.signals().told().emit(number + 1);
        });
    }

    /// Sets its frames to -1 when another object is freed.
    #[func]
    fn watch(&mut self, other: Gd<Object>) {
        let me = self.to_gd();
        self.spawn_task(move |_me| async move {
            wait_freed(&other).await;
            me.with(|me| me.frames = -1);
        });
    }

    /// Cancels its scripts when it is disabled, or leaves the tree.
    #[func]
    fn pool(&mut self) {
        self.to_gd().tasks().cancel_on(CancelOn::all());
    }

    /// Ends its scripts with another object.
    #[func]
    fn end_with(&mut self, other: Gd<Object>) {
        self.to_gd().tasks().ends_with(&other);
    }

    /// Returns how many tasks, groups and waits are alive in this library.
    #[func]
    fn counts(&self) -> PackedInt64Array {
        let counts = cuelight::engine::counts();
        [counts.tasks as i64, counts.groups as i64, counts.waits as i64].into_iter().collect()
    }
}
