//! Nodes with scripts in random waits, freed in random ways: nothing of a freed node runs, every script is dropped once,
//! and the harness sees that no error was printed and nothing was left behind.
//!
//! The seed is printed. To replay it: `CUELIGHT_SEED=… cargo test -p engine-tests -- random_frees`.

use std::cell::Cell;
use std::env;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};

use cuelight::prelude::*;
use fastrand::Rng;
use godot::prelude::*;

use super::stage::*;
use crate::Setup;
use crate::inside::Context;

const NODES: usize = 10_000;
const FRAMES: usize = 600;

/// The longest life of a node, in frames.
const LIFE: usize = 100;

/// The frames between two changes of the scene.
const SCENE: usize = 60;

/// The way in which a node is to go.
#[derive(Clone, Copy, Debug)]
enum Way {
    Free,
    QueueFree,
    /// With its parent, which has other children too.
    Parent,
    ReparentThenFree,
    /// Out of the tree for a while, and freed there.
    RemoveThenFree,
    /// When the scene is changed.
    Scene,
    OwnTask,
    OwnTaskQueued,
    /// By a task of another node.
    OtherTask,
    /// In a handler of another node's signal.
    Handler,
    /// In a handler of its own signal, which its script awaits too.
    OwnHandler,
    /// By a guard of one of its own scripts, which another one cancels.
    Guard,
    /// Before it is ever in the tree.
    Loose,
}

const WAYS: [Way; 13] = [
    Way::Free,
    Way::QueueFree,
    Way::Parent,
    Way::ReparentThenFree,
    Way::RemoveThenFree,
    Way::Scene,
    Way::OwnTask,
    Way::OwnTaskQueued,
    Way::OtherTask,
    Way::Handler,
    Way::OwnHandler,
    Way::Guard,
    Way::Loose,
];

/// What is counted over all scripts.
#[derive(Default)]
struct Totals {
    started: Cell<usize>,
    dropped: Cell<usize>,
    polls: Cell<usize>,
    /// Polls of scripts whose node was gone.
    late: Cell<usize>,
}

fn add(count: &Cell<usize>) {
    count.set(count.get() + 1);
}

/// A script that is watched: whether its node lives when it is polled, and how often it is dropped.
struct Script {
    node: Gd<Actor>,
    totals: Rc<Totals>,
    is_dropped: bool,
    inner: Pin<Box<dyn Future<Output = ()>>>,
}

impl Future for Script {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        add(&self.totals.polls);
        if !self.node.is_instance_valid() {
            add(&self.totals.late);
        }
        self.inner.as_mut().poll(cx)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        assert!(!std::mem::replace(&mut self.is_dropped, true), "dropped twice");
        add(&self.totals.dropped);
    }
}

/// The world of the test.
struct World {
    ctx: Context,
    rng: Rng,
    totals: Rc<Totals>,
    /// Nodes that have others below them, which may be freed with all of those.
    holders: Vec<Gd<Actor>>,
    /// Nodes that live, perhaps.
    nodes: Vec<Gd<Actor>>,
    /// What happens in which frame.
    deaths: Vec<Vec<(Gd<Actor>, Way)>>,
    /// Nodes out of the tree, which are freed in the next frame.
    limbo: Vec<Gd<Actor>>,
}

impl World {
    fn any_node(&mut self) -> Option<Gd<Actor>> {
        self.rng.choice(&self.nodes).filter(|node| node.is_instance_valid()).cloned()
    }

    fn holder(&mut self) -> Gd<Actor> {
        self.holders.retain(Gd::is_instance_valid);
        if self.holders.len() < 20 {
            let holder = actor(&self.ctx.root());
            holder.spawn_task(|_me| wait_seconds(1e6));
            self.holders.push(holder);
        }
        self.rng.choice(&self.holders).expect("there is one").clone()
    }

    fn scene(&self) -> Gd<Node> {
        self.ctx.tree().get_current_scene().unwrap_or_else(|| self.ctx.root())
    }

    fn spawn(
        &mut self,
        node: &Gd<Actor>,
        group: &GroupHandle,
        script: impl Future<Output = ()> + 'static,
    ) {
        add(&self.totals.started);
        let script = Script {
            node: node.clone(),
            totals: self.totals.clone(),
            is_dropped: false,
            inner: Box::pin(script),
        };
        if self.rng.u8(..) < 32 {
            group.spawn_deferred(script);
        } else {
            group.spawn(script);
        }
    }

