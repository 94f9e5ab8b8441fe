//! A second library in one game. It is a crate of its own, since a crate has one entry point.

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
