//! Downloads Debian's packages of Godot and of its libraries, and unpacks them into the target directory.
//!
//! Nothing is installed and nothing needs root: `apt-get` works with a configuration of its own, in which every path
//! lies in the target directory, and resolves the dependencies as for a machine on which nothing is installed, down to
//! the C library. So Godot runs with the libraries that it was built with, through the unpacked loader.
//!
//! # Invariants
//!
//! 1. `<target dir>/godot` is made by one `rename`, of a tree that has been tried and holds the file `complete`.
//! 2. Who works in `<target dir>/godot.partial` holds the lock; `apt-get` and `dpkg` inherit it as their standard
//!    input, so that it outlives us for as long as they do.

mod sources;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::fetch::sources::Mirror;
use crate::godot::{self, Godot, OLDEST, ProbeError, Version};
use crate::process::{Limits, Process, no_starts};

/// The first suite of Debian with Godot 4.5 or newer.
const SUITE: &str = "forky";

/// Godot, and what it opens by name only: OpenGL, with Mesa's software driver.
const PACKAGES: [&str; 6] =
    ["godot", "libgl1", "libgl1-mesa-dri", "libglx-mesa0", "libegl1", "libegl-mesa0"];

/// Says that a tree is whole; holds its version.
const COMPLETE: &str = "complete";

/// Starts the Godot of a tree. A script, so that a person can start it too, or set `GODOT4_BIN` to it.
const SCRIPT: &str = r#"#!/bin/sh
# Starts the Godot in this folder with the libraries in this folder; written by cuelight's launcher.
here=$(dirname -- "$(readlink -f -- "$0")")
lib="$here/usr/lib/x86_64-linux-gnu"
export LIBGL_DRIVERS_PATH="$lib/dri" GBM_BACKENDS_PATH="$lib/gbm"
export LIBGL_ALWAYS_SOFTWARE="${LIBGL_ALWAYS_SOFTWARE-1}"
export __EGL_VENDOR_LIBRARY_DIRS="$here/usr/share/glvnd/egl_vendor.d"
export XLOCALEDIR="$here/usr/share/X11/locale" XKB_CONFIG_ROOT="$here/usr/share/X11/xkb"
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/pulseaudio" "$here/usr/bin/godot" "$@"
"#;

/// Godot could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Occurs when `apt-get` fails: without a network, say.
    #[error("`{command}` {ending}, with Debian's mirror {mirror}:\n{output}\n{}", hint(output))]
    Apt {
        /// What was called.
        command: String,
        /// Where it was to download from.
        mirror: String,
        /// How it ended.
        ending: String,
        /// Its errors, or the last that it printed.
        output: String,
    },

    /// Occurs when a package cannot be unpacked.
    #[error("`dpkg -x` of {package} {ending}: {output}\n{}", hint(output))]
    Unpack {
        /// The package's file.
        package: String,
        /// How it ended.
        ending: String,
        /// The last that it printed.
        output: String,
    },

    /// Occurs when what was downloaded does not run.
    #[error("what was downloaded does not run: {0}")]
    Broken(#[source] ProbeError),

    /// Occurs when a file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why Godot cannot be downloaded on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoFetch {
    /// Occurs on other systems and processors.
    #[error("it is downloaded by itself only on Debian and its derivatives on x86-64")]
    OtherSystem,

    /// Occurs when a program that the download needs is missing.
    #[error("it cannot be downloaded without the program `{tool}`, which is not on PATH")]
    NoTool {
        /// The program.
        tool: &'static str,
    },

    /// Occurs when the machine has none of Debian's keys, so that what is downloaded could not be verified.
    #[error(
        "it cannot be downloaded without Debian's keys, which are neither {} nor in {} (they come with \
         `apt-get install debian-archive-keyring`)",
        keyring.display(), trusted.display()
    )]
    NoKeyring {
        /// Where Debian's keyring would be.
        keyring: PathBuf,
        /// Where apt's trusted keys would be.
        trusted: PathBuf,
    },
}

