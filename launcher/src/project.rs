//! A staged copy of a Godot project, which names the library that was built just now.
//!
//! A committed project names its library by a path in the default target directory, which is right for who opens it in
//! the editor, and wrong for a release build or with `CARGO_TARGET_DIR`. The copy names it by its absolute path.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::target::{TargetError, profile_dir};

/// A staged Godot project.
///
/// As long as this lives, or a Godot that was started with it, no other process gets the same copy.
#[derive(Debug)]
pub struct Project {
    path: PathBuf,
    home: PathBuf,
    /// The locked file.
    lock: File,
}

impl Project {
    /// Makes a copy of a project that loads `library`.
    ///
    /// The copy lies in `<target dir>/<profile>/projects/<name>`; with `-2`, `-3`… behind it if another process is
    /// using that one. It is made anew each time, of symbolic links to the files of `source` (copies, on systems other
    /// than Unix). Left out is `.godot`, Godot's cache: instead the list of extensions is written, so that the project
    /// runs without an import. What only an import makes known is missing: imported assets (`.png`, `.svg`…), and
    /// GDScript's `class_name` (use `preload`).
    ///
    /// # Errors
    ///
    /// If `source` is no Godot project with a `.gdextension` file that names this library, if the library does not
    /// exist, or if a file cannot be written.
    pub fn stage(source: &Path, library: &Path, name: &str) -> Result<Project, StageError> {
        Project::stage_all(source, &[library], name)
    }

    /// Makes a copy of a project that loads several libraries, each where a `.gdextension` file names it.
    ///
    /// # Errors
    ///
    /// As [`stage`](Project::stage).
    pub fn stage_all(
        source: &Path,
        libraries: &[&Path],
        name: &str,
    ) -> Result<Project, StageError> {
        Project::stage_in(&profile_dir()?.join("projects"), source, libraries, name)
    }

    /// Returns the folder of the copy.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder that a run has its `user://`, settings and caches in.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns an empty standard input for a Godot that runs in the copy.
    pub(crate) fn input(&self) -> io::Result<Stdio> {
        Ok(self.lock.try_clone()?.into())
    }

    fn stage_in(
        projects: &Path,
        source: &Path,
        libraries: &[&Path],
        name: &str,
    ) -> Result<Project, StageError> {
        // Made absolute, since the links and Godot are elsewhere.
        let source = std::path::absolute(source).map_err(at(source))?;
        if !source.join("project.godot").is_file() {
            return Err(StageError::NoProject { path: source });
        }
        let libraries: Vec<PathBuf> = libraries
            .iter()
            .map(|path| std::path::absolute(path).map_err(at(path)))
            .collect::<Result<_, _>>()?;
        if let Some(path) = libraries.iter().find(|path| !path.is_file()) {
            return Err(StageError::NoLibrary { path: path.clone() });
        }

        fs::create_dir_all(projects).map_err(at(projects))?;
        let (free, lock) = first_free(projects, name)?;
        let project = Project {
            path: projects.join(&free),
            home: projects.join(format!("{free}.home")),
            lock,
        };
        for dir in [&project.path, &project.home] {
            remove_dir(dir).map_err(at(dir))?;
            fs::create_dir(dir).map_err(at(dir))?;
        }

        let mut extensions = Vec::new();
        mirror(&source, &project.path, &project.path, &libraries, &mut extensions)?;
        if extensions.is_empty() {
            return Err(StageError::NoExtension { path: source });
        }
        extensions.sort();
        let cache = project.path.join(".godot");
        fs::create_dir(&cache).map_err(at(&cache))?;
        let list = cache.join("extension_list.cfg");
        fs::write(&list, extensions.join("\n") + "\n").map_err(at(&list))?;
        Ok(project)
    }
}

