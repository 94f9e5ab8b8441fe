//! A cutscene of ten minutes and 500 beats, rehearsed.

use std::cell::Cell;
use std::thread;
use std::time::Instant;

use cuelight::{Cue, Ease, ScriptFutureExt as _, animate, join, rehearse, wait_seconds};

use super::{Figures, progress};
use crate::Options;
use crate::stats::median;

pub(super) const CASE: &str = "rehearsal";

const BEATS: usize = 500;

/// The number of rehearsals before the measured ones, and of these.
const WARM_UP: usize = 5;
const REHEARSALS: usize = 20;

pub(super) fn run(options: &Options) {
    let mut waits = Figures::new(CASE, "waits", BEATS).with_unit("ms");
    let mut moves = Figures::new(CASE, "waits, a tenth moves", BEATS).with_unit("ms");
    for round in 1..=options.rounds() {
        progress(format!("{CASE}, {BEATS} beats, round {round}"));
        waits.rounds.push(measure(0));
        moves.rounds.push(measure(1));
    }
    waits.finish();
    moves.finish();
}

/// Plays the scene; `moves` says how many of ten beats are movements, which ask for each frame.
async fn cutscene(moves: usize) {
    let (key, place) = (Cue::<u32>::new(), Cell::new(0.0));
    for beat in 0..BEATS {
        match beat % 10 {
            it if it < moves => animate(1.2, Ease::InOutSine, |t| place.set(t)).await,
            4 => drop(join((wait_seconds(1.2), wait_seconds(0.7))).await),
            9 => assert!(key.wait().timeout(1.2).await.is_err()),
            _ => wait_seconds(1.2).await,
        }
    }
}

/// Returns the milliseconds of one rehearsal.
fn measure(moves: usize) -> f64 {
    // A rehearsal takes the place of a runtime, and the game's is on the main thread.
    let rehearsals = thread::spawn(move || {
        let once = || {
            let begun = Instant::now();
            rehearse(cutscene(moves)).expect("the scene comes to its end");
            begun.elapsed().as_secs_f64() * 1e3
        };
        for _ in 0..WARM_UP {
            once();
        }
        median((0..REHEARSALS).map(|_| once()).collect())
    });
    rehearsals.join().expect("the scene does not panic")
}
