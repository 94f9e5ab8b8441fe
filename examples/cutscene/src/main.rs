//! Plays the cutscene: `cargo run -p cutscene`, in a window or with `-- --headless`.

use std::process::ExitCode;
use std::time::Duration;

use launcher::example::Example;

fn main() -> ExitCode {
    launcher::example::main(Example {
        name: env!("CARGO_PKG_NAME"),
        about: "Plays a short cutscene, and ends by itself. Keys: Space or Enter for the next line, 1 or 2 to choose",
        library: "cutscene",
        project: concat!(env!("CARGO_MANIFEST_DIR"), "/project"),
        quit_after: 60 * 60,
        time_limit: Duration::from_secs(120),
    })
}
