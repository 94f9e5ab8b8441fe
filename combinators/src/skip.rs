//! Skipping: a script's end state without the time it takes.
//!
//! Each of these runs its future with a clock of its own, current whenever it is polled or dropped. What the future
//! starts with `branch` is on that clock too.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::OwnClock;
pub use cuelight_runtime::{checkpoint, is_skipping};
use pin_project_lite::pin_project;

use crate::utils::{POLLED_AFTER_COMPLETION, poll_part};

/// Runs a script; when `skip` is ready, the rest of the script runs to its end state at once.
///
/// Nothing is left out: all code between the waits runs, and what is waited for in time comes at once, in the order in
/// which it would have come, so that the stage is left as if the script had been watched. `animate` and timelines call
/// their ends only. Signals, cues and conditions are waited for in real frames, unless they have an answer
/// ([`or_skip`](crate::ScriptFutureExt::or_skip)); what has to keep its own time is [`unskippable`]; what only costs is
/// left out by asking [`is_skipping`]. [`checkpoint`]s do not stop it.
///
/// The script is polled before `skip`. While the task is frozen, neither is. A script that does not end under the skip,
/// a loop, is let go of after ten thousand frames in which something was due: the skip is over, its tasks are named in an
/// error, and they go on at their own speed.
///
/// It has a clock of its own, which starts at 0 with the first poll, and goes by the task's. What the script starts with
/// [`branch`](crate::branch()) is skipped along, and goes on at its own speed if it has not ended with the script; what it
/// starts with `spawn` lives elsewhere, and is not.
///
/// Dropping it drops the script, then `skip`; what was branched off lives on in the group.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{skippable, wait_seconds};
/// use cuelight_runtime::now;
///
/// # run(async {
/// let scene = async {
///     wait_seconds(20.0).await;
///     "the bridge has fallen"
/// };
/// let key = wait_seconds(3.0);
/// assert_eq!(skippable(scene, key).await, "the bridge has fallen");
/// assert_eq!(now().round(), 3.0);
/// # });
/// ```
pub fn skippable<F: Future, S: Future>(script: F, skip: S) -> Skippable<F, S> {
    Skippable { script: Some(script), skip: Some(skip), clock: OwnClock::new() }
}

pin_project! {
    /// Future of [`skippable`]. Dropping it drops both of its parts, in listed order.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[derive(Debug)]
    pub struct Skippable<F, S> {
        #[pin]
        script: Option<F>,
        #[pin]
        skip: Option<S>,
        clock: OwnClock,
    }

    impl<F, S> PinnedDrop for Skippable<F, S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.clock.leave(|| this.script.set(None));
        }
    }
}

impl<F: Future, S: Future> Future for Skippable<F, S> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        assert!(this.script.is_some(), "{POLLED_AFTER_COMPLETION}");
        let polled = this.clock.enter(|| poll_part(this.script.as_mut(), cx));
        if polled.is_ready() {
            this.clock.leave(|| this.script.set(None));
            this.clock.release();
            this.skip.set(None);
            return polled;
        }
        if let Some(skip) = this.skip.as_mut().as_pin_mut()
            && skip.poll(cx).is_ready()
        {
            this.skip.set(None);
            this.clock.skip();
        }
        Poll::Pending
    }
}

/// Runs a future that keeps its own time while all around it is skipped: a choice, a save.
///
/// Nothing inside is skipped, [`is_skipping`] is false there, and what it starts with `branch` keeps that time, too. The
/// rest of the scene waits for it where it awaits it. Slow motion, speeds and pauses of the clocks around it hold for it
/// as ever.
///
/// It has a clock of its own, which starts at 0 with the first poll. Dropping it drops the future inside.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{skippable, unskippable, wait_seconds};
/// use cuelight_runtime::now;
///
/// # run(async {
/// let scene = async {
///     wait_seconds(20.0).await;
///     unskippable(wait_seconds(2.0)).await;
///     wait_seconds(20.0).await;
/// };
/// skippable(scene, wait_seconds(3.0)).await;
/// assert_eq!(now().round(), 5.0);
/// # });
/// ```
pub fn unskippable<F: Future>(future: F) -> Unskippable<F> {
    Unskippable { future: Some(future), clock: OwnClock::keeping_time() }
}

pin_project! {
    /// Future of [`unskippable`]. Dropping it drops the future inside.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[derive(Debug)]
    pub struct Unskippable<F> {
        #[pin]
        future: Option<F>,
        clock: OwnClock,
    }

    impl<F> PinnedDrop for Unskippable<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.clock.leave(|| this.future.set(None));
        }
    }
}

impl<F: Future> Future for Unskippable<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        assert!(this.future.is_some(), "{POLLED_AFTER_COMPLETION}");
        let polled = this.clock.enter(|| poll_part(this.future.as_mut(), cx));
        if polled.is_ready() {
            this.clock.leave(|| this.future.set(None));
            this.clock.release();
        }
        polled
    }
}

/// Runs a script, skipped from its start up to a [`checkpoint`]: for saves, and for working on scene seven. The empty label
/// plays it from its start.
///
/// It is skipped as by [`skippable`], with the same clock of its own, from the first poll until the checkpoint of that
/// name is passed, wherever in the script that is: inside of an `unskippable` and in what was branched off, too. A script
/// that ends without having passed it is ended all the same, and an error names the checkpoints that it has passed.
///
/// Dropping it drops the script; what was branched off lives on in the group.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use cuelight_combinators::{checkpoint, play_from, wait_seconds};
/// use cuelight_runtime::now;
///
/// # run(async {
/// let scene = async {
///     wait_seconds(60.0).await;
///     checkpoint("the bridge");
///     wait_seconds(5.0).await;
/// };
/// play_from("the bridge", scene).await;
/// assert_eq!(now().round(), 5.0);
/// # });
/// ```
#[track_caller]
pub fn play_from<F: Future>(label: impl Into<String>, script: F) -> PlayFrom<F> {
    PlayFrom {
        script: Some(script),
        label: label.into(),
        begun: false,
        location: Location::caller(),
        clock: OwnClock::new(),
    }
}

pin_project! {
    /// Future of [`play_from`]. Dropping it drops the script.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[derive(Debug)]
    pub struct PlayFrom<F> {
        #[pin]
        script: Option<F>,
        label: String,
        begun: bool,
        location: &'static Location<'static>,
        clock: OwnClock,
    }

    impl<F> PinnedDrop for PlayFrom<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.clock.leave(|| this.script.set(None));
        }
    }
}

impl<F: Future> Future for PlayFrom<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        assert!(this.script.is_some(), "{POLLED_AFTER_COMPLETION}");
        if !std::mem::replace(this.begun, true) && !this.label.is_empty() {
            this.clock.skip_to(this.label);
        }
        let polled = this.clock.enter(|| poll_part(this.script.as_mut(), cx));
        if polled.is_ready() {
            this.clock.leave(|| this.script.set(None));
            if let Some(passed) = this.clock.end_skip() {
                let (label, location) = (this.label, this.location);
                let passed = match passed.is_empty() {
                    true => "none".to_owned(),
                    false => {
                        passed.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ")
                    }
                };
                this.clock.report(&format!(
                    "play_from(\"{label}\") at {location}: the script has ended, and passed no checkpoint of that \
                     name; it passed: {passed}"
                ));
            }
            this.clock.release();
        }
        polled
    }
}
