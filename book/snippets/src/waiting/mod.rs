//! The chapter on waiting.

mod all;
mod conditions;
mod first;
mod signals;
mod time;
mod timeouts;
