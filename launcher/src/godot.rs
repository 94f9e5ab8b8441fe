//! Which Godot is run: `GODOT4_BIN`, one on `PATH`, or a downloaded one.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::display;
use crate::fetch::{FetchError, Fetcher, NoFetch};
use crate::process::{Limits, Process, Stop};
use crate::target::{TargetError, target_dir};

/// The oldest Godot that will do: what the engine tests need of its editor and `Logger` came with it.
pub(crate) const OLDEST: (u32, u32) = (4, 5);

/// The environment variable that names a Godot.
const VARIABLE: &str = "GODOT4_BIN";

/// A Godot that has said its version, and is new enough.
#[derive(Clone, Debug)]
pub struct Godot {
    program: PathBuf,
    version: Version,
    origin: Origin,
}

impl Godot {
    /// Finds Godot, or downloads it.
    ///
    /// Looks at `GODOT4_BIN`, then for `godot4` and `godot` on `PATH`, 4.5 or newer. If there is none, Debian's
    /// packages of Godot are unpacked into `<target dir>/godot`, where that is possible; progress goes to the standard
    /// error. The download is kept, may be interrupted, and waits for another process that is at it.
    ///
    /// # Errors
    ///
    /// If `GODOT4_BIN` is set and does not work (then nothing else is tried), or if there is no Godot and none can be
    /// downloaded.
    pub fn find() -> Result<Godot, FindError> {
        Finder::from_env()?.find()
    }

    /// Takes the Godot at a path, or of a name on `PATH`.
    ///
    /// # Errors
    ///
    /// If it does not work or is older than 4.5.
    pub fn at(program: impl AsRef<Path>) -> Result<Godot, FindError> {
        let path = env::var_os("PATH").unwrap_or_default();
        Godot::checked(program.as_ref().as_os_str(), &path, Origin::Given, TIME_LIMIT)
    }

    /// Returns its version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the program that is started.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns where it was found.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns a command that starts it, without a project.
    ///
    /// [`Run`](crate::Run) is what most callers want: it bounds the output, and ends the process with this one.
    pub fn command(&self, mode: Mode) -> Command {
        let mut command = Command::new(&self.program);
        match mode {
            Mode::Headless => {
                command.arg("--headless");
            }
            Mode::Window => {
                // The downloaded Godot has Mesa's software OpenGL beside it, and no Vulkan driver.
                if self.origin == Origin::Fetched {
                    command.args(["--rendering-driver", "opengl3"]);
                }
                if !display::has_sound() {
                    command.args(["--audio-driver", "Dummy"]);
                }
            }
        }
        command
    }

    fn checked(
        named: &OsStr,
        path: &OsStr,
        origin: Origin,
        limit: Duration,
    ) -> Result<Godot, FindError> {
        let program = if Path::new(named).components().count() > 1 {
            PathBuf::from(named)
        } else {
            on_path(named, path).unwrap_or_else(|| named.into())
        };
        let broken = |source| FindError::Broken { origin, program: program.clone(), source };
        // A staged project is run from another folder than a relative path was meant for.
        let absolute =
            std::path::absolute(&program).map_err(|error| broken(ProbeError::NotStarted(error)))?;
        let version = probe(&absolute, limit).map_err(broken)?;
        Ok(Godot { program: absolute, version, origin })
    }
}

/// How Godot shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Without a window and without sound.
    Headless,
    /// In a window; needs a [display](crate::display::is_available).
    Window,
}

/// Where a Godot was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its path was [given](Godot::at), on the command line, say.
    Given,
    /// In the environment variable `GODOT4_BIN`.
    Variable,
    /// On `PATH`.
    Path,
    /// It was downloaded into the target directory.
    Fetched,
}

/// A version of Godot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number; Godot leaves it out where it is 0.
    pub patch: u32,
    /// All that `--version` prints, such as `4.6.3.stable.official.876b29033`.
    pub text: String,
}

impl Version {
    /// Finds the version in what `--version` prints. Other lines may come before it, a driver's warnings for example.
    pub(crate) fn parse(output: &str) -> Option<Version> {
        output.lines().find_map(|line| {
            let text = line.trim();
            let mut parts = text.split('.').map_while(|part| part.parse().ok());
            let (major, minor) = (parts.next()?, parts.next()?);
            // Something like `4.6` alone is a version too, but a path or a sentence is not.
            (!text.contains(char::is_whitespace)).then(|| Version {
                major,
                minor,
                patch: parts.next().unwrap_or(0),
                text: text.to_string(),
            })
        })
    }

