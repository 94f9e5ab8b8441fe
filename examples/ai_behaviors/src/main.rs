//! Opens the arena: `cargo run -p ai_behaviors`, in a window or with `-- --headless`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use launcher::example::Example;

/// What of the arena can be chosen.
#[derive(Args)]
struct Arena {
    /// How many enemies there are
    #[arg(long, value_name = "N", default_value_t = 36)]
    agents: u32,

    /// Leave the arena after so many seconds of the game [default: never in a window, 30 when headless]
    #[arg(long, value_name = "S")]
    seconds: Option<u32>,

    /// What the dice start from: the same seed is the same game
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    seed: u64,

    /// Let the player steer itself, as it does when headless
    #[arg(long)]
    autoplay: bool,
}

/// More frames than any game that is asked for, at 60 a second.
const FRAMES: u32 = 60 * 60 * 60;

fn main() -> ExitCode {
    let example = Example {
        name: env!("CARGO_PKG_NAME"),
        about: "Opens an arena full of enemies. Keys: arrows or WASD to walk, Space to strike, F for a frost bomb, \
                Q to whistle, Tab or a click to look into an enemy, X to free it, P to pause",
        library: "ai_behaviors",
        project: concat!(env!("CARGO_MANIFEST_DIR"), "/project"),
        quit_after: FRAMES,
        time_limit: Duration::from_secs(15 * 60),
    };
    launcher::example::main_with(example, |arena: &Arena, run| {
        let run = run
            .user_arg(format!("--agents={}", arena.agents))
            .user_arg(format!("--seed={}", arena.seed));
        let run = match arena.seconds {
            Some(seconds) => run.user_arg(format!("--seconds={seconds}")),
            None => run,
        };
        if arena.autoplay { run.user_arg("--autoplay") } else { run }
    })
}
