//! Runs the tests inside Godot, and reports them as `cargo test` reports any: with filters, `--list`, `--exact`,
//! `--skip` and `--nocapture`.
//!
//! What a test printed is shown when it fails. `--nocapture` shows what Godot prints while it prints it.

mod machine;
mod process;
mod shared;

use std::process::ExitCode;
use std::sync::Arc;

use engine_tests::{Place, Test};
use launcher::Godot;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::machine::Machine;
use crate::process::Report;
use crate::shared::Shared;

/// The test that is about the end of the process which the ordinary tests share.
const SHARED_END: &str = "harness::shared_process_ends_cleanly";

fn main() -> ExitCode {
    process::catch_panics_of_checks();
    let args = Arguments::from_args();
    let tests = engine_tests::tests();
    let wanted = |name: &str| is_wanted(&args, name);
    let machine =
        if args.list || !(wanted(SHARED_END) || tests.iter().any(|test| wanted(&test.name()))) {
            None
        } else {
            match Godot::find().map_err(|error| error.to_string()).and_then(|godot| {
                Machine::new(godot, args.nocapture).map_err(|error| error.to_string())
            }) {
                Ok(machine) => Some(Arc::new(machine)),
                Err(error) => {
                    eprintln!("the engine tests cannot run: {error}");
                    return ExitCode::FAILURE;
                }
            }
        };
    let shared = |place: Place| {
        let selected = tests
            .iter()
            .copied()
            .filter(|test| test.setup().place == place && wanted(&test.name()))
            .collect();
        Arc::new(Shared::new(machine.clone(), place, selected))
    };
    let (game, specimens) = (shared(Place::Shared), shared(Place::Specimens));

    let mut trials: Vec<Trial> = tests
        .iter()
        .copied()
        .map(|test| {
            let machine = machine.clone();
            let shared = match test.setup().place {
                Place::Shared => Some(Arc::clone(&game)),
                Place::Specimens => Some(Arc::clone(&specimens)),
                Place::OwnGame | Place::OwnEditor => None,
            };
            Trial::test(test.name(), move || {
                let report = match (shared, machine) {
                    (Some(shared), _) => shared.report(test),
                    (None, Some(machine)) => machine.run_alone(test),
                    (None, None) => Report::failed("it was not selected when Godot was looked for"),
                };
                verdict(test, &report)
            })
        })
        .collect();
    trials.push(Trial::test(SHARED_END, move || {
        let failures = game.end();
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
    }));
    libtest_mimic::run(&args, trials).exit_code()
}

/// Returns whether the arguments select a test, by the rules of `libtest-mimic` (which keeps its function to itself).
fn is_wanted(args: &Arguments, name: &str) -> bool {
    let fits =
        |filter: &String| if args.exact { name == filter } else { name.contains(filter.as_str()) };
    // No test here has the flag that this selects.
    !args.ignored && args.filter.as_ref().is_none_or(fits) && !args.skip.iter().any(fits)
}

fn verdict(test: &Test, report: &Report) -> Result<(), Failed> {
    let parts = test.setup().fails_with;
    let text = report.to_string();
    if parts.is_empty() {
        return if report.failures.is_empty() { Ok(()) } else { Err(text.into()) };
    }
    if report.failures.is_empty() {
        return Err("it had to fail, and has passed".into());
    }
    match parts.iter().find(|part| !text.contains(**part)) {
        None => Ok(()),
        Some(part) => {
            Err(format!("it had to fail with {part:?}, but its report is\n{text}").into())
        }
    }
}
