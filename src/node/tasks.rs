//! The group of a node: made at first use, frozen while the node cannot process, closed when the node is freed.
//!
//! A group is bound to its node by an internal child, a [`Binder`]. A node that is busy entering or leaving the tree
//! takes no child, so none is added where `tasks` is called: that is put off to the next clean stack, before anything is
//! polled. Until then nothing can have run that would have to be frozen, or ended.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use cuelight_runtime::{GroupHandle, TaskGroup, engine};
use godot::classes::Node;
use godot::classes::node::InternalMode;
use godot::obj::{DynGd, Gd, Inherits, InstanceId, NewAlloc as _, OnReady};

use super::binder::Binder;

thread_local! {
    /// The nodes that have a group, on the main thread.
    static NODES: RefCell<Nodes> = RefCell::default();
}

/// Nodes that were freed on other threads: they are closed at the next tick or flush, before anything is polled.
static FREED_ELSEWHERE: Mutex<Vec<InstanceId>> = Mutex::new(Vec::new());

/// Whether there are such: looking at an empty list costs one load.
static ANY_FREED_ELSEWHERE: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
struct Nodes {
    bound: HashMap<InstanceId, Bound>,
    /// Those that have no binder yet.
    new: Vec<InstanceId>,
}

/// A node's group, and what binds it.
struct Bound {
    /// Dropping it closes the group.
    group: TaskGroup,
    binder: Option<Gd<Binder>>,
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
        let group = TaskGroup::new();
        let handle = group.handle();
        if !engine::is_open() || !self.is_instance_valid() {
            // Dropped here, and so closed.
            return handle;
        }
        let node = self.clone().upcast::<Node>();
        engine::suspend(&handle, !can_process(&node));
        NODES.with_borrow_mut(|nodes| {
            nodes.bound.insert(id, Bound { group, binder: None });
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

/// Returns whether a node's tasks may run now.
pub(super) fn can_process(node: &Gd<Node>) -> bool {
    // Out of the tree, asking is an engine error.
    node.is_inside_tree() && node.can_process()
}

/// Gives the new groups their binders. Called on a clean stack.
pub(crate) fn settle() {
    let new = NODES.with_borrow_mut(|nodes| mem::take(&mut nodes.new));
    for id in new {
        let Ok(mut node) = Gd::<Node>::try_from_instance_id(id) else {
            unbind(id);
            continue;
        };
        let binder = Binder::new_alloc();
        binder.clone().bind_mut().bind_to(id);
        let child = binder.clone().upcast::<Node>();
        node.add_child_ex(&child).internal(InternalMode::BACK).done();
        let group = NODES.with_borrow_mut(|nodes| {
            let bound = nodes.bound.get_mut(&id)?;
            bound.binder = Some(binder);
            Some(bound.group.handle())
        });
        // What happened to the node since `tasks` was called.
        if let Some(group) = group {
            engine::suspend(&group, !can_process(&node));
        }
    }
}

/// Freezes or thaws a node's group.
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
        FREED_ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        ANY_FREED_ELSEWHERE.store(true, Ordering::Release);
    }
}

/// Closes the groups of nodes that were freed on other threads.
pub(crate) fn hear_freed_elsewhere() {
    if ANY_FREED_ELSEWHERE.swap(false, Ordering::Acquire) {
        let freed = mem::take(&mut *FREED_ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner));
        freed.into_iter().for_each(unbind);
    }
}

/// Takes all binders away, before the code is unloaded.
pub(crate) fn unbind_all() {
    let nodes = NODES.take();
    for (id, bound) in nodes.bound {
        if let Some(binder) = bound.binder
            && binder.is_instance_valid()
            // A tree that is being torn down frees it with its node.
            && Gd::<Node>::try_from_instance_id(id).is_ok()
        {
            binder.free();
        }
    }
}
