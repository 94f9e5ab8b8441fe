//! What Godot tells the harness: lines on its standard output that begin with a token.
//!
//! The token is made for each process and handed over by an environment variable, so that nothing which a test prints
//! can be taken for a message. A message is found anywhere in a line, since what a test prints need not end with a line
//! break. The two streams are read independently of each other, so the begin and the end of a test are told on both.

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::sync::OnceLock;

/// The environment variable of the token.
pub const TOKEN: &str = "ENGINE_TESTS_TOKEN";

/// The environment variable of the names of the tests to run, one a line.
pub const NAMES: &str = "ENGINE_TESTS_NAMES";

/// What Godot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The test of this name begins.
    Start(String),
    /// The running test has failed; the first line of why.
    Fail(String),
    /// One more line of the last failure.
    More(String),
    /// The library is about to be reloaded, in the middle of a test.
    Reload,
    /// The test of this name has ended.
    End(String),
    /// Something that a test notes for the check of its process.
    Note(String),
    /// All tests have run.
    Done,
}

impl Message {
    fn word_and_text(&self) -> (&'static str, &str) {
        match self {
            Message::Start(name) => ("start", name),
            Message::Fail(line) => ("fail", line),
            Message::More(line) => ("more", line),
            Message::Reload => ("reload", ""),
            Message::End(name) => ("end", name),
            Message::Note(text) => ("note", text),
            Message::Done => ("done", ""),
        }
    }

    fn parse(text: &str) -> Option<Message> {
        let (word, text) = text.split_once(' ').unwrap_or((text, ""));
        let text = text.to_string();
        Some(match word {
            "start" => Message::Start(text),
            "fail" => Message::Fail(text),
            "more" => Message::More(text),
            "reload" => Message::Reload,
            "end" => Message::End(text),
            "note" => Message::Note(text),
            "done" => Message::Done,
            _ => return None,
        })
    }

    /// Finds a message in a line. Returns what was printed before it, too.
    pub fn find<'a>(token: &str, line: &'a str) -> (&'a str, Option<Message>) {
        let Some((before, text)) = line.split_once(token) else { return (line, None) };
        match text.strip_prefix(' ').and_then(Message::parse) {
            Some(message) => (before, Some(message)),
            None => (line, None),
        }
    }
}

/// Returns a token that cannot be guessed.
pub fn new_token() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("@{:016x}{:016x}", random(), random())
}

/// The longest text of a message. Pipes take writes of up to 4,096 bytes in one piece, whoever else writes.
const LONGEST: usize = 3000;

/// Tells the harness something. Does nothing in a process that it has not started.
pub(crate) fn tell(message: &Message) {
    static OURS: OnceLock<Option<String>> = OnceLock::new();
    let Some(token) = OURS.get_or_init(|| env::var(TOKEN).ok()) else { return };
    let (word, text) = message.word_and_text();
    let text = text.replace(['\n', '\r'], " ");
    let end = text.floor_char_boundary(LONGEST);
    let line = format!("{token} {word} {}\n", &text[..end]);
    // A closed pipe means that the harness is gone, and soon we are too.
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
    if matches!(message, Message::Start(_) | Message::End(_)) {
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

/// Tells of a failure of the running test, in as many lines as it has.
pub(crate) fn tell_failure(text: &str) {
    let mut lines = text.lines();
    tell(&Message::Fail(lines.next().unwrap_or_default().to_string()));
    for line in lines {
        tell(&Message::More(line.to_string()));
    }
}

/// Notes something for the check of the process, [`Ended::notes`](crate::Ended). Works on every thread, and when the
/// engine is gone.
pub(crate) fn note(text: impl Into<String>) {
    tell(&Message::Note(text.into()));
}

/// Returns the names of the tests that the harness wants.
pub(crate) fn wanted() -> Vec<String> {
    let names = env::var(NAMES).unwrap_or_default();
    names.lines().map(str::to_string).collect()
}