/// Downloads Godot; tests give it another machine to look at.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    /// The target directory.
    pub(crate) target_dir: PathBuf,
    /// The root of the machine's file system.
    pub(crate) root: PathBuf,
    /// Where the programs are looked for.
    pub(crate) path: OsString,
    /// Whether Debian has a Godot for this kind of machine.
    pub(crate) is_supported: bool,
}

impl Fetcher {
    pub(crate) fn new(target_dir: &Path) -> Fetcher {
        Fetcher {
            target_dir: target_dir.to_path_buf(),
            root: PathBuf::from("/"),
            path: env::var_os("PATH").unwrap_or_default(),
            is_supported: cfg!(all(target_os = "linux", target_arch = "x86_64")),
        }
    }

    /// Returns the Godot that is there already.
    pub(crate) fn fetched(&self) -> Option<Godot> {
        let dir = self.godot_dir();
        let version = Version::parse(&fs::read_to_string(dir.join(COMPLETE)).ok()?)?;
        let program = dir.join("godot");
        program.is_file().then(|| Godot::fetched(program, version))
    }

    /// Returns whether this machine can download.
    pub(crate) fn check(&self) -> Result<(), NoFetch> {
        if !self.is_supported || !self.is_debian_like() {
            return Err(NoFetch::OtherSystem);
        }
        for tool in ["apt-get", "dpkg"] {
            if self.tool(tool).is_none() {
                return Err(NoFetch::NoTool { tool });
            }
        }
        if self.keyring().is_none() && !self.trusts_debian() {
            return Err(NoFetch::NoKeyring {
                keyring: self.root.join(KEYRING),
                trusted: self.root.join(TRUSTED),
            });
        }
        Ok(())
    }

    /// Downloads Godot, unless another process does just that; then its Godot is returned when it is there.
    pub(crate) fn fetch(&self) -> Result<Godot, FetchError> {
        fs::create_dir_all(&self.target_dir).map_err(at(&self.target_dir))?;
        let lock_path = self.target_dir.join("godot.lock");
        let lock =
            File::options().create(true).truncate(false).read(true).write(true).open(&lock_path);
        let lock = lock.map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("Waiting for another process, which is downloading Godot.");
                lock.lock().map_err(at(&lock_path))?;
            }
            Err(TryLockError::Error(source)) => {
                return Err(FetchError::Io { path: lock_path, source });
            }
        }
        if let Some(godot) = self.fetched() {
            return Ok(godot);
        }

        let godot_dir = self.godot_dir();
        let work = Work { fetcher: self, dir: self.target_dir.join("godot.partial"), lock };
        eprintln!(
            "There is no Godot {}.{} or newer here. Debian's (about 160 MB) is downloaded once, into {}.",
            OLDEST.0,
            OLDEST.1,
            godot_dir.display()
        );
        let tree = work.make_tree()?;
        // What may be there is not complete.
        remove_dir(&godot_dir).map_err(at(&godot_dir))?;
        fs::rename(&tree, &godot_dir).map_err(at(&godot_dir))?;
        remove_dir(&work.dir).map_err(at(&work.dir))?;
        let version = fs::read_to_string(godot_dir.join(COMPLETE)).map_err(at(&godot_dir))?;
        eprintln!("Godot {} is ready.", version.trim());
        self.fetched().ok_or_else(|| FetchError::Io {
            path: godot_dir,
            source: io::ErrorKind::NotFound.into(),
        })
    }

    fn godot_dir(&self) -> PathBuf {
        self.target_dir.join("godot")
    }

    fn is_debian_like(&self) -> bool {
        let release = fs::read_to_string(self.root.join("etc/os-release")).unwrap_or_default();
        let named = release
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
            .any(|value| {
                value.trim_matches(['"', '\'']).split_whitespace().any(|id| id == "debian")
            });
        named || self.root.join("etc/debian_version").exists()
    }

    fn tool(&self, name: &str) -> Option<PathBuf> {
        godot::on_path(OsStr::new(name), &self.path)
    }

    fn keyring(&self) -> Option<PathBuf> {
        Some(self.root.join(KEYRING)).filter(|path| path.is_file())
    }

    /// Returns whether apt trusts Debian's keys for every source, as it does where there is no keyring package.
    fn trusts_debian(&self) -> bool {
        let Ok(entries) = fs::read_dir(self.root.join(TRUSTED)) else { return false };
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("debian-archive"))
    }

    fn mirrors(&self) -> Vec<Mirror> {
        let mut mirrors = sources::mirrors(&self.root.join("etc/apt"));
        if mirrors.is_empty() {
            // A derivative with a mirror of its own.
            mirrors.push(Mirror { uri: "http://deb.debian.org/debian".to_string(), keyring: None });
        }
        mirrors
    }
}

