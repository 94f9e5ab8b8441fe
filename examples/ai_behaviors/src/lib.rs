//! An arena full of enemies, whose behaviours are `async fn`s.
//!
//! Begin with `behaviours/guard.rs`. Behaviours are written over a small trait, in `body.rs`. In the game it is
//! implemented by the nodes of `arena/`, which also has the player, the weather and the overlay; in the tests by the plain
//! world of `stories/`, without an engine. Both walk on the ground of `map.rs`.

mod arena;
mod behaviours;
mod body;
mod map;
#[cfg(test)]
mod stories;

use godot::prelude::*;

struct AiBehaviors;

// SAFETY: There is no other entry point in this library.
#[gdextension]
unsafe impl ExtensionLibrary for AiBehaviors {}
