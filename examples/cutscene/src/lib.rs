//! "The last ferry": a short cutscene whose script is one `async fn`.
//!
//! Begin with `script.rs`, which reads like a screenplay. It is put together from small `async fn`s: `actor.rs` (walk),
//! `dialogue.rs` (say, choose), `moves.rs` (glide, fade) and `props.rs` (a bell, a lighthouse, a stone to throw). What
//! it plays on is `harbour.rs`, the root of `project/harbour.tscn`; what moves there by itself is in `ambient.rs`.

mod actor;
mod ambient;
mod beat;
mod dialogue;
mod harbour;
mod moves;
mod props;
mod script;

use godot::prelude::*;

struct Cutscene;

// SAFETY: There is no other entry point in this library.
#[gdextension]
unsafe impl ExtensionLibrary for Cutscene {}
