#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod animate;
mod branch;
mod completed;
mod every;
mod ext;
mod frame_budget;
mod guard;
mod join;
mod outputs;
mod priority;
mod race;
mod rush;
mod scope;
mod select;
mod skip;
mod stream;
mod timeline;
mod timeout;
mod try_join;
mod utils;
mod wait;

pub use animate::{Animate, AnimateSteps, Ease, animate};
pub use branch::branch;
pub use completed::{AsCompleted, as_completed};
pub use every::{Every, EveryNext, every};
pub use ext::{BoxFuture, Map, OrSkip, ScriptFutureExt, Until};
pub use frame_budget::{FrameBudget, FrameBudgetTick};
pub use futures_core::Stream;
pub use guard::{AtExit, OnCancel, Uncancellable, at_exit, uncancellable};
pub use join::{Join, JoinInput, join};
pub use priority::{
    BoxBranch, Branch, BranchList, During, Otherwise, Priority, When, WhenOn, during, otherwise,
    priority, when, when_on,
};
pub use race::{Race, RaceInput, RaceIter, race, race_iter};
pub use rush::{Rush, rush};
pub use scope::{Child, Scope, scope};
pub use select::{
    Select, Select2, Select3, Select4, Select5, Select6, Select7, Select8, SelectInput, select,
};
pub use skip::{
    PlayFrom, Skippable, Unskippable, checkpoint, is_skipping, play_from, skippable, unskippable,
};
pub use stream::Next;
pub use timeline::{CueRule, Play, Timeline, TimelineHandle};
pub use timeout::{Elapsed, Timeout, timeout};
pub use try_join::{TryJoin, TryJoinInput, try_join};
pub use wait::{
    NextFrame, WaitChanged, WaitFrames, WaitPhysicsFrames, WaitRealSeconds, WaitSeconds, WaitUntil,
    WaitUntilTime, WaitWhile, YieldNow, next_frame, wait_changed, wait_frames, wait_physics_frames,
    wait_real_seconds, wait_seconds, wait_until, wait_until_time, wait_while, yield_now,
};

/// What the examples in the documentation run on: a runtime of 60 frames a second.
#[doc(hidden)]
pub mod doc_example {
    use std::time::Duration;

    use cuelight_runtime::{Phase, TaskError, engine, spawn};

    struct Bare;

    impl engine::Engine for Bare {
        fn real_time(&self) -> Duration {
            Duration::ZERO
        }

        fn call_soon(&self) {}
    }

    /// Runs a script for at most a minute of its time.
    ///
    /// # Panics
    /// If it has not ended by then, or has panicked.
    pub fn run(script: impl Future<Output = ()> + 'static) {
        engine::start(Bare);
        let task = spawn(script);
        for _ in 0..3600 {
            if task.is_finished() {
                break;
            }
            engine::tick(Phase::Process, Duration::from_nanos(16_666_667));
            engine::tick(Phase::Physics, Duration::from_nanos(16_666_667));
        }
        let result = task.take();
        engine::shutdown();
        assert_eq!(result, Some(Ok::<(), TaskError>(())), "the example has to end");
    }
}
