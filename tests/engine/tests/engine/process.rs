//! One Godot, with the tests that it is given: follows them, watches the time, and reports each.

use std::cell::RefCell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use engine_tests::protocol::{self, Message};
use engine_tests::{Ended, Test};
use launcher::{Next, Project, Run, RunError, Stream};

use crate::machine::Machine;

/// How long Godot may take before the first test, and after the last.
const OUTSIDE: Duration = Duration::from_secs(120);

/// How many frames Godot may take beside the tests'.
const FRAMES_OUTSIDE: u32 = 2000;

/// How many bytes Godot may print.
const BYTES: u64 = 32 * 1024 * 1024;

/// How many lines of a test are kept, at its beginning and at its end each.
const LINES: usize = 200;

/// What has become of a test.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Why it failed, unless it passed.
    pub failures: Vec<String>,
    /// What Godot printed in the course of it.
    pub output: Vec<String>,
}

impl Report {
    pub fn failed(why: impl Into<String>) -> Report {
        Report { failures: vec![why.into()], output: Vec::new() }
    }

    /// Runs a check, whose panic is a failure of the test.
    pub fn check(&mut self, check: impl FnOnce()) {
        CAUGHT.set(Some(String::new()));
        let checked = panic::catch_unwind(AssertUnwindSafe(check));
        let caught = CAUGHT.take();
        if checked.is_err() {
            self.failures.push(format!("the check of its process {}", caught.unwrap_or_default()));
        }
    }
}

thread_local! {
    /// The panic of a check, while one runs.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has the panics of checks reported with their tests, and not where they happen.
pub fn catch_panics_of_checks() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let caught = CAUGHT.with_borrow_mut(|caught| {
            caught.as_mut().map(|caught| *caught = info.to_string()).is_some()
        });
        if !caught {
            before(info);
        }
    }));
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        let output = &self.output;
        if output.is_empty() {
            return Ok(());
        }
        writeln!(f, "--- output")?;
        let omitted = output.len().saturating_sub(2 * LINES);
        for (index, line) in output.iter().enumerate() {
            if omitted > 0 && index == LINES {
                writeln!(f, "({omitted} lines are left out)")?;
            }
            if omitted == 0 || index < LINES || index >= LINES + omitted {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

/// How a process ended.
#[derive(Debug, Default)]
pub struct End {
    pub ended: Ended,
    /// What was printed outside of tests.
    pub outside: Vec<String>,
    /// Whether it ended in the middle of a test, which is then reported to be the cause.
    pub in_test: bool,
    /// What kept it from starting, or why it was killed outside of a test.
    stopped: Option<String>,
}

impl End {
    /// Says why a test did not come to run.
    pub fn never_ran(&self) -> String {
        let why = match &self.stopped {
            Some(why) => why.clone(),
            None => format!("Godot {} before it came to the test", ending(&self.ended)),
        };
        format!("{why}\n{}", self.outside.join("\n"))
    }

    /// Says what was wrong, apart from the tests.
    pub fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self.stopped.iter().cloned().collect();
        failures.extend(self.ended.wrong());
        if !failures.is_empty() {
            failures.extend(self.outside.iter().cloned());
        }
        failures
    }
}

/// A Godot and its tests.
pub struct Process<'a> {
    machine: &'a Machine,
    project: &'a Project,
    editor: bool,
    token: String,
    tests: Vec<Course>,
    /// How many tests have been reported.
    reported: usize,
    /// The test that each stream is in: the standard output, and the standard error. They are read independently of
    /// each other, and so may be in different tests.
    streams: [Option<usize>; 2],
    end: End,
}

/// A test in its course.
struct Course {
    test: &'static Test,
    report: Report,
    /// When it began, or began anew.
    started: Option<Instant>,
    /// On which streams it has ended.
    ended: [bool; 2],
}

const STDOUT: usize = 0;
const STDERR: usize = 1;

