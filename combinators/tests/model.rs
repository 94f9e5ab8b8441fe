//! The rules of the runtime as a reference model, and random programs that are run on it and on
//! the runtime: the two logs have to agree line by line.
//!
//! `MODEL_PROGRAMS=1000000` runs more programs, and `MODEL_SEED=7` begins with that seed; each
//! program has a seed of its own, one more than the program before. A program that fails is shrunk
//! and printed with its seed.

mod model {
    mod determinism;
    mod drive;
    mod generate;
    mod groups;
    mod program;
    mod random;
    mod regressions;
    mod rules;
    mod script;
    mod skips;
    mod waits;
}
