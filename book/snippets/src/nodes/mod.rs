//! The chapter on nodes.

mod borrowing;
mod freed;
mod pools;
mod scripts;
