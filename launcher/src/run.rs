//! Runs a project: arguments, limits, and what comes out.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use crate::godot::{Godot, Mode};
use crate::process::{Killer, Limits, Line, Next, Process, Stop, Stream};
use crate::project::Project;

/// A builder of a run of a project in Godot.
///
/// It runs headless unless told otherwise, without a limit of time, and may print 64 MiB.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    godot: &'a Godot,
    project: &'a Project,
    headless: bool,
    editor: bool,
    fixed_fps: Option<u32>,
    quit_after: Option<u32>,
    movie: Option<PathBuf>,
    args: Vec<OsString>,
    user_args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    time_limit: Option<Duration>,
    output_limit: Option<u64>,
}

impl<'a> Run<'a> {
    /// Returns a run of a project.
    #[must_use]
    pub fn new(godot: &'a Godot, project: &'a Project) -> Run<'a> {
        Run {
            godot,
            project,
            headless: true,
            editor: false,
            fixed_fps: None,
            quit_after: None,
            movie: None,
            args: Vec::new(),
            user_args: Vec::new(),
            envs: Vec::new(),
            time_limit: None,
            output_limit: Some(64 * 1024 * 1024),
        }
    }

    /// Says whether it runs without a window.
    #[must_use]
    pub fn headless(mut self, headless: bool) -> Run<'a> {
        self.headless = headless;
        self
    }

    /// Says whether the project is opened in the editor instead of being played.
    #[must_use]
    pub fn editor(mut self, editor: bool) -> Run<'a> {
        self.editor = editor;
        self
    }

    /// Makes every frame last 1/`fps` of a second of game time, as fast as the machine can.
    #[must_use]
    pub fn fixed_fps(mut self, fps: u32) -> Run<'a> {
        self.fixed_fps = Some(fps);
        self
    }

    /// Ends the game, with status 0, after a number of frames.
    #[must_use]
    pub fn quit_after(mut self, frames: u32) -> Run<'a> {
        self.quit_after = Some(frames);
        self
    }

    /// Records a movie to a file (`.avi`, `.ogv`, or `.png` for single frames). It needs a window.
    #[must_use]
    pub fn movie(mut self, file: impl Into<PathBuf>) -> Run<'a> {
        self.movie = Some(file.into());
        self
    }

    /// Adds an argument for the engine.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Run<'a> {
        self.args.push(arg.as_ref().to_os_string());
        self
    }

    /// Adds an argument for the game, which gets it from `OS.get_cmdline_user_args()`.
    #[must_use]
    pub fn user_arg(mut self, arg: impl AsRef<OsStr>) -> Run<'a> {
        self.user_args.push(arg.as_ref().to_os_string());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Run<'a> {
        self.envs.push((name.as_ref().to_os_string(), value.as_ref().to_os_string()));
        self
    }

    /// Kills it when it has run for so long.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Run<'a> {
        self.time_limit = Some(limit);
        self
    }

    /// Kills it when it has printed so many bytes, on both streams together.
    #[must_use]
    pub fn output_limit(mut self, bytes: u64) -> Run<'a> {
        self.output_limit = Some(bytes);
        self
    }

    /// Returns the command that [`spawn`](Run::spawn) starts.
    pub fn command(&self) -> Command {
        let mode = if self.headless { Mode::Headless } else { Mode::Window };
        let mut command = self.godot.command(mode);
        command.arg("--no-header").arg("--path").arg(self.project.path());
        if self.editor {
            command.arg("--editor");
        }
        if let Some(fps) = self.fixed_fps {
            command.arg("--fixed-fps").arg(fps.to_string());
        }
        if let Some(frames) = self.quit_after {
            command.arg("--quit-after").arg(frames.to_string());
        }
        if let Some(file) = &self.movie {
            // Godot takes a relative path as one in the project.
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            command.arg("--write-movie").arg(file);
        }
        command.args(&self.args);
        if !self.user_args.is_empty() {
            command.arg("--").args(&self.user_args);
        }
        // Saved games, editor settings and logs of a run stay out of the user's own, and runs out of each other's.
        for variable in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(variable, self.project.home().join(variable));
        }
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it. What it prints is read through the returned handle.
    ///
    /// # Errors
    ///
    /// If Godot cannot be started.
    pub fn spawn(&self) -> Result<Running, RunError> {
        let mut command = self.command();
        let program = || self.godot.program().to_path_buf();
        // An empty input, whose file keeps the staged copy ours for as long as Godot runs, even if we are killed.
        let input = self
            .project
            .input()
            .map_err(|source| RunError::Start { program: program(), source })?;
        command.stdin(input);
        let limits = Limits { time: self.time_limit, bytes: self.output_limit, guarded: true };
        let process = Process::spawn(&mut command, limits)
            .map_err(|source| RunError::Start { program: program(), source })?;
        Ok(Running { process, limits, started: Instant::now() })
    }

    /// Runs it to its end, printing what it prints.
    ///
    /// # Errors
    ///
    /// If Godot cannot be started, or had to be killed. A status other than 0 is no error here: see
    /// [`Outcome::exit_code`].
    pub fn run(&self) -> Result<Outcome, RunError> {
        let mut running = self.spawn()?;
        while let Some(line) = running.next_line() {
            // Our own output is gone, at the end of a pipe into `head`, say. Returning kills Godot.
            print(&line).map_err(RunError::Print)?;
        }
        running.wait()
    }
}

