//! What a random program is made of. The model and the runtime both read it, so nothing in here
//! knows either of them.
//!
//! A program is flat: scripts stand in a table, and tasks, groups and stashed waits are named by
//! numbers that are taken modulo what there is. So every program means something, and it still does
//! when shrinking has taken parts of it away.

use cuelight_runtime::Phase;

/// A task that would be one more than this many is not spawned: scripts may spawn themselves, and
/// this is what ends it. It is more than the 32 spawns that may be nested on the stack.
pub const MAX_TASKS: usize = 48;

/// As many groups are made, the root group included.
pub const MAX_GROUPS: usize = 7;

/// As many guards slow the clocks at the same time, lest time runs away.
pub const MAX_SLOWS: usize = 4;

/// The number of events, and that of flags, and of what else there are a few.
pub const SIGNALS: usize = 3;

/// The number of names that channels can have.
pub const NAMES: usize = 2;

/// A table of scripts, and what is done from outside, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// What tasks run.
    pub scripts: Vec<Script>,
    /// What the engine and the code outside of all tasks do.
    pub steps: Vec<Outside>,
}

/// What happens outside of all tasks.
#[derive(Clone, Debug)]
pub enum Outside {
    /// Does something in no task.
    Act(Action),
    /// Polls a stashed wait with a waker that is not the runtime's.
    PollStashed(u8),
    /// Flushes, if the runtime has asked for it.
    Flush,
    /// Flushes, asked or not.
    FlushAnyway,
    /// Ticks a stage by so many nanoseconds.
    Tick(Phase, u64),
    /// Shuts the runtime down.
    Shutdown,
    /// Starts the runtime again, after a shutdown.
    Start,
}

/// What a task does, from its start to its end.
#[derive(Clone, Debug)]
pub struct Script {
    /// How often the steps are run through.
    pub laps: u32,
    /// What is dropped with the task's future, whether it ended by itself or not.
    pub guards: Vec<Guard>,
    /// What is done in each lap.
    pub steps: Vec<Step>,
}

/// A step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// Does something without waiting.
    Do(Action),
    /// Makes the waits, and goes on when the first is ready; the others are dropped.
    Await(Vec<Wait>),
    /// Makes a wait, polls it once, and stashes it if it is not ready.
    PollOnce(Wait),
    /// Makes a guard, which is dropped at the end of the lap or with the future.
    Hold(Guard),
    /// Panics.
    Panic,
}

/// What can be awaited.
#[derive(Clone, Debug)]
pub enum Wait {
    /// A number of frames of a stage.
    Frames(Phase, u64),
    /// Seconds of the own clock.
    Seconds(f64),
    /// Seconds of a group's clock.
    ClockSeconds(u8, f64),
    /// Until a time of the own clock, so many seconds after its making.
    UntilTime(f64),
    /// Seconds of wall time.
    RealSeconds(f64),
    /// So many items of a stream that is ready every so many seconds.
    Beats(f64, u8),
    /// Until a flag is set; each check does something first.
    Flag(u8, Vec<Action>),
    /// Until so many checks have failed.
    Checks(u8),
    /// While a flag is set.
    While(u8),
    /// Until a flag is another than at the making.
    Changed(u8),
    /// Until a flag is set, which is looked at every so many seconds.
    FlagEvery(u8, f64),
    /// A value that changes over so many seconds.
    Animate(f64),
    /// The next drain.
    Yield,
    /// The next time that an event is given.
    Event(u8),
    /// Until nothing else is alive in a group.
    Join(u8),
    /// The result of a task, whose handle is used up.
    Task(u8),
    /// The result of a task, whose handle is shared from then on.
    Shared(u8),
    /// The next value of a cue.
    Cue(u8),
    /// Until one of the runtime's flags is set.
    Raised(u8),
    /// Until a cooldown is over.
    Cooled(u8),
    /// A wait that was stashed.
    Stashed(u8),
    /// The first of several, in one of its forms; the others are dropped.
    First(Form, Vec<Wait>),
    /// All of several, in one of its forms.
    All(Form, Vec<Wait>),
    /// All of several, unless one of them is a task without an output: then the rest is dropped.
    TryAll(Form, Vec<Wait>),
    /// All of several, with the order in which they came.
    Completed(Vec<Wait>),
    /// A wait, for at most so many seconds.
    Timeout(f64, Box<Wait>),
    /// A wait, unless the second one comes first.
    Until(Box<Wait>, Box<Wait>),
    /// The first of several; the others go on as tasks.
    Rush(Vec<Wait>),
    /// A wait that goes on as a task if it is dropped half-way.
    Uncancellable(Box<Wait>),
    /// Waits as the children of a scope whose body is the last one.
    Scope(Vec<Wait>, Box<Wait>),
    /// A wait with what is done if it is dropped before it is ready.
    OnCancel(Box<Wait>, Vec<Action>),
    /// The first whose condition holds, for ever: asked each tick, or every so many seconds.
    Priority(Form, Option<f64>, Vec<Choice>),
}

