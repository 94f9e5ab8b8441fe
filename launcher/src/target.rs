//! Where cargo has put things: the target directory, the profile's folder in it, and a package's dynamic library.

use std::env::{self, consts};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Returns cargo's target directory.
///
/// That is `CARGO_TARGET_DIR` where it is absolute. A relative one is relative to the folder that cargo was called
/// in, which a test does not know (cargo starts it in its package's folder); then, and without the variable, it is
/// found from the path of the running program.
///
/// # Errors
///
/// If the running program does not lie in a target directory.
pub fn target_dir() -> Result<PathBuf, TargetError> {
    target_dir_of(&current_exe()?, env::var_os("CARGO_TARGET_DIR").as_deref())
}

/// Returns the folder of the profile that the running program was built with, such as `target/debug`.
///
/// # Errors
///
/// If the running program does not lie in a target directory.
pub fn profile_dir() -> Result<PathBuf, TargetError> {
    let exe = current_exe()?;
    profile_dir_of(&exe).map(Path::to_path_buf).ok_or(TargetError::NoTargetDir { exe })
}

/// Returns the dynamic library of the package that the running program belongs to.
///
/// `name` is the library's name as in `Cargo.toml`; hyphens count as underscores. For a package with the crate types
/// `cdylib` and `rlib`, cargo builds the library for the package's own program as `target/<profile>/lib….so`, and for
/// its own test or bench beside that one's executable, in `deps/`.
///
/// # Errors
///
/// If there is no such file; the error says where it was looked for.
pub fn cdylib_of_current_exe(name: &str) -> Result<PathBuf, TargetError> {
    cdylib_of(&current_exe()?, name)
}

/// The target directory, or the library in it, was not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Occurs when the system does not say where the running program lies.
    #[error("the path of the running program is unknown: {0}")]
    NoExe(#[source] io::Error),

    /// Occurs when the running program was not built by cargo, or was moved.
    #[error(
        "{} does not lie in a target directory of cargo; start it with `cargo run` or `cargo test`, or set \
         CARGO_TARGET_DIR to an absolute path",
        exe.display()
    )]
    NoTargetDir {
        /// The running program.
        exe: PathBuf,
    },

    /// Occurs when the package has no `cdylib`, or another name.
    #[error(
        "the library `{name}` was not built: there is no {}; the package needs `crate-type = [\"cdylib\", \"rlib\"]` \
         in the [lib] section of its Cargo.toml, and this name",
        list(looked)
    )]
    NoLibrary {
        /// The library's name.
        name: String,
        /// The paths that were tried.
        looked: Vec<PathBuf>,
    },
}

fn current_exe() -> Result<PathBuf, TargetError> {
    env::current_exe().map_err(TargetError::NoExe)
}

fn target_dir_of(exe: &Path, variable: Option<&OsStr>) -> Result<PathBuf, TargetError> {
    if let Some(dir) = variable.map(Path::new).filter(|dir| dir.is_absolute()) {
        return Ok(dir.to_path_buf());
    }
    let no_target_dir = || TargetError::NoTargetDir { exe: exe.to_path_buf() };
    let profile = profile_dir_of(exe).ok_or_else(no_target_dir)?;
    let parent = profile.parent().ok_or_else(no_target_dir)?;
    // With `--target`, the profile's folder lies one deeper. Cargo marks the folder of the target triple too, so the
    // outermost mark counts.
    let grandparent = parent.parent().filter(|dir| is_marked(dir));
    Ok(grandparent.unwrap_or(parent).to_path_buf())
}

/// Returns the folder of a program's profile, unless the program does not lie where cargo puts it: what is written into
/// a target directory must not end up beside a program that was copied somewhere.
fn profile_dir_of(exe: &Path) -> Option<&Path> {
    let dir = exe.parent()?;
    let profile = match dir.file_name()?.to_str() {
        Some("deps" | "examples") => dir.parent()?,
        _ => dir,
    };
    let is_profile =
        [".cargo-lock", ".fingerprint", "deps"].iter().any(|file| profile.join(file).exists());
    (is_profile || profile.parent().is_some_and(is_marked)).then_some(profile)
}

