//! Two libraries in one game.

// ANCHOR: stages
use godot::prelude::*;

struct AddOn;

#[gdextension]
unsafe impl ExtensionLibrary for AddOn {
    fn on_stage_init(stage: InitStage) {
        cuelight::stage_init(stage);
    }

    fn on_stage_deinit(stage: InitStage) {
        cuelight::stage_deinit(stage);
    }
}
// ANCHOR_END: stages
