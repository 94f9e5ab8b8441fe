//! The chapter on migration.

mod gdext_coroutines;
mod gdscript;
mod godot_task;
