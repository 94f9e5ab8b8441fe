//! Virtual time: a frame is a sixtieth of a second, and takes no time at all.

use std::time::Duration;

use cuelight::engine::{self, Engine};
use cuelight::{Phase, TaskReport};

/// The step of one frame.
const FRAME: Duration = Duration::from_nanos(16_666_667);

/// A runtime that is stepped by hand, for as long as this lives.
pub struct Driver(());

/// There is none: nothing is heard from it, and a task that panics fails the test.
struct NoEngine;

impl Engine for NoEngine {
    fn real_time(&self) -> Duration {
        Duration::ZERO
    }

    fn call_soon(&self) {}

    fn report(&self, report: &TaskReport) {
        panic!("{report}");
    }

    fn error(&self, message: &str) {
        panic!("{message}");
    }
}

impl Driver {
    pub fn start() -> Self {
        engine::start(NoEngine);
        Self(())
    }

    /// Runs one frame.
    pub fn frame(&self) {
        // What events have woken since the last frame comes first, as in the game.
        engine::flush();
        engine::tick(Phase::Process, FRAME);
    }

    /// Runs for so many seconds.
    pub fn run_for(&self, seconds: f64) {
        for _ in 0..(seconds * 60.0).round() as usize {
            self.frame();
        }
    }

    /// Runs until something is true.
    ///
    /// # Panics
    /// If it does not come within so many seconds.
    #[track_caller]
    pub fn run_until(&self, seconds: f64, what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..(seconds * 60.0).round() as usize {
            if is_so() {
                return;
            }
            self.frame();
        }
        panic!("{what}: not within {seconds} s");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        engine::shutdown();
        let counts = engine::counts();
        if !std::thread::panicking() {
            assert_eq!((counts.tasks, counts.waits), (0, 0), "nothing is left behind");
        }
    }
}
