//! Enemies, behaviour included: what one costs in a frame.

use std::cell::RefCell;
use std::rc::Rc;

use godot::prelude::*;

use super::{Figures, frames, idle_frame, progress, until};
use crate::Options;
use crate::enemies::{Counts, Enemies, Subject};
use crate::frame::{in_each_frame, next_frame};
use crate::loops::cuelight_is_idle;

pub(super) const CASE: &str = "enemies";

/// The engine calls that an enemy makes in a frame.
const CALLS_CASE: &str = "enemies_calls";

/// They begin in so many frames: they look around ten times a second, and a sixth of them in each frame.
const BEGINNING: usize = 6;

/// The number of frames before the measured ones: the first blows have been struck.
const WARM_UP: usize = 90;

/// The space between two posts.
const SPACE: f32 = 24.0;

pub(super) async fn run(options: &Options, parent: &Gd<Node>) {
    // Ten thousand coroutines alone would take a quick run's minute.
    let most = if options.quick { 1_000 } else { 10_000 };
    for &n in options.sizes().iter().filter(|&&n| (1_000..=most).contains(&n)) {
        compare(n, options, parent).await;
    }
}

/// Measures the subjects in turn, so that what the machine does meanwhile meets all of them.
async fn compare(n: usize, options: &Options, parent: &Gd<Node>) {
    let subjects = Subject::ALL;
    let mut times: Vec<_> =
        subjects.iter().map(|subject| Figures::new(CASE, subject.name, n)).collect();
    let mut calls: Vec<_> = subjects
        .iter()
        .map(|subject| Figures::new(CALLS_CASE, subject.name, n).with_unit("calls"))
        .collect();
    let count = if options.quick { 60 } else { 180 };
    for round in 1..=options.rounds() {
        let mut done = Vec::new();
        for (subject, (times, calls)) in subjects.iter().zip(times.iter_mut().zip(&mut calls)) {
            progress(format!("{CASE}, {} × {n}, round {round}", subject.name));
            let (time, counts) = measure(subject, n, count, parent).await;
            times.rounds.push(time);
            calls.rounds.push(counts.calls as f64 / (count * n) as f64);
            done.push(counts);
        }
        assert_same(&done);
    }
    times.into_iter().chain(calls).for_each(Figures::finish);
}

/// Returns the cost of an enemy in a frame in nanoseconds, and what all have done meanwhile.
async fn measure(subject: &Subject, n: usize, count: usize, parent: &Gd<Node>) -> (f64, Counts) {
    let mut enemies = (subject.start)();
    let mut holder = Node::new_alloc();
    let side = (n as f32).sqrt() as usize;
    let mut player = Node2D::new_alloc();
    holder.add_child(&player);
    let nodes: Vec<_> = (0..n)
        .map(|number| {
            let mut node = enemies.make();
            let place = Vector2::new((number % side) as f32, (number / side) as f32);
            node.set_position(place * SPACE);
            holder.add_child(&node);
            node
        })
        .collect();
    parent.clone().add_child(&holder);
    let idle_before = idle_frame().await;

    let enemies = Rc::new(RefCell::new(enemies));
    let each_frame = in_each_frame({
        let (enemies, mut frame) = (enemies.clone(), 0);
        move || {
            let mut enemies = enemies.borrow_mut();
            // The player walks in circles.
            let way = Vector2::from_angle(frame as f32 * 0.003) * 500.0;
            player.set_position(Vector2::splat(side as f32 * SPACE / 2.0) + way);
            enemies.frame();
            // They come one after the other, as they were made.
            for node in nodes.chunks(n.div_ceil(BEGINNING)).nth(frame).into_iter().flatten() {
                enemies.begin(node, &player);
            }
            frame += 1;
        }
    });
    for _ in 0..WARM_UP {
        next_frame().await;
    }
    let before = enemies.borrow().counts();
    let busy = frames(count).await;
    let after = enemies.borrow().counts();
    let counts = Counts { calls: after.calls - before.calls, blows: after.blows - before.blows };

    let frames_to_end = enemies.borrow_mut().end();
    for _ in 0..frames_to_end {
        next_frame().await;
    }
    drop(each_frame);
    drop::<Rc<RefCell<Box<dyn Enemies>>>>(enemies);
    holder.free();
    next_frame().await;
    until("the end of cuelight's tasks", cuelight_is_idle).await;
    let idle_after = idle_frame().await;
    ((busy - f64::midpoint(idle_before, idle_after)) / n as f64, counts)
}

/// Asserts that all have done the same, but for what rounding makes of a distance.
fn assert_same(done: &[Counts]) {
    let is_near = |a: u64, b: u64, by: f64| (a as f64 / b as f64 - 1.0).abs() < by;
    let first = done[0];
    assert!(first.blows > 0, "somebody strikes");
    for other in done {
        let is_same =
            is_near(other.calls, first.calls, 0.01) && is_near(other.blows, first.blows, 0.1);
        assert!(is_same, "the same engine calls and blows in all: {done:?}");
    }
}
