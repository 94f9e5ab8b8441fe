//! The combinators, without an engine: one module for each, the same test names in all of them as
//! far as they apply. Each future is tested alone, in an executor that is somebody else's, and as a
//! task.

#[path = "../../../runtime/tests/common/mod.rs"]
mod common;

mod animate;
mod as_completed;
mod at_exit;
mod branch;
mod check;
mod every;
mod forms;
mod frame_budget;
mod join;
mod lists_model;
mod map;
mod on_cancel;
mod priority;
mod race;
mod rush;
mod scope;
mod select;
mod skip;
mod skip_property;
mod timeline;
mod timeout;
mod try_join;
mod types;
mod uncancellable;
mod until;
mod wait_changed;
mod wait_until;
mod wait_while;
mod yield_now;
