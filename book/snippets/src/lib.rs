//! The code that the guide shows, a module for each page.
//!
//! The pages include it by anchor, so that what they show compiles.

#![allow(dead_code, reason = "a script that is shown is not always called")]

mod first_script;
mod introduction;
mod keep;
mod migration;
mod nodes;
mod tasks;
mod waiting;