    fn is_old(&self) -> bool {
        (self.major, self.minor) < OLDEST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// No Godot was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// Occurs when the Godot that was asked for does not work.
    #[error("{}{}: {source}\n{}", named(*origin), program.display(), remedy(*origin))]
    Broken {
        /// Who asked for it.
        origin: Origin,
        /// What was asked for.
        program: PathBuf,
        /// What is wrong with it.
        source: ProbeError,
    },

    /// Occurs when there is no Godot, and this machine cannot download one.
    #[error(
        "there is no Godot {}.{} or newer here: {}, and {no_fetch}\n\
         Get it from https://godotengine.org/download (or your system's packages), then put it on PATH as `godot4` or \
         `godot`, or set {VARIABLE} to its path.",
        OLDEST.0, OLDEST.1, looked(seen)
    )]
    None {
        /// What was found on `PATH`, and why it will not do.
        seen: Vec<(PathBuf, ProbeError)>,
        /// Why none can be downloaded.
        no_fetch: NoFetch,
    },

    /// Occurs when the download fails.
    #[error(
        "there is no Godot {}.{} or newer here ({}), and its download failed: {source}\n\
         To use another one, put it on PATH as `godot4` or `godot`, or set {VARIABLE} to its path.",
        OLDEST.0, OLDEST.1, looked(seen)
    )]
    Fetch {
        /// What was found on `PATH`, and why it will not do.
        seen: Vec<(PathBuf, ProbeError)>,
        /// What went wrong.
        source: FetchError,
    },

    /// Occurs when there is no place to download Godot to.
    #[error("there is no place to look for a downloaded Godot: {0}")]
    Target(#[from] TargetError),
}

/// A program that is no usable Godot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Occurs when there is no such file.
    #[error("there is no such file")]
    Missing,

    /// Occurs when it may not be executed.
    #[error("it is a file that may not be executed (`chmod +x` may be all it needs), or a folder")]
    NotExecutable,

    /// Occurs when the system cannot start it, for example because it is for another kind of processor.
    #[error("it cannot be started: {0}")]
    NotStarted(#[source] io::Error),

    /// Occurs when it starts, but is no Godot.
    #[error(
        "it does not print a version when it is called with --version: it {ending} and printed {}",
        quoted(output)
    )]
    NoVersion {
        /// How it ended.
        ending: String,
        /// The beginning of what it printed.
        output: String,
    },

    /// Occurs when it does not end.
    #[error("it did not print its version within {} s when it was called with --version", limit.as_secs_f32())]
    Hung {
        /// How long was waited for it.
        limit: Duration,
    },

    /// Occurs when it is older than 4.5.
    #[error("it is version {version}, but {}.{} or newer is needed", OLDEST.0, OLDEST.1)]
    TooOld {
        /// Its version.
        version: Version,
    },
}

fn named(origin: Origin) -> &'static str {
    match origin {
        Origin::Variable => "GODOT4_BIN is set to ",
        Origin::Given | Origin::Path | Origin::Fetched => "",
    }
}

fn remedy(origin: Origin) -> String {
    let (major, minor) = OLDEST;
    match origin {
        Origin::Variable => format!(
            "Set {VARIABLE} to the path of Godot {major}.{minor} or newer, or unset it to have Godot found on PATH or \
             downloaded."
        ),
        Origin::Given => {
            format!("Give the path of Godot {major}.{minor} or newer, or none to have it found.")
        }
        Origin::Path => {
            format!("Put Godot {major}.{minor} or newer on PATH, or set {VARIABLE} to its path.")
        }
        Origin::Fetched => "Delete that folder to have it downloaded again.".to_string(),
    }
}

fn looked(seen: &[(PathBuf, ProbeError)]) -> String {
    let mut text = format!("{VARIABLE} is not set");
    if seen.is_empty() {
        text.push_str(", `godot4` and `godot` are not on PATH");
    }
    for (program, error) in seen {
        text.push_str(&format!(", {} will not do: {error}", program.display()));
    }
    text
}

fn quoted(output: &str) -> String {
    if output.is_empty() { "nothing".to_string() } else { format!("{output:?}") }
}

/// What the search looks at; tests put their own things in.
pub(crate) struct Finder {
    /// The value of `GODOT4_BIN`.
    pub(crate) variable: Option<OsString>,
    /// The value of `PATH`.
    pub(crate) path: OsString,
    /// What downloads.
    pub(crate) fetcher: Fetcher,
    /// How long `--version` may take.
    pub(crate) time_limit: Duration,
}

/// A first start from a cold disk, behind a virus scanner, takes seconds.
const TIME_LIMIT: Duration = Duration::from_secs(60);

impl Finder {
    fn from_env() -> Result<Finder, FindError> {
        Ok(Finder {
            variable: env::var_os(VARIABLE),
            path: env::var_os("PATH").unwrap_or_default(),
            fetcher: Fetcher::new(&target_dir()?),
            time_limit: TIME_LIMIT,
        })
    }

