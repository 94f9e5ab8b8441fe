//! The command line of an example: `cargo run -p cutscene -- --headless`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use crate::display;
use crate::godot::Godot;
use crate::project::Project;
use crate::run::Run;
use crate::target::cdylib_of_current_exe;

/// What an example is.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Its name, which is its package's: `env!("CARGO_PKG_NAME")`.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// The name of its library, as [`cdylib_of_current_exe`] wants it.
    pub library: &'static str,
    /// The folder of its Godot project: `concat!(env!("CARGO_MANIFEST_DIR"), "/project")`.
    pub project: &'static str,
    /// After how many frames it is ended when it runs headless and has not ended by itself.
    pub quit_after: u32,
    /// After how long it is killed, with an error, when it runs headless.
    pub time_limit: Duration,
}

/// Runs an example, and returns the exit status for its `main`.
///
/// In a window, or headless where there is no display. What the game prints is printed, its exit status is passed on,
/// and an error says what to do.
///
/// ```no_run
/// use std::process::ExitCode;
/// use std::time::Duration;
///
/// fn main() -> ExitCode {
///     launcher::example::main(launcher::example::Example {
///         name: env!("CARGO_PKG_NAME"),
///         about: "Plays a short cutscene",
///         library: "cutscene",
///         project: concat!(env!("CARGO_MANIFEST_DIR"), "/project"),
///         quit_after: 60 * 60,
///         time_limit: Duration::from_secs(120),
///     })
/// }
/// ```
pub fn main(example: Example) -> ExitCode {
    main_with(example, |_: &NoArgs, run| run)
}

/// Runs an example that has arguments of its own, which `configure` turns into what its game is to know.
///
/// ```no_run
/// # let example: launcher::example::Example = todo!();
/// #[derive(clap::Args)]
/// struct Crowd {
///     /// How many enemies there are
///     #[arg(long, value_name = "N", default_value_t = 100)]
///     agents: u32,
/// }
///
/// launcher::example::main_with(example, |crowd: &Crowd, run| run.user_arg(format!("--agents={}", crowd.agents)));
/// ```
pub fn main_with<A: Args>(
    example: Example,
    configure: impl for<'a> FnOnce(&A, Run<'a>) -> Run<'a>,
) -> ExitCode {
    let matches = Cli::<A>::command().name(example.name).about(example.about).get_matches();
    let cli = match Cli::<A>::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match play(example, &cli, configure) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli<A: Args> {
    /// Play without a window and print what happens; so it is where there is no display
    #[arg(long)]
    headless: bool,

    /// Record it to FILE, an .avi or .ogv, or a .png for single frames; needs a display
    #[arg(long, value_name = "FILE", conflicts_with = "headless")]
    movie: Option<PathBuf>,

    /// Use this Godot, 4.5 or newer [default: GODOT4_BIN, or `godot4` or `godot` on PATH, or a downloaded one]
    #[arg(long, value_name = "PROGRAM")]
    godot: Option<PathBuf>,

    #[command(flatten)]
    own: A,

    /// Arguments for the game itself, behind `--`
    #[arg(last = true, value_name = "ARGUMENT")]
    game: Vec<OsString>,
}

#[derive(Args)]
struct NoArgs {}

fn play<A: Args>(
    example: Example,
    cli: &Cli<A>,
    configure: impl for<'a> FnOnce(&A, Run<'a>) -> Run<'a>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let has_display = display::is_available();
    if cli.movie.is_some() && !has_display {
        return Err("--movie needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; without a screen, put \
                    `xvfb-run -a` before the command (from the package xvfb)"
            .into());
    }
    let headless = cli.headless || !has_display;
    if headless && !cli.headless {
        eprintln!(
            "There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): {} runs headless.",
            example.name
        );
    }

    let library = cdylib_of_current_exe(example.library)?;
    let project = Project::stage(Path::new(example.project), &library, example.name)?;
    let godot = match &cli.godot {
        Some(program) => Godot::at(program)?,
        None => Godot::find()?,
    };

    let mut run = Run::new(&godot, &project).headless(headless);
    if headless {
        // Without fixed frames, headless Godot sleeps between them.
        run = run.fixed_fps(60).quit_after(example.quit_after).time_limit(example.time_limit);
    }
    if let Some(file) = &cli.movie {
        run = run.movie(file).quit_after(example.quit_after);
    }
    run = configure(&cli.own, run);
    for arg in &cli.game {
        run = run.user_arg(arg);
    }
    Ok(run.run()?.exit_code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Args)]
    struct Crowd {
        #[arg(long, default_value_t = 100)]
        agents: u32,
    }

    #[test]
    fn command_line_is_consistent() {
        Cli::<NoArgs>::command().debug_assert();
        Cli::<Crowd>::command().debug_assert();
    }

    #[test]
    fn own_arguments_and_those_of_the_game() {
        let cli = Cli::<Crowd>::try_parse_from([
            "x",
            "--headless",
            "--agents",
            "7",
            "--",
            "--agents",
            "a",
        ])
        .unwrap();
        assert!(cli.headless);
        assert_eq!(cli.own.agents, 7);
        assert_eq!(cli.game, ["--agents", "a"]);
    }

    #[test]
    fn movie_without_a_window_is_refused() {
        assert!(Cli::<NoArgs>::try_parse_from(["x", "--headless", "--movie", "a.avi"]).is_err());
    }
}
