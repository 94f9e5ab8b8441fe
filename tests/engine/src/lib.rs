//! The tests of cuelight inside Godot.