const KEYRING: &str = "usr/share/keyrings/debian-archive-keyring.gpg";
const TRUSTED: &str = "etc/apt/trusted.gpg.d";

/// A download that is under way.
struct Work<'a> {
    fetcher: &'a Fetcher,
    /// The folder that all of it lies in. What an interrupted download has left in it is used again.
    dir: PathBuf,
    lock: File,
}

impl Work<'_> {
    /// Returns a tree that is complete.
    fn make_tree(&self) -> Result<PathBuf, FetchError> {
        for dir in ["state/lists/partial", "cache/archives/partial", "log"] {
            let dir = self.dir.join(dir);
            fs::create_dir_all(&dir).map_err(at(&dir))?;
        }
        self.write("status", "")?;
        self.write("apt.conf", &self.apt_conf())?;

        let bar = bar();
        let mirror = self.update(&bar)?;
        self.download(&mirror, &bar)?;
        let tree = self.unpack(&bar)?;
        bar.finish_and_clear();

        let script = {
            let _no_starts = no_starts();
            self.write("tree/godot", SCRIPT)?
        };
        make_executable(&script).map_err(at(&script))?;
        let version = godot::probe(&script, Duration::from_secs(60)).map_err(FetchError::Broken)?;
        self.write(&format!("tree/{COMPLETE}"), &format!("{version}\n"))?;
        Ok(tree)
    }

    /// Reads the index of the first mirror that has it.
    fn update(&self, bar: &ProgressBar) -> Result<Mirror, FetchError> {
        bar.set_message("reading Debian's index");
        let mut first_error = None;
        for mirror in self.fetcher.mirrors() {
            let keyring = self.fetcher.keyring().or_else(|| mirror.keyring.clone());
            let signed_by =
                keyring.map(|path| format!(" signed-by={}", path.display())).unwrap_or_default();
            self.write(
                "sources.list",
                &format!("deb [arch=amd64{signed_by}] {} {SUITE} main\n", mirror.uri),
            )?;
            match self.apt_get(&["update"], &mirror, |_| {}) {
                Ok(()) => return Ok(mirror),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.expect("internal error: there is always a mirror. This is a bug"))
    }

    fn download(&self, mirror: &Mirror, bar: &ProgressBar) -> Result<(), FetchError> {
        bar.set_message("downloading");
        let mut args = vec!["install", "--download-only", "--yes", "--no-install-recommends"];
        args.extend(PACKAGES);
        self.apt_get(&args, mirror, |line| {
            // `dlstatus:<number>:<percent>:<text>`.
            let mut fields =
                line.strip_prefix("dlstatus:").unwrap_or_default().splitn(3, ':').skip(1);
            if let Some(percent) = fields.next().and_then(|field| field.parse::<f64>().ok()) {
                bar.set_position((percent * PER_PERCENT) as u64);
            }
        })
    }

    fn unpack(&self, bar: &ProgressBar) -> Result<PathBuf, FetchError> {
        let tree = self.dir.join("tree");
        // A tree of an interrupted try, which may hold half a file.
        remove_dir(&tree).map_err(at(&tree))?;
        fs::create_dir(&tree).map_err(at(&tree))?;

        let archives = self.dir.join("cache/archives");
        let mut packages = Vec::new();
        for entry in fs::read_dir(&archives).map_err(at(&archives))? {
            let path = entry.map_err(at(&archives))?.path();
            if path.extension() == Some(OsStr::new("deb")) {
                packages.push(path);
            }
        }
        packages.sort();

        bar.set_message("unpacking");
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            while let Some(package) = packages.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.dpkg_x(package, &tree)?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                bar.set_position(
                    (done as f64 / packages.len() as f64 * 100.0 * PER_PERCENT) as u64,
                );
            }
            Ok(())
        };
        // Decompressing takes longer than downloading, and each package is one stream.
        let threads = thread::available_parallelism().map_or(1, usize::from).min(4);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .map(|worker| {
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect::<Result<Vec<()>, FetchError>>()
        })?;
        Ok(tree)
    }

    fn dpkg_x(&self, package: &Path, tree: &Path) -> Result<(), FetchError> {
        let mut command = self.command("dpkg")?;
        command.arg("-x").arg(package).arg(tree);
        let output = collect(&mut command, |_| {}).map_err(at(Path::new("dpkg")))?;
        if output.success {
            return Ok(());
        }
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What dpkg cannot read is not read again by the next try.
        let _ = fs::remove_file(package);
        Err(FetchError::Unpack { package: name, ending: output.ending, output: output.tail })
    }

    fn apt_get(
        &self,
        args: &[&str],
        mirror: &Mirror,
        on_line: impl FnMut(&str),
    ) -> Result<(), FetchError> {
        let mut command = self.command("apt-get")?;
        command.args(["-o", "APT::Status-Fd=1"]).args(args);
        // In English, for `hint`.
        command.env("APT_CONFIG", self.dir.join("apt.conf")).env("LC_ALL", "C");
        let output = collect(&mut command, on_line).map_err(at(Path::new("apt-get")))?;
        if output.success {
            return Ok(());
        }
        Err(FetchError::Apt {
            command: format!("apt-get {}", args.join(" ")),
            mirror: mirror.uri.clone(),
            ending: output.ending,
            output: output.tail,
        })
    }

    fn command(&self, tool: &str) -> Result<Command, FetchError> {
        let program = self.fetcher.tool(tool).unwrap_or_else(|| tool.into());
        let mut command = Command::new(program);
        command.stdin(Stdio::from(self.lock.try_clone().map_err(at(&self.dir))?));
        Ok(command)
    }

    /// Returns a configuration that is read instead of the machine's: every path is ours, and no hook of the
    /// machine's runs. How to reach the network is kept.
    fn apt_conf(&self) -> String {
        let dir = self.dir.display();
        let mut text = format!(
            r#"Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::sourcelist "{dir}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{dir}/state";
Dir::State::status "{dir}/status";
Dir::Cache "{dir}/cache";
Dir::Log "{dir}/log";
// Root gives its rights up for a user who may not enter the target directory.
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Retries "3";
"#
        );
        text.push_str(&self.acquire_options());
        // Said last, since they are ours to say.
        text.push_str("Acquire::Languages \"none\";\n#clear Acquire::Languages;\nAcquire::Languages { \"none\"; };\n");
        text
    }

    /// Returns the machine's own settings for downloads, such as a proxy; none if they cannot be had.
    fn acquire_options(&self) -> String {
        let mut options = String::new();
        let Ok(mut command) = self.command("apt-config") else { return options };
        command.arg("dump").env("LC_ALL", "C");
        let read = collect(&mut command, |line| {
            // `IndexTargets` is what else to download from a mirror: descriptions and icons for a software centre.
            if line.starts_with("Acquire::") && !line.starts_with("Acquire::IndexTargets") {
                options.push_str(line);
                options.push('\n');
            }
        });
        if read.is_ok_and(|output| output.success) { options } else { String::new() }
    }

    fn write(&self, file: &str, text: &str) -> Result<PathBuf, FetchError> {
        let path = self.dir.join(file);
        fs::write(&path, text).map_err(at(&path))?;
        Ok(path)
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_path_buf();
    move |source| FetchError::Io { path, source }
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn make_executable(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    }
    let _ = file;
    Ok(())
}

