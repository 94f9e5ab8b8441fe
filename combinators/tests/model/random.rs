//! The property: every program has the same log on the model and on the runtime.

use std::env;
use std::fmt::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::program::Program;
use super::{drive, generate, script};

/// The number of programs in an ordinary test.
const PROGRAMS: u64 = 5_000;

/// So many programs run one after the other in a runtime, which lives through all of them as that of
/// a game lives through reloads.
const BATCH: u64 = 500;

/// As often is a failing program made smaller at most.
const SHRINKS: u32 = 5_000;

#[test]
fn random_programs_follow_the_rules() {
    let first = number("MODEL_SEED").unwrap_or(0);
    let end = first + number("MODEL_PROGRAMS").unwrap_or(PROGRAMS);
    let next = AtomicU64::new(first);
    let work = || {
        loop {
            let begin = next.fetch_add(BATCH, Ordering::Relaxed);
            if begin >= end {
                return None;
            }
            let seeds = begin..end.min(begin + BATCH);
            if let Some(failure) = in_thread(|| try_seeds(seeds)) {
                next.store(end, Ordering::Relaxed);
                return Some(failure);
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, |count| count.get());
    let failure = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().find_map(|worker| worker.join().unwrap())
    });
    if let Some(failure) = failure {
        panic!("{failure}");
    }
}

/// Runs a function in a thread of its own, and so with a new runtime.
pub fn in_thread<T: Send>(function: impl FnOnce() -> T + Send) -> T {
    let function = || {
        drive::begin();
        function()
    };
    thread::scope(|scope| scope.spawn(function).join().unwrap())
}

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {value:?}")))
}

/// Runs the programs of some seeds in one runtime. If one fails, returns the smallest that fails too,
/// with what differs.
fn try_seeds(seeds: Range<u64>) -> Option<String> {
    let programs = generate::program();
    let begin = seeds.start;
    seeds.into_iter().find_map(|seed| try_seed(&programs, seed, begin))
}

fn try_seed(programs: &impl Strategy<Value = Program>, seed: u64, begin: u64) -> Option<String> {
    let mut tree = tree_of_seed(programs, seed);
    let mut smallest = tree.current();
    let failure = compare(&smallest)?;
    let Some(mut failure) = in_thread(|| compare(&smallest)) else {
        // It takes the programs before it to fail.
        let programs = seed + 1 - begin;
        let source = source(&smallest);
        return Some(format!("MODEL_SEED={begin} MODEL_PROGRAMS={programs}\n{source}\n{failure}"));
    };
    let mut simplify = tree.simplify();
    for _ in 0..SHRINKS {
        if !simplify {
            break;
        }
        let program = tree.current();
        // The failure of one may leave its runtime broken for the next.
        simplify = if let Some(smaller) = in_thread(|| compare(&program)) {
            failure = smaller;
            smallest = program;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    Some(format!("MODEL_SEED={seed} MODEL_PROGRAMS=1\n{}\n{failure}", source(&smallest)))
}

fn tree_of_seed<S: Strategy<Value = Program>>(programs: &S, seed: u64) -> S::Tree {
    // Seeds that are close to each other make a weak start for this generator.
    let mut bytes = [0; 16];
    for (part, bytes) in bytes.chunks_mut(8).enumerate() {
        let mixed = (2 * seed + part as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bytes.copy_from_slice(&(mixed ^ (mixed >> 32)).to_le_bytes());
    }
    let random = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    programs.new_tree(&mut runner).expect("nothing is filtered")
}

/// Returns the program of a seed.
pub fn program_of_seed(seed: u64) -> Program {
    tree_of_seed(&generate::program(), seed).current()
}

/// Runs a program on the model and on the runtime, and returns what differs.
pub fn compare(program: &Program) -> Option<String> {
    let root_time = drive::root_time();
    let rules = script::run(program, root_time);
    let runtime = catch_unwind(AssertUnwindSafe(|| drive::run(program))).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or(panic.downcast_ref::<&str>().map(|text| text.to_string()));
        let mut log = drive::take_log();
        log.push(format!("a panic came out of the runtime: {message:?}"));
        log
    });
    (rules != runtime).then(|| difference(&rules, &runtime))
}

/// Writes a program as it is written in `regressions.rs`.
fn source(program: &Program) -> String {
    let text = format!("{program:#?}").replace('[', "vec![").replace("inf", "f64::INFINITY");
    // Only the lists are worth a line for each entry.
    let mut lines = String::new();
    for line in text.lines() {
        let entry = line.trim_start();
        let depth = (line.len() - entry.len()) / 4;
        let closes = entry.starts_with(['}', ']', ')']);
        if (depth <= 2 && !closes) || depth == 0 {
            lines.push('\n');
        }
        lines.push_str(entry);
    }
    lines
}

fn difference(rules: &[String], runtime: &[String]) -> String {
    let mut text = String::new();
    let same = rules.iter().zip(runtime).take_while(|(a, b)| a == b).count();
    for line in &rules[..same] {
        let _ = writeln!(text, "  {line}");
    }
    for (name, log) in [("the rules", rules), ("the runtime", runtime)] {
        let _ = writeln!(text, "{name}:");
        for line in log[same..].iter().take(30) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}
