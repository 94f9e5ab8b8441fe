//! The chapter on nodes.

mod borrowing;
mod freed;
mod libraries;
mod pools;
mod scripts;