/// Positions of the bar in a percent.
const PER_PERCENT: f64 = 100.0;

fn bar() -> ProgressBar {
    // Without a terminal there is nothing to draw on; the lines before and after say what happens.
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:24} [{bar:40}] {percent:>3} %  {elapsed}");
    let bar = ProgressBar::new((100.0 * PER_PERCENT) as u64);
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

struct Output {
    success: bool,
    /// How it ended, as the second half of a sentence.
    ending: String,
    /// Its errors, or its last lines if none is marked as one.
    tail: String,
}

/// Runs a program to its end.
fn collect(command: &mut Command, mut on_line: impl FnMut(&str)) -> io::Result<Output> {
    /// How many lines an error shows.
    const SHOWN: usize = 8;

    let mut process = Process::spawn(
        command,
        Limits { time: None, bytes: Some(16 * 1024 * 1024), guarded: false },
    )?;
    let (mut last, mut errors) = (Vec::new(), Vec::new());
    while let Some(line) = process.next_line() {
        on_line(&line.text);
        if line.text.is_empty() || line.text.starts_with("dlstatus:") {
            continue;
        }
        let is_error =
            ["E: ", "W: ", "Err:", "dpkg"].iter().any(|mark| line.text.starts_with(mark));
        let lines: &mut Vec<String> = if is_error { &mut errors } else { &mut last };
        lines.push(line.text);
        if lines.len() > SHOWN {
            lines.remove(0);
        }
    }
    let end = process.wait()?;
    let ending = match end.stop {
        Some(_) => "was stopped".to_string(),
        None => format!("ended with {}", end.status),
    };
    let shown = if errors.is_empty() { last } else { errors };
    Ok(Output { success: end.status.success(), ending, tail: shown.join("\n") })
}

