//! The arena in Godot: the nodes, and the scripts that are not an enemy's.
//!
//! `stage.rs` is the root, which makes the arena and reports at the end; `field.rs` is what all in the arena share.

pub mod arrow;
pub mod autoplay;
pub mod effect;
pub mod enemy;
pub mod enemy_body;
pub mod field;
pub mod floor;
pub mod frost;
pub mod herald;
pub mod hit_stop;
pub mod look;
pub mod options;
pub mod overlay;
pub mod player;
pub mod report;
pub mod spawning;
pub mod stage;
pub mod storm;