    pub(crate) fn find(&self) -> Result<Godot, FindError> {
        // An empty variable is how a shell script unsets one for a single command.
        if let Some(program) = self.variable.as_deref().filter(|program| !program.is_empty()) {
            return Godot::checked(program, &self.path, Origin::Variable, self.time_limit);
        }
        let mut seen = Vec::new();
        for name in ["godot4", "godot"] {
            let Some(program) = on_path(OsStr::new(name), &self.path) else { continue };
            match Godot::checked(program.as_os_str(), &self.path, Origin::Path, self.time_limit) {
                Err(FindError::Broken { source, program, .. }) => seen.push((program, source)),
                found => return found,
            }
        }
        if let Some(found) = self.fetcher.fetched() {
            return Ok(found);
        }
        if let Err(no_fetch) = self.fetcher.check() {
            return Err(FindError::None { seen, no_fetch });
        }
        self.fetcher.fetch().map_err(|source| FindError::Fetch { seen, source })
    }
}

impl Godot {
    /// Makes one of what was downloaded and has been tried.
    pub(crate) fn fetched(program: PathBuf, version: Version) -> Godot {
        Godot { program, version, origin: Origin::Fetched }
    }
}

/// Returns the first program of a name on a `PATH`.
pub(crate) fn on_path(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    env::split_paths(path)
        .flat_map(|dir| {
            let mut with_suffix = name.to_os_string();
            with_suffix.push(env::consts::EXE_SUFFIX);
            [dir.join(name), dir.join(with_suffix)]
        })
        .find(|program| may_execute(program))
}

fn may_execute(program: &Path) -> bool {
    let Ok(metadata) = program.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    metadata.is_file()
}

