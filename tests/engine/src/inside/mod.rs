//! The half that runs inside Godot: the node that runs the tests, and what a test gets.

mod context;
mod errors;
mod leaks;
mod panics;
mod runner;

pub(crate) use context::{Context, Log};
