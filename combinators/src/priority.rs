//! A reactive selector: what an enemy does now.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuelight_runtime::check_seconds;
use pin_project_lite::pin_project;

use crate::BoxFuture;
use crate::wait::Checks;

/// Runs the first branch whose condition holds; when the condition of a higher one comes true, the running one is
/// dropped.
///
/// It takes a tuple of up to eight branches, or a `Vec` of them, the most urgent first: [`when`] and [`when_on`] go on to
/// their end, [`during`] ends with its condition, and [`otherwise`] has none. A branch's script is made by its function
/// each time that the branch is chosen, and so begins anew each time. Branches may be `priority`s themselves. It never
/// ends by itself: it is what `race`, `select` and `until` end. An empty list runs nothing.
///
/// The conditions are checked at the first poll, then once a tick of the clock, in the stage of its group; with
/// [`every`](Priority::every) less often. A check goes from the top down to the branch that runs, and no further:
///
/// - Each condition is asked once at most; that of a running `when` is not asked at all, nor are those below.
/// - The first that holds takes over. What runs is dropped first; then the new script is made, and polled at once.
/// - A `during` whose condition is found false is dropped at once, and the check goes on below it.
/// - A branch that has ended waits for the next check, and so does all the rest: one that ends at once is run once a
///   check, and is no livelock.
///
/// In a tick the check comes first, and then the script is polled: one that is interrupted in this tick has not made its
/// step. A poll for any other reason checks nothing, and neither does a frozen clock. As conditions do everywhere, these
/// see what ran before them in the tick.
///
/// Tuples allocate nothing. They have room for one script, the largest.
///
/// Dropping it drops the script that runs, and then the branches, in listed order. A panic in a condition or in a script
/// is the task's.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{ScriptFutureExt, during, otherwise, priority, wait_seconds, when};
///
/// # run(async {
/// let (distance, did) = (Cell::new(500), Cell::new(""));
/// let act = async |what, seconds| {
///     did.set(what);
///     wait_seconds(seconds).await;
/// };
/// let guard = priority((
///     when(|| distance.get() < 40, || act("attacks", 0.4)), // A stroke is carried through …
///     during(|| distance.get() < 300, || act("chases", 9.0)), // … a chase ends when he is gone.
///     otherwise(|| act("patrols", 9.0)),
/// ));
/// let intruder = async {
///     for (place, expected) in [(500, "patrols"), (200, "chases"), (30, "attacks"), (400, "attacks")] {
///         distance.set(place);
///         wait_seconds(0.1).await;
///         assert_eq!(did.get(), expected);
///     }
///     wait_seconds(0.5).await;
///     assert_eq!(did.get(), "patrols");
/// };
/// guard.until(intruder).await;
/// # });
/// ```
pub fn priority<B: BranchList>(branches: B) -> Priority<B> {
    Priority { running: B::idle(), branches, checks: Checks::new() }
}

pin_project! {
    /// Future of [`priority`]: it goes on for ever. Dropping it drops the script that runs.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Priority<B: BranchList> {
        // Dropped first.
        #[pin]
        running: B::Running,
        branches: B,
        checks: Checks,
    }
}

impl<B: BranchList> Priority<B> {
    /// Checks the conditions at once, and then every so many seconds of the clock instead of each tick.
    ///
    /// The script that runs is polled as before. The checks do not drift, and are frozen with the clock; several that a
    /// step has made due are one. 0 and less check at each tick; infinity checks once, and never again.
    ///
    /// # Panics
    /// If `seconds` is not a number.
    #[track_caller]
    pub fn every(mut self, seconds: f64) -> Self {
        check_seconds("every", seconds);
        self.checks.set_period(seconds);
        self
    }
}

impl<B: BranchList> Future for Priority<B> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let check = || {
            this.branches.check(this.running.as_mut());
            None::<Infallible>
        };
        let _never = this.checks.poll(cx, check);
        B::poll_running(this.running, cx);
        Poll::Pending
    }
}

