//! A child process whose output is read line by line into a bounded channel, and whose time and output are limited.
//!
//! On Unix it leads a process group of its own, so that killing it also ends what it has started. A group of its own
//! does not hear the terminal's Ctrl-C; hence a handler, installed with the first child, that kills all of them.
//!
//! # Invariants
//!
//! 1. A group is killed only while its leader has not been reaped (`Shared::alive`), so its id is still its own.
//! 2. A child is in `CHILDREN` from before it can be seen to run until its leader has ended.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use shared_child::SharedChild;

/// A line that a child has printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was printed to.
    pub stream: Stream,
    /// Its text, without the line's end. What is not UTF-8 is replaced; a line of more than 64 KiB comes in pieces.
    pub text: String,
}

/// One of the two streams that a child prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// What came within a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A line.
    Line(Line),
    /// Nothing; the child still runs, or has ended but its output is not yet read.
    Silence,
    /// Nothing, and nothing will come any more.
    End,
}

/// Kills a running process from anywhere; cloneable.
#[derive(Clone)]
pub struct Killer {
    shared: Arc<Shared>,
}

impl Killer {
    /// Kills the process and, on Unix, all that it has started in its group. Does nothing if it has ended.
    pub fn kill(&self) {
        self.shared.stop(Stop::Killed);
    }

    /// Returns whether the process still runs.
    pub fn is_alive(&self) -> bool {
        self.shared.state().alive
    }
}

/// Bounds of a child; `None` is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// How long it may run.
    pub(crate) time: Option<Duration>,
    /// How many bytes it may print, on both streams together.
    pub(crate) bytes: Option<u64>,
    /// Whether it has to end when we do, even if we are killed so that no code of ours runs; on Unix.
    pub(crate) guarded: bool,
}

/// Why we ended a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Set if somebody asked for it.
    Killed,
    /// Set if it ran too long.
    Time,
    /// Set if it printed too much.
    Bytes,
}

/// How a child ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// Why we ended it, unless it ended by itself.
    pub(crate) stop: Option<Stop>,
}

/// A running child. It is killed when this is dropped.
pub(crate) struct Process {
    shared: Arc<Shared>,
    events: Receiver<Event>,
    /// Whether the event of the child's end has been read.
    ended: bool,
    /// Gives the child's exit status.
    status: Receiver<io::Result<ExitStatus>>,
}

/// How many lines may wait to be read; then the child blocks in its `write`, as it would on a slow terminal.
const LINES: usize = 1024;

/// The longest line that is kept in one piece.
const LINE_BYTES: u64 = 64 * 1024;

/// How long the output may stay silent after the child's end. Its streams close with it, unless it has left behind a
/// process that is in no group of ours and holds them open.
const GRACE: Duration = Duration::from_secs(2);

impl Process {
    /// Starts a child. Its standard input is what `command` says, or nothing.
    pub(crate) fn spawn(command: &mut Command, limits: Limits) -> io::Result<Process> {
        handle_interrupts();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);

        // Held across the start, so that a Ctrl-C in between waits for the child to be known.
        let mut children = lock(&CHILDREN);
        let child = SharedChild::spawn(command)?;
        let shared =
            Arc::new(Shared { child, state: Mutex::new(State { alive: true, stop: None }) });
        children.push(Arc::clone(&shared));
        drop(children);

        let (sender, events) = mpsc::sync_channel(LINES);
        let printed = Arc::new(AtomicU64::new(0));
        let budget = Budget { shared: Arc::clone(&shared), printed, limit: limits.bytes };
        if let Some(stdout) = shared.child.take_stdout() {
            let (sender, budget) = (sender.clone(), budget.clone());
            thread::spawn(move || read_lines(stdout, Stream::Stdout, &sender, &budget));
        }
        if let Some(stderr) = shared.child.take_stderr() {
            let sender = sender.clone();
            thread::spawn(move || read_lines(stderr, Stream::Stderr, &sender, &budget));
        }

        // Without it the child still ends with us in all but the rarest cases.
        let guard = limits.guarded.then(|| guard(shared.child.id())).and_then(Result::ok);

        let (running, ended) = mpsc::channel();
        if let Some(limit) = limits.time {
            let shared = Arc::clone(&shared);
            thread::spawn(move || watch_time(&ended, limit, &shared));
        }
        let (status_sender, status) = mpsc::sync_channel(1);
        let waited = Arc::clone(&shared);
        thread::spawn(move || wait(&waited, guard, running, &status_sender, &sender));

