//! The tests.

mod facts;
mod harness;

mod allocations;
mod lifetime;
mod nodes;
mod signals;
mod stage;
mod tasks;
