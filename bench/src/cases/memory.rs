//! Scripts that wait for the next frame: the memory that each takes beside its own future.

use godot::classes::Os;
use godot::prelude::*;

use super::{Figures, progress, until};
use crate::Options;
use crate::counting::Count;
use crate::frame::next_frame;
use crate::loops::{Loops, Subject, cuelight_is_idle};

/// All of it: what Rust has allocated, and what the engine has, less the future. GDScript has no future of a size that one
/// could ask for: all of a coroutine's state is counted.
pub(super) const CASE: &str = "memory";

/// The engine's share.
const ENGINE_CASE: &str = "memory_engine";

/// The second number fills the lists, which grow by an eighth.
const SIZES: [usize; 2] = [10_000, 16_728];

/// Has to come before all other cases, and counts once: arenas that have grown stay as large as they are, so that the
/// next tasks would look free.
pub(super) async fn run(_options: &Options, parent: &Gd<Node>) {
    let of_all: [&[Subject]; 4] = [
        &[Subject::CUELIGHT_PARKED, Subject::CUELIGHT],
        &[Subject::GODOT_TASK],
        &[Subject::GDSCRIPT],
        &[Subject::BOXED_DIRECT],
    ];
    let mut measured = Vec::new();
    for subjects in of_all {
        // What the engine makes at the first use is none of the scripts'.
        let few = (subjects[0].start)(parent, 1);
        next_frame().await;
        few.end();
        settle(parent).await;

        // The second of a library comes on top of the first, so that its arenas grow as from the beginning.
        let mut alive = Vec::with_capacity(2 * SIZES.len());
        let count = Count::begin();
        for subject in subjects {
            progress(format!("{CASE}, {} × {SIZES:?}", subject.name));
            measured.extend(measure(subject, &count, &mut alive, parent).await);
        }
        drop(count);
        for loops in alive {
            loops.end();
        }
        settle(parent).await;
    }
    // What is compared comes first.
    measured.sort_by_key(|measured| measured.subject != Subject::CUELIGHT.name);
    for (case, value) in
        [(CASE, (|it| it.rust + it.engine) as fn(&Measured) -> f64), (ENGINE_CASE, |it| it.engine)]
    {
        for measured in &measured {
            let mut figures = Figures::new(case, measured.subject, measured.n).with_unit("B");
            figures.rounds.push(value(measured));
            figures.finish();
        }
    }
}

/// The bytes that each script takes.
struct Measured {
    subject: &'static str,
    n: usize,
    /// What Rust has allocated beside the future.
    rust: f64,
    engine: f64,
}

async fn measure(
    subject: &Subject,
    count: &Count,
    started: &mut Vec<Box<dyn Loops>>,
    parent: &Gd<Node>,
) -> [Measured; SIZES.len()] {
    let mut measured = SIZES.map(|n| Measured { subject: subject.name, n, rust: 0.0, engine: 0.0 });
    let (rust_before, engine_before) = (count.bytes(), engine_memory());
    let mut alive = 0;
    for measured in &mut measured {
        if subject.name == Subject::BOXED_DIRECT.name {
            // A frame polls one list of boxes, and freed boxes leave nothing behind: it begins anew.
            started.drain(..).for_each(|loops| loops.end());
            alive = 0;
        }
        let n = measured.n;
        let loops = (subject.start)(parent, n - alive);
        alive = n;
        next_frame().await;
        let rust = (count.bytes() - rust_before) as f64 / n as f64;
        measured.rust = rust - loops.future_size() as f64;
        measured.engine = (engine_memory() - engine_before) / n as f64;
        started.push(loops);
    }
    measured
}

/// Returns what the engine has allocated, in bytes; zero in its release builds, which do not count.
fn engine_memory() -> f64 {
    Os::singleton().get_static_memory_usage() as f64
}

async fn settle(parent: &Gd<Node>) {
    next_frame().await;
    until("the end of cuelight's tasks", cuelight_is_idle).await;
    until("the end of GDScript's node", || parent.get_child_count() == 0).await;
}
