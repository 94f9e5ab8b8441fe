//! The rules of the runtime, without an engine: one module for each noun, one test for each fact.

#[path = "../common/mod.rs"]
mod common;

mod attached;
mod background;
mod bad_input;
mod beats;
mod cancel;
mod cancellers;
mod channels;
mod clocks;
mod cooldowns;
mod cues;
mod failing;
mod flags;
mod groups;
mod handles;
mod hooks;
mod inspect;
mod livelock;
mod nesting;
mod next_frames;
mod order;
mod panics;
mod parts;
mod real_time;
mod rehearsals;
mod shared;
mod shutdown;
mod skipping;
mod slots;
mod spawn;
mod threads;
mod turns;
mod until_time;
mod wake;
