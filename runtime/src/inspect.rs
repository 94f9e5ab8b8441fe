//! Snapshots of all groups and tasks.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

use crate::TaskId;
use crate::scheduler::{Runtime, try_current};

/// Takes a snapshot of all groups and tasks of this thread's runtime, for a log, an overlay or a test. `Display` prints it
/// as a tree.
///
/// It is taken at once and changes nothing; until then nothing is written down for it but when a task was spawned and how
/// often it was polled. It may be called anywhere, inside a task too. On a thread without a runtime it is empty.
///
/// # Examples
/// ```
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> std::time::Duration { std::time::Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use cuelight_runtime::{WaitInfo, inspect, root_group, wait_seconds};
///
/// root_group().channel("ai").spawn_named("patrol", wait_seconds(3.0)).detach();
/// let snapshot = inspect();
/// let ai = &snapshot.root.groups[0];
/// assert_eq!(ai.name.as_deref(), Some("ai"));
/// assert_eq!(ai.tasks[0].name.as_deref(), Some("patrol"));
/// assert_eq!(ai.tasks[0].waits_for, [WaitInfo::Seconds(3.0)]);
/// println!("{snapshot}");
/// ```
pub fn inspect() -> Snapshot {
    Snapshot { root: try_current().map_or_else(GroupInfo::empty, Runtime::inspect) }
}

/// A tree of groups and tasks, as they were when the snapshot was taken. `Display` prints it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The root group.
    pub root: GroupInfo,
}

/// A group, as it was when the snapshot was taken.
#[derive(Debug, Clone)]
pub struct GroupInfo {
    /// Its name, if it has one: a channel's, or what the engine says.
    pub name: Option<String>,
    /// The speed of its clock, all above it included.
    pub speed: f64,
    /// Whether it, or a group above it, is frozen.
    pub frozen: bool,
    /// Whether its clock, or one above it, is skipped, and it goes along.
    pub skipping: bool,
    /// Its tasks, in the order of their spawns.
    pub tasks: Vec<TaskInfo>,
    /// The groups right below it, in the order of their creation; those without a name and without tasks are left out.
    pub groups: Vec<GroupInfo>,
}

impl GroupInfo {
    fn empty() -> Self {
        Self {
            name: None,
            speed: 1.0,
            frozen: false,
            skipping: false,
            tasks: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Returns the number of tasks in the group and below it.
    pub fn count_tasks(&self) -> usize {
        self.tasks.len() + self.groups.iter().map(Self::count_tasks).sum::<usize>()
    }
}

/// A task, as it was when the snapshot was taken.
#[derive(Debug, Clone)]
pub struct TaskInfo {
    /// Its id.
    pub id: TaskId,
    /// Its name, if it was given one.
    pub name: Option<Cow<'static, str>>,
    /// Where it was spawned.
    pub location: &'static Location<'static>,
    /// What it is doing.
    pub state: TaskState,
    /// What will wake it: clocks, cues, flags, other tasks, groups, and the engine's events. What is not of this library
    /// is not listed: a task may wait without anything here.
    pub waits_for: Vec<WaitInfo>,
    /// The time since its spawn, in seconds of the root clock, to the millisecond. It begins anew after 49 days.
    pub age: f64,
    /// How often it has been polled, the poll that goes on included. It begins anew after four thousand million.
    pub polls: u32,
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Task waits to be woken.
    Waiting,
    /// Task has been woken, and is in a queue; or kept for its group's resume.
    Ready,
    /// Task is being polled: it has taken the snapshot, or spawned the task that did.
    Running,
    /// Task is over, and its future is about to be dropped.
    Ending,
}

/// Something that a task waits for.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum WaitInfo {
    /// The next tick, in which a condition is checked, or a value changes.
    Tick,
    /// So many more process frames.
    Frames(u64),
    /// So many more physics frames.
    PhysicsFrames(u64),
    /// So many more seconds of its clock; infinite if it never comes.
    Seconds(f64),
    /// So many more seconds of wall time.
    RealSeconds(f64),
    /// Another task's end.
    Task(TaskId),
    /// Something else, in words: `signal Door.opened`, `a cue of u8 (src/choice.rs:12:20)`.
    Event(String),
}

impl fmt::Display for WaitInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => f.write_str("the next tick"),
            Self::Frames(0 | 1) => f.write_str("the next frame"),
            Self::Frames(left) => write!(f, "{left} frames"),
            Self::PhysicsFrames(0 | 1) => f.write_str("the next physics frame"),
            Self::PhysicsFrames(left) => write!(f, "{left} physics frames"),
            &Self::Seconds(f64::INFINITY) | &Self::RealSeconds(f64::INFINITY) => {
                f.write_str("a time that never comes")
            }
            Self::Seconds(left) => write!(f, "{} s", rounded(*left)),
            Self::RealSeconds(left) => write!(f, "{} s of wall time", rounded(*left)),
            Self::Task(id) => write!(f, "task {id}"),
            Self::Event(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = match self.root.count_tasks() {
            1 => "1 task".to_owned(),
            count => format!("{count} tasks"),
        };
        write!(f, "root group, {tasks}")?;
        print_state(f, &self.root, 1.0, (false, false))?;
        print_inside(f, &self.root, "")
    }
}

/// Prints what of a group differs from the one above it.
fn print_state(
    f: &mut fmt::Formatter<'_>,
    group: &GroupInfo,
    speed: f64,
    (frozen, skipping): (bool, bool),
) -> fmt::Result {
    if group.speed != speed {
        write!(f, ", speed {}", rounded(group.speed))?;
    }
    if group.frozen && !frozen {
        f.write_str(", frozen")?;
    }
    if group.skipping && !skipping {
        f.write_str(", skipping")?;
    }
    Ok(())
}

/// Prints the tasks of a group, and the groups below it.
fn print_inside(f: &mut fmt::Formatter<'_>, group: &GroupInfo, indent: &str) -> fmt::Result {
    let count = group.tasks.len() + group.groups.len();
    let branch =
        |index: usize| if index + 1 == count { ("└─", "   ") } else { ("├─", "│  ") };
    for (index, task) in group.tasks.iter().enumerate() {
        write!(f, "\n{indent}{} {task}", branch(index).0)?;
    }
    for (index, below) in group.groups.iter().enumerate() {
        let (line, next) = branch(group.tasks.len() + index);
        write!(f, "\n{indent}{line} group")?;
        if let Some(name) = &below.name {
            write!(f, " \"{name}\"")?;
        }
        print_state(f, below, group.speed, (group.frozen, group.skipping))?;
        print_inside(f, below, &format!("{indent}{next}"))?;
    }
    Ok(())
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " \"{name}\"")?;
        }
        f.write_str(match self.state {
            TaskState::Waiting => ": waiting",
            TaskState::Ready => ": ready",
            TaskState::Running => ": running",
            TaskState::Ending => ": ending",
        })?;
        // A task that was woken is about to look at what it waits for, and may wait for none of it any more.
        if self.state == TaskState::Waiting {
            for (index, what) in self.waits_for.iter().enumerate() {
                write!(f, "{} {what}", if index == 0 { " for" } else { "," })?;
            }
        }
        let polls = if self.polls == 1 { "poll" } else { "polls" };
        let (age, polled) = (rounded(self.age), self.polls);
        write!(f, " ({age} s old, {polled} {polls}, {})", self.location)
    }
}

/// Returns a number with three decimals at the most.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
