//! What a script needs; the extension traits come without their names.

pub use std::pin::pin;

pub use cuelight_combinators::{
    BoxFuture, Branch as _, CueRule, Ease, Elapsed, FrameBudget, Scope, ScriptFutureExt as _,
    Select2, Select3, Select4, Select5, Select6, Select7, Select8, Stream, Timeline, animate,
    as_completed, at_exit, branch, checkpoint, during, every, is_skipping, join, next_frame,
    otherwise, play_from, priority, race, race_iter, rush, scope, select, skippable, timeout,
    try_join, uncancellable, unskippable, wait_changed, wait_frames, wait_physics_frames,
    wait_real_seconds, wait_seconds, wait_until, wait_until_time, wait_while, when, when_on,
    yield_now,
};
pub use cuelight_runtime::{
    Canceller, Clock, Cooldown, Cue, Flag, GroupHandle, Phase, Rehearsal, SharedTask, Stuck,
    TaskError, TaskGroup, TaskHandle, TaskSlot, background, current_group, delta, inspect, now,
    on_task_panic, rehearse, spawn, spawn_deferred, spawn_named,
};

pub use crate::{
    CancelOn, GroupExt as _, NodeScript as _, NodeTasks as _, ObjectFutureExt as _,
    ScriptedNode as _, SignalExt as _, TimelineExt as _, TypedSignalExt as _, select_signal,
    wait_freed,
};
