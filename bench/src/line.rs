//! What Godot's side prints for the other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured.
    pub case: String,
    /// Whose it is.
    pub subject: String,
    /// The number of loops, of nodes, or of tasks alive.
    pub n: usize,
    /// The figure, the median of all rounds.
    pub value: f64,
    /// The least of all rounds.
    pub low: f64,
    /// The greatest of all rounds.
    pub high: f64,
    /// The unit of the figure.
    pub unit: String,
}

/// A line of Godot's output that is meant for the bench target.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// What is being done.
    Progress(String),
    /// The version of Godot that runs.
    Version(String),
    /// A result.
    Measurement(Measurement),
}

const PROGRESS: &str = "engine-bench progress: ";
const VERSION: &str = "engine-bench version: ";
const MEASUREMENT: &str = "engine-bench measurement: ";

impl Line {
    /// Reads a line; `None` if it is one of Godot's own.
    pub fn parse(line: &str) -> Option<Self> {
        if let Some(text) = line.strip_prefix(PROGRESS) {
            return Some(Self::Progress(text.to_owned()));
        }
        if let Some(text) = line.strip_prefix(VERSION) {
            return Some(Self::Version(text.to_owned()));
        }
        let json = line.strip_prefix(MEASUREMENT)?;
        serde_json::from_str(json).ok().map(Self::Measurement)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress(text) => write!(f, "{PROGRESS}{text}"),
            Self::Version(text) => write!(f, "{VERSION}{text}"),
            Self::Measurement(measurement) => {
                let json = serde_json::to_string(measurement).map_err(|_| fmt::Error)?;
                write!(f, "{MEASUREMENT}{json}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: Line) {
        assert_eq!(Line::parse(&line.to_string()), Some(line));
    }

    #[test]
    fn progress_is_read_as_it_was_printed() {
        check(Line::Progress("spawn, 100 tasks".to_owned()));
    }

    #[test]
    fn version_is_read_as_it_was_printed() {
        check(Line::Version("4.6.3-stable".to_owned()));
    }

    #[test]
    fn measurement_is_read_as_it_was_printed() {
        check(Line::Measurement(Measurement {
            case: "frame_wait".to_owned(),
            subject: "godot::task".to_owned(),
            n: 100,
            value: 1900.25,
            low: 1850.5,
            high: 2100.0,
            unit: "ns".to_owned(),
        }));
    }

    #[test]
    fn other_lines_are_none_of_ours() {
        assert_eq!(Line::parse("ERROR: engine-bench progress: "), None);
    }
}