    fn birth(&mut self, frame: usize) {
        let way = WAYS[self.rng.usize(..WAYS.len())];
        let death = frame + 1 + self.rng.usize(..LIFE);
        let node = Actor::new_alloc();
        let is_first_in = self.rng.bool();
        let enter = |world: &mut Self| match way {
            Way::Scene => world.scene().add_child(&node),
            Way::Parent => world.holder().add_child(&node),
            Way::Loose => {}
            _ if world.rng.bool() => world.holder().add_child(&node),
            _ => world.ctx.root().add_child(&node),
        };
        // Some have their scripts before they are in the tree.
        if is_first_in {
            enter(self);
        }
        if self.rng.u8(..) < 64 {
            node.tasks().cancel_on(CancelOn::EXIT_TREE);
        }
        for _ in 0..self.rng.usize(..4) {
            self.script(&node);
        }
        self.last_script(&node, way, death - frame);
        if !is_first_in {
            enter(self);
        }
        self.nodes.push(node.clone());
        self.deaths[death].push((node, way));
    }

    /// Spawns a script in a random wait.
    fn script(&mut self, node: &Gd<Actor>) {
        let me = node.clone();
        let other = self.any_node().unwrap_or_else(|| node.clone());
        let (frames, seconds) = (self.rng.u64(1..40), self.rng.f64() * 2.0);
        let group = node.tasks();
        match self.rng.u8(..12) {
            0 => self.spawn(node, &group, async {
                loop {
                    next_frame().await;
                }
            }),
            1 => self.spawn(node, &group, async move {
                loop {
                    wait_frames(frames).await;
                }
            }),
            2 => self.spawn(node, &group, async move {
                loop {
                    wait_physics_frames(frames).await;
                }
            }),
            3 | 4 => self.spawn(node, &group, async move {
                loop {
                    wait_seconds(seconds).await;
                }
            }),
            5 => self.spawn(node, &group, async move {
                loop {
                    me.signals().hit().wait().await;
                }
            }),
            6 => self.spawn(node, &group, async move {
                while other.is_instance_valid() && other.signals().hit().try_wait().await.is_ok() {}
            }),
            7 => self.spawn(node, &group, async move {
                wait_until(|| me.bind().hp > 3).await;
            }),
            8 => self.spawn(node, &group, async move {
                loop {
                    race((wait_seconds(seconds), wait_frames(frames))).await;
                }
            }),
            9 => self.spawn(node, &group, async move {
                wait_seconds(1e6).while_alive(&other).await;
            }),
            10 => {
                let child = group.child();
                child.ends_with(&other);
                child.set_speed(seconds);
                self.spawn(node, &child, async move {
                    let _hp = me.at_exit(|me| me.bind_mut().hp += 1);
                    wait_freed(&other).timeout(seconds).await.ok();
                });
            }
            _ => self.spawn(node, &group, async move {
                let child = branch(async move {
                    loop {
                        wait_seconds(seconds).await;
                    }
                });
                let _ = child.await;
            }),
        }
    }

    /// Spawns the script that ends its node itself, where that is its way.
    fn last_script(&mut self, node: &Gd<Actor>, way: Way, frames: usize) {
        let (mut me, group) = (node.clone(), node.tasks());
        let frames = frames as u64;
        match way {
            Way::OwnTask => self.spawn(node, &group, async move {
                wait_frames(frames).await;
                me.free();
                next_frame().await;
                unreachable!("its node is gone");
            }),
            Way::OwnTaskQueued => self.spawn(node, &group, async move {
                wait_frames(frames).await;
                me.queue_free();
                wait_seconds(0.1).await;
                unreachable!("its node is gone");
            }),
            Way::OtherTask => {
                if let Some(other) = self.any_node() {
                    let by = other.tasks();
                    self.spawn(&other, &by, async move {
                        wait_frames(frames).await;
                        if me.is_instance_valid() {
                            me.free();
                        }
                    });
                }
            }
            Way::Handler => {
                if let Some(other) = self.any_node() {
                    other.signals().rested().connect(move || {
                        if me.is_instance_valid() {
                            me.clone().free();
                        }
                    });
                }
            }
            Way::OwnHandler => {
                let victim = me.clone();
                node.signals().hit().connect(move |_| victim.clone().queue_free());
                self.spawn(node, &group, async move {
                    me.signals().hit().wait().await;
                });
            }
            Way::Guard => {
                let guarded = group.spawn(async move {
                    let _gone = me.at_exit(|me| me.queue_free());
                    wait_seconds(1e6).await;
                });
                self.spawn(node, &group, async move {
                    wait_frames(frames).await;
                    guarded.cancel();
                    wait_frames(5).await;
                });
            }
            _ => {}
        }
    }

