//! Values and timelines that hand a node in.

use std::cell::RefCell;
use std::rc::Rc;

use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

engine_test!(animate_hands_the_node_in_once_a_frame);
async fn animate_hands_the_node_in_once_a_frame(ctx: Context) {
    let node = actor(&ctx.root());
    let values = Rc::new(RefCell::new(Vec::new()));
    let place = values.clone();
    let task = node.spawn_task(|me| async move {
        me.animate(0.1, Ease::Linear, |me, t| {
            me.bind_mut().hp = (t * 100.0).round() as i64;
            place.borrow_mut().push(me.bind().hp);
        })
        .await;
    });
    ctx.frames(5).await;
    assert!(!task.is_finished());
    ctx.frame().await;
    assert!(task.is_finished());
    assert_eq!(*values.borrow(), [0, 17, 33, 50, 67, 83, 100]);
    assert_eq!(node.bind().hp, 100);
}

engine_test!(animate_ends_quietly_when_its_node_is_freed);
async fn animate_ends_quietly_when_its_node_is_freed(ctx: Context) {
    let (node, other) = (actor(&ctx.root()), actor(&ctx.root()));
    let trace = Trace::default();
    let task = node.spawn_task(|_me| {
        let (other, trace) = (other.clone(), trace.clone());
        async move {
            other.animate(10.0, Ease::Linear, |_other, _t| trace.step()).await;
            "over"
        }
    });
    ctx.frames(3).await;
    assert_eq!(trace.seen().0, 4);
    other.free();
    ctx.frame().await;
    assert_eq!(task.take(), Some(Ok("over")));
    assert_eq!(trace.seen().0, 4);
}

engine_test!(animate_on_both_sides_of_a_node_at_once);
async fn animate_on_both_sides_of_a_node_at_once(ctx: Context) {
    let mut node = Node2D::new_alloc();
    ctx.root().add_child(&node);
    let task = node.spawn_task(|me| async move {
        let walk = me.animate(0.1, Ease::Linear, |me, t| me.set_position(Vector2::RIGHT * t));
        let turn = me.animate(0.1, Ease::InQuad, |me, t| me.set_rotation(t));
        join((walk, turn)).await;
    });
    ctx.frames(6).await;
    assert!(task.is_finished());
    assert_eq!((node.get_position(), node.get_rotation()), (Vector2::RIGHT, 1.0));
    node.set_rotation(0.0);
}

engine_test!(timeline_hands_nodes_in_and_leaves_out_those_that_are_freed);
async fn timeline_hands_nodes_in_and_leaves_out_those_that_are_freed(ctx: Context) {
    let (node, other) = (actor(&ctx.root()), actor(&ctx.root()));
    let (spans, cues) = (Trace::default(), Trace::default());
    let (in_span, in_cue) = (spans.clone(), cues.clone());
    let timeline = Timeline::new()
        .at_node(0.0, &node, |node| node.bind_mut().hp += 1)
        .span_node(0.0..1.0, Ease::Linear, &other, move |_other, _t| in_span.step())
        .at_node(0.1, &other, move |_other| in_cue.step())
        .at_node(0.2, &node, |node| node.bind_mut().hp += 10);
    let task = spawn(timeline.play());
    assert_eq!(node.bind().hp, 1);
    ctx.frames(2).await;
    assert_eq!(spans.seen().0, 3);
    other.free();
    ctx.frames(10).await;
    assert_eq!((node.bind().hp, spans.seen().0, cues.seen().0), (11, 3, 0));
    assert!(!task.is_finished());
    ctx.frames(48).await;
    assert!(task.is_finished());
}

engine_test!(timeline_is_frozen_with_its_node_and_slowed_with_it);
async fn timeline_is_frozen_with_its_node_and_slowed_with_it(ctx: Context) {
    let node = actor(&ctx.root());
    let timeline = Timeline::new().at_node(0.1, &node, |node| node.bind_mut().hp = 7);
    let steered = timeline.clone();
    let task = node.spawn_task(|_me| async move { timeline.play().await });
    ctx.frames(3).await;
    node.tasks().pause();
    ctx.frames(30).await;
    assert!((steered.time() - 0.05).abs() < 1e-6);
    node.tasks().resume();
    node.tasks().set_speed(0.5);
    ctx.frames(5).await;
    assert_eq!(node.bind().hp, 0);
    ctx.frame().await;
    assert_eq!(node.bind().hp, 7);
    assert!(task.is_finished());
}