/// A branch of a priority.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What becomes of its condition once it runs.
    pub kind: Kind,
    /// Its condition: that a flag is …
    pub flag: u8,
    /// … set, or clear.
    pub set: bool,
    /// What is done each time before the flag is looked at.
    pub actions: Vec<Action>,
    /// What is awaited.
    pub wait: Wait,
}

/// The kinds of branches.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// It goes on to its end.
    When,
    /// It goes on to its end, and shares a node with its condition.
    WhenOn,
    /// It ends with its condition.
    During,
    /// It has no condition.
    Otherwise,
}

/// What the parts of a combinator are listed in.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A tuple, of two or three; of other numbers a list.
    Tuple,
    /// An array of two or three; of other numbers a list.
    Array,
    /// A `Vec`.
    List,
    /// A `SmallVec` that has room for two in itself.
    Small,
}

/// Something that does things when it is dropped.
#[derive(Clone, Debug)]
pub struct Guard {
    /// What it does.
    pub actions: Vec<Action>,
    /// Whether it then panics (unless its task is unwinding already, which would abort).
    pub panics: bool,
}

/// What can be done without waiting: in a task, in a `Drop`, in a condition, or outside.
#[derive(Clone, Debug)]
pub enum Action {
    /// Spawns a task that runs a script.
    Spawn {
        /// Which script.
        script: u8,
        /// Into which group.
        place: Place,
        /// Whether it starts in the next drain only.
        deferred: bool,
        /// Whether its handle is kept.
        keep: bool,
    },
    /// Cancels a task.
    Cancel(u8),
    /// Drops a task's handle.
    DropHandle(u8),
    /// Takes a task's result, if it is there.
    Take(u8),
    /// Asks whether a task has ended.
    IsFinished(u8),
    /// Makes a group under another one.
    NewGroup {
        /// The group above.
        parent: u8,
        /// Whether it closes when its owner drops it.
        owned: bool,
    },
    /// Drops the owner of a group, if it has one.
    DropGroup(u8),
    /// Closes a group.
    Close(u8),
    /// Cancels all tasks of a group.
    CancelAll(u8),
    /// Pauses a group.
    Pause(u8),
    /// Resumes a group.
    Resume(u8),
    /// Sets a group's own speed.
    SetSpeed(u8, f64),
    /// Makes a guard that slows a group's clock.
    Slow(u8, f64),
    /// Drops one of these guards.
    DropSlow(u8),
    /// Skips a group.
    Skip(u8),
    /// Passes a checkpoint.
    Checkpoint,
    /// Asks whether the current clock is skipped.
    IsSkipping,
    /// Sets a group's phase.
    SetPhase(u8, Phase),
    /// Asks how many tasks are alive in a group.
    Len(u8),
    /// Asks a group's clock for its time and its speed.
    Clock(u8),
    /// Asks for the time of the current clock.
    Now,
    /// Gives an event: wakes all who wait for it.
    Give(u8),
    /// Wakes those who wait for an event for no reason.
    Poke(u8),
    /// Sets or clears a flag.
    SetFlag(u8, bool),
    /// Gives a cue its next value.
    GiveCue(u8),
    /// Sets or clears one of the runtime's flags.
    Raise(u8, bool),
    /// Makes a cooldown of a group, in the place of another one.
    NewCooldown(u8, u8, f64),
    /// Starts a cooldown, if it is over.
    StartCooldown(u8),
    /// Hands a task to a slot, which is made under a group if it is not there.
    Slot {
        /// Which slot.
        slot: u8,
        /// Under which group it is made.
        group: u8,
        /// What becomes of the tasks before it.
        how: How,
        /// Which script the task runs.
        script: u8,
        /// Whether its handle is kept.
        keep: bool,
    },
    /// Cancels the tasks of a slot.
    CancelSlot(u8),
    /// Drops a slot.
    DropSlot(u8),
    /// Asks whether a slot has no task.
    IsIdle(u8),
    /// Makes a wait and stashes it, without polling it.
    Stash(Wait),
    /// Drops a stashed wait.
    DropStashed(u8),
}

/// How a slot takes a task.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// It cancels the ones before.
    Replace,
    /// Only if it has none.
    IfIdle,
    /// Behind the ones before.
    Enqueue,
}

/// The group that a task is spawned into.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// The root group, by the free functions.
    Root,
    /// The group of the running task.
    Current,
    /// A group by its number.
    Group(u8),
    /// A group's channel of some name, made at first use.
    Channel(u8, u8),
}

/// Takes a number modulo what there is, which is at least one thing.
pub fn pick(number: u8, count: usize) -> usize {
    usize::from(number) % count
}