/// Returns whether cargo has marked a folder as a target directory.
fn is_marked(dir: &Path) -> bool {
    // The second one is also in a folder that cargo did not make itself.
    ["CACHEDIR.TAG", ".rustc_info.json"].iter().any(|file| dir.join(file).exists())
}

fn cdylib_of(exe: &Path, name: &str) -> Result<PathBuf, TargetError> {
    let file = format!("{}{}{}", consts::DLL_PREFIX, name.replace('-', "_"), consts::DLL_SUFFIX);
    // The executable's own folder comes first: the copy in the other one may be of an older build.
    let looked: Vec<PathBuf> = [exe.parent(), profile_dir_of(exe)]
        .into_iter()
        .flatten()
        .map(|dir| dir.join(&file))
        .collect();
    match looked.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(TargetError::NoLibrary { name: name.to_string(), looked: dedup(looked) }),
    }
}

fn dedup(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.dedup();
    paths
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and no ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Checks the target directory of a program in a temporary folder, in which `marks` are files.
    #[track_caller]
    fn check(exe: &str, marks: &[&str], variable: Option<&str>, expected: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        for mark in marks {
            let mark = dir.path().join(mark);
            fs::create_dir_all(mark.parent().unwrap()).unwrap();
            fs::write(mark, "").unwrap();
        }
        let found = target_dir_of(&dir.path().join(exe), variable.map(OsStr::new));
        assert_eq!(found.ok(), expected.map(|expected| dir.path().join(expected)));
    }

    #[test]
    fn target_dir_of_a_program() {
        check("target/debug/cutscene", &["target/CACHEDIR.TAG"], None, Some("target"));
    }

    #[test]
    fn target_dir_of_a_test() {
        check(
            "target/release/deps/engine-0123",
            &["target/release/.cargo-lock"],
            None,
            Some("target"),
        );
    }

    #[test]
    fn target_dir_of_an_example() {
        check("target/debug/examples/a", &["target/.rustc_info.json"], None, Some("target"));
    }

    #[test]
    fn target_dir_above_a_triple() {
        let marks = ["target/CACHEDIR.TAG", "target/x86_64-unknown-linux-gnu/CACHEDIR.TAG"];
        check("target/x86_64-unknown-linux-gnu/debug/deps/engine", &marks, None, Some("target"));
    }

    #[test]
    fn copied_program_has_no_target_dir() {
        check("bin/cutscene", &[], None, None);
    }

    #[test]
    fn target_dir_from_the_environment() {
        let elsewhere = env::temp_dir();
        check(
            "target/debug/cutscene",
            &["target/CACHEDIR.TAG"],
            elsewhere.to_str(),
            elsewhere.to_str(),
        );
    }

    #[test]
    fn relative_target_dir_in_the_environment_is_found_from_the_program() {
        check("out/debug/cutscene", &["out/CACHEDIR.TAG"], Some("out"), Some("out"));
    }

    #[test]
    fn cdylib_beside_the_test_comes_before_the_one_of_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let deps = dir.path().join("deps");
        fs::create_dir(&deps).unwrap();
        let file = format!("{}a_b{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
        fs::write(dir.path().join(&file), "").unwrap();
        assert_eq!(cdylib_of(&deps.join("test"), "a-b").unwrap(), dir.path().join(&file));
        fs::write(deps.join(&file), "").unwrap();
        assert_eq!(cdylib_of(&deps.join("test"), "a-b").unwrap(), deps.join(&file));
        assert_eq!(cdylib_of(&dir.path().join("program"), "a-b").unwrap(), dir.path().join(&file));
    }

    #[test]
    fn missing_cdylib_says_where_it_was_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let error = cdylib_of(&dir.path().join("deps/test"), "x").unwrap_err().to_string();
        assert!(error.contains("`x` was not built"), "{error}");
        assert!(error.contains(&dir.path().join("deps").display().to_string()), "{error}");
        assert!(error.contains("cdylib"), "{error}");
    }
}
