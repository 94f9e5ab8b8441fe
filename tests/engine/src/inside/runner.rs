//! The node that runs the tests, one after the other.
//!
//! It polls a test once a frame with a waker that does nothing: an executor that owes nothing to the one under test. A
//! test that does not end is given up after a number of frames; what keeps the frame itself from ending is left to the
//! harness, which watches from outside.

use std::collections::VecDeque;
use std::mem;
use std::rc::Rc;
use std::task::{self, Poll};

use godot::classes::{Engine, SceneTree};
use godot::prelude::*;

use crate::inside::context::{Context, Shared};
use crate::inside::errors::{self, Heard};
use crate::inside::leaks::Counts;
use crate::inside::panics;
use crate::protocol::{self, Message};
use crate::registry::{Test, TestFuture};

/// How many frames pass before the first test: the editor opens its docks in them, and complains about its settings.
const WARM_UP: [u32; 2] = [2, 60];

/// How many frames a test's things have to go away in: what is queued for deletion goes at the end of a frame, and what
/// is deferred then in the next.
const SETTLE: std::ops::Range<u32> = 2..12;

/// The name of the test's root, by which the next life span finds it.
const ROOT: &str = "EngineTestRoot";

#[derive(GodotClass)]
#[class(init, tool, base = Node)]
struct EngineTestRunner {
    host: Option<Gd<Node>>,
    queue: VecDeque<&'static Test>,
    state: State,
    base: Base<Node>,
}

/// What the runner is at.
#[derive(Default)]
enum State {
    /// It has nothing to do, before it is asked and after the last test.
    #[default]
    Idle,
    /// The engine starts; so many frames are left.
    WarmUp(u32),
    /// A test runs.
    Running(Box<Running>),
    /// A test has ended, and its things go away; since so many frames.
    Settling(Box<Ending>, u32),
}

struct Running {
    test: &'static Test,
    future: TestFuture,
    shared: Rc<Shared>,
    before: Counts,
    heard: Vec<Heard>,
}

struct Ending {
    test: &'static Test,
    shared: Rc<Shared>,
    before: Counts,
    heard: Vec<Heard>,
    failures: Vec<String>,
}

#[godot_api]
impl EngineTestRunner {
    /// Runs the tests that the harness wants.
    #[func]
    fn begin(&mut self, host: Gd<Node>) {
        panics::listen();
        let all = crate::tests();
        let wanted = protocol::wanted();
        self.queue = wanted
            .iter()
            .filter_map(|name| all.iter().find(|test| test.name() == *name).copied())
            .collect();
        let is_reloaded = host.get("phase").to::<u32>() > 0;
        self.host = Some(host);
        let frames = WARM_UP[usize::from(Engine::singleton().is_editor_hint())];
        // A test goes on in the first frame after a reload.
        self.state = State::WarmUp(if is_reloaded { 0 } else { frames });
    }
}

#[godot_api]
impl INode for EngineTestRunner {
    fn process(&mut self, _delta: f64) {
        self.state = match mem::take(&mut self.state) {
            State::Idle => State::Idle,
            State::WarmUp(0) => self.start_next(),
            State::WarmUp(left) => State::WarmUp(left - 1),
            State::Running(running) => {
                running.shared.frames.set(running.shared.frames.get() + 1);
                self.poll(running)
            }
            State::Settling(ending, frames) => self.settle(ending, frames + 1),
        };
    }

    fn physics_process(&mut self, _delta: f64) {
        if let State::Running(running) = &self.state {
            let shared = &running.shared;
            shared.physics_frames.set(shared.physics_frames.get() + 1);
            if shared.wants_physics.get()
                && let State::Running(running) = mem::take(&mut self.state)
            {
                self.state = self.poll(running);
            }
        }
    }

    /// The tree goes: at the exit, or before a reload, when no test is running.
    fn exit_tree(&mut self) {
        if let State::Running(mut running) = mem::take(&mut self.state) {
            self.hear(&mut running.heard);
            let ending = self.end(*running, Vec::new());
            let mut failures = ending.failures;
            let announced = ending.shared.announced.take();
            failures.extend(errors::differences(ending.heard, announced));
            failures.iter().for_each(|failure| protocol::tell_failure(failure));
        }
    }
}

