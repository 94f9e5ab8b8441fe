//! Async game scripting for Godot 4 and Rust.
