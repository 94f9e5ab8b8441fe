//! One program has one log: in every process, and whatever else the machine does meanwhile.

use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, thread};

use super::drive;
use super::random::{in_thread, program_of_seed};

/// The programs whose logs are compared, by their seeds.
const SEEDS: std::ops::Range<u64> = 0..40;

/// As often they are run beside threads that keep the machine busy.
const REPEATS: usize = 30;

/// Names the file that a process which the test starts writes its logs to.
const LOG_FILE: &str = "MODEL_LOG_FILE";

fn logs() -> Vec<String> {
    in_thread(|| SEEDS.flat_map(|seed| drive::run(&program_of_seed(seed))).collect())
}

#[test]
fn two_processes_have_one_log() {
    let logs = logs();
    if let Some(file) = env::var_os(LOG_FILE) {
        fs::write(file, logs.join("\n")).expect("the log can be written");
        return;
    }
    assert!(logs.len() > 1_000, "the programs do something");
    let file = env::temp_dir().join(format!("cuelight-model-{}.log", std::process::id()));
    let test = env::current_exe().expect("the test has a path");
    let output = Command::new(test)
        .args(["--exact", "model::determinism::two_processes_have_one_log"])
        .env(LOG_FILE, &file)
        .output()
        .expect("the test can start itself");
    assert!(output.status.success(), "{output:?}");
    let other = fs::read_to_string(&file).expect("the other process has written its log");
    fs::remove_file(&file).expect("the log can be removed");
    assert_eq!(other.lines().collect::<Vec<_>>(), logs);
}

#[test]
fn a_busy_machine_changes_no_log() {
    let first = logs();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                // Memory moves about, too, so that no log can hang on an address.
                let mut kept = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    kept.push(black_box(vec![0_u8; 1 + kept.len() * 37 % 4_099]));
                    if kept.len() > 500 {
                        kept.clear();
                    }
                }
            });
        }
        let differs = (0..REPEATS).find(|_| logs() != first);
        over.store(true, Ordering::Relaxed);
        assert_eq!(differs, None, "a run has had another log");
    });
}
