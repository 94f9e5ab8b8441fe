//! Which tests there are, and what each asks for.
//!
//! They register themselves in a section of the library, so that the harness lists them without starting Godot.

use std::pin::Pin;

use linkme::distributed_slice;

use crate::inside::Context;

/// A test's future.
pub(crate) type TestFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A test that runs inside Godot.
pub struct Test {
    /// The module that it is in.
    pub(crate) module: &'static str,
    /// Its function's name.
    pub(crate) function: &'static str,
    /// The line that registers it.
    pub(crate) line: u32,
    /// What it asks for.
    pub(crate) setup: Setup,
    /// Makes its future.
    pub(crate) start: fn(Context) -> TestFuture,
}

impl Test {
    /// Returns its name, with the modules below `tests`.
    pub fn name(&self) -> String {
        let module = self.module.strip_prefix("engine_tests::tests::").unwrap_or(self.module);
        format!("{module}::{}", self.function)
    }

    /// Returns what it asks for.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }
}

/// Returns all tests, by module and in the order of their lines.
pub fn tests() -> Vec<&'static Test> {
    let mut tests: Vec<_> = TESTS.iter().collect();
    tests.sort_by_key(|test| (test.module, test.line));
    tests
}

/// Where a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the game that all ordinary tests share.
    Shared,
    /// In the game that the specimens share: tests of the harness, which crash it on purpose.
    Specimens,
    /// In a game of its own.
    OwnGame,
    /// In an editor of its own.
    OwnEditor,
}

/// What a test asks for.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Where it runs.
    pub place: Place,
    /// After how many frames it counts as hung.
    pub frames: u32,
    /// After how many seconds of wall time Godot counts as hung, and is killed.
    pub seconds: u32,
    /// Whether it may leave things behind.
    pub may_leave: bool,
    /// Whether it ends the process itself.
    pub quits: bool,
    /// Whether Godot says more than usual, as which objects are left at its exit.
    pub verbose: bool,
    /// Another library that the game loads, by the name that it was built with.
    pub beside: Option<&'static str>,
    /// Looks at how its own process ended, outside of it.
    pub check: Option<fn(&Ended)>,
    /// Parts of the report of its failure, for a test of the harness that has to fail.
    pub fails_with: &'static [&'static str],
}

impl Setup {
    const fn in_place(place: Place) -> Setup {
        Setup {
            place,
            frames: 600,
            seconds: 60,
            may_leave: false,
            quits: false,
            verbose: false,
            beside: None,
            check: None,
            fails_with: &[],
        }
    }

    /// An ordinary test: it shares its process with others.
    pub const fn shared() -> Setup {
        Setup::in_place(Place::Shared)
    }

    /// A test of the harness, in a process that may crash.
    pub const fn specimen() -> Setup {
        Setup::in_place(Place::Specimens)
    }

    /// A test in a game of its own. The process has to end with status 0 and without an error, unless
    /// [`checked_by`](Setup::checked_by) looks after that.
    pub const fn own_game() -> Setup {
        Setup::in_place(Place::OwnGame)
    }

    /// A test in an editor of its own, where the library can be reloaded.
    pub const fn own_editor() -> Setup {
        Setup::in_place(Place::OwnEditor)
    }

    /// Sets after how many frames it counts as hung, instead of 600. A reload starts the count anew.
    pub const fn frames(mut self, frames: u32) -> Setup {
        self.frames = frames;
        self
    }

    /// Sets after how many seconds of wall time it counts as hung, instead of 60.
    pub const fn seconds(mut self, seconds: u32) -> Setup {
        self.seconds = seconds;
        self
    }

    /// Lets it leave nodes, connections and tasks behind, which is what a test of the exit is about.
    pub const fn may_leave(mut self) -> Setup {
        self.may_leave = true;
        self
    }

    /// Says that it ends the process itself, in the middle of the test.
    pub const fn quits(mut self) -> Setup {
        self.quits = true;
        self
    }

    /// Has Godot say more than usual, as which objects are left at its exit. Only in a process of its own.
    pub const fn verbose(mut self) -> Setup {
        self.verbose = true;
        self
    }

    /// Has the game load another library, which is built with the harness. Only in a process of its own. Its file is
    /// [`BESIDE`].
    pub const fn beside(mut self, library: &'static str) -> Setup {
        self.beside = Some(library);
        self
    }

    /// Has a function look at how its own process ended. It runs in the harness, not in Godot, and fails the test by
    /// a panic.
    pub const fn checked_by(mut self, check: fn(&Ended)) -> Setup {
        self.check = Some(check);
        self
    }

    /// Says that the test fails, and that the report has these parts: for tests of the harness.
    pub const fn fails_with(mut self, parts: &'static [&'static str]) -> Setup {
        self.fails_with = parts;
        self
    }
}

/// The file that names the library of [`Setup::beside`], in the project.
pub const BESIDE: &str = "beside.gdextension";

/// How a test's own process ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// The exit status, unless a signal ended it.
    pub status: Option<i32>,
    /// The signal that ended it (a crash).
    pub signal: Option<i32>,
    /// All that was told by `note`, in order.
    pub notes: Vec<String>,
    /// Errors and warnings that were printed outside the test: mostly, after its end.
    pub errors: Vec<String>,
}

impl Ended {
    /// Checks that it ended with status 0 and without errors.
    #[track_caller]
    pub fn assert_clean(&self) {
        let wrong = self.wrong();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Returns what is wrong with an end that should be clean.
    pub fn wrong(&self) -> Vec<String> {
        let ending = match (self.status, self.signal) {
            (Some(0), _) => None,
            (Some(status), _) => Some(format!("Godot ended with status {status}")),
            (None, Some(signal)) => Some(format!("Godot crashed at its exit: signal {signal}")),
            (None, None) => Some("Godot ended in an unknown way".to_string()),
        };
        let errors = self.errors.iter().map(|error| format!("error outside of a test: {error}"));
        ending.into_iter().chain(errors).collect()
    }
}

/// The registered tests, in the order of linking.
#[distributed_slice]
pub(crate) static TESTS: [Test];

/// Registers an `async fn(ctx: Context)` as a test, with a [`Setup`] if it is no ordinary one.
macro_rules! engine_test {
    ($function:ident) => {
        engine_test!($function, $crate::Setup::shared());
    };
    ($function:ident, $setup:expr) => {
        const _: () = {
            #[linkme::distributed_slice($crate::registry::TESTS)]
            static TEST: $crate::Test = $crate::Test {
                module: module_path!(),
                function: stringify!($function),
                line: line!(),
                setup: $setup,
                start: |ctx| Box::pin($function(ctx)),
            };
        };
    };
}
