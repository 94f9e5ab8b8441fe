//! All `unsafe` code of this crate is in `src/raw/`, and each block names the rule of `src/raw/mod.rs` that it relies on.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file, and the same text with comments and literals blanked out.
struct Source {
    /// The path below `src`, with `/` on every system.
    path: String,
    text: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blank(text) }
    }

    /// Calls a function with each line's number that has the keyword `unsafe`, and what follows it.
    fn each_unsafe(&self, mut function: impl FnMut(usize, &str)) {
        for (index, line) in self.code.lines().enumerate() {
            let mut rest = line;
            while let Some(at) = rest.find("unsafe") {
                let (before, after) = (&rest[..at], &rest[at + "unsafe".len()..]);
                let is_part = |char: char| char.is_alphanumeric() || char == '_';
                if !before.ends_with(is_part) && !after.starts_with(is_part) {
                    function(index, after.trim_start());
                }
                rest = after;
            }
        }
    }

    /// Returns the comment above the statement that a line belongs to, as one line.
    fn comment_above(&self, index: usize) -> String {
        let (text, code): (Vec<_>, Vec<_>) =
            (self.text.lines().collect(), self.code.lines().collect());
        let is_comment = |line: usize| text[line].trim_start().starts_with("//");
        let mut first = index;
        // A statement begins after the end of another, a blank line, or a comment.
        while first > 0
            && !is_comment(first - 1)
            && !code[first - 1].trim().is_empty()
            && !code[first - 1].trim_end().ends_with([';', '{', '}', ','])
        {
            first -= 1;
        }
        let mut lines = Vec::new();
        while first > 0 && is_comment(first - 1) {
            first -= 1;
            lines.push(text[first].trim_start().trim_start_matches('/').trim());
        }
        lines.reverse();
        lines.join(" ")
    }
}

