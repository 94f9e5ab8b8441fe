//! The chapter on tasks.

mod background;
mod cancelling;
mod failures;
mod guards;
mod inspecting;
mod pausing;
mod results;
mod slots;
mod spawning;
