//! Scripts that wait for the next frame: the memory that each takes beside its own future.

use godot::classes::Os;
use godot::prelude::*;

use super::{Figures, progress, until};
use crate::Options;
use crate::counting::Count;
use crate::frame::next_frame;
use crate::loops::{Subject, cuelight_is_idle};

/// All of it: what Rust has allocated, and what the engine has, less the future. GDScript has no future of a size that one
/// could ask for: all of a coroutine's state is counted.
pub(super) const CASE: &str = "memory";

/// The engine's share.
const ENGINE_CASE: &str = "memory_engine";

const N: usize = 10_000;

/// Has to come before all other cases, and counts once: arenas that have grown stay as large as they are, so that the
/// next tasks would look free.
pub(super) async fn run(_options: &Options, parent: &Gd<Node>) {
    let subjects =
        [Subject::CUELIGHT, Subject::GODOT_TASK, Subject::GDSCRIPT, Subject::BOXED_DIRECT];
    let mut all = Vec::new();
    let mut engines = Vec::new();
    for subject in subjects {
        progress(format!("{CASE}, {} × {N}", subject.name));
        let (rust, engine) = measure(&subject, parent).await;
        let mut figures = Figures::new(CASE, subject.name, N).with_unit("B");
        figures.rounds.push(rust + engine);
        all.push(figures);
        let mut figures = Figures::new(ENGINE_CASE, subject.name, N).with_unit("B");
        figures.rounds.push(engine);
        engines.push(figures);
    }
    all.into_iter().chain(engines).for_each(Figures::finish);
}

/// Returns what Rust has allocated for each script beside its future, and what the engine has.
async fn measure(subject: &Subject, parent: &Gd<Node>) -> (f64, f64) {
    // What the engine makes at the first use is none of the scripts'.
    let few = (subject.start)(parent, 1);
    next_frame().await;
    few.end();
    settle(parent).await;

    let engine_before = engine_memory();
    let count = Count::begin();
    let loops = (subject.start)(parent, N);
    next_frame().await;
    let rust = count.bytes() as f64 / N as f64 - loops.future_size() as f64;
    let engine = (engine_memory() - engine_before) / N as f64;
    drop(count);
    loops.end();
    settle(parent).await;
    (rust, engine)
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