impl EngineTestRunner {
    fn start_next(&mut self) -> State {
        let Some(test) = self.queue.pop_front() else {
            protocol::tell(&Message::Done);
            self.host().call_deferred("finish", &[]);
            return State::Idle;
        };
        let mut host = self.host();
        // What came between two tests is nobody's; it is seen in the output.
        errors::take(&mut host);
        let before = Counts::take(&self.tree());
        if self.phase() == 0 {
            protocol::tell(&Message::Start(test.name()));
        }
        let (context, shared) = Context::new(self.root(), host);
        let make = panics::catch(|| (test.start)(context));
        let (future, failures) = match make {
            Ok(future) => (future, Vec::new()),
            Err(panic) => (Box::pin(std::future::ready(())) as TestFuture, vec![panic.report()]),
        };
        let running = Running { test, future, shared, before, heard: Vec::new() };
        if failures.is_empty() {
            self.poll(Box::new(running))
        } else {
            State::Settling(Box::new(self.end(running, failures)), 0)
        }
    }

    fn poll(&mut self, mut running: Box<Running>) -> State {
        let mut context = task::Context::from_waker(task::Waker::noop());
        let polled = panics::catch(|| running.future.as_mut().poll(&mut context));
        self.hear(&mut running.heard);
        let failure = match polled {
            Ok(Poll::Ready(())) => None,
            Ok(Poll::Pending) => {
                let limit = u64::from(running.test.setup.frames);
                if running.shared.frames.get() < limit {
                    return State::Running(running);
                }
                let awaited = running.shared.awaited.borrow();
                let awaited = awaited.as_ref().map(|what| format!(", waiting until {what}"));
                Some(format!(
                    "hung: still running after {limit} frames{}",
                    awaited.unwrap_or_default()
                ))
            }
            Err(panic) => {
                running.heard.retain(|heard| !heard.is_panic_at(panic.place()));
                Some(panic.report())
            }
        };
        let ending = self.end(*running, failure.into_iter().collect());
        State::Settling(Box::new(ending), 0)
    }

    /// Drops a test's future, and frees its nodes.
    fn end(&mut self, running: Running, mut failures: Vec<String>) -> Ending {
        let Running { test, future, shared, before, heard } = running;
        let mut ending = Ending { test, shared, before, heard, failures: Vec::new() };
        if let Err(panic) = panics::catch(|| drop(future)) {
            self.hear(&mut ending.heard);
            ending.heard.retain(|heard| !heard.is_panic_at(panic.place()));
            failures.push(format!("when it was dropped, it {}", panic.report()));
        }
        ending.failures = failures;
        // The root itself may have been freed by the test.
        if !ending.shared.reload.get()
            && !test.setup.may_leave
            && ending.shared.root.is_instance_valid()
        {
            ending.shared.root.clone().queue_free();
        }
        ending
    }

    fn settle(&mut self, mut ending: Box<Ending>, frames: u32) -> State {
        self.hear(&mut ending.heard);
        let reload = ending.shared.reload.get();
        let left = if ending.test.setup.may_leave || reload {
            Vec::new()
        } else {
            ending.before.differences(&Counts::take(&self.tree()), ending.shared.cached.get())
        };
        if frames < SETTLE.start || (!left.is_empty() && frames < SETTLE.end) {
            return State::Settling(ending, frames);
        }
        let Ending { test, shared, heard, mut failures, .. } = *ending;
        failures.extend(errors::differences(heard, shared.announced.take()));
        failures.extend(left.into_iter().map(|left| format!("left behind: {left}")));
        failures.iter().for_each(|failure| protocol::tell_failure(failure));
        if reload && failures.is_empty() {
            protocol::tell(&Message::Reload);
            self.host().call_deferred("reload", &[]);
            return State::Idle;
        }
        // A test that has failed may have left it paused, or slow.
        self.tree().set_pause(false);
        Engine::singleton().set_time_scale(1.0);
        protocol::tell(&Message::End(test.name()));
        self.start_next()
    }

    fn hear(&self, heard: &mut Vec<Heard>) {
        heard.extend(errors::take(&mut self.host()));
    }

    /// Returns the root of the test: a new one, or that of its life span before.
    fn root(&self) -> Gd<Node> {
        let mut top =
            self.tree().get_root().expect("a tree in which nodes are processed has a root");
        if let Some(root) = top.get_node_or_null(ROOT)
            && !root.is_queued_for_deletion()
        {
            return root;
        }
        let mut root = Node::new_alloc();
        root.set_name(ROOT);
        top.add_child(&root);
        root
    }

    fn host(&self) -> Gd<Node> {
        self.host.clone().expect("begin() comes first")
    }

    fn phase(&self) -> u32 {
        self.host().get("phase").to()
    }

    fn tree(&self) -> Gd<SceneTree> {
        self.base().get_tree()
    }
}
