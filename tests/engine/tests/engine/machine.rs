//! What every process of a run needs: Godot, the library, the project, and how many run at a time.

use std::error::Error;
use std::path::{Path, PathBuf};

use engine_tests::{Place, Test};
use launcher::{Godot, Project};

use crate::process::{Process, Report};

/// Starts processes.
pub struct Machine {
    pub godot: Godot,
    pub nocapture: bool,
    library: PathBuf,
}

impl Machine {
    pub fn new(godot: Godot, nocapture: bool) -> Result<Machine, Box<dyn Error>> {
        let library = launcher::cdylib_of_current_exe("engine_tests")?;
        Ok(Machine { godot, nocapture, library })
    }

    /// Makes a copy of the project, for one process at a time.
    pub fn stage(&self) -> Result<Project, String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("project");
        Project::stage(&source, &self.library, "engine-tests").map_err(|error| error.to_string())
    }

    /// Runs a test in a process of its own, and looks at its end.
    pub fn run_alone(&self, test: &'static Test) -> Report {
        let project = match self.stage() {
            Ok(project) => project,
            Err(error) => return Report::failed(error),
        };
        let editor = test.setup().place == Place::OwnEditor;
        let mut report = None;
        let mut process = Process::new(self, &project, editor, &[test]);
        let end = process.run(|_, reported| report = Some(reported));
        let mut report = report.unwrap_or_else(|| Report::failed(end.never_ran()));
        match test.setup().check {
            // A check of an end that never came would only hide why.
            Some(_) if !report.failures.is_empty() => {}
            Some(check) => report.check(|| check(&end.ended)),
            None if !report.failures.is_empty() => {}
            None => report.failures.extend(end.ended.wrong()),
        }
        if !report.failures.is_empty() {
            report.output.extend(end.outside);
        }
        report
    }
}
