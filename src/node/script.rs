//! Scripts from a method that holds `&mut self`, and from a `Gd`.

use cuelight_combinators::Ease;
use cuelight_runtime::TaskHandle;
use godot::classes::Node;
use godot::obj::bounds::DeclUser;
use godot::obj::{Bounds, Gd, Inherits, WithBaseField};

use super::{AnimateNode, NodeAtExit, NodeTasks};

/// Scripts from a method that holds `&mut self`; the class needs a field `base: Base<…>`.
pub trait ScriptedNode: WithBaseField + Inherits<Node> {
    /// Spawns a script on the node's group, and runs it up to its first await. Meanwhile the object is lent out, so
    /// that the script may bind it.
    ///
    /// Dropping the handle detaches: the script goes on, until the node is freed. `free()` of the node before the first
    /// await is refused by `godot`, since the object is in use; `queue_free()` is not.
    ///
    /// # Panics
    /// If the calling thread is not the main thread.
    ///
    /// # Examples
    /// ```no_run
    /// use cuelight::prelude::*;
    /// use godot::prelude::*;
    ///
    /// #[derive(GodotClass)]
    /// #[class(init, base = Node)]
    /// struct Lamp {
    ///     lit: bool,
    ///     base: Base<Node>,
    /// }
    ///
    /// #[godot_api]
    /// impl INode for Lamp {
    ///     fn ready(&mut self) {
    ///         self.spawn_task(blink);
    ///     }
    /// }
    ///
    /// async fn blink(me: Gd<Lamp>) {
    ///     loop {
    ///         me.with(|lamp| lamp.lit = !lamp.lit);
    ///         wait_seconds(0.5).await;
    ///     }
    /// }
    /// ```
    #[track_caller]
    fn spawn_task<F, Fut>(&mut self, script: F) -> TaskHandle<Fut::Output>
    where
        F: FnOnce(Gd<Self>) -> Fut,
        Fut: Future<Output: 'static> + 'static,
    {
        let me = self.to_gd();
        let group = me.tasks();
        let _lent = self.base_mut();
        group.spawn(script(me))
    }

    /// Lends the object out while a function runs, so that it may bind it.
    fn lend<T>(&mut self, borrower: impl FnOnce(Gd<Self>) -> T) -> T {
        let me = self.to_gd();
        let _lent = self.base_mut();
        borrower(me)
    }
}

impl<T: WithBaseField + Inherits<Node>> ScriptedNode for T {}

/// Scripts from a `Gd`.
pub trait NodeScript<T: Inherits<Node>> {
    /// Spawns a script on the node's group and runs it up to its first await.
    ///
    /// Dropping the handle detaches: the script goes on, until the node is freed. Where the caller has the object
    /// borrowed, and the script binds it before its first await, use [`ScriptedNode::spawn_task`].
    ///
    /// # Panics
    /// If the calling thread is not the main thread.
    #[track_caller]
    fn spawn_task<F, Fut>(&self, script: F) -> TaskHandle<Fut::Output>
    where
        F: FnOnce(Gd<T>) -> Fut,
        Fut: Future<Output: 'static> + 'static;

    /// Binds the object for one function: no guard can stay across an await.
    ///
    /// # Panics
    /// If the object is bound elsewhere, or was freed.
    fn with<R>(&self, function: impl FnOnce(&mut T) -> R) -> R
    where
        T: Bounds<Declarer = DeclUser>;

    /// Returns a guard that runs a function with the node when it is dropped: at the end of the script, or when it is
    /// cancelled. It does nothing if the node has been freed, and so needs no check.
    ///
    /// Bind it to a name: `let _lamp = me.at_exit(…)`. With `let _ = …` it would run at once. A panic in the function is the
    /// task's, as in any destructor.
    ///
    /// # Examples
    /// ```no_run
    /// use cuelight::prelude::*;
    /// use godot::prelude::*;
    ///
    /// async fn vanish(mut me: Gd<Node2D>) {
    ///     me.set_visible(false);
    ///     let _visible = me.at_exit(|me| me.set_visible(true));
    ///     wait_seconds(3.0).await;
    /// }
    /// ```
    fn at_exit<F: FnOnce(&mut Gd<T>)>(&self, exit: F) -> NodeAtExit<T, F>;

    /// Calls a function with the node and 0 to 1, eased, over so many seconds of the task's clock, as
    /// [`animate`](cuelight_combinators::animate) does: so that no two closures fight for the node. It ends quietly if the
    /// node is freed.
    ///
    /// # Panics
    /// If `seconds` is not a number.
    ///
    /// # Examples
    /// ```no_run
    /// use cuelight::prelude::*;
    /// use godot::prelude::*;
    ///
    /// async fn fade(me: Gd<Node2D>) {
    ///     me.animate(0.5, Ease::OutQuad, |me, t| me.set_modulate(Color::WHITE.with_alpha(1.0 - t))).await;
    /// }
    /// ```
    #[track_caller]
    fn animate<F: FnMut(&mut Gd<T>, f32)>(
        &self,
        seconds: f64,
        ease: Ease,
        step: F,
    ) -> AnimateNode<T, F>;
}

impl<T: Inherits<Node>> NodeScript<T> for Gd<T> {
    #[track_caller]
    fn spawn_task<F, Fut>(&self, script: F) -> TaskHandle<Fut::Output>
    where
        F: FnOnce(Gd<T>) -> Fut,
        Fut: Future<Output: 'static> + 'static,
    {
        self.tasks().spawn(script(self.clone()))
    }

    fn with<R>(&self, function: impl FnOnce(&mut T) -> R) -> R
    where
        T: Bounds<Declarer = DeclUser>,
    {
        let mut object = self.clone();
        let mut object = object.bind_mut();
        function(&mut object)
    }

    fn at_exit<F: FnOnce(&mut Gd<T>)>(&self, exit: F) -> NodeAtExit<T, F> {
        NodeAtExit::new(self.clone(), exit)
    }

    #[track_caller]
    fn animate<F: FnMut(&mut Gd<T>, f32)>(
        &self,
        seconds: f64,
        ease: Ease,
        step: F,
    ) -> AnimateNode<T, F> {
        AnimateNode::new(self.clone(), seconds, ease, step)
    }
}
