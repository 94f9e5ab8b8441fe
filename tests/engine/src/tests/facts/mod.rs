//! Facts of the engine that cuelight rests on, without cuelight's code: with a new Godot, these are what to look at
//! first.

mod exit;
mod hot_reload;
mod internal_child;
mod threads;