        Ok(Process { shared, events, ended: false, status })
    }

    /// Returns the child's process id.
    pub(crate) fn id(&self) -> u32 {
        self.shared.child.id()
    }

    /// Returns what can kill the child.
    pub(crate) fn killer(&self) -> Killer {
        Killer { shared: Arc::clone(&self.shared) }
    }

    /// Returns the next line, or `None` at the end of the output.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        loop {
            // As long as the child runs, silence has no end.
            match self.next_line_within(Duration::from_secs(3600)) {
                Next::Line(line) => return Some(line),
                Next::Silence => {}
                Next::End => return None,
            }
        }
    }

    /// Returns the next line if it comes within a time.
    pub(crate) fn next_line_within(&mut self, timeout: Duration) -> Next {
        loop {
            let patience = if self.ended { GRACE } else { timeout };
            match self.events.recv_timeout(patience) {
                Ok(Event::Line(line)) => return Next::Line(line),
                Ok(Event::Ended) => self.ended = true,
                Err(RecvTimeoutError::Timeout) if self.ended => return Next::End,
                Err(RecvTimeoutError::Timeout) => return Next::Silence,
                Err(RecvTimeoutError::Disconnected) => return Next::End,
            }
        }
    }

    /// Waits for the end; what is still printed is read and lost.
    pub(crate) fn wait(mut self) -> io::Result<End> {
        while self.next_line().is_some() {}
        let status = self.status.recv().map_err(io::Error::other)??;
        Ok(End { status, stop: self.shared.state().stop })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.shared.stop(Stop::Killed);
    }
}

/// What the threads of a child share.
struct Shared {
    child: SharedChild,
    state: Mutex<State>,
}

struct State {
    /// Whether the child has not been reaped.
    alive: bool,
    /// Why it was killed; the first reason counts.
    stop: Option<Stop>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn stop(&self, stop: Stop) {
        let mut state = self.state();
        if state.alive {
            state.stop.get_or_insert(stop);
            self.kill_all();
        }
    }

    /// Kills the child and its group. The caller holds the state and has seen that the child is alive.
    fn kill_all(&self) {
        #[cfg(unix)]
        if let Some(group) =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        #[cfg(not(unix))]
        let _ = self.child.kill();
    }
}

enum Event {
    Line(Line),
    Ended,
}

/// Counts what is printed.
#[derive(Clone)]
struct Budget {
    shared: Arc<Shared>,
    printed: Arc<AtomicU64>,
    limit: Option<u64>,
}

impl Budget {
    /// Takes bytes, and stops the child if they are too many. Returns whether it may go on.
    fn take(&self, bytes: u64) -> bool {
        let printed = self.printed.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let within = self.limit.is_none_or(|limit| printed <= limit);
        if !within {
            self.shared.stop(Stop::Bytes);
        }
        within
    }
}

fn read_lines(stream: impl Read, name: Stream, sender: &SyncSender<Event>, budget: &Budget) {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = match reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let within = budget.take(read as u64);
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let sent = sender.send(Event::Line(Line { stream: name, text }));
        if sent.is_err() || !within {
            return;
        }
    }
}

fn watch_time(ended: &Receiver<()>, limit: Duration, shared: &Shared) {
    if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        shared.stop(Stop::Time);
    }
}

/// Waits for the child, then ends what it has left behind in its group.
fn wait(
    shared: &Arc<Shared>,
    guard: Option<Child>,
    running: Sender<()>,
    status: &SyncSender<io::Result<ExitStatus>>,
    sender: &SyncSender<Event>,
) {
    #[cfg(unix)]
    wait_unreaped(&shared.child);
    #[cfg(not(unix))]
    let _ = shared.child.wait();
    // Before the group's id can become another's.
    if let Some(mut guard) = guard {
        let _ = guard.kill();
        let _ = guard.wait();
    }
    {
        let mut state = shared.state();
        #[cfg(unix)]
        shared.kill_all();
        state.alive = false;
    }
    lock(&CHILDREN).retain(|child| !Arc::ptr_eq(child, shared));
    let _ = status.send(shared.child.wait());
    drop(running);
    let _ = sender.send(Event::Ended);
}

/// Starts a process that kills a group when we end: it reads from a pipe that only we hold open.
#[cfg(unix)]
fn guard(group: u32) -> io::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", "read -r line; kill -s KILL -- \"-$1\"", "sh"]).arg(group.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let _no_starts = no_starts();
    command.spawn()
}

/// There are no process groups on other systems.
#[cfg(not(unix))]
fn guard(_group: u32) -> io::Result<Child> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Waits until the child has ended, and leaves it as it is, so that its group's id cannot be anybody else's.
#[cfg(unix)]
fn wait_unreaped(child: &SharedChild) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
}

/// All children that run.
static CHILDREN: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

/// Kills all children on Ctrl-C (and on SIGTERM and SIGHUP), then exits.
fn handle_interrupts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It also takes the place of a signal that is ignored, as Ctrl-C is in what a script starts in the background:
        // there a time limit's SIGTERM would leave our children behind.
        let _ = ctrlc::set_handler(|| {
            // Never released: no child starts any more.
            let children = lock(&CHILDREN);
            for child in children.iter() {
                child.stop(Stop::Killed);
            }
            // What a shell reports for a program that Ctrl-C has ended.
            std::process::exit(130);
        });
    });
}

