//! Finds or fetches Godot, stages a project for it, and runs it with its output bounded.
//!
//! What the examples, the engine tests and the bench share. It knows nothing of the other crates of the workspace and
//! does not link Godot: it starts it as a process.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use launcher::{Godot, Project, Run};
//!
//! let godot = Godot::find()?;
//! let library = launcher::cdylib_of_current_exe("cutscene")?;
//! let project = Project::stage(Path::new("examples/cutscene/project"), &library, "cutscene")?;
//! let outcome = Run::new(&godot, &project).headless(true).fixed_fps(60).run()?;
//! assert!(outcome.success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod fetch;
mod godot;
#[cfg(all(test, unix))]
mod machine;
mod process;
mod project;
mod run;
mod target;

pub mod display;
pub mod example;

pub use crate::fetch::{FetchError, NoFetch};
pub use crate::godot::{FindError, Godot, Mode, Origin, ProbeError, Version};
pub use crate::process::{Killer, Line, Next, Stream};
pub use crate::project::{Project, StageError};
pub use crate::run::{Outcome, Run, RunError, Running};
pub use crate::target::{TargetError, cdylib_of_current_exe, profile_dir, target_dir};
