//! What else ends the tasks of a group: its node's leaving, its node's being disabled, the end of another object.

use cuelight_runtime::{GroupHandle, engine};
use godot::classes::Object;
use godot::obj::{Gd, Inherits};

use super::freed::{Watch, Watcher};
use super::tasks;

bitflags::bitflags! {
    /// What cancels the tasks of a group, beside the end of its node: see [`GroupExt::cancel_on`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct CancelOn: u32 {
        /// The node leaves the tree: by `remove_child`, with its parent, also to be reparented.
        const EXIT_TREE = 1;
        /// The node is disabled, as one that goes back to its pool: its process mode, own or inherited, becomes
        /// `DISABLED`. The tree's pause is none.
        const DISABLED = 2;
    }
}

/// What binds a group to objects.
pub trait GroupExt {
    /// Closes the group when another object is freed, too: its tasks are cancelled for good, and what is spawned later
    /// comes back cancelled.
    ///
    /// It acts at once in the free, also while the group is frozen; a free on another thread is heard of at the next tick.
    /// A freed object closes the group at once. A group can be bound to several objects: the first that is freed ends it.
    /// For the root group this is `cancel_all`. When the group closes first, nothing is left at the object.
    ///
    /// A node's own group that was closed stays so: bind a child of it, `node.tasks().child()`, if the node goes on.
    ///
    /// # Examples
    /// ```no_run
    /// use cuelight::prelude::*;
    /// use godot::prelude::*;
    ///
    /// fn duel(me: Gd<Node2D>, rival: Gd<Node2D>) {
    ///     let duel = me.tasks().child();
    ///     duel.ends_with(&rival);
    ///     duel.spawn(async move {
    ///         loop {
    ///             godot_print!("En garde, {}!", rival.get_name());
    ///             wait_seconds(2.0).await;
    ///         }
    ///     });
    /// }
    /// ```
    fn ends_with<T: Inherits<Object>>(&self, other: &Gd<T>) -> &Self;

    /// Cancels the group's tasks, and those below it, each time that something happens to the group's node. The group
    /// stays usable: what is spawned later runs.
    ///
    /// It is for a node's own group, `node.tasks()`, and for groups below that. It replaces what was set before;
    /// `CancelOn::empty()` takes it back. The tasks are cancelled at once, and their guards run on a clean stack, in the
    /// same frame.
    ///
    /// In a library without the feature `engine-classes`, a node that leaves and comes back within a frame has not left.
    ///
    /// # Panics
    /// If no node is above the group.
    ///
    /// # Examples
    /// A bullet that goes back to its pool, and comes out of it again:
    /// ```no_run
    /// use cuelight::prelude::*;
    /// use godot::classes::node::ProcessMode;
    /// use godot::prelude::*;
    ///
    /// #[derive(GodotClass)]
    /// #[class(init, base = Node2D)]
    /// struct Bullet {
    ///     base: Base<Node2D>,
    /// }
    ///
    /// #[godot_api]
    /// impl INode2D for Bullet {
    ///     fn ready(&mut self) {
    ///         self.to_gd().tasks().cancel_on(CancelOn::DISABLED);
    ///     }
    /// }
    ///
    /// impl Bullet {
    ///     fn fire(&mut self) {
    ///         self.base_mut().set_process_mode(ProcessMode::INHERIT);
    ///         self.spawn_task(async |mut me| {
    ///             wait_seconds(3.0).await;
    ///             me.set_process_mode(ProcessMode::DISABLED);
    ///         });
    ///     }
    /// }
    /// ```
    #[track_caller]
    fn cancel_on(&self, what: CancelOn) -> &Self;
}

impl GroupExt for GroupHandle {
    fn ends_with<T: Inherits<Object>>(&self, other: &Gd<T>) -> &Self {
        if !engine::is_open() || self.is_closed() {
            return self;
        }
        if other.is_instance_valid() {
            // It goes with the group, and so does the connection with the last who watches.
            engine::attach(self, Watch::new(other, Watcher::Group(self.clone())));
        } else {
            self.close();
        }
        self
    }

    #[track_caller]
    fn cancel_on(&self, what: CancelOn) -> &Self {
        tasks::cancel_on(self, what);
        self
    }
}
