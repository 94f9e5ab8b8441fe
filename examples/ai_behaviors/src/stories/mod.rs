//! The behaviours in a world without an engine, rehearsed: what happens is written into a log, and compared whole.

mod interruptions;
mod never_stuck;
mod story;
mod world;

pub use world::World;
