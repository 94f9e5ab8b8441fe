//! The comparison of cuelight with its peers, inside Godot.
//!
//! Two halves share this library. Godot loads it with the project in `project/`: the `frame` is measured while the
//! `cases` run, and each result is printed as a line. The bench target in `benches/` starts that Godot, reads the
//! [`Line`]s, and makes the table and `engine.json` of them.

mod cases;
mod counting;
mod enemies;
mod frame;
mod line;
mod listeners;
mod loops;
mod options;
mod stats;

pub use line::{Line, Measurement};
pub use options::Options;

use godot::prelude::*;

struct EngineBench;

// SAFETY: this is the library's one entry point, and nothing in it is called before Godot has loaded it.
#[gdextension]
unsafe impl ExtensionLibrary for EngineBench {}