impl<'a> Process<'a> {
    pub fn new(
        machine: &'a Machine,
        project: &'a Project,
        editor: bool,
        tests: &[&'static Test],
    ) -> Process<'a> {
        let course = |test: &&'static Test| Course {
            test,
            report: Report::default(),
            started: None,
            ended: [false; 2],
        };
        Process {
            machine,
            project,
            editor,
            token: protocol::new_token(),
            tests: tests.iter().map(course).collect(),
            reported: 0,
            streams: [None; 2],
            end: End::default(),
        }
    }

    /// Runs it to its end. The tests are reported in their order; the last reported may be the one that ended it.
    pub fn run(&mut self, mut on_report: impl FnMut(&'static Test, Report)) -> End {
        let tests = || self.tests.iter().map(|course| course.test);
        let names: Vec<String> = tests().map(Test::name).collect();
        let frames: u32 = tests().map(|test| test.setup().frames + 100).sum();
        let mut run = Run::new(&self.machine.godot, self.project)
            .editor(self.editor)
            .fixed_fps(60)
            // Reloads start a test's count anew.
            .quit_after(FRAMES_OUTSIDE + frames * if self.editor { 20 } else { 1 })
            .env(protocol::TOKEN, &self.token)
            .env(protocol::NAMES, names.join("\n"))
            .output_limit(BYTES);
        if tests().any(|test| test.setup().verbose) {
            run = run.arg("--verbose");
        }
        let mut running = match run.spawn() {
            Ok(running) => running,
            Err(error) => {
                self.end.stopped = Some(error.to_string());
                return std::mem::take(&mut self.end);
            }
        };

        let mut killed = None;
        let mut outside_since = Instant::now();
        loop {
            // What is killed gets the time to end.
            let (since, limit) = match (&killed, self.running()) {
                (Some((_, at)), _) => (*at, OUTSIDE),
                (None, Some((since, test))) => {
                    (since, Duration::from_secs(test.setup().seconds.into()))
                }
                (None, None) => (outside_since, OUTSIDE),
            };
            match running.next_line_within(limit.saturating_sub(since.elapsed())) {
                Next::Line(line) => {
                    self.take_line(line.stream, &line.text);
                    while let Some((test, report)) = self.next_ended() {
                        outside_since = Instant::now();
                        on_report(test, report);
                    }
                }
                Next::Silence if since.elapsed() >= limit => {
                    if killed.is_some() {
                        break;
                    }
                    running.kill();
                    let why =
                        format!("hung: no end within {} s, so Godot was killed", limit.as_secs());
                    killed = Some((why, Instant::now()));
                }
                Next::Silence => {}
                Next::End => break,
            }
        }
        let limit_reached = match running.wait() {
            Ok(outcome) => {
                self.end.ended.status = outcome.status.code();
                self.end.ended.signal = outcome.signal();
                None
            }
            Err(error @ (RunError::TimeLimit { .. } | RunError::OutputLimit { .. })) => {
                Some(error.to_string())
            }
            Err(error) => Some(format!("{error}, unexpectedly")),
        };
        let stopped = killed.map(|(why, _)| why).or(limit_reached);
        let course = self.tests.get_mut(self.reported).filter(|course| course.started.is_some());
        match course.map(|course| (course.test, std::mem::take(&mut course.report))) {
            Some((test, mut report)) => {
                self.end.in_test = true;
                let announced = test.setup().quits && stopped.is_none();
                if !announced {
                    report.failures.push(stopped.unwrap_or_else(|| self.ending_in_test()));
                }
                on_report(test, report);
            }
            None => self.end.stopped = stopped,
        }
        std::mem::take(&mut self.end)
    }

    /// Returns the running test, and since when it runs.
    fn running(&self) -> Option<(Instant, &'static Test)> {
        let course = self.tests.get(self.reported)?;
        Some((course.started?, course.test))
    }

    /// Returns the next test that has ended.
    fn next_ended(&mut self) -> Option<(&'static Test, Report)> {
        let course = self.tests.get_mut(self.reported)?;
        if course.ended != [true; 2] {
            return None;
        }
        self.reported += 1;
        Some((course.test, std::mem::take(&mut course.report)))
    }

    fn ending_in_test(&self) -> String {
        match self.end.ended.signal {
            Some(signal) => format!("crashed the engine: signal {signal}"),
            None => format!("Godot {} in the middle of the test", ending(&self.end.ended)),
        }
    }

    fn take_line(&mut self, stream: Stream, line: &str) {
        let stream = match stream {
            Stream::Stdout => STDOUT,
            Stream::Stderr => STDERR,
        };
        let (text, message) = Message::find(&self.token, line);
        if message.is_none() || !text.is_empty() {
            if self.machine.nocapture {
                eprintln!("{text}");
            }
            self.take_output(stream, text);
        }
        let told_in = self.streams[STDOUT].map(|index| &mut self.tests[index]);
        match (message, told_in) {
            (Some(Message::Start(name)), _) => {
                let named = |course: &Course| course.test.name() == name;
                self.streams[stream] = self.tests.iter().position(named);
                if let Some(index) = self.streams[stream] {
                    self.tests[index].started.get_or_insert_with(Instant::now);
                }
            }
            (Some(Message::End(_)), _) => {
                if let Some(index) = self.streams[stream].take() {
                    self.tests[index].ended[stream] = true;
                }
            }
            (Some(Message::Fail(line)), Some(course)) => course.report.failures.push(line),
            (Some(Message::More(line)), Some(course)) => {
                if let Some(failure) = course.report.failures.last_mut() {
                    failure.push('\n');
                    failure.push_str(&line);
                }
            }
            // A reload is progress.
            (Some(Message::Reload), Some(course)) => course.started = Some(Instant::now()),
            (Some(Message::Note(text)), _) => {
                if self.machine.nocapture {
                    eprintln!("note: {text}");
                }
                self.end.ended.notes.push(text);
            }
            _ => {}
        }
    }

    fn take_output(&mut self, stream: usize, text: &str) {
        if let Some(index) = self.streams[stream] {
            self.tests[index].report.output.push(text.to_string());
            return;
        }
        let is_error =
            ["ERROR: ", "SCRIPT ERROR: ", "WARNING: "].iter().any(|start| text.starts_with(start));
        // The editor is not ours to judge before the test: it complains about what a fresh project lacks.
        let is_judged = !self.editor || self.tests.iter().any(|course| course.started.is_some());
        if is_error && is_judged {
            self.end.ended.errors.push(text.to_string());
        }
        self.end.outside.push(text.to_string());
    }
}

fn ending(ended: &Ended) -> String {
    match (ended.status, ended.signal) {
        (Some(status), _) => format!("ended with status {status}"),
        (None, Some(signal)) => format!("crashed with signal {signal}"),
        (None, None) => "ended in an unknown way".to_string(),
    }
}
