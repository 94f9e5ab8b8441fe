//! The chapter on waiting.

mod all;
mod animating;
mod beats;
mod conditions;
mod cooldowns;
mod cues;
mod first;
mod priority;
mod scopes;
mod signals;
mod time;
mod timelines;
mod timeouts;
