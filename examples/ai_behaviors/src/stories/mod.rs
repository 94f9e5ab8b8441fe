//! The behaviours in a world without an engine, as stories: what happens is written into a log, and compared whole.

mod driver;
mod interruptions;
mod never_stuck;
mod story;
mod world;

pub use driver::Driver;
pub use world::World;