/// Says what to do about the errors of apt-get and dpkg that are likely.
fn hint(output: &str) -> &'static str {
    let has = |marks: &[&str]| marks.iter().any(|mark| output.contains(mark));
    if has(&[
        "NO_PUBKEY",
        "not signed",
        "signatures couldn't be verified",
        "signatures were invalid",
    ]) {
        "This machine does not know the key that the mirror is signed with: update the package debian-archive-keyring."
    } else if has(&["No space left"]) {
        "There is no space left for it: it needs about 1 GB while it is unpacked, 600 MB afterwards."
    } else if has(&[
        "resolv",
        "onnection failed",
        "ould not connect",
        "nable to connect",
        "unreachable",
        "timed out",
        "refused",
        "No route",
    ]) {
        "Is this machine online? Behind a proxy, set http_proxy (or Acquire::http::Proxy in /etc/apt/apt.conf). What \
         was downloaded so far is kept for the next try."
    } else if has(&["does not have a Release file", "404"]) {
        "This mirror has no suite forky: name another one of Debian's in /etc/apt/sources.list."
    } else {
        "What was downloaded so far is kept for the next try."
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::machine::Machine;

    const DEBIAN: &str = "http://deb.debian.org/debian";

    fn fresh_log() -> Vec<String> {
        ["update", "install"]
            .map(|call| format!("{call} {DEBIAN}"))
            .into_iter()
            .chain(
                ["fetch one", "fetch two", "unpack one.deb", "unpack two.deb"].map(str::to_string),
            )
            .collect()
    }

    #[test]
    fn downloaded_once() {
        let machine = Machine::new();
        let godot = machine.find().unwrap();
        assert_eq!(godot.program(), machine.path("target/godot/godot"));
        assert_eq!(godot.version().text, "4.6.3.stable.debian");
        assert_eq!(machine.log(), fresh_log());
        assert!(!machine.path("target/godot.partial").exists());
        let again = machine.find().unwrap();
        assert_eq!(again.version(), godot.version());
        assert_eq!(machine.log(), fresh_log());
    }

    #[test]
    fn two_at_once_download_once() {
        let machine = Machine::new();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| machine.find().unwrap());
            }
        });
        assert_eq!(machine.log(), fresh_log());
    }

    #[test]
    fn folder_that_is_not_complete_is_made_anew() {
        let machine = Machine::new();
        machine.write("target/godot/usr/bin/godot", "half");
        assert_eq!(machine.find().unwrap().origin(), godot::Origin::Fetched);
        assert!(!machine.path("target/godot/usr/bin/godot").exists());
    }

    #[test]
    fn interrupted_download_goes_on() {
        let machine = Machine::new();
        machine.write("target/godot.partial/cache/archives/one.deb", "whole\n");
        machine.write("target/godot.partial/tree/half", "");
        machine.find().unwrap();
        let mut expected = fresh_log();
        expected.retain(|line| line != "fetch one");
        assert_eq!(machine.log(), expected);
        assert!(!machine.path("target/godot/half").exists());
    }

    #[test]
    fn broken_package_is_downloaded_again() {
        let machine = Machine::new();
        machine.write("target/godot.partial/cache/archives/one.deb", "half\n");
        machine.check_error(&[
            "its download failed: `dpkg -x` of one.deb",
            "is not a Debian format archive",
            "next try",
        ]);
        machine.find().unwrap();
    }

    #[test]
    fn no_network() {
        let machine = Machine::new();
        machine.program(
            "apt-get",
            "echo 'Err:1 http://deb.debian.org/debian forky InRelease'\n\
             echo \"E: Failed to fetch http://…  Temporary failure resolving 'deb.debian.org'\" >&2\nexit 100",
        );
        machine.check_error(&[
            "there is no Godot 4.5 or newer here (GODOT4_BIN is not set, `godot4` and `godot` are not on PATH)",
            "its download failed: `apt-get update` ended with exit status: 100, with Debian's mirror http://deb.debian.org",
            "Temporary failure resolving",
            "Is this machine online?",
            "set GODOT4_BIN",
        ]);
        assert!(!machine.path("target/godot").exists());
    }

    #[test]
    fn old_keyring() {
        let machine = Machine::new();
        machine.program("apt-get", "echo 'W: GPG error: … NO_PUBKEY 6ED0E7B82643E131'; exit 100");
        machine.check_error(&["NO_PUBKEY", "update the package debian-archive-keyring"]);
    }

    #[test]
    fn next_mirror_is_tried() {
        let machine = Machine::new();
        machine.write(
            "etc/apt/sources.list",
            "deb http://one.example/debian trixie main\ndeb http://two.example/debian trixie main\n",
        );
        let apt_get = machine.path("bin/apt-get-2");
        fs::rename(machine.path("bin/apt-get"), &apt_get).unwrap();
        let script = "grep -q one.example \"$(dirname \"$APT_CONFIG\")/sources.list\" && exit 100\nexec \"$0-2\" \"$@\"";
        machine.program("apt-get", script);
        machine.find().unwrap();
        assert_eq!(
            machine.log()[..2],
            ["update http://two.example/debian", "install http://two.example/debian"]
        );
    }

    #[test]
    fn derivative_uses_debians_own_mirror() {
        let machine = Machine::new();
        machine.write("etc/os-release", "ID=ubuntu\nID_LIKE=debian\n");
        machine.write("etc/apt/sources.list", "deb http://archive.ubuntu.com/ubuntu noble main\n");
        machine.find().unwrap();
        assert_eq!(machine.log(), fresh_log());
    }

    #[test]
    fn downloaded_godot_that_does_not_run() {
        let machine = Machine::new();
        machine.program("dpkg", "exit 0");
        machine.check_error(&["what was downloaded does not run: ", "does not print a version"]);
        assert!(!machine.path("target/godot").exists());
    }

    #[test]
    fn settings_of_the_machine_that_reach_apt_get() {
        let machine = Machine::new();
        machine.program(
            "apt-config",
            "echo 'Acquire::http::Proxy \"http://proxy:3128\";'\n\
             echo 'Acquire::IndexTargets::deb::DEP-11::MetaKey \"x\";'\necho 'APT::Update::Post-Invoke:: \"rm\";'",
        );
        // It fails, so that its configuration stays.
        machine.program("apt-get", "exit 100");
        machine.find().unwrap_err();
        let conf = machine.read("target/godot.partial/apt.conf");
        assert!(conf.contains("Acquire::http::Proxy \"http://proxy:3128\";\n"), "{conf}");
        assert!(!conf.contains("IndexTargets") && !conf.contains("Post-Invoke"), "{conf}");
    }
}
