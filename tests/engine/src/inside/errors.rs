//! The engine's errors and warnings during a test, and which of them it has announced.

use std::fmt;

use godot::prelude::*;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// An error of the engine, of a script or of a shader.
    Error,
    /// A warning.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Error => "engine error",
            Level::Warning => "engine warning",
        })
    }
}

/// What a test says will come.
#[derive(Clone, Debug)]
pub(super) struct Announced {
    pub(super) level: Level,
    pub(super) part: String,
}

/// What came.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    level: Level,
    text: String,
    place: String,
}

impl Heard {
    /// Returns whether it is the error that `godot`'s panic hook makes of every panic, for one at this place.
    pub(super) fn is_panic_at(&self, place: &str) -> bool {
        self.level == Level::Error && self.text.starts_with(&format!("[panic {place}]"))
    }
}

/// Takes what the logger has heard since the last call, on whatever thread.
pub(super) fn take(host: &mut Gd<Node>) -> Vec<Heard> {
    const WARNING: i64 = 1;
    let heard: VarArray = host.call("take_errors", &[]).to();
    heard
        .iter_shared()
        .map(|entry| {
            let entry: VarArray = entry.to();
            let kind: i64 = entry.at(0).to();
            Heard {
                level: if kind == WARNING { Level::Warning } else { Level::Error },
                text: entry.at(1).to(),
                place: entry.at(2).to(),
            }
        })
        .collect()
}

/// Matches what came with what was announced, one to one. Returns what does not fit, as failures.
pub(super) fn differences(heard: Vec<Heard>, mut announced: Vec<Announced>) -> Vec<String> {
    let mut failures = Vec::new();
    for Heard { level, text, place } in heard {
        let fitting = announced.iter().position(|announced| {
            announced.level == level
                && (text.contains(&announced.part) || place.contains(&announced.part))
        });
        match fitting {
            Some(index) => drop(announced.remove(index)),
            None => failures.push(format!("{level} that was not announced: {text}\nat {place}")),
        }
    }
    for Announced { level, part } in announced {
        failures.push(format!("{level} that was announced did not come: {part:?}"));
    }
    failures
}
