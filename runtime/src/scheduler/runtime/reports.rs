//! What is told of tasks: panics and failures, errors, and the log of a rehearsal.

use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use super::polling::MAX_ROUNDS;
use super::{Hook, Runtime};
use crate::engine::Engine;
use crate::raw::cell::AnyTask;
use crate::scheduler::key::TaskKey;
use crate::scheduler::waits::Woken;
use crate::{TaskError, TaskId, TaskReport};

/// What has happened to a task in a rehearsal.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// The time since the start of the rehearsal.
    pub(crate) time: Duration,
    pub(crate) who: String,
    pub(crate) what: String,
}

impl Runtime {
    pub(super) fn report_panic(
        &self,
        id: TaskId,
        task: &dyn AnyTask,
        panic: Box<dyn Any + Send>,
        place: &str,
    ) {
        let message = match place {
            "" => message_of(panic),
            place => format!("{place}: {}", message_of(panic)),
        };
        self.report(TaskReport::new(id, task, TaskError::Panicked, message));
    }

    pub(super) fn report(&self, report: TaskReport) {
        if self.logging.get() {
            let who = who_of(report.name.as_deref(), report.location);
            self.add_log(who, format!("{}: {}", end_of(&report.error), report.message));
        }
        if let Some(engine) = self.engine() {
            // A report that panics must not take the drain with it.
            shield(|| engine.report(&report));
        }
        // Those that a hook adds hear of the next report, and a shutdown ends the round.
        let count = self.hooks.borrow().len();
        for index in 0..count {
            let Some(hook) = self.hooks.borrow().get(index).cloned() else {
                break;
            };
            self.guard("a hook of `on_task_panic`", || {
                // Moved in, since it may be the last owner.
                let hook = hook;
                hook(&report);
            });
        }
    }

    // ---------------------------------------------------------------- Rehearsals

    /// Starts with a clock at 0, writing down what happens from now on.
    pub(crate) fn start_rehearsal(&self, engine: Rc<dyn Engine>) {
        self.start(engine);
        self.with(|core| core.groups.restart_clock());
        self.log.replace(Some(Vec::new()));
        self.logging.set(true);
    }

    /// Ends what [`start_rehearsal`](Self::start_rehearsal) has begun.
    pub(crate) fn end_rehearsal(&self) {
        self.logging.set(false);
        self.shutdown();
        self.log.replace(None);
    }

    /// Returns whether a task waits for the next drain.
    pub(crate) fn has_ready(&self) -> bool {
        self.with(|core| !core.ready.is_empty()) || self.inbox.is_filled()
    }

    /// Returns what is written down so far.
    pub(crate) fn log(&self) -> Vec<LogLine> {
        self.log.borrow().clone().unwrap_or_default()
    }

    /// Writes something down about the running task, if there is a rehearsal.
    pub(crate) fn note(&self, what: &str) {
        if !self.logging.get() {
            return;
        }
        match self.task() {
            Some(key) => self.log_task(key, what),
            None => self.add_log("rehearsal".to_owned(), what.to_owned()),
        }
    }

    pub(super) fn log_task(&self, key: TaskKey, what: &str) {
        let who = self.with(|core| {
            let task = core.slots.get(key)?.task.as_ref()?;
            let header = task.header();
            Some(who_of(header.name.as_deref().map(|name| &**name), header.location))
        });
        self.add_log(who.unwrap_or_default(), what.to_owned());
    }

    fn add_log(&self, who: String, what: String) {
        let time = self.real_time();
        if let Some(log) = &mut *self.log.borrow_mut() {
            log.push(LogLine { time, who, what });
        }
    }

    /// Adds a hook that hears of every report until the shutdown.
    pub(crate) fn add_hook(&self, hook: Hook) {
        if self.open.get() {
            self.hooks.borrow_mut().push(hook);
        }
    }

    pub(crate) fn report_error(&self, message: &str) {
        if self.logging.get() {
            self.add_log("cuelight".to_owned(), message.to_owned());
        }
        if let Some(engine) = self.engine() {
            shield(|| engine.error(message));
        }
    }

    /// Calls what belongs to the engine or to another executor; a panic in it is reported, and goes no further.
    pub(in crate::scheduler) fn guard(&self, what: &str, call: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
            self.report_error(&format!("{what} panicked: {}", message_of(panic)));
        }
    }

    pub(super) fn drop_all(&self, values: Vec<Box<dyn Any>>) {
        for value in values {
            self.guard("dropping what was attached to a group", || drop(value));
        }
    }

    pub(super) fn wake_all(&self, wakers: Vec<Waker>) {
        for waker in wakers {
            self.guard("waking somebody else's task", || waker.wake());
        }
    }

    /// Adds the names of a round's tasks, each once.
    #[cold]
    pub(super) fn note_names(&self, round: &[Woken], names: &mut Vec<String>) {
        self.with(|core| {
            for &Woken { key, .. } in round {
                let Some(slot) = core.slots.get(key) else {
                    continue;
                };
                let Some(task) = &slot.task else { continue };
                let name = TaskReport::title(TaskId::new(slot.id), &**task);
                if !names.contains(&name) && names.len() < 16 {
                    names.push(name);
                }
            }
        });
    }

    #[cold]
    pub(super) fn report_livelock(&self, names: &[String]) {
        self.report_error(&format!(
            "tasks have woken each other for {MAX_ROUNDS} rounds in one frame, and go on in the next: {}; let one of \
             them wait for a frame",
            names.join(", ")
        ));
    }
}

/// Returns how a task is called in a log, where numbers would differ from run to run.
fn who_of(name: Option<&str>, location: &Location<'_>) -> String {
    match name {
        Some(name) => name.to_owned(),
        None => format!("{}:{}", location.file(), location.line()),
    }
}

/// Returns how a task has ended that has no result.
pub(super) fn end_of(error: &TaskError) -> &'static str {
    match error {
        TaskError::Cancelled => "is cancelled",
        TaskError::Failed(_) => "fails",
        TaskError::Panicked => "panics",
    }
}

/// Calls what nobody is left to hear a panic of. Its payload is leaked, since its destructor may panic in its turn.
fn shield(call: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
        std::mem::forget(panic);
    }
}

/// Returns the text of a panic.
pub(super) fn message_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => match panic.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => {
                shield(|| drop(panic));
                "a panic without a text".to_owned()
            }
        },
    }
}