    /// Does what is due in a frame.
    fn deaths(&mut self, frame: usize) {
        for node in std::mem::take(&mut self.limbo) {
            if node.is_instance_valid() {
                node.free();
            }
        }
        for (mut node, way) in std::mem::take(&mut self.deaths[frame]) {
            // Many have gone already with others.
            if !node.is_instance_valid() || node.is_queued_for_deletion() {
                continue;
            }
            match way {
                Way::Free | Way::Loose => node.free(),
                Way::QueueFree => node.queue_free(),
                Way::Parent => match node.get_parent() {
                    // Not the root of all.
                    Some(parent) if parent.clone().try_cast::<Actor>().is_ok() => parent.free(),
                    _ => node.free(),
                },
                Way::ReparentThenFree => {
                    let holder = self.holder();
                    if node.is_inside_tree() {
                        node.reparent(&holder);
                    }
                    node.free();
                }
                Way::RemoveThenFree => {
                    if let Some(mut parent) = node.get_parent() {
                        parent.remove_child(&node);
                    }
                    self.limbo.push(node);
                }
                Way::OwnHandler => node.signals().hit().emit(1),
                // Its time has come, or the node that was to end it has gone.
                Way::OwnTask | Way::OwnTaskQueued | Way::OtherTask | Way::Guard => {
                    self.deaths.last_mut().expect("there is a last frame").push((node, Way::Free));
                }
                Way::Handler | Way::Scene => {
                    self.deaths
                        .last_mut()
                        .expect("there is a last frame")
                        .push((node, Way::QueueFree));
                }
            }
        }
    }

    /// Does something to some that live.
    fn stir(&mut self) {
        for _ in 0..6 {
            if let Some(node) = self.any_node() {
                node.with(|node| node.hp += 1);
                match self.rng.u8(..6) {
                    0 | 1 => node.signals().hit().emit(1),
                    2 => node.signals().rested().emit(),
                    3 => node.tasks().pause(),
                    4 => node.tasks().resume(),
                    _ => node.tasks().set_speed(self.rng.f64() * 3.0),
                }
            }
        }
    }
}

engine_test!(ten_thousand_nodes_in_six_hundred_frames, Setup::shared().frames(1200).seconds(120));
async fn ten_thousand_nodes_in_six_hundred_frames(ctx: Context) {
    ctx.allow_cached_objects(1);
    let given =
        env::var("CUELIGHT_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    godot_print!("CUELIGHT_SEED={seed}");
    let mut tree = ctx.tree();
    let scene_before = tree.get_current_scene();
    let mut packed = PackedScene::new_gd();
    let empty = Node::new_alloc();
    packed.pack(&empty);
    empty.free();

    let totals = Rc::<Totals>::default();
    let mut world = World {
        ctx: ctx.clone(),
        rng: Rng::with_seed(seed),
        totals: totals.clone(),
        holders: Vec::new(),
        nodes: Vec::new(),
        deaths: (0..=FRAMES).map(|_| Vec::new()).collect(),
        limbo: Vec::new(),
    };
    let scene = Node::new_alloc();
    tree.get_root().unwrap().add_child(&scene);
    tree.set_current_scene(&scene);
    let mut born = 0;
    for frame in 0..FRAMES {
        // All are born early enough to die in their time.
        let due = NODES * (frame + 1) / (FRAMES - LIFE);
        while born < due.min(NODES) {
            world.birth(frame);
            born += 1;
        }
        world.deaths(frame);
        world.stir();
        if frame % SCENE == SCENE - 1 {
            tree.change_scene_to_packed(&packed);
        }
        if frame % 16 == 0 {
            world.nodes.retain(Gd::is_instance_valid);
        }
        ctx.frame().await;
        assert_eq!(totals.late.get(), 0, "polled after its node was freed");
    }
    assert_eq!(born, NODES);
    world.deaths(FRAMES);
    for holder in world.holders.drain(..) {
        if holder.is_instance_valid() {
            holder.free();
        }
    }
    ctx.frames(2).await;
    let alive = world.nodes.iter().filter(|node| node.is_instance_valid()).count();
    assert_eq!(alive, 0, "nodes that live on");
    assert_eq!(totals.dropped.get(), totals.started.get(), "scripts that were dropped");
    assert_eq!(totals.late.get(), 0);
    let (scripts, polls) = (totals.started.get(), totals.polls.get());
    godot_print!("{scripts} scripts, {polls} polls");
    assert!(scripts > NODES && polls > 3 * scripts, "{scripts} scripts, {polls} polls: too idle");
    tree.get_current_scene().unwrap().free();
    if let Some(scene) = scene_before {
        tree.set_current_scene(&scene);
    }
}
