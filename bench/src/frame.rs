//! The frame: how long it takes, and the script that runs from one to the next.
//!
//! ```text
//! SceneTree.process
//!   1. its `_process`                     the frame begins here: `BenchTree`
//!   2. emits `process_frame`              GDScript and cuelight resume, godot::task's signals fire
//!   3. makes the deferred calls           godot::task resumes, cuelight's flush
//!   4. `_process` of the nodes            the frame ends here: `Bench`; then the script goes on
//! ```
//!
//! So whatever a subject does for a frame lies between the two, whichever step it does it in. The script that measures
//! is outside, and is polled by hand: it uses none of the subjects.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use godot::classes::{ISceneTree, Os, SceneTree};
use godot::prelude::*;

use crate::{Options, cases};

type Job = Box<dyn FnMut()>;
type Script = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static FRAME: Frame = const {
        Frame { begun: Cell::new(None), lasted: Cell::new(Duration::ZERO), job: RefCell::new(None) }
    };
}

/// What is known of the frame.
struct Frame {
    /// When it began.
    begun: Cell<Option<Instant>>,
    /// How long the last one lasted.
    lasted: Cell<Duration>,
    /// What is done at its beginning.
    job: RefCell<Option<Job>>,
}

/// Waits for the end of the next frame, and returns how long it lasted.
pub(crate) async fn next_frame() -> Duration {
    let mut is_over = false;
    std::future::poll_fn(move |_cx| {
        if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    FRAME.with(|frame| frame.lasted.get())
}

/// Waits for the end of the next frame, with a function called at its beginning, and returns how long it lasted.
pub(crate) async fn next_frame_with(job: impl FnOnce() + 'static) -> Duration {
    let mut job = Some(job);
    let _job = in_each_frame(move || {
        if let Some(job) = job.take() {
            job();
        }
    });
    next_frame().await
}

/// Has a function called at the beginning of each frame, as a part of it, until the guard is dropped.
///
/// # Panics
/// If there is one already.
pub(crate) fn in_each_frame(job: impl FnMut() + 'static) -> JobGuard {
    FRAME.with(|frame| {
        let before = frame.job.borrow_mut().replace(Box::new(job));
        assert!(before.is_none(), "a frame has one job at a time");
    });
    JobGuard(())
}

/// Keeps the job of the frames. Dropping it ends the job.
#[must_use = "the job ends when the guard is dropped"]
pub(crate) struct JobGuard(());

impl Drop for JobGuard {
    fn drop(&mut self) {
        FRAME.with(|frame| frame.job.take());
    }
}

/// The scene tree of the project: its `_process` is the first thing in a frame.
#[derive(GodotClass)]
#[class(init, base = SceneTree)]
struct BenchTree {
    base: Base<SceneTree>,
}

#[godot_api]
impl ISceneTree for BenchTree {
    fn process(&mut self, _delta: f64) -> bool {
        FRAME.with(|frame| {
            frame.begun.set(Some(Instant::now()));
            if let Some(job) = &mut *frame.job.borrow_mut() {
                job();
            }
        });
        false
    }
}

/// The one node of the project's scene: its `_process` comes after what was deferred in the frame.
#[derive(GodotClass)]
#[class(init, base = Node)]
struct Bench {
    /// What measures; taken out while it is polled, and gone when it has ended.
    script: Option<Script>,
    base: Base<Node>,
}

#[godot_api]
impl INode for Bench {
    fn ready(&mut self) {
        let args = Os::singleton().get_cmdline_user_args();
        let options = Options::from_args(args.as_slice().iter().map(GString::to_string));
        let parent = self.to_gd().upcast::<Node>();
        self.script = Some(Box::pin(cases::run(options, parent)));
    }

    fn process(&mut self, _delta: f64) {
        let now = Instant::now();
        FRAME.with(|frame| {
            if let Some(begun) = frame.begun.take() {
                frame.lasted.set(now - begun);
            }
        });
        let mut tree = self.base().get_tree();
        let Some(mut script) = self.script.take() else {
            // It has panicked.
            tree.quit_ex().exit_code(1).done();
            return;
        };
        match script.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => self.script = Some(script),
            Poll::Ready(()) => tree.quit(),
        }
    }
}