// ---------------------------------------------------------------- The branches

/// Returns a branch that, once begun, goes on to its end, unless a higher one begins.
///
/// Its condition is not asked while it runs.
///
/// See [`priority`] for an example.
pub fn when<C, F, Fut>(condition: C, script: F) -> When<C, F, Fut>
where
    C: FnMut() -> bool,
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    When { condition, script, made: PhantomData }
}

/// Returns a branch that ends with its condition: when a check finds that it does not hold any more, the script is
/// dropped.
///
/// See [`priority`] for an example.
pub fn during<C, F, Fut>(condition: C, script: F) -> During<C, F, Fut>
where
    C: FnMut() -> bool,
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    During { condition, script, made: PhantomData }
}

/// Returns a branch like [`when`] that lends its node to the condition, and hands a clone of it to the script, which may
/// own it.
///
/// It is for what has methods that take `&mut self`, which two closures cannot share. It holds a clone of its own.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// use cuelight_combinators::{ScriptFutureExt, otherwise, priority, wait_frames, when_on};
///
/// # run(async {
/// let lamp = Rc::new(Cell::new("dark"));
/// let keeper = priority((
///     when_on(&lamp, |lamp| lamp.get() == "dark", async |lamp| {
///         wait_frames(2).await;
///         lamp.set("lit");
///     }),
///     otherwise(|| wait_frames(10)),
/// ));
/// keeper.until(wait_frames(5)).await;
/// assert_eq!(lamp.get(), "lit");
/// # });
/// ```
pub fn when_on<N, C, F, Fut>(node: &N, condition: C, script: F) -> WhenOn<N, C, F, Fut>
where
    N: Clone,
    C: FnMut(&N) -> bool,
    F: FnMut(N) -> Fut,
    Fut: Future<Output = ()>,
{
    WhenOn { node: node.clone(), condition, script, made: PhantomData }
}

/// Returns the branch for when no other condition holds: the last one, since what stands below it is never run.
///
/// Once begun it goes on to its end, unless a higher one begins, and then it begins anew.
///
/// See [`priority`] for an example.
pub fn otherwise<F, Fut>(script: F) -> Otherwise<F, Fut>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    Otherwise { script, made: PhantomData }
}

/// A branch of a [`priority`]: what [`when`], [`when_on`], [`during`] and [`otherwise`] return.
pub trait Branch {
    #[doc(hidden)]
    type Script: Future<Output = ()>;

    /// Asks the condition.
    #[doc(hidden)]
    fn holds(&mut self) -> bool;

    /// Makes the script.
    #[doc(hidden)]
    fn begin(&mut self) -> Self::Script;

    /// Returns whether the script is to go on: asked only while it runs.
    #[doc(hidden)]
    fn goes_on(&mut self) -> bool {
        true
    }

    /// Boxes the branch, so that unlike ones fit into one `Vec`: it allocates once, and once each time that the branch is
    /// chosen.
    ///
    /// ```
    /// # use cuelight_combinators::doc_example::run;
    /// use std::cell::Cell;
    ///
    /// use cuelight_combinators::{Branch, ScriptFutureExt, otherwise, priority, wait_frames, when};
    ///
    /// # run(async {
    /// let (is_hungry, eaten, naps) = (Cell::new(true), Cell::new(0), Cell::new(0));
    /// let eat = async || {
    ///     wait_frames(2).await;
    ///     eaten.set(eaten.get() + 1);
    ///     is_hungry.set(false);
    /// };
    /// let nap = async || {
    ///     naps.set(naps.get() + 1);
    ///     wait_frames(60).await;
    /// };
    /// let mut habits = vec![otherwise(nap).boxed()];
    /// habits.insert(0, when(|| is_hungry.get(), eat).boxed()); // Learnt later.
    /// priority(habits).until(wait_frames(10)).await;
    /// assert_eq!((eaten.get(), naps.get()), (1, 1));
    /// # });
    /// ```
    fn boxed<'a>(self) -> BoxBranch<'a>
    where
        Self: Sized + 'a,
    {
        BoxBranch { branch: Box::new(self) }
    }
}

