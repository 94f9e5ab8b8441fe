//! What a test gets: frames to await, a root for its nodes, a log, and words for the errors that it causes.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use godot::classes::SceneTree;
use godot::obj::NewAlloc;
use godot::prelude::*;

use crate::inside::errors::{Announced, Level};

/// The hand of a running test; clones are the same.
#[derive(Clone)]
pub(crate) struct Context {
    shared: Rc<Shared>,
}

/// What the runner and the test share.
pub(super) struct Shared {
    pub(super) root: Gd<Node>,
    pub(super) host: Gd<Node>,
    /// Frames since the test began.
    pub(super) frames: Cell<u64>,
    /// Physics frames since the test began.
    pub(super) physics_frames: Cell<u64>,
    /// Whether the test waits for a physics frame, and so wants to be polled in it.
    pub(super) wants_physics: Cell<bool>,
    /// What the test is waiting for, if it has said so.
    pub(super) awaited: RefCell<Option<String>>,
    pub(super) announced: RefCell<Vec<Announced>>,
    /// Whether the test wants a reload after this life span.
    pub(super) reload: Cell<bool>,
    /// How many objects the engine may keep.
    pub(super) cached: Cell<u64>,
    pub(super) log: Log,
}

impl Context {
    pub(super) fn new(root: Gd<Node>, host: Gd<Node>) -> (Context, Rc<Shared>) {
        let shared = Rc::new(Shared {
            root,
            host,
            frames: Cell::new(0),
            physics_frames: Cell::new(0),
            wants_physics: Cell::new(false),
            awaited: RefCell::new(None),
            announced: RefCell::new(Vec::new()),
            reload: Cell::new(false),
            cached: Cell::new(0),
            log: Log::default(),
        });
        (Context { shared: Rc::clone(&shared) }, shared)
    }

    /// Returns a node in the tree, of this test alone, that is freed with all below it at the test's end.
    pub(crate) fn root(&self) -> Gd<Node> {
        self.shared.root.clone()
    }

    /// Returns the scene tree.
    pub(crate) fn tree(&self) -> Gd<SceneTree> {
        self.shared.host.get_tree()
    }

    /// Makes a node of a class, as a child of the [`root`](Context::root).
    pub(crate) fn add<T>(&self) -> Gd<T>
    where
        T: Inherits<Node> + NewAlloc,
    {
        let node = T::new_alloc();
        self.root().add_child(&node.clone().upcast::<Node>());
        node
    }

    /// Makes an object of a script of the project: `ctx.object::<RefCounted>("res://helpers/emitters.gd")`.
    #[track_caller]
    pub(crate) fn object<T: Inherits<Object>>(&self, script: &str) -> Gd<T> {
        let mut script = load::<godot::classes::GDScript>(script);
        script.call("new", &[]).to::<Gd<T>>()
    }

    // Time.

    /// Waits for the next frame. The test goes on after the tree's `process_frame` and what was deferred in it, and
    /// before the `_process` of its own nodes.
    pub(crate) async fn frame(&self) {
        self.frames(1).await;
    }

    /// Waits for a number of frames.
    pub(crate) async fn frames(&self, count: u64) {
        let due = self.shared.frames.get() + count;
        poll_fn(|_| ready_if(self.shared.frames.get() >= due)).await;
    }

    /// Waits for the next physics frame. The test goes on after the tree's `physics_frame`, and before the
    /// `_physics_process` of its own nodes.
    pub(crate) async fn physics_frame(&self) {
        let due = self.shared.physics_frames.get() + 1;
        poll_fn(|_| {
            let ready = self.shared.physics_frames.get() >= due;
            self.shared.wants_physics.set(!ready);
            ready_if(ready)
        })
        .await;
    }

    /// Waits until something is so, looking at it once a frame, at once first. It is what a report says if it never is.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        *self.shared.awaited.borrow_mut() = Some(what.to_string());
        poll_fn(|_| ready_if(is_so())).await;
        *self.shared.awaited.borrow_mut() = None;
    }

    // The log.

    /// Adds a line to the test's log.
    pub(crate) fn log(&self, line: impl Into<String>) {
        self.shared.log.add(line);
    }

    /// Returns the log, for a closure, a node or another thread to write into.
    pub(crate) fn log_handle(&self) -> Log {
        self.shared.log.clone()
    }

    /// Compares the whole log, and empties it.
    #[track_caller]
    pub(crate) fn assert_log<S>(&self, expected: impl IntoIterator<Item = S>)
    where
        S: Into<String> + Debug,
    {
        let expected: Vec<String> = expected.into_iter().map(Into::into).collect();
        let logged = self.shared.log.take();
        assert!(
            logged == expected,
            "the log differs\n  expected: {expected:#?}\n    logged: {logged:#?}"
        );
    }

    // Errors.

    /// Announces one engine error whose text or place contains `part`. It may come until the test's end, and has to.
    pub(crate) fn expect_error(&self, part: impl Into<String>) {
        self.announce(Level::Error, part.into());
    }

    /// Announces one engine warning, like [`expect_error`](Context::expect_error).
    pub(crate) fn expect_warning(&self, part: impl Into<String>) {
        self.announce(Level::Warning, part.into());
    }

    fn announce(&self, level: Level, part: String) {
        self.shared.announced.borrow_mut().push(Announced { level, part });
    }

    /// Lets the engine keep up to so many objects of its own after the test: a script that is made of source code
    /// leaves one each time, the first packed scene one for good. A script in a file leaves none.
    pub(crate) fn allow_cached_objects(&self, count: u64) {
        self.shared.cached.set(count);
    }

    // Life spans.

    /// Returns how many reloads of the library came before.
    pub(crate) fn phase(&self) -> u32 {
        self.shared.host.get("phase").to()
    }

    /// Asks for a reload of the library when this life span of the test ends, which is when its function returns. The
    /// function is then called anew, with the next [`phase`](Context::phase). What lies under the
    /// [`root`](Context::root) stays. Only in an editor.
    pub(crate) fn then_reload(&self) {
        self.shared.reload.set(true);
    }

    /// Keeps a value for the next life span.
    pub(crate) fn keep(&self, key: &str, value: impl ToGodot) {
        let mut kept: VarDictionary = self.shared.host.get("kept").to();
        kept.set(key, &value.to_variant());
    }

    /// Returns a value that an earlier life span kept.
    #[track_caller]
    pub(crate) fn kept<T: FromGodot>(&self, key: &str) -> T {
        let kept: VarDictionary = self.shared.host.get("kept").to();
        kept.get(key).unwrap_or_else(|| panic!("nothing is kept as {key}")).to()
    }
}

fn ready_if(ready: bool) -> Poll<()> {
    if ready { Poll::Ready(()) } else { Poll::Pending }
}

/// A log of lines that any thread may write to; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Adds a line.
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    /// Empties it, and returns what was in it.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