/// Returns a text with comments and literals blanked out, line by line the same.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let starts =
        |at: usize, what: &str| what.chars().eq(chars[at..].iter().copied().take(what.len()));
    let mut code = String::new();
    let mut at = 0;
    while at < chars.len() {
        let end = if starts(at, "//") {
            (at..chars.len()).find(|&end| chars[end] == '\n').unwrap_or(chars.len())
        } else if starts(at, "/*") {
            (at + 2..chars.len()).find(|&end| starts(end, "*/")).map_or(chars.len(), |end| end + 2)
        } else if starts(at, "r#\"") {
            (at + 3..chars.len()).find(|&end| starts(end, "\"#")).map_or(chars.len(), |end| end + 2)
        } else if starts(at, "r\"") {
            (at + 2..chars.len()).find(|&end| chars[end] == '"').map_or(chars.len(), |end| end + 1)
        } else if chars[at] == '"' {
            let mut end = at + 1;
            while end < chars.len() && chars[end] != '"' {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            (end + 1).min(chars.len())
        } else if starts(at, "'\"'") || starts(at, "'\\\"'") {
            at + if chars[at + 1] == '\\' { 4 } else { 3 }
        } else {
            code.push(chars[at]);
            at += 1;
            continue;
        };
        code.extend(chars[at..end].iter().map(|&char| if char == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// Returns the numbers of the rules that a module doc lists: lines of the form `//! 3. *Name*: …`.
fn rules_of(text: &str) -> Vec<u32> {
    let numbered = |line: &str| line.strip_prefix("//! ")?.split_once(". *")?.0.parse().ok();
    text.lines().filter_map(numbered).collect()
}

/// Returns the numbers of the rules that a comment cites: `rule 3`, `rules 3 and 4`, `rules 1, 2 and 4`.
fn cited(comment: &str) -> Vec<u32> {
    let mut cited = Vec::new();
    for after in comment.split("rule").skip(1) {
        let after = after.strip_prefix('s').unwrap_or(after);
        for word in after.split([' ', ',']).filter(|word| !word.is_empty() && *word != "and") {
            match word.trim_end_matches(['.', ':', ';', ')']).parse() {
                Ok(rule) => cited.push(rule),
                Err(_) => break,
            }
        }
    }
    cited
}

/// Returns what is wrong with the sources.
fn problems(sources: &[Source], rules: &[u32]) -> Vec<String> {
    let mut problems = Vec::new();
    if !(1..=rules.len() as u32).eq(rules.iter().copied()) || rules.is_empty() {
        problems.push(format!("raw/mod.rs numbers its rules {rules:?}: number them 1, 2, 3, …"));
    }
    let mut used = Vec::new();
    for source in sources {
        let is_raw = source.path.starts_with("raw/") || source.path == "raw.rs";
        source.each_unsafe(|index, after| {
            let place = format!("{}:{}", source.path, index + 1);
            if !is_raw {
                // A trait that is unsafe to implement relies on nothing itself.
                if !after.starts_with("trait") {
                    problems.push(format!(
                        "{place}: `unsafe` outside of raw/: put it behind a safe function there"
                    ));
                }
                return;
            }
            if !after.starts_with('{') && !after.starts_with("impl") {
                return;
            }
            let comment = source.comment_above(index);
            let Some((_, reason)) = comment.split_once("SAFETY:") else {
                problems.push(format!(
                    "{place}: `unsafe` without a comment above: write `// SAFETY: rule N, …`"
                ));
                return;
            };
            let cited = cited(reason);
            if cited.is_empty() {
                problems.push(format!(
                    "{place}: the comment cites no rule: write `// SAFETY: rule N, …` with a rule of raw/mod.rs"
                ));
            }
            for rule in cited {
                used.push(rule);
                if !rules.contains(&rule) {
                    problems.push(format!(
                        "{place}: the comment cites rule {rule}, which raw/mod.rs does not have"
                    ));
                }
            }
        });
    }
    for rule in rules.iter().filter(|rule| !used.contains(rule)) {
        problems.push(format!("raw/mod.rs: rule {rule} is cited nowhere: take it out"));
    }
    problems
}

fn read(folder: &Path, root: &Path, sources: &mut Vec<Source>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(&path, root, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(root).unwrap();
            let names: Vec<_> = below.iter().map(|name| name.to_str().unwrap()).collect();
            sources.push(Source::new(&names.join("/"), &fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn each_block_is_in_raw_and_cites_its_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    read(&root, &root, &mut sources);
    let list =
        sources.iter().find(|source| source.path == "raw/mod.rs").expect("the list of rules");
    let problems = problems(&sources, &rules_of(&list.text));
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    // The test has found what it is about.
    let mut count = 0;
    sources.iter().for_each(|source| source.each_unsafe(|_, _| count += 1));
    assert!(count > 10, "only {count} in {} files", sources.len());
}

/// Checks what is found in one file, with the rules 1 and 2, of which another file cites both.
#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let citing = "// SAFETY: rules 1 and 2, as an example.\nunsafe { call() };";
    let sources = [Source::new("raw/other.rs", citing), Source::new(path, text)];
    assert_eq!(problems(&sources, &[1, 2]), expected);
}

#[test]
fn outside_of_raw() {
    let expected = ["task.rs:2: `unsafe` outside of raw/: put it behind a safe function there"];
    check("task.rs", "fn a() {\n    unsafe { b() }\n}", &expected);
    check("task.rs", "\nunsafe impl Send for A {}", &expected);
    check("task.rs", "\nlet a = || unsafe {\n};", &expected);
    check("task.rs", "\npub unsafe fn a() {}", &expected);
    check("task.rs", "pub unsafe trait A {}", &[]);
}

#[test]
fn only_the_keyword_counts() {
    check("task.rs", r#"let a = r"\"; let b = "unsafe { a() }";"#, &[]);
    check("task.rs", "// unsafe { a() }\nlet a = \"unsafe { \\\" }\"; /* unsafe { } */", &[]);
    check(
        "task.rs",
        "#![deny(unsafe_op_in_unsafe_fn)] let b = '\"'; let a = r#\"unsafe { \"#;",
        &[],
    );
    check(
        "task.rs",
        "let quote = '\"'; unsafe {} // '\"'",
        &["task.rs:1: `unsafe` outside of raw/: put it behind a safe function there"],
    );
}

#[test]
fn without_a_comment() {
    let expected = ["raw/a.rs:2: `unsafe` without a comment above: write `// SAFETY: rule N, …`"];
    check("raw/a.rs", "let a = 1;\nlet b = unsafe { c() };", &expected);
    check("raw/a.rs", "// This is safe, by rule 1.\nunsafe impl Send for A {}", &expected);
    // It belongs to another statement.
    check("raw/a.rs", "// SAFETY: rule 1, a.\nunsafe { a() }; unsafe { b() }", &[]);
    check(
        "raw/a.rs",
        "// SAFETY: rule 1, a.\nunsafe { a() };\nunsafe { b() }",
        &["raw/a.rs:3: `unsafe` without a comment above: write `// SAFETY: rule N, …`"],
    );
}

#[test]
fn without_a_rule() {
    check(
        "raw/a.rs",
        "// SAFETY: the type is `Send`.\nunsafe { a() }",
        &[
            "raw/a.rs:2: the comment cites no rule: write `// SAFETY: rule N, …` with a rule of raw/mod.rs",
        ],
    );
}

#[test]
fn with_a_rule_that_is_not_there() {
    check(
        "raw/a/b.rs",
        "// SAFETY: rules 1 and 7, a.\nunsafe { a() }",
        &["raw/a/b.rs:2: the comment cites rule 7, which raw/mod.rs does not have"],
    );
}

#[test]
fn comment_of_several_lines_above_a_long_statement() {
    check(
        "raw/a.rs",
        "// SAFETY: the caller's promise,\n// and rule 2.\nlet a =\n    b(unsafe { c() });",
        &[],
    );
    check("raw/a.rs", "/// # Safety\n/// None.\nunsafe fn a() {}", &[]);
}

#[test]
fn rules_are_numbered_in_order_and_all_cited() {
    let list = "//! The rules:\n//! 1. *In place*: a\n//!    and 2. b\n//! 2. *One*: c\n";
    assert_eq!(rules_of(list), [1, 2]);
    let citing = [Source::new("raw/a.rs", "// SAFETY: rule 1.\nunsafe { a() }")];
    let uncited = "raw/mod.rs: rule 2 is cited nowhere: take it out";
    assert_eq!(problems(&citing, &[1, 2]), [uncited]);
    let misnumbered = "raw/mod.rs numbers its rules [1, 1]: number them 1, 2, 3, …";
    assert_eq!(problems(&citing, &[1, 1]), [misnumbered]);
}
