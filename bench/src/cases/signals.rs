//! Signals that are awaited in loops: what it costs beside the emission itself.

use std::cell::RefCell;
use std::rc::Rc;

use godot::prelude::*;

use super::{Figures, frames, idle_frame, progress, until};
use crate::Options;
use crate::frame::{in_each_frame, next_frame};
use crate::listeners::{Emitter, Listeners, Subject};
use crate::loops::cuelight_is_idle;

/// A signal each, awaited anew each time.
pub(super) const WAIT_CASE: &str = "signal_wait";

/// A signal each, in a stream.
pub(super) const STREAM_CASE: &str = "signal_stream";

/// One signal, which all of them await: the cost for each.
pub(super) const MANY_CASE: &str = "emit_to_many";

/// The number of frames before the measured ones.
const WARM_UP: usize = 3;

/// The number of measured frames.
fn frame_count(options: &Options) -> usize {
    if options.quick { 9 } else { 60 }
}

pub(super) async fn run_wait(options: &Options, parent: &Gd<Node>) {
    let subjects = [
        Subject::CUELIGHT,
        Subject::CUELIGHT_KEPT,
        Subject::GODOT_TASK,
        Subject::GODOT_TASK_KEPT,
        Subject::GDSCRIPT,
        Subject::CLOSURE,
    ];
    run(WAIT_CASE, &subjects, emitters, options, parent).await;
}

pub(super) async fn run_stream(options: &Options, parent: &Gd<Node>) {
    let subjects =
        [Subject::CUELIGHT_STREAM, Subject::GODOT_TASK, Subject::GDSCRIPT, Subject::CLOSURE];
    run(STREAM_CASE, &subjects, emitters, options, parent).await;
}

pub(super) async fn run_many(options: &Options, parent: &Gd<Node>) {
    let subjects = [Subject::CUELIGHT, Subject::GODOT_TASK, Subject::GDSCRIPT, Subject::ONE_SHOT];
    let one = |n| vec![Emitter::new_alloc(); n];
    run(MANY_CASE, &subjects, one, options, parent).await;
}

fn emitters(n: usize) -> Vec<Gd<Emitter>> {
    (0..n).map(|_| Emitter::new_alloc()).collect()
}

/// Measures the subjects in turn, so that what the machine does meanwhile meets all of them.
async fn run(
    case: &'static str,
    subjects: &[Subject],
    emitters: impl Fn(usize) -> Vec<Gd<Emitter>>,
    options: &Options,
    parent: &Gd<Node>,
) {
    for &n in options.sizes().iter().filter(|&&n| (1_000..=10_000).contains(&n)) {
        let mut figures: Vec<_> =
            subjects.iter().map(|subject| Figures::new(case, subject.name, n)).collect();
        for round in 1..=options.rounds() {
            let bare = measure(&Subject::NOBODY, &emitters(n), frame_count(options), parent).await;
            for (subject, figures) in subjects.iter().zip(&mut figures) {
                progress(format!("{case}, {} × {n}, round {round}", subject.name));
                figures.rounds.push(
                    measure(subject, &emitters(n), frame_count(options), parent).await - bare,
                );
            }
        }
        figures.into_iter().for_each(Figures::finish);
    }
}

/// Returns what a frame with an emission of each emitter costs for each listener, in nanoseconds.
async fn measure(
    subject: &Subject,
    emitters: &[Gd<Emitter>],
    count: usize,
    parent: &Gd<Node>,
) -> f64 {
    let mut holder = Node::new_alloc();
    // One may be listed for each of its listeners.
    let mut alone = emitters.to_vec();
    alone.dedup();
    alone.iter().for_each(|emitter| holder.add_child(emitter));
    parent.clone().add_child(&holder);
    let idle_before = idle_frame().await;

    let listeners = Rc::new(RefCell::new((subject.start)(parent, emitters)));
    let emission = in_each_frame({
        let (listeners, name, args) =
            (listeners.clone(), StringName::from("fired"), [7.to_variant()]);
        move || {
            for emitter in &mut alone {
                emitter.emit_signal(&name, &args);
            }
            listeners.borrow_mut().again();
        }
    });
    for _ in 0..WARM_UP {
        next_frame().await;
    }
    let heard_before = listeners.borrow().heard();
    let busy = frames(count).await;
    let heard = listeners.borrow().heard() - heard_before;
    let expected = if subject.name == Subject::NOBODY.name { 0 } else { count * emitters.len() };
    assert_eq!(heard, expected as u64, "{}: each emission is heard", subject.name);

    drop(emission);
    let listeners = Rc::into_inner(listeners).expect("nobody else has them").into_inner();
    Listeners::end(listeners);
    holder.free();
    next_frame().await;
    until("the end of cuelight's tasks", cuelight_is_idle).await;
    let idle_after = idle_frame().await;
    (busy - f64::midpoint(idle_before, idle_after)) / emitters.len() as f64
}
