//! Nodes that change over time, and timelines that hand a node in.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_combinators::{AnimateSteps, Ease, Timeline};
use cuelight_runtime::POLLED_AFTER_COMPLETION;
use godot::classes::Node;
use godot::obj::{Gd, GodotClass, Inherits};

/// Future of [`NodeScript::animate`](super::NodeScript::animate). Dropping it leaves the node where it is.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct AnimateNode<T: GodotClass, F> {
    /// Taken when it is ready.
    parts: Option<(Gd<T>, F)>,
    steps: AnimateSteps,
}

// The function is called, and never pinned.
impl<T: GodotClass, F> Unpin for AnimateNode<T, F> {}

impl<T: GodotClass, F: FnMut(&mut Gd<T>, f32)> AnimateNode<T, F> {
    #[track_caller]
    pub(super) fn new(node: Gd<T>, seconds: f64, ease: Ease, step: F) -> Self {
        Self { parts: Some((node, step)), steps: AnimateSteps::new(seconds, ease) }
    }
}

impl<T: GodotClass, F: FnMut(&mut Gd<T>, f32)> Future for AnimateNode<T, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let (node, step) = this.parts.as_mut().expect(POLLED_AFTER_COMPLETION);
        // A node that is gone has come to its end, too.
        let is_over = !node.is_instance_valid()
            || this.steps.poll_step(cx, |t| step(node, t as f32)).is_ready();
        if is_over {
            this.parts = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl<T: GodotClass, F> fmt::Debug for AnimateNode<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnimateNode").field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// Cues and spans that hand a node in; they are left out when it is freed.
///
/// # Examples
/// ```no_run
/// use cuelight::prelude::*;
/// use godot::prelude::*;
///
/// async fn dusk(lamp: Gd<Node2D>, sky: Gd<Node2D>) {
///     Timeline::new()
///         .span_node(0.0..3.0, Ease::InOutSine, &sky, |sky, t| sky.set_modulate(Color::WHITE.lerp(Color::BLACK, t.into())))
///         .at_node(2.5, &lamp, |lamp| lamp.set_visible(true))
///         .play()
///         .await;
/// }
/// ```
pub trait TimelineExt<'a> {
    /// Adds a cue: a function called with the node at a time, unless the node has been freed.
    ///
    /// # Panics
    /// If the time is negative, infinite or not a number.
    #[track_caller]
    fn at_node<T: Inherits<Node>>(
        self,
        time: f64,
        node: &Gd<T>,
        cue: impl FnMut(&mut Gd<T>) + 'a,
    ) -> Self;

    /// Adds a span: a function called with the node and 0 to 1, eased, over a range of time, as long as the node has not
    /// been freed.
    ///
    /// # Panics
    /// If a time is negative, infinite or not a number, or if the range ends before it starts.
    #[track_caller]
    fn span_node<T: Inherits<Node>>(
        self,
        range: Range<f64>,
        ease: Ease,
        node: &Gd<T>,
        step: impl FnMut(&mut Gd<T>, f32) + 'a,
    ) -> Self;
}

impl<'a> TimelineExt<'a> for Timeline<'a> {
    #[track_caller]
    fn at_node<T: Inherits<Node>>(
        self,
        time: f64,
        node: &Gd<T>,
        mut cue: impl FnMut(&mut Gd<T>) + 'a,
    ) -> Self {
        let mut node = node.clone();
        self.at(time, move || {
            if node.is_instance_valid() {
                cue(&mut node);
            }
        })
    }

    #[track_caller]
    fn span_node<T: Inherits<Node>>(
        self,
        range: Range<f64>,
        ease: Ease,
        node: &Gd<T>,
        mut step: impl FnMut(&mut Gd<T>, f32) + 'a,
    ) -> Self {
        let mut node = node.clone();
        self.span(range, ease, move |t| {
            if node.is_instance_valid() {
                step(&mut node, t as f32);
            }
        })
    }
}
