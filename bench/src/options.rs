//! How much is measured.

use std::time::Duration;

/// What the caller has chosen; it reaches Godot's side as arguments of the game.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether it has to be over within a minute.
    pub quick: bool,
    /// The cases whose names contain one of these texts; all if there are none.
    pub cases: Vec<String>,
}

const QUICK: &str = "--quick";

impl Options {
    /// Returns the arguments that [`from_args`](Self::from_args) reads.
    pub fn to_args(&self) -> Vec<String> {
        let quick = self.quick.then(|| QUICK.to_owned());
        quick.into_iter().chain(self.cases.iter().cloned()).collect()
    }

    /// Reads the arguments of the game.
    pub fn from_args(args: impl IntoIterator<Item = String>) -> Self {
        let (flags, cases): (Vec<_>, Vec<_>) =
            args.into_iter().partition(|arg| arg.starts_with("--"));
        Self { quick: flags.iter().any(|flag| flag == QUICK), cases }
    }

    /// Returns whether a case is to be run.
    pub fn has(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|text| case.contains(text))
    }

    /// Returns the numbers of tasks.
    pub(crate) fn sizes(&self) -> &'static [usize] {
        if self.quick { &[100, 1_000, 10_000] } else { &[100, 1_000, 10_000, 100_000] }
    }

    /// Returns how often everything is repeated.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    /// Returns how long one subject's frames are measured in a round.
    pub(crate) fn budget(&self) -> Duration {
        Duration::from_millis(if self.quick { 60 } else { 250 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_the_way_to_godot() {
        let options = Options { quick: true, cases: vec!["spawn".to_owned()] };
        assert_eq!(Options::from_args(options.to_args()), options);
    }

    #[test]
    fn no_case_is_every_case() {
        assert!(Options::default().has("spawn"));
    }

    #[test]
    fn cases_are_chosen_by_a_part_of_their_names() {
        let options = Options { quick: false, cases: vec!["frame".to_owned()] };
        assert!(options.has("frame_wait"));
        assert!(!options.has("spawn"));
    }
}
