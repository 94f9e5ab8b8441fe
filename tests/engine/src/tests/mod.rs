//! The tests.

mod facts;
mod harness;

mod allocations;
mod arguments;
mod background;
mod bad_input;
mod connections;
mod godot_task;
mod lifetime;
mod nodes;
mod select_signal;
mod cancel_on;
mod ends_with;
mod freed;
mod lifetime;
mod nodes;
mod random_frees;
mod signals;
mod stage;
mod streams;
mod tasks;
mod time;

pub(crate) use tasks::listen_from_the_start;
mod threads;
mod two_libraries;