/// Branch of [`when`].
#[must_use = "a branch does nothing unless a `priority` runs it"]
pub struct When<C, F, Fut> {
    condition: C,
    script: F,
    made: PhantomData<fn() -> Fut>,
}

/// Branch of [`during`].
#[must_use = "a branch does nothing unless a `priority` runs it"]
pub struct During<C, F, Fut> {
    condition: C,
    script: F,
    made: PhantomData<fn() -> Fut>,
}

/// Branch of [`when_on`].
#[must_use = "a branch does nothing unless a `priority` runs it"]
pub struct WhenOn<N, C, F, Fut> {
    node: N,
    condition: C,
    script: F,
    made: PhantomData<fn() -> Fut>,
}

/// Branch of [`otherwise`].
#[must_use = "a branch does nothing unless a `priority` runs it"]
pub struct Otherwise<F, Fut> {
    script: F,
    made: PhantomData<fn() -> Fut>,
}

/// A boxed branch: see [`Branch::boxed`].
#[must_use = "a branch does nothing unless a `priority` runs it"]
pub struct BoxBranch<'a> {
    branch: Box<dyn AnyBranch<'a> + 'a>,
}

impl<C, F, Fut> Branch for When<C, F, Fut>
where
    C: FnMut() -> bool,
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    type Script = Fut;

    #[inline]
    fn holds(&mut self) -> bool {
        (self.condition)()
    }

    #[inline]
    fn begin(&mut self) -> Fut {
        (self.script)()
    }
}

impl<C, F, Fut> Branch for During<C, F, Fut>
where
    C: FnMut() -> bool,
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    type Script = Fut;

    #[inline]
    fn holds(&mut self) -> bool {
        (self.condition)()
    }

    #[inline]
    fn begin(&mut self) -> Fut {
        (self.script)()
    }

    #[inline]
    fn goes_on(&mut self) -> bool {
        (self.condition)()
    }
}

impl<N, C, F, Fut> Branch for WhenOn<N, C, F, Fut>
where
    N: Clone,
    C: FnMut(&N) -> bool,
    F: FnMut(N) -> Fut,
    Fut: Future<Output = ()>,
{
    type Script = Fut;

    #[inline]
    fn holds(&mut self) -> bool {
        (self.condition)(&self.node)
    }

    #[inline]
    fn begin(&mut self) -> Fut {
        (self.script)(self.node.clone())
    }
}

impl<F, Fut> Branch for Otherwise<F, Fut>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    type Script = Fut;

    #[inline]
    fn holds(&mut self) -> bool {
        true
    }

    #[inline]
    fn begin(&mut self) -> Fut {
        (self.script)()
    }
}

impl<'a> Branch for BoxBranch<'a> {
    type Script = BoxFuture<'a, ()>;

    fn holds(&mut self) -> bool {
        self.branch.any_holds()
    }

    fn begin(&mut self) -> BoxFuture<'a, ()> {
        self.branch.any_begin()
    }

    fn goes_on(&mut self) -> bool {
        self.branch.any_goes_on()
    }
}

/// A branch of any type, whose scripts are boxed.
trait AnyBranch<'a> {
    fn any_holds(&mut self) -> bool;
    fn any_begin(&mut self) -> BoxFuture<'a, ()>;
    fn any_goes_on(&mut self) -> bool;
}

impl<'a, B: Branch + 'a> AnyBranch<'a> for B {
    fn any_holds(&mut self) -> bool {
        self.holds()
    }

    fn any_begin(&mut self) -> BoxFuture<'a, ()> {
        Box::pin(self.begin())
    }

    fn any_goes_on(&mut self) -> bool {
        self.goes_on()
    }
}