fn print(line: &Line) -> io::Result<()> {
    match line.stream {
        Stream::Stdout => writeln!(io::stdout(), "{}", line.text),
        Stream::Stderr => writeln!(io::stderr(), "{}", line.text),
    }
}

/// A running Godot. It is killed when this is dropped, and when this process ends, however it ends.
///
/// Its output has to be read: when about a thousand lines wait, it blocks until there is room again.
pub struct Running {
    process: Process,
    limits: Limits,
    started: Instant,
}

impl Running {
    /// Returns the next line that it prints, or `None` at the end of its output.
    pub fn next_line(&mut self) -> Option<Line> {
        self.process.next_line()
    }

    /// Returns the next line if it comes within a time.
    pub fn next_line_within(&mut self, timeout: Duration) -> Next {
        self.process.next_line_within(timeout)
    }

    /// Kills it, and all that it has started. Does nothing if it has ended.
    pub fn kill(&self) {
        self.process.killer().kill();
    }

    /// Returns what can kill it from anywhere else.
    pub fn killer(&self) -> Killer {
        self.process.killer()
    }

    /// Returns whether it still runs.
    pub fn is_alive(&self) -> bool {
        self.process.killer().is_alive()
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end. What it still prints is lost.
    ///
    /// # Errors
    ///
    /// If it was killed at a limit. Having been killed by [`kill`](Running::kill) is no error.
    pub fn wait(self) -> Result<Outcome, RunError> {
        let end = self.process.wait().map_err(RunError::Wait)?;
        match (end.stop, self.limits) {
            (Some(Stop::Time), Limits { time: Some(limit), .. }) => {
                Err(RunError::TimeLimit { limit })
            }
            (Some(Stop::Bytes), Limits { bytes: Some(limit), .. }) => {
                Err(RunError::OutputLimit { limit })
            }
            _ => Ok(Outcome {
                status: end.status,
                killed: end.stop.is_some(),
                time: self.started.elapsed(),
            }),
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Godot's exit status.
    pub status: ExitStatus,
    /// Whether [`Running::kill`] ended it.
    pub killed: bool,
    /// How long it took.
    pub time: Duration,
}

impl Outcome {
    /// Returns whether it ended by itself with status 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Returns the signal that ended it (a crash), if one did; on Unix.
    pub fn signal(&self) -> Option<i32> {
        #[cfg(unix)]
        return std::os::unix::process::ExitStatusExt::signal(&self.status);
        #[cfg(not(unix))]
        None
    }

    /// Returns the exit status for a program to pass on; 128 and the signal's number for a crash, as in a shell.
    pub fn exit_code(&self) -> ExitCode {
        let code = self.status.code().or(self.signal().map(|signal| 128 + signal)).unwrap_or(1);
        // The crash codes of Windows do not fit into the eight bits that there are, and must not become a 0.
        ExitCode::from(u8::try_from(code).unwrap_or(1))
    }
}

/// A run that did not come to its own end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Occurs when Godot cannot be started.
    #[error("{} cannot be started: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// Occurs when it ran too long.
    #[error("Godot was still running after {} s, its time limit, and was killed", limit.as_secs_f32())]
    TimeLimit {
        /// The limit.
        limit: Duration,
    },

    /// Occurs when it printed too much.
    #[error(
        "Godot printed more than {limit} bytes, its limit, and was killed: does something print in every frame?"
    )]
    OutputLimit {
        /// The limit.
        limit: u64,
    },

    /// Occurs when our own output is closed.
    #[error("Godot was killed, since its output cannot be passed on: {0}")]
    Print(#[source] io::Error),

    /// Occurs when the system does not say how it ended.
    #[error("Godot's exit status is unknown: {0}")]
    Wait(#[source] io::Error),
}

impl RunError {
    /// Returns whether it was killed at one of its limits.
    pub fn is_limit(&self) -> bool {
        matches!(self, RunError::TimeLimit { .. } | RunError::OutputLimit { .. })
    }
}
