//! Finds or fetches Godot, and runs a project.
