//! The tests.

mod facts;
mod harness;

mod allocations;
mod arguments;
mod background;
mod bad_input;
mod cancel_on;
mod connections;
mod ends_with;
mod enemies;
mod freed;
mod godot_task;
mod inspect;
mod lifetime;
mod nodes;
mod priority;
mod random_frees;
mod select_signal;
mod signals;
mod skipping;
mod stage;
mod streams;
mod tasks;
mod threads;
mod time;
mod timelines;
mod two_libraries;

pub(crate) use tasks::listen_from_the_start;
