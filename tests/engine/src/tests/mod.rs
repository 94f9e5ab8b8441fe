//! The tests.

mod facts;
mod harness;

mod allocations;
mod background;
mod bad_input;
mod lifetime;
mod nodes;
mod signals;
mod stage;
mod tasks;
mod time;

pub(crate) use tasks::listen_from_the_start;
