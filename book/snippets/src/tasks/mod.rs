//! The chapter on tasks.

mod cancelling;
mod failures;
mod pausing;
mod results;
mod spawning;