// ---------------------------------------------------------------- The lists

/// The branches of a [`priority`], the most urgent first: a tuple of up to eight, or a `Vec`.
pub trait BranchList {
    /// The place of the script that runs, if one does.
    #[doc(hidden)]
    type Running;

    /// Returns the place without a script.
    #[doc(hidden)]
    fn idle() -> Self::Running;

    /// Asks the conditions down to the branch that runs, and has another one run if it is its turn.
    #[doc(hidden)]
    fn check(&mut self, running: Pin<&mut Self::Running>);

    /// Polls the script that runs, and drops it at its end.
    #[doc(hidden)]
    fn poll_running(running: Pin<&mut Self::Running>, cx: &mut Context<'_>);
}

pin_project! {
    #[doc(hidden)]
    pub struct RunningOfList<S> {
        #[pin]
        script: Option<S>,
        // Whose it is, or was last.
        index: usize,
    }
}

impl<B: Branch> BranchList for Vec<B> {
    type Running = RunningOfList<B::Script>;

    fn idle() -> Self::Running {
        RunningOfList { script: None, index: 0 }
    }

    fn check(&mut self, running: Pin<&mut Self::Running>) {
        let mut running = running.project();
        for (index, branch) in self.iter_mut().enumerate() {
            if running.script.is_some() && *running.index == index {
                if branch.goes_on() {
                    return;
                }
                running.script.set(None);
            } else if branch.holds() {
                running.script.set(None);
                *running.index = index;
                running.script.set(Some(branch.begin()));
                return;
            }
        }
    }

    fn poll_running(running: Pin<&mut Self::Running>, cx: &mut Context<'_>) {
        let mut script = running.project().script;
        if let Some(running) = script.as_mut().as_pin_mut()
            && running.poll(cx).is_ready()
        {
            script.set(None);
        }
    }
}

macro_rules! branch_tuple {
    ($running:ident $projection:ident: $($branch:ident $field:ident),+) => {
        pin_project! {
            #[doc(hidden)]
            #[project = $projection]
            pub enum $running<$($branch),+> {
                Nothing,
                $(
                    $branch {
                        #[pin]
                        script: $branch,
                    },
                )+
            }
        }

        impl<$($branch: Branch),+> BranchList for ($($branch,)+) {
            type Running = $running<$($branch::Script),+>;

            fn idle() -> Self::Running {
                $running::Nothing
            }

            #[inline]
            fn check(&mut self, mut running: Pin<&mut Self::Running>) {
                let ($($field,)+) = self;
                $(
                    if let $running::$branch { .. } = *running {
                        if $field.goes_on() {
                            return;
                        }
                        running.set($running::Nothing);
                    } else if $field.holds() {
                        running.set($running::Nothing);
                        let script = $field.begin();
                        running.set($running::$branch { script });
                        return;
                    }
                )+
            }

            #[inline]
            fn poll_running(mut running: Pin<&mut Self::Running>, cx: &mut Context<'_>) {
                let polled = match running.as_mut().project() {
                    $projection::Nothing => return,
                    $($projection::$branch { script } => script.poll(cx),)+
                };
                if polled.is_ready() {
                    running.set($running::Nothing);
                }
            }
        }
    };
}

branch_tuple!(Running1 Projection1: A a);
branch_tuple!(Running2 Projection2: A a, B b);
branch_tuple!(Running3 Projection3: A a, B b, C c);
branch_tuple!(Running4 Projection4: A a, B b, C c, D d);
branch_tuple!(Running5 Projection5: A a, B b, C c, D d, E e);
branch_tuple!(Running6 Projection6: A a, B b, C c, D d, E e, F f);
branch_tuple!(Running7 Projection7: A a, B b, C c, D d, E e, F f, G g);
branch_tuple!(Running8 Projection8: A a, B b, C c, D d, E e, F f, G g, H h);
