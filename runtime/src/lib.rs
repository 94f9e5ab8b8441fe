//! The engine-free runtime of cuelight.
