//! The group of a node: made at first use, frozen while the node cannot process, closed when the node is freed.
//!
//! A group is bound to its node by a [`Binding`]: an internal child that hears what happens to the node, or, in a library
//! without classes in the engine, a watch for its end. A node that is busy entering or leaving the tree takes no child, so
//! none is added where `tasks` is called: that is put off to the next clean stack, before anything is polled. Until then
//! nothing can have run that would have to be frozen, or ended.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::num::NonZeroU64;
use std::thread;

use cuelight_runtime::{GroupHandle, TaskGroup, engine};
use godot::classes::Node;
use godot::classes::node::ProcessMode;
use godot::obj::{DynGd, Gd, Inherits, InstanceId, OnReady};
use smallvec::SmallVec;

use super::CancelOn;
use super::binder::{self, Binding};
use super::freed::note_elsewhere;

thread_local! {
    /// The nodes that have a group, on the main thread.
    static NODES: RefCell<Nodes> = RefCell::default();
}

#[derive(Default)]
struct Nodes {
    bound: HashMap<InstanceId, Bound>,
    /// Those that have no binding yet.
    new: Vec<InstanceId>,
}

/// A node's group, and what binds it.
struct Bound {
    /// Dropping it closes the group.
    group: TaskGroup,
    binding: Option<Binding>,
    /// What cancels the tasks of the group, and of those below it.
    cancel_on: Vec<(GroupHandle, CancelOn)>,
    /// How the node was when it was last looked at: what has happened since is told by the difference.
    seen: Seen,
}

#[derive(Clone, Copy)]
struct Seen {
    is_inside: bool,
    /// Looked at only where somebody wants to know.
    is_disabled: bool,
}

impl Bound {
    fn wants(&self, what: CancelOn) -> bool {
        self.cancel_on.iter().any(|(_, on)| on.contains(what))
    }

    /// Returns the groups whose tasks are cancelled by what has happened.
    fn cancelled_by(&self, what: CancelOn) -> SmallVec<[GroupHandle; 2]> {
        let cancelled = self.cancel_on.iter().filter(|(_, on)| on.intersects(what));
        cancelled.map(|(group, _)| group.clone()).collect()
    }
}

/// A node's own group of tasks. `DynGd` and `OnReady` reach it too.
pub trait NodeTasks {
    /// Returns the node's group, made at first use and closed when the node is freed: by `free`, `queue_free`, with its
    /// parent, with its scene. A task of it never runs once the node is gone.
    ///
    /// It is frozen while the node cannot process: by its `process_mode`, its own or inherited, by the tree's pause, by
    /// being out of the tree. Leaving the tree keeps its tasks. A freed node's group is closed.
    ///
    /// # Panics
    /// If the calling thread is not the main thread.
    fn tasks(&self) -> GroupHandle;
}

impl<T: Inherits<Node>> NodeTasks for Gd<T> {
    #[track_caller]
    fn tasks(&self) -> GroupHandle {
        let id = self.instance_id_unchecked();
        let known = NODES.with_borrow(|nodes| nodes.bound.get(&id).map(|it| it.group.handle()));
        if let Some(group) = known {
            return group;
        }
        if !engine::is_open() {
            assert_main_thread::<T>();
        }
        let group = TaskGroup::new();
        let handle = group.handle();
        if !engine::is_open() || !self.is_instance_valid() {
            // Dropped here, and so closed.
            return handle;
        }
        let node = self.clone().upcast::<Node>();
        let is_inside = node.is_inside_tree();
        engine::suspend(&handle, !is_inside || !node.can_process());
        engine::set_owner(&handle, owner_of(id));
        NODES.with_borrow_mut(|nodes| {
            let seen = Seen { is_inside, is_disabled: false };
            nodes.bound.insert(id, Bound { group, binding: None, cancel_on: Vec::new(), seen });
            nodes.new.push(id);
        });
        engine::ask_settle();
        handle
    }
}

impl<T, D> NodeTasks for DynGd<T, D>
where
    T: Inherits<Node>,
    D: ?Sized + 'static,
{
    #[track_caller]
    fn tasks(&self) -> GroupHandle {
        let node: &Gd<T> = self;
        node.tasks()
    }
}

impl<T: Inherits<Node>> NodeTasks for OnReady<Gd<T>> {
    #[track_caller]
    fn tasks(&self) -> GroupHandle {
        let node: &Gd<T> = self;
        node.tasks()
    }
}

#[track_caller]
fn assert_main_thread<T>() {
    if !godot::init::is_main_thread() {
        let (class, thread) = (std::any::type_name::<T>(), thread::current());
        let name = thread.name().unwrap_or("without a name");
        panic!(
            "tasks() of a {class} was called on the thread \"{name}\": groups belong to the main thread; to get there \
             from here, wake a task that waits there"
        );
    }
}

/// Returns the number of a node's groups.
fn owner_of(node: InstanceId) -> NonZeroU64 {
    NonZeroU64::new(node.to_i64() as u64).expect("an instance ID is not zero")
}

/// Returns whether a node's tasks may run now.
#[cfg(feature = "engine-classes")]
pub(super) fn can_process(node: &Gd<Node>) -> bool {
    // Out of the tree, asking is an engine error.
    node.is_inside_tree() && node.can_process()
}

/// Returns whether a node is disabled, by its own process mode or by one that it inherits.
fn is_disabled(node: &Gd<Node>) -> bool {
    let mut node = node.clone();
    loop {
        match node.get_process_mode() {
            ProcessMode::DISABLED => return true,
            ProcessMode::INHERIT => match node.get_parent() {
                Some(parent) => node = parent,
                None => return false,
            },
            _ => return false,
        }
    }
}

