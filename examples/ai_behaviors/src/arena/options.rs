//! What was chosen on the command line.

use godot::classes::{DisplayServer, Os};
use godot::obj::Singleton as _;

/// The arguments of the game.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many enemies there are.
    pub agents: usize,
    /// After how many seconds of the game it ends.
    pub seconds: Option<f64>,
    /// What the dice start from.
    pub seed: u64,
    /// Whether the player steers itself.
    pub autoplay: bool,
    /// Whether there is a window.
    pub is_seen: bool,
}

impl Options {
    /// From so many enemies on it is a crowd: there is weather, nobody tells stories, and the figures count.
    const CROWD: usize = 500;

    /// Reads the arguments of the game.
    pub fn read() -> Self {
        let is_seen = DisplayServer::singleton().get_name() != "headless";
        let mut options = Self { agents: 36, seconds: None, seed: 5, autoplay: !is_seen, is_seen };
        for arg in Os::singleton().get_cmdline_user_args().as_slice() {
            let arg = arg.to_string();
            let (name, value) = arg.split_once('=').unwrap_or((&arg, ""));
            match name {
                "--agents" => options.agents = value.parse().unwrap_or(options.agents),
                "--seconds" => options.seconds = value.parse().ok(),
                "--seed" => options.seed = value.parse().unwrap_or(options.seed),
                "--autoplay" => options.autoplay = true,
                _ => {}
            }
        }
        if !is_seen {
            options.seconds.get_or_insert(30.0);
        }
        options
    }

    /// Returns whether it is a crowd.
    pub fn is_crowd(&self) -> bool {
        self.agents >= Self::CROWD
    }
}