/// Keeps children from being started. For a moment, a child that another thread starts has all of our files open: what
/// is open for writing cannot be executed, and what is locked stays locked.
pub(crate) fn no_starts() -> impl Drop {
    lock(&CHILDREN)
}

/// Locks a mutex whose data is right at any moment, so that a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, limits: Limits) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        Process::spawn(&mut command, limits).unwrap()
    }

    fn texts(process: &mut Process) -> Vec<String> {
        std::iter::from_fn(|| process.next_line()).map(|line| line.text).collect()
    }

    #[test]
    fn lines_of_both_streams_then_the_status() {
        let mut process = sh("echo out; echo err >&2; exit 3", Limits::default());
        let mut lines: Vec<Line> = std::iter::from_fn(|| process.next_line()).collect();
        lines.sort_by_key(|line| line.stream == Stream::Stderr);
        assert_eq!(
            lines,
            [
                Line { stream: Stream::Stdout, text: "out".into() },
                Line { stream: Stream::Stderr, text: "err".into() },
            ]
        );
        let end = process.wait().unwrap();
        assert_eq!((end.status.code(), end.stop), (Some(3), None));
    }

    #[test]
    fn time_limit_kills() {
        let process = sh(
            "exec sleep 3600",
            Limits { time: Some(Duration::from_millis(20)), bytes: None, ..Limits::default() },
        );
        assert_eq!(process.wait().unwrap().stop, Some(Stop::Time));
    }

    #[test]
    fn endless_output_is_cut_at_its_limit() {
        let mut process = sh(
            "while :; do echo 0123456789; done",
            Limits { time: None, bytes: Some(1000), ..Limits::default() },
        );
        let lines = texts(&mut process);
        assert!(lines.len() <= 1000 / 11 + 1, "{} lines", lines.len());
        assert_eq!(process.wait().unwrap().stop, Some(Stop::Bytes));
    }

    #[test]
    fn endless_line_comes_in_pieces() {
        let bytes = 3 * LINE_BYTES;
        let mut process = sh(
            "exec cat /dev/zero",
            Limits { time: None, bytes: Some(bytes), ..Limits::default() },
        );
        let lines = texts(&mut process);
        assert!(lines.iter().all(|line| line.len() as u64 <= LINE_BYTES), "a piece is too long");
        assert_eq!(process.wait().unwrap().stop, Some(Stop::Bytes));
    }

    #[test]
    fn killing_ends_the_whole_group() {
        // The grandchild holds the output open: only its death ends it.
        let mut process = sh("sleep 3600 & echo started; wait", Limits::default());
        assert_eq!(process.next_line().unwrap().text, "started");
        process.killer().kill();
        assert_eq!(process.next_line_within(GRACE), Next::End);
        assert_eq!(process.wait().unwrap().stop, Some(Stop::Killed));
    }

    #[test]
    fn what_the_child_leaves_behind_ends_with_it() {
        let process = sh("sleep 3600 & exit 0", Limits::default());
        assert_eq!(process.shared.child.wait().unwrap().code(), Some(0));
        // The grandchild holds the output open: all senders are gone only when it is.
        let patience = Duration::from_secs(60);
        let last =
            std::iter::repeat_with(|| process.events.recv_timeout(patience)).find_map(Result::err);
        assert_eq!(last, Some(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn guard_kills_the_group_when_its_pipe_closes() {
        let process = sh("exec sleep 3600", Limits::default());
        let mut guard = guard(process.id()).unwrap();
        // What happens when we are killed.
        drop(guard.stdin.take());
        guard.wait().unwrap();
        let end = process.wait().unwrap();
        assert_eq!(
            (std::os::unix::process::ExitStatusExt::signal(&end.status), end.stop),
            (Some(9), None)
        );
    }

    #[test]
    fn guarded_child_ends_by_itself() {
        let process = sh("exit 3", Limits { guarded: true, ..Limits::default() });
        assert_eq!(process.wait().unwrap().status.code(), Some(3));
    }

    #[test]
    fn kill_after_the_end_does_nothing() {
        let process = sh("exit 0", Limits::default());
        let killer = process.killer();
        let end = process.wait().unwrap();
        killer.kill();
        assert!(end.status.success() && end.stop.is_none() && !killer.is_alive());
    }

    #[test]
    fn dropping_kills() {
        let process = sh("exec sleep 3600", Limits::default());
        let shared = Arc::clone(&process.shared);
        drop(process);
        assert!(shared.child.wait().is_ok_and(|status| !status.success()));
    }

    #[test]
    fn silence_is_told_from_the_end() {
        let mut process = sh("read line; exit 0", Limits::default());
        while process.next_line_within(Duration::from_millis(1)) == Next::Silence {}
        assert_eq!(process.next_line(), None);
    }
}
