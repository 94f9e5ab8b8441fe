//! What every process of a run needs: Godot, the library, the project, and how many run at a time.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use engine_tests::{BESIDE, Place, Test};
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
        let staged = self.stage().and_then(|project| {
            if let Some(library) = test.setup().beside {
                add_library(&project, library)?;
            }
            Ok(project)
        });
        let project = match staged {
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

/// Has a staged project load another library.
fn add_library(project: &Project, name: &str) -> Result<(), String> {
    let library = launcher::cdylib_of_current_exe(name).map_err(|error| error.to_string())?;
    let file = format!(
        "[configuration]\nentry_symbol = \"gdext_rust_init\"\ncompatibility_minimum = 4.5\nreloadable = true\n\n\
         [libraries]\n{} = \"{}\"\n",
        std::env::consts::OS,
        library.display().to_string().replace('\\', "/")
    );
    let list = project.path().join(".godot/extension_list.cfg");
    fs::write(project.path().join(BESIDE), file)
        .and_then(|()| fs::read_to_string(&list))
        .and_then(|known| fs::write(&list, format!("{known}res://{BESIDE}\n")))
        .map_err(|error| format!("the library {name} could not be added: {error}"))
}
