//! Starts Godot as the examples and tests do, with any arguments; without any, prints its path.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use launcher::{Godot, Mode, display};

const HELP: &str = "\
Finds Godot, or downloads it, as the examples and the tests do

Usage: launcher [ARGUMENT]...

Without arguments it prints Godot's path (its version goes to the standard error). With arguments, those are Godot's:
  cargo run -p launcher -- --editor --path examples/cutscene/project
  cargo run -p launcher -- --help-godot     what arguments Godot has
";

fn main() -> ExitCode {
    let mut args: Vec<OsString> = env::args_os().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    for arg in &mut args {
        if arg == "--help-godot" {
            *arg = "--help".into();
        }
    }
    let godot = match Godot::find() {
        Ok(godot) => godot,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if args.is_empty() {
        eprintln!("Godot {}", godot.version());
        println!("{}", godot.program().display());
        return ExitCode::SUCCESS;
    }
    let mode = if display::is_available() { Mode::Window } else { Mode::Headless };
    // No limits and no pipes: whoever calls this sits before it.
    match godot.command(mode).args(args).status() {
        Ok(status) => {
            ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
        }
        Err(error) => {
            eprintln!("error: {} cannot be started: {error}", godot.program().display());
            ExitCode::FAILURE
        }
    }
}
