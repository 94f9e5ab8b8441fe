//! A process that tests share: started with the first of them that is asked for, and again after a crash.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use engine_tests::{Place, Test};

use crate::machine::Machine;
use crate::process::{Process, Report};

/// The reports of tests that share a process.
pub struct Shared {
    machine: Option<Arc<Machine>>,
    place: Place,
    selected: Vec<&'static Test>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    started: bool,
    reports: HashMap<String, Report>,
    /// Set when the last process has ended, to what was wrong with the end of any.
    end: Option<Vec<String>>,
}

impl Shared {
    pub fn new(
        machine: Option<Arc<Machine>>,
        place: Place,
        selected: Vec<&'static Test>,
    ) -> Shared {
        Shared { machine, place, selected, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits for the report of a test.
    pub fn report(self: &Arc<Self>, test: &'static Test) -> Report {
        let name = test.name();
        let mut state = self.started();
        loop {
            if let Some(report) = state.reports.remove(&name) {
                return report;
            }
            if state.end.is_some() {
                return Report::failed("no process has run it");
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the end of the process. Returns what was wrong with it.
    pub fn end(self: &Arc<Self>) -> Vec<String> {
        let mut state = self.started();
        loop {
            if let Some(failures) = &state.end {
                return failures.clone();
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn started(self: &Arc<Self>) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if !state.started {
            state.started = true;
            let shared = Arc::clone(self);
            thread::spawn(move || {
                let failures = shared.run();
                shared.state().end = Some(failures);
                shared.changed.notify_all();
            });
        }
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) -> Vec<String> {
        // Without a test that runs in Godot there was nothing to look for it for, and nothing can be wrong.
        let Some(machine) = &self.machine else { return Vec::new() };
        let project = match machine.stage() {
            Ok(project) => project,
            Err(error) => {
                self.selected.iter().for_each(|test| self.add(test, Report::failed(&error)));
                return vec![error];
            }
        };
        let mut left = self.selected.clone();
        loop {
            let mut process = Process::new(machine, &project, false, &left);
            let mut reported = 0;
            let end = process.run(|test, report| {
                reported += 1;
                self.add(test, report);
            });
            left.drain(..reported);
            if reported == 0 && !left.is_empty() {
                // It would not come further the next time.
                let why = end.never_ran();
                left.iter().for_each(|test| self.add(test, Report::failed(&why)));
                return vec![why];
            }
            if left.is_empty() {
                // The specimens' last may be one that crashes.
                let looked_at = self.place == Place::Shared && !end.in_test;
                return if looked_at { end.failures() } else { Vec::new() };
            }
        }
    }

    fn add(&self, test: &Test, report: Report) {
        self.state().reports.insert(test.name(), report);
        self.changed.notify_all();
    }
}
