#![doc = include_str!("../README.md")]

mod background;
mod clock;
mod cooldown;
mod cue;
mod group;
mod inspect;
mod pool;
mod raw;
mod rehearsal;
mod scheduler;
mod send;
mod shared;
mod skip;
mod slot;
mod sync;
mod task;
mod wait;
mod waiters;

pub mod engine;

pub use background::{Background, background};
pub use clock::{Clock, Phase, SlowGuard, delta, now};
pub use cooldown::{Cooldown, CooldownReady};
pub use cue::{Cue, CueWait, Flag, FlagWait};
pub use group::{GroupHandle, JoinGroup, TaskGroup, current_group, root_group};
pub use inspect::{GroupInfo, Snapshot, TaskInfo, TaskState, WaitInfo, inspect};
pub use raw::confined::ThreadConfined;
pub use raw::parts::{PartList, Parts};
pub use rehearsal::{Rehearsal, Stuck, note, rehearse};
pub use send::{DynamicSend, IntoDynamicSend};
pub use shared::SharedTask;
pub use skip::{OwnClock, SkipWatch, checkpoint, is_skipping};
pub use slot::TaskSlot;
pub use task::{
    Canceller, TaskError, TaskHandle, TaskId, TaskReport, fail_task, on_task_panic, spawn,
    spawn_deferred, spawn_named, spawn_rest,
};
pub use wait::{
    BeatWatch, Countdown, NextFrame, TickWatch, WaitFrames, WaitPhysicsFrames, WaitRealSeconds,
    WaitSeconds, WaitUntilTime, check_seconds, next_frame, wait_frames, wait_physics_frames,
    wait_real_seconds, wait_seconds, wait_until_time,
};

/// What a future of this library says when it is polled after it was ready.
#[doc(hidden)]
pub const POLLED_AFTER_COMPLETION: &str = "a future was polled after it was ready";
