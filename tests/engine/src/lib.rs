//! The tests of cuelight inside Godot.
//!
//! Two halves share this library. Godot loads it with the project in `project/`, and a node of it runs the [`Test`]s
//! there. The test target in `tests/engine/` links it too: it knows the tests without an engine, starts Godot, and
//! hears by the [`protocol`] how they go. A test is an `async fn` that is registered by `engine_test!`.

#[macro_use]
mod registry;
mod inside;
mod tests;

pub mod protocol;

pub use registry::{BESIDE, Ended, Place, Setup, Test, tests};

use godot::init::InitStage;
use godot::prelude::*;

struct EngineTests;

// SAFETY: this is the library's one entry point, and nothing in it is called before Godot has loaded it.
#[gdextension]
unsafe impl ExtensionLibrary for EngineTests {
    fn on_stage_init(stage: InitStage) {
        if stage == InitStage::Scene {
            tests::listen_from_the_start();
        }
    }
}