/// A project could not be staged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// Occurs when there is no `project.godot` in the folder.
    #[error("{} is no Godot project: it has no project.godot", path.display())]
    NoProject {
        /// The folder.
        path: PathBuf,
    },

    /// Occurs when the project has no `.gdextension` file.
    #[error("the Godot project {} loads no library: it has no .gdextension file", path.display())]
    NoExtension {
        /// The folder.
        path: PathBuf,
    },

    /// Occurs when the library does not exist.
    #[error("the library {} does not exist: build the package that it belongs to first", path.display())]
    NoLibrary {
        /// The library.
        path: PathBuf,
    },

    /// Occurs when a `.gdextension` file names a library that was not given.
    #[error("{} names the library {named}, but what was built is {}", path.display(), list(built))]
    OtherLibrary {
        /// The `.gdextension` file.
        path: PathBuf,
        /// What it names.
        named: String,
        /// The given libraries.
        built: Vec<PathBuf>,
    },

    /// Occurs when a path cannot be written into a `.gdextension` file.
    #[error("the path {} is not valid UTF-8, which Godot needs: use another target directory", path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },

    /// Occurs when a file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// Occurs when the folder of the profile is not found.
    #[error(transparent)]
    Target(#[from] TargetError),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StageError {
    let path = path.to_path_buf();
    move |source| StageError::Io { path, source }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Locks the first name that nobody uses. The lock ends with the last process that holds the file, however it ends.
fn first_free(projects: &Path, name: &str) -> Result<(String, File), StageError> {
    let mut number = 1;
    loop {
        let free = if number == 1 { name.to_string() } else { format!("{name}-{number}") };
        let path = projects.join(format!("{free}.lock"));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .open(&path)
            .map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => return Ok((free, file)),
            Err(TryLockError::WouldBlock) => number += 1,
            Err(TryLockError::Error(source)) => return Err(StageError::Io { path, source }),
        }
    }
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Mirrors a folder, and collects the `res://` paths of its `.gdextension` files.
fn mirror(
    from: &Path,
    to: &Path,
    root: &Path,
    libraries: &[PathBuf],
    extensions: &mut Vec<String>,
) -> Result<(), StageError> {
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == ".godot" {
            continue;
        }
        if entry.file_type().map_err(at(&source))?.is_dir() {
            fs::create_dir(&target).map_err(at(&target))?;
            mirror(&source, &target, root, libraries, extensions)?;
        } else if source.extension() == Some(OsStr::new("gdextension")) {
            let text = fs::read_to_string(&source).map_err(at(&source))?;
            let text = point_at(&text, &source, libraries)?;
            fs::write(&target, text).map_err(at(&target))?;
            let inside = target.strip_prefix(root).unwrap_or(&target);
            let inside =
                inside.to_str().ok_or_else(|| StageError::NotUtf8 { path: source.clone() })?;
            extensions.push(format!("res://{}", inside.replace('\\', "/")));
        } else {
            link(&source, &target).map_err(at(&target))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(source: &Path, target: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(source, target)
}

/// Symbolic links need a special right on Windows.
#[cfg(not(unix))]
fn link(source: &Path, target: &Path) -> io::Result<()> {
    fs::copy(source, target).map(drop)
}

/// Returns a `.gdextension` file's text with its libraries replaced by the built ones of the same name.
fn point_at(text: &str, path: &Path, libraries: &[PathBuf]) -> Result<String, StageError> {
    let mut section = "";
    let mut lines = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            section = trimmed;
        }
        let entry =
            line.split_once('=').filter(|_| section == "[libraries]" && !trimmed.starts_with(';'));
        let Some((key, value)) = entry else {
            lines.push(line.to_string());
            continue;
        };
        let named = value.trim().trim_matches('"');
        let Some(library) =
            libraries.iter().find(|library| name_of(library) == name_of(Path::new(named)))
        else {
            return Err(StageError::OtherLibrary {
                path: path.to_path_buf(),
                named: named.to_string(),
                built: libraries.to_vec(),
            });
        };
        let library =
            library.to_str().ok_or_else(|| StageError::NotUtf8 { path: library.clone() })?;
        let library =
            if cfg!(windows) { library.replace('\\', "/") } else { library.replace('\\', "\\\\") };
        lines.push(format!("{key}= \"{}\"", library.replace('"', "\\\"")));
    }
    Ok(lines.join("\n") + "\n")
}

/// Returns the name of a library without what a system puts around it: a project names the files of several systems.
fn name_of(library: &Path) -> Option<&str> {
    let stem = library.file_stem()?.to_str()?;
    let is_windows = library.extension() == Some(OsStr::new("dll"));
    Some(if is_windows { stem } else { stem.strip_prefix("lib").unwrap_or(stem) })
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;
    use crate::process::no_starts;

    const EXTENSION: &str = "[configuration]\nentry_symbol = \"gdext_rust_init\"\n\n[libraries]\n; Built by cargo.\n\
        linux.debug.x86_64 = \"res://../../../target/debug/libplay.so\"\n\
        windows.debug.x86_64 = \"res://../../../target/debug/play.dll\"\n";

    struct Fixture {
        dir: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Fixture {
            let dir = tempfile::tempdir().unwrap();
            let source = dir.path().join("source");
            fs::create_dir_all(source.join("scenes")).unwrap();
            fs::create_dir_all(source.join(".godot")).unwrap();
            fs::write(source.join(".godot/stale"), "").unwrap();
            fs::write(source.join("project.godot"), "config_version=5\n").unwrap();
            fs::write(source.join("scenes/a.tscn"), "a").unwrap();
            fs::write(source.join("play.gdextension"), EXTENSION).unwrap();
            fs::write(dir.path().join(library()), "").unwrap();
            Fixture { dir }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.dir.path().join(path)
        }

        fn stage(&self) -> Result<Project, StageError> {
            let library = self.path(&library());
            Project::stage_in(&self.path("projects"), &self.path("source"), &[&library], "play")
        }
    }

    fn library() -> String {
        format!("{}play{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
    }

    fn tree(dir: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut left = vec![dir.to_path_buf()];
        while let Some(next) = left.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                } else {
                    found
                        .push(path.strip_prefix(dir).unwrap().to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn copy_names_the_built_library_and_its_extensions() {
        let fixture = Fixture::new();
        let project = fixture.stage().unwrap();
        assert_eq!(project.path(), fixture.path("projects/play"));
        assert_eq!(
            tree(project.path()),
            [".godot/extension_list.cfg", "play.gdextension", "project.godot", "scenes/a.tscn"]
        );
        let list = fs::read_to_string(project.path().join(".godot/extension_list.cfg")).unwrap();
        assert_eq!(list, "res://play.gdextension\n");
        let text = fs::read_to_string(project.path().join("play.gdextension")).unwrap();
        let built = fixture.path(&library()).to_str().unwrap().replace('\\', "/");
        assert_eq!(
            text,
            EXTENSION
                .replace("res://../../../target/debug/libplay.so", &built)
                .replace("res://../../../target/debug/play.dll", &built)
        );
        assert_eq!(fs::read_to_string(project.path().join("scenes/a.tscn")).unwrap(), "a");
    }

    #[test]
    fn added_and_removed_files_show_in_the_next_copy() {
        let _no_starts = no_starts();
        let fixture = Fixture::new();
        drop(fixture.stage().unwrap());
        fs::remove_file(fixture.path("source/scenes/a.tscn")).unwrap();
        fs::write(fixture.path("source/b.gd"), "").unwrap();
        fs::write(fixture.path("projects/play/left.over"), "").unwrap();
        let project = fixture.stage().unwrap();
        assert_eq!(project.path(), fixture.path("projects/play"));
        assert_eq!(
            tree(project.path()),
            [".godot/extension_list.cfg", "b.gd", "play.gdextension", "project.godot"]
        );
    }

    #[test]
    fn copies_in_use_are_left_alone() {
        let _no_starts = no_starts();
        let fixture = Fixture::new();
        let first = fixture.stage().unwrap();
        let second = fixture.stage().unwrap();
        assert_eq!(second.path(), fixture.path("projects/play-2"));
        drop(first);
        assert_eq!(fixture.stage().unwrap().path(), fixture.path("projects/play"));
    }

    #[test]
    fn copy_stays_in_use_while_its_input_is_open() {
        let _no_starts = no_starts();
        let fixture = Fixture::new();
        let first = fixture.stage().unwrap();
        let input = first.input().unwrap();
        drop(first);
        assert_eq!(fixture.stage().unwrap().path(), fixture.path("projects/play-2"));
        drop(input);
        assert_eq!(fixture.stage().unwrap().path(), fixture.path("projects/play"));
    }

    #[test]
    fn several_libraries_go_where_they_are_named() {
        let fixture = Fixture::new();
        fs::write(fixture.path("source/addon.gdextension"), EXTENSION.replace("play", "addon"))
            .unwrap();
        let (play, addon) =
            (fixture.path(&library()), fixture.path(&library().replace("play", "addon")));
        fs::write(&addon, "").unwrap();
        let projects = fixture.path("projects");
        let project =
            Project::stage_in(&projects, &fixture.path("source"), &[&play, &addon], "play")
                .unwrap();
        let list = fs::read_to_string(project.path().join(".godot/extension_list.cfg")).unwrap();
        assert_eq!(list, "res://addon.gdextension\nres://play.gdextension\n");
        let text = fs::read_to_string(project.path().join("addon.gdextension")).unwrap();
        assert!(text.contains("addon.") && !text.contains("play"), "{text}");
    }

    #[track_caller]
    fn check_error(fixture: &Fixture, expected: &str) {
        let error = fixture.stage().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn folder_without_a_project() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path("source/project.godot")).unwrap();
        check_error(&fixture, "no project.godot");
    }

    #[test]
    fn project_without_an_extension() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path("source/play.gdextension")).unwrap();
        check_error(&fixture, "no .gdextension");
    }

    #[test]
    fn library_that_was_not_built() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path(&library())).unwrap();
        check_error(&fixture, "does not exist: build");
    }

    #[test]
    fn extension_of_another_library() {
        let fixture = Fixture::new();
        fs::write(fixture.path("source/play.gdextension"), EXTENSION.replace("play", "game"))
            .unwrap();
        check_error(
            &fixture,
            "names the library res://../../../target/debug/libgame.so, but what was built is",
        );
    }
}
