//! Heap allocations of an await, in loops that have run for a while.

use cuelight::{Cue, TaskGroup};
use godot::prelude::*;

use super::{Figures, progress, until};
use crate::Options;
use crate::counting::Count;
use crate::frame::{in_each_frame, next_frame};
use crate::listeners::{self, Emitter, Listeners};
use crate::loops::{self, Counter, cuelight_is_idle};

/// What the names of all of them begin with.
pub(super) const CASE: &str = "allocations";

const FRAME_CASE: &str = "allocations_frame";
const SECONDS_CASE: &str = "allocations_seconds";
const SIGNAL_CASE: &str = "allocations_signal";
const CUE_CASE: &str = "allocations_cue";

const N: usize = 1_000;

/// The number of frames before the counted ones, and of these.
const WARM_UP: usize = 60;
const FRAMES: usize = 60;

/// Counting needs no rounds: it is the same each time.
pub(super) async fn run(_options: &Options, parent: &Gd<Node>) {
    for subject in [loops::Subject::CUELIGHT, loops::Subject::GODOT_TASK] {
        let loops = (subject.start)(parent, N);
        let count = count(|| loops.resumes()).await;
        finish(FRAME_CASE, subject.name, count.per_await());
        loops.end();
        settle().await;
    }
    let seconds = tasks(|| cuelight::wait_seconds(1.0 / 60.0));
    finish(SECONDS_CASE, "cuelight", seconds.count().await.per_await());
    drop(seconds);
    settle().await;

    let cue = Cue::<u32>::new();
    let cues = tasks({
        let cue = cue.clone();
        move || {
            let cue = cue.clone();
            async move {
                let _given = cue.wait().await;
            }
        }
    });
    let giving = in_each_frame(move || cue.give(7));
    finish(CUE_CASE, "cuelight", cues.count().await.per_await());
    drop((giving, cues));
    settle().await;

    // What emitting allocates is none of those who listen.
    let bare = signals(&listeners::Subject::NOBODY, parent).await.per_frame();
    for (name, subject) in [
        ("cuelight, .stream()", listeners::Subject::CUELIGHT_STREAM),
        ("cuelight, .wait()", listeners::Subject::CUELIGHT),
        ("godot::task", listeners::Subject::GODOT_TASK),
    ] {
        let counted = signals(&subject, parent).await.per_frame();
        finish(SIGNAL_CASE, name, (counted - bare) / N as f64);
    }
}

/// What has happened in the counted frames.
struct Counted {
    allocations: u64,
    awaits: u64,
}

impl Counted {
    fn per_await(&self) -> f64 {
        assert_eq!(self.awaits, (N * FRAMES) as u64, "an await each in each frame");
        self.allocations as f64 / self.awaits as f64
    }

    fn per_frame(&self) -> f64 {
        self.allocations as f64 / FRAMES as f64
    }
}

/// Counts for some frames.
async fn count(awaits: impl Fn() -> u64) -> Counted {
    for _ in 0..WARM_UP {
        next_frame().await;
    }
    let before = awaits();
    let count = Count::begin();
    for _ in 0..FRAMES {
        next_frame().await;
    }
    Counted { allocations: count.allocations(), awaits: awaits() - before }
}

/// Tasks of cuelight's that await one thing again and again.
struct Tasks {
    counter: Counter,
    _group: TaskGroup,
}

impl Tasks {
    async fn count(&self) -> Counted {
        count(|| self.counter.get()).await
    }
}

fn tasks<F>(wait: impl Fn() -> F + Clone + 'static) -> Tasks
where
    F: Future<Output = ()> + 'static,
{
    let (counter, group) = (Counter::default(), TaskGroup::new());
    for _ in 0..N {
        let (counter, wait) = (counter.clone(), wait.clone());
        let _detached = group.spawn(async move {
            loop {
                wait().await;
                counter.increment();
            }
        });
    }
    Tasks { counter, _group: group }
}

/// Counts for listeners of one emitter each.
async fn signals(subject: &listeners::Subject, parent: &Gd<Node>) -> Counted {
    let mut holder = Node::new_alloc();
    let emitters: Vec<Gd<Emitter>> = (0..N).map(|_| Emitter::new_alloc()).collect();
    emitters.iter().for_each(|emitter| holder.add_child(emitter));
    parent.clone().add_child(&holder);
    let listening: Box<dyn Listeners> = (subject.start)(parent, &emitters);
    let emission = in_each_frame({
        let (mut emitters, name, args) = (emitters, StringName::from("fired"), [7.to_variant()]);
        move || {
            for emitter in &mut emitters {
                emitter.emit_signal(&name, &args);
            }
        }
    });
    let counted = count(|| listening.heard()).await;
    drop(emission);
    listening.end();
    holder.free();
    settle().await;
    counted
}

fn finish(case: &'static str, subject: &'static str, count: f64) {
    progress(format!("{case}, {subject} × {N}"));
    let mut figures = Figures::new(case, subject, N).with_unit("allocations");
    figures.rounds.push(count);
    figures.finish();
}

async fn settle() {
    next_frame().await;
    until("the end of cuelight's tasks", cuelight_is_idle).await;
}