/// Asks a program for its version.
pub(crate) fn probe(program: &Path, limit: Duration) -> Result<Version, ProbeError> {
    if !program.exists() {
        return Err(ProbeError::Missing);
    }
    if !may_execute(program) {
        return Err(ProbeError::NotExecutable);
    }
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null());
    let limits = Limits { time: Some(limit), bytes: Some(64 * 1024), guarded: true };
    let mut process = Process::spawn(&mut command, limits).map_err(ProbeError::NotStarted)?;
    let mut output = String::new();
    while let Some(line) = process.next_line() {
        output.push_str(&line.text);
        output.push('\n');
    }
    let end = process.wait().map_err(ProbeError::NotStarted)?;
    // Godot's exit status does not tell: some builds return 255 after `--version`.
    match Version::parse(&output) {
        Some(version) if version.is_old() => Err(ProbeError::TooOld { version }),
        Some(version) => Ok(version),
        None if end.stop == Some(Stop::Time) => Err(ProbeError::Hung { limit }),
        None => Err(ProbeError::NoVersion {
            ending: match end.stop {
                Some(_) => "printed without end".to_string(),
                None => format!("ended with {}", end.status),
            },
            output: output.trim().chars().take(300).collect(),
        }),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::machine::Machine;

    #[track_caller]
    fn check_version(output: &str, expected: Option<(u32, u32, u32)>) {
        let version = Version::parse(output);
        assert_eq!(version.map(|version| (version.major, version.minor, version.patch)), expected);
    }

    #[test]
    fn version_texts() {
        check_version("4.6.3.stable.debian4.6.3+ds-2\n", Some((4, 6, 3)));
        check_version("4.5.stable.official.876b29033", Some((4, 5, 0)));
        check_version("4.7.dev3.mono.custom_build", Some((4, 7, 0)));
        check_version("3.5.2.stable.official", Some((3, 5, 2)));
        check_version("WARNING: no driver\n10.2 is not a version\n4.6.stable\n", Some((4, 6, 0)));
        check_version("", None);
        check_version("usage: godot", None);
    }

    #[test]
    fn variable_comes_before_path() {
        let mut machine = Machine::new();
        machine.godot("godot", "4.5.1.stable");
        let other = machine.godot("other", "4.6.stable");
        machine.set_variable(&other);
        let godot = machine.find().unwrap();
        assert_eq!((godot.program(), godot.origin()), (&*other, Origin::Variable));
        assert_eq!(godot.version().to_string(), "4.6.stable");
    }

    #[test]
    fn variable_with_the_name_of_a_program() {
        let mut machine = Machine::new();
        let other = machine.godot("other", "4.6.stable");
        machine.set_variable("other");
        assert_eq!(machine.find().unwrap().program(), other);
    }

    #[test]
    fn empty_variable_is_none() {
        let mut machine = Machine::new();
        machine.godot("godot", "4.5.1.stable");
        machine.set_variable("");
        assert_eq!(machine.find().unwrap().origin(), Origin::Path);
    }

    #[test]
    fn variable_without_a_file() {
        let mut machine = Machine::new();
        // What is on PATH does not hide the mistake.
        machine.godot("godot", "4.6.stable");
        machine.set_variable("/nowhere/godot");
        machine.check_error(&[
            "GODOT4_BIN is set to /nowhere/godot: there is no such file",
            "4.5 or newer, or unset it",
        ]);
    }

    #[test]
    fn variable_with_a_file_that_is_not_executable() {
        let mut machine = Machine::new();
        machine.write("file", "");
        machine.set_variable(machine.path("file"));
        machine.check_error(&["may not be executed", "chmod +x", "unset it"]);
    }

    #[test]
    fn variable_with_a_folder() {
        let mut machine = Machine::new();
        machine.set_variable(machine.path("bin"));
        machine.check_error(&["or a folder", "unset it"]);
    }

    #[test]
    fn variable_with_a_file_that_is_no_program() {
        let mut machine = Machine::new();
        let program = machine.program("other", "");
        machine.write("bin/other", "\u{7f}no program");
        machine.set_variable(program);
        machine.check_error(&["it cannot be started: ", "unset it"]);
    }

    #[test]
    fn variable_with_another_program() {
        let mut machine = Machine::new();
        machine.set_variable(machine.program("other", "echo hello; exit 3"));
        machine.check_error(&[
            "does not print a version",
            "exit status: 3",
            "\"hello\"",
            "unset it",
        ]);
    }

    #[test]
    fn variable_with_a_program_that_prints_without_end() {
        let mut machine = Machine::new();
        machine.set_variable(machine.program("other", "while :; do echo hello; done"));
        machine.check_error(&["does not print a version", "printed without end"]);
    }

    #[test]
    fn variable_with_a_program_that_hangs() {
        let mut machine = Machine::new();
        machine.time_limit = Duration::from_millis(20);
        machine.set_variable(machine.program("other", "exec sleep 3600"));
        machine.check_error(&["did not print its version within 0.02 s", "unset it"]);
    }

    #[test]
    fn variable_with_an_old_godot() {
        let mut machine = Machine::new();
        machine.set_variable(machine.godot("other", "4.4.1.stable.official"));
        machine.check_error(&[
            "it is version 4.4.1.stable.official, but 4.5 or newer is needed",
            "unset it",
        ]);
    }

    #[test]
    fn godot4_comes_before_godot() {
        let machine = Machine::new();
        machine.godot("godot", "4.6.stable");
        let first = machine.godot("godot4", "4.5.stable");
        assert_eq!(machine.find().unwrap().program(), first);
    }

    #[test]
    fn old_godot_on_path_is_passed_over() {
        let machine = Machine::new();
        machine.godot("godot4", "4.2.stable");
        let second = machine.godot("godot", "4.6.stable");
        assert_eq!(machine.find().unwrap().program(), second);
    }

    #[test]
    fn no_godot_on_another_system() {
        let mut machine = Machine::new();
        machine.is_supported = false;
        machine.check_error(&[
            "there is no Godot 4.5 or newer here",
            "`godot4` and `godot` are not on PATH",
            "only on Debian",
            "https://godotengine.org/download",
            "set GODOT4_BIN to its path",
        ]);
    }

    #[test]
    fn only_an_old_godot_on_another_system() {
        let mut machine = Machine::new();
        machine.is_supported = false;
        machine.godot("godot", "3.5.2.stable.official");
        machine.check_error(&[
            "bin/godot will not do: it is version 3.5.2.stable.official",
            "https://godotengine.org",
        ]);
    }

    #[test]
    fn no_godot_and_no_debian() {
        let machine = Machine::new();
        machine.write("etc/os-release", "ID=fedora\nID_LIKE=\"rhel centos\"\n");
        machine.check_error(&[
            "only on Debian and its derivatives",
            "https://godotengine.org/download",
        ]);
    }

    #[test]
    fn no_godot_and_no_apt_get() {
        let machine = Machine::new();
        machine.remove("bin/apt-get");
        machine.check_error(&[
            "without the program `apt-get`, which is not on PATH",
            "https://godotengine.org/download",
        ]);
    }

    #[test]
    fn no_godot_and_no_keys() {
        let machine = Machine::new();
        machine.remove("usr/share/keyrings/debian-archive-keyring.gpg");
        machine.check_error(&["without Debian's keys", "apt-get install debian-archive-keyring"]);
    }

    #[test]
    fn old_godot_on_path_leads_to_a_download() {
        let machine = Machine::new();
        machine.godot("godot", "3.5.2.stable");
        assert_eq!(machine.find().unwrap().origin(), Origin::Fetched);
    }
}
