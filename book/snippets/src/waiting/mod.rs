//! The chapter on waiting.

mod all;
mod conditions;
mod cooldowns;
mod cues;
mod first;
mod signals;
mod time;
mod timeouts;
