//! The library in its process: how it starts and ends.
//!
//! With the feature `engine-classes` it does so by itself, with a singleton that Godot makes and frees. A process can hold
//! our classes once; a second library turns the feature off, and calls [`stage_init`] and [`stage_deinit`].

#[cfg(not(feature = "engine-classes"))]
mod bare;
#[cfg(feature = "engine-classes")]
mod monitors;
#[cfg(feature = "engine-classes")]
mod singleton;
#[cfg(feature = "engine-classes")]
mod snapshot;

use godot::init::InitStage;

#[cfg(not(feature = "engine-classes"))]
pub(crate) use bare::Host;
#[cfg(feature = "engine-classes")]
pub use singleton::Cuelight;
#[cfg(feature = "engine-classes")]
pub(crate) use singleton::Host;

/// Starts cuelight in a library without the feature `engine-classes`: to be called from its
/// `ExtensionLibrary::on_stage_init`, at every stage.
///
/// A process can hold cuelight's classes once. Where two libraries link it, a game and an add-on, the add-on turns its
/// default feature off (`default-features = false`), and calls this and [`stage_deinit`]. Its nodes are then asked in each
/// frame how they are: a pause is heard of at the next frame, a free at once all the same.
///
/// With the feature it does nothing: the library starts by itself.
///
/// # Examples
/// ```no_run
/// use godot::prelude::*;
///
/// struct AddOn;
///
/// #[gdextension]
/// unsafe impl ExtensionLibrary for AddOn {
///     fn on_stage_init(stage: InitStage) {
///         cuelight::stage_init(stage);
///     }
///
///     fn on_stage_deinit(stage: InitStage) {
///         cuelight::stage_deinit(stage);
///     }
/// }
/// ```
pub fn stage_init(stage: InitStage) {
    #[cfg(not(feature = "engine-classes"))]
    if stage == InitStage::Scene {
        bare::start();
    }
    let _ = stage;
}

/// Ends cuelight in a library without the feature `engine-classes`: to be called from its
/// `ExtensionLibrary::on_stage_deinit`, at every stage. See [`stage_init`].
///
/// With the feature it does nothing: the library ends by itself.
pub fn stage_deinit(stage: InitStage) {
    #[cfg(not(feature = "engine-classes"))]
    if stage == InitStage::Scene {
        bare::end();
    }
    let _ = stage;
}
