//! The chapter on tasks.

mod background;
mod cancelling;
mod failures;
mod guards;
mod inspecting;
mod pausing;
mod rehearsing;
mod results;
mod skipping;
mod slots;
mod spawning;