/// Returns the path of the node that groups belong to, or its name while it is out of the tree.
pub(crate) fn name_of(owner: NonZeroU64) -> Option<String> {
    let id = InstanceId::from_i64(owner.get() as i64);
    let node = Gd::<Node>::try_from_instance_id(id).ok()?;
    let is_inside = node.is_inside_tree();
    Some(if is_inside { node.get_path().to_string() } else { node.get_name().to_string() })
}

/// Sets what cancels the tasks of a group.
#[track_caller]
pub(super) fn cancel_on(group: &GroupHandle, what: CancelOn) {
    if !engine::is_open() || group.is_closed() {
        return;
    }
    let Some(owner) = engine::owner(group) else {
        panic!(
            "cancel_on({what:?}): there is no node above the group; take `node.tasks()`, or a child of it"
        );
    };
    let id = InstanceId::from_i64(owner.get() as i64);
    let Ok(node) = Gd::<Node>::try_from_instance_id(id) else {
        return;
    };
    let seen = Seen { is_inside: node.is_inside_tree(), is_disabled: is_disabled(&node) };
    NODES.with_borrow_mut(|nodes| {
        let Some(bound) = nodes.bound.get_mut(&id) else {
            return;
        };
        bound.cancel_on.retain(|(other, _)| other != group && !other.is_closed());
        if !what.is_empty() {
            bound.cancel_on.push((group.clone(), what));
        }
        bound.seen = seen;
    });
}

/// Gives the new groups their bindings. Called on a clean stack.
pub(super) fn settle() {
    let new = NODES.with_borrow_mut(|nodes| mem::take(&mut nodes.new));
    for id in new {
        let Ok(mut node) = Gd::<Node>::try_from_instance_id(id) else {
            unbind(id);
            continue;
        };
        let binding = binder::bind(&mut node);
        NODES.with_borrow_mut(|nodes| {
            if let Some(bound) = nodes.bound.get_mut(&id) {
                bound.binding = Some(binding);
            }
        });
        // What happened to the node since `tasks` was called.
        look(id, &node);
    }
}

/// Looks at how a node is: freezes or thaws its group, and cancels what is to be cancelled by what has happened since the
/// last look.
pub(super) fn look(id: InstanceId, node: &Gd<Node>) {
    let is_inside = node.is_inside_tree();
    let is_frozen = !is_inside || !node.can_process();
    let Some(wants_disabled) = NODES
        .with_borrow(|nodes| nodes.bound.get(&id).map(|bound| bound.wants(CancelOn::DISABLED)))
    else {
        return;
    };
    let is_disabled = wants_disabled && is_frozen && is_disabled(node);
    let Some((group, cancelled)) = NODES.with_borrow_mut(|nodes| {
        let bound = nodes.bound.get_mut(&id)?;
        let before = mem::replace(&mut bound.seen, Seen { is_inside, is_disabled });
        let mut what = CancelOn::empty();
        what.set(CancelOn::EXIT_TREE, before.is_inside && !is_inside);
        what.set(CancelOn::DISABLED, !before.is_disabled && is_disabled);
        Some((bound.group.handle(), bound.cancelled_by(what)))
    }) else {
        return;
    };
    cancelled.iter().for_each(GroupHandle::cancel_all);
    engine::suspend(&group, is_frozen);
}

/// Hears that a node leaves the tree: of it and all below it, before it is out.
#[cfg(feature = "engine-classes")]
pub(super) fn leaves(id: InstanceId) {
    hear(id, CancelOn::EXIT_TREE, |seen| seen.is_inside = false);
    suspend(id, true);
}

/// Hears that a node has been disabled, or enabled again.
#[cfg(feature = "engine-classes")]
pub(super) fn disabled(id: InstanceId, is_disabled: bool) {
    let what = if is_disabled { CancelOn::DISABLED } else { CancelOn::empty() };
    hear(id, what, |seen| seen.is_disabled = is_disabled);
}

/// Cancels what is to be cancelled by something that has happened to a node.
#[cfg(feature = "engine-classes")]
fn hear(id: InstanceId, what: CancelOn, see: impl FnOnce(&mut Seen)) {
    let cancelled = NODES.with_borrow_mut(|nodes| {
        let bound = nodes.bound.get_mut(&id)?;
        see(&mut bound.seen);
        Some(bound.cancelled_by(what))
    });
    cancelled.iter().flatten().for_each(GroupHandle::cancel_all);
}

/// Freezes or thaws a node's group.
#[cfg(feature = "engine-classes")]
pub(super) fn suspend(id: InstanceId, on: bool) {
    let group = NODES.with_borrow(|nodes| nodes.bound.get(&id).map(|it| it.group.handle()));
    if let Some(group) = group {
        engine::suspend(&group, on);
    }
}

/// Closes a freed node's group, from any thread.
pub(super) fn unbind(id: InstanceId) {
    if engine::is_open() {
        let bound = NODES.with_borrow_mut(|nodes| nodes.bound.remove(&id));
        drop(bound);
    } else {
        note_elsewhere(id);
    }
}

/// Takes all bindings away, before the code is unloaded.
pub(crate) fn unbind_all() {
    let nodes = NODES.take();
    for (id, bound) in nodes.bound {
        if let Some(binding) = bound.binding {
            binder::unbind(id, binding);
        }
    }
    super::freed::unwatch_all();
}
