//! A machine for tests: a file system's root, a `PATH`, and programs in it that are shell scripts.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fetch::Fetcher;
use crate::godot::{FindError, Finder, Godot};
use crate::process::no_starts;

/// A Debian without Godot, whose apt-get and dpkg do as the real ones as far as the launcher can see.
pub(crate) struct Machine {
    dir: tempfile::TempDir,
    pub(crate) variable: Option<OsString>,
    pub(crate) is_supported: bool,
    pub(crate) time_limit: Duration,
}

/// Logs its call, and "downloads" two packages. What it finds is not downloaded again.
const APT_GET: &str = r#"
work=$(dirname "$APT_CONFIG")
echo "$3 $(cut -d' ' -f4 "$work/sources.list")" >> "$work/../log"
[ "$3" = install ] || exit 0
for package in one two; do
    [ -e "$work/cache/archives/$package.deb" ] && continue
    echo "dlstatus:1:50.0000:Retrieving file"
    echo "fetch $package" >> "$work/../log"
    echo whole > "$work/cache/archives/$package.deb"
done
"#;

/// Logs its call, and unpacks a loader that is a Godot; a package with other contents is broken.
const DPKG: &str = r#"
echo "unpack $(basename "$2")" >> "$3/../../log"
[ "$(cat "$2")" = whole ] || { echo "dpkg-deb: error: $2 is not a Debian format archive"; exit 2; }
lib="$3/usr/lib/x86_64-linux-gnu"
mkdir -p "$lib"
[ "$(basename "$2")" = one.deb ] || exit 0
printf '#!/bin/sh\necho 4.6.3.stable.debian\n' > "$lib/ld-linux-x86-64.so.2"
chmod +x "$lib/ld-linux-x86-64.so.2"
"#;

impl Machine {
    pub(crate) fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine {
            dir,
            variable: None,
            is_supported: true,
            time_limit: Duration::from_secs(60),
        };
        for dir in ["bin", "target", "etc/apt/sources.list.d", "usr/share/keyrings"] {
            fs::create_dir_all(machine.path(dir)).unwrap();
        }
        machine.write("etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\n");
        machine.write("etc/apt/sources.list", "deb http://deb.debian.org/debian bookworm main\n");
        machine.write("usr/share/keyrings/debian-archive-keyring.gpg", "");
        machine.program("apt-get", APT_GET);
        machine.program("dpkg", DPKG);
        machine
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    /// Puts a shell script on its `PATH`, and returns where.
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        let _no_starts = no_starts();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Puts a Godot of some version on its `PATH`.
    pub(crate) fn godot(&self, name: &str, version: &str) -> PathBuf {
        self.program(name, &format!("[ \"$1\" = --version ] && echo {version}"))
    }

    /// Sets `GODOT4_BIN`.
    pub(crate) fn set_variable(&mut self, value: impl AsRef<Path>) {
        self.variable = Some(value.as_ref().as_os_str().to_os_string());
    }

    pub(crate) fn fetcher(&self) -> Fetcher {
        Fetcher {
            target_dir: self.path("target"),
            root: self.dir.path().to_path_buf(),
            path: self.path("bin").into(),
            is_supported: self.is_supported,
        }
    }

    pub(crate) fn find(&self) -> Result<Godot, FindError> {
        let finder = Finder {
            variable: self.variable.clone(),
            path: self.path("bin").into(),
            fetcher: self.fetcher(),
            time_limit: self.time_limit,
        };
        finder.find()
    }

    /// What apt-get and dpkg were called for, without the order in which packages were unpacked.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("target/log")).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        lines.sort_by_key(|line| line.strip_prefix("unpack").map(str::to_string));
        lines
    }

    #[track_caller]
    pub(crate) fn check_error(&self, expected: &[&str]) {
        let error = self.find().unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part), "{part:?} is not in:\n{error}");
        }
    }
}
