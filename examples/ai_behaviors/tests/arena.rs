//! The arena in Godot, without a window: what it prints, and how it ends.

use std::path::Path;
use std::time::Duration;

use launcher::{Godot, Project, Run, Stream};

/// Plays with some arguments to its end, and returns what was printed.
///
/// # Panics
/// If it does not end well, or an error was printed.
#[track_caller]
fn play(name: &str, args: &[&str]) -> Vec<String> {
    let library = launcher::cdylib_of_current_exe("ai_behaviors").expect("the library is built");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("project");
    let project = Project::stage(&source, &library, name).expect("the project is staged");
    let godot = Godot::find().expect("there is a Godot");
    let mut run = Run::new(&godot, &project)
        .fixed_fps(60)
        .quit_after(6000)
        .time_limit(Duration::from_secs(120));
    for arg in args {
        run = run.user_arg(arg);
    }
    let mut running = run.spawn().expect("Godot starts");
    let (mut printed, mut errors) = (Vec::new(), Vec::new());
    while let Some(line) = running.next_line() {
        match line.stream {
            Stream::Stdout => printed.push(line.text),
            Stream::Stderr => errors.push(line.text),
        }
    }
    let outcome = running.wait().expect("it ends by itself");
    assert!(outcome.success(), "{outcome:?}, {printed:#?}");
    assert_eq!(errors, [""; 0]);
    printed
}

#[test]
fn a_crowd_leaves_nothing_behind() {
    let printed = play("arena-crowd", &["--agents=600", "--seconds=8"]);
    let figure = |name: &str| printed.iter().find(|line| line.starts_with(name)).cloned();
    let left = figure("left").expect("it says what is left");
    assert!(left.contains(" 0 tasks, 1 groups (before: 1), 0 waits"), "{left}");
    let deaths = figure("deaths").expect("it says who died");
    assert!(!deaths.contains(" 0 by") && !deaths.contains("; 0 freed"), "{deaths}");
}

#[test]
fn the_same_seed_is_the_same_game() {
    let play = |seed: &str| {
        let mut printed = play(&format!("arena{seed}"), &["--agents=40", "--seconds=20", seed]);
        printed.retain(|line| !line.starts_with("scripts"));
        printed
    };
    let game = play("--seed=3");
    assert!(game.len() > 50, "something happens: {game:#?}");
    assert_eq!(game, play("--seed=3"));
    assert_ne!(game, play("--seed=8"));
}
