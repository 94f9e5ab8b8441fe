//! The engine-free combinators of cuelight.

#![forbid(unsafe_code)]
