//! What the futures are to the compiler.

use std::future::Ready;
use std::marker::PhantomPinned;

use cuelight_combinators::{
    Animate, AsCompleted, BoxBranch, Child, Every, FrameBudgetTick, Join, Map, OnCancel, Otherwise,
    Priority, Race, RaceIter, Rush, Select, Timeout, TryJoin, Uncancellable, Until, WaitChanged,
    WaitRealSeconds, WaitUntil, WaitUntilTime, WaitWhile, When, YieldNow,
};
use smallvec::SmallVec;

/// A future that must not move.
struct Pinned(PhantomPinned);

impl Future for Pinned {
    type Output = ();

    fn poll(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<()> {
        std::task::Poll::Ready(())
    }
}

/// One that can fail.
struct Fallible(PhantomPinned);

impl Future for Fallible {
    type Output = Result<(), ()>;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::task::Poll::Ready(Ok(()))
    }
}

/// Fails to compile if a type has a trait: then both implementations fit, and none is chosen.
macro_rules! assert_not {
    ($trait:ident: $($type:ty),+ $(,)?) => {
        $(
            const _: fn() = || {
                trait Ambiguous<A> {
                    fn choose() {}
                }
                impl<T: ?Sized> Ambiguous<()> for T {}
                struct HasIt;
                impl<T: ?Sized + $trait> Ambiguous<HasIt> for T {}
                let _choice = <$type as Ambiguous<_>>::choose;
            };
        )+
    };
}

assert_not! {
    Unpin:
    Race<(Ready<()>, Pinned)>,
    Select<(Pinned, Ready<()>)>,
    Join<(Ready<()>, Pinned)>,
    Timeout<Pinned>,
    Until<Pinned, Ready<()>>,
    Until<Ready<()>, Pinned>,
    Map<Pinned, fn(())>,
    OnCancel<Pinned, fn()>,
    TryJoin<(Ready<Result<(), ()>>, Fallible)>,
    Race<[Pinned; 2]>,
    Select<[Pinned; 2]>,
    Join<[Pinned; 2]>,
    TryJoin<[Fallible; 2]>,
    Race<SmallVec<[Pinned; 2]>>,
    Select<SmallVec<[Pinned; 2]>>,
    Join<SmallVec<[Pinned; 2]>>,
    TryJoin<SmallVec<[Fallible; 2]>>,
    RaceIter<Pinned>,
    Priority<(When<fn() -> bool, fn() -> Pinned, Pinned>,)>,
    Priority<Vec<Otherwise<fn() -> Pinned, Pinned>>>,
}

/// A future that stays on its thread.
type Local = Ready<std::rc::Rc<()>>;

assert_not! {
    Send:
    Race<[Local; 2]>,
    Select<Vec<Local>>,
    Join<SmallVec<[Local; 2]>>,
    AsCompleted<Local>,
    Rush<(Ready<()>, Ready<()>)>,
}

fn is_unpin<T: Unpin>() {}

#[test]
fn futures_are_unpin_where_their_parts_are() {
    is_unpin::<Race<(Ready<()>, Ready<()>)>>();
    is_unpin::<Select<(Ready<()>, Ready<u8>)>>();
    is_unpin::<Join<(Ready<()>, Ready<PhantomPinned>)>>();
    is_unpin::<Timeout<Ready<()>>>();
    is_unpin::<Until<Ready<()>, Ready<()>>>();
    is_unpin::<TryJoin<(Ready<Result<(), ()>>, Ready<Result<u8, ()>>)>>();
    is_unpin::<Race<[Ready<()>; 2]>>();
    is_unpin::<Join<SmallVec<[Ready<PhantomPinned>; 2]>>>();
    is_unpin::<RaceIter<Ready<()>>>();
    // The parts of a `Vec` do not move with it, and those of a rush are in boxes.
    is_unpin::<Race<Vec<Pinned>>>();
    is_unpin::<Select<Vec<Pinned>>>();
    is_unpin::<Join<Vec<Pinned>>>();
    is_unpin::<TryJoin<Vec<Fallible>>>();
    is_unpin::<AsCompleted<Pinned>>();
    is_unpin::<Rush<(Pinned, Pinned)>>();
    // A condition is called, and never pinned.
    is_unpin::<WaitUntil<PhantomPinned>>();
    is_unpin::<WaitWhile<PhantomPinned>>();
    is_unpin::<WaitChanged<PhantomPinned, PhantomPinned>>();
    is_unpin::<Animate<PhantomPinned>>();
    is_unpin::<WaitUntilTime>();
    is_unpin::<WaitRealSeconds>();
    is_unpin::<Every>();
    is_unpin::<FrameBudgetTick<'_>>();
    is_unpin::<Map<Ready<()>, PhantomPinned>>();
    is_unpin::<OnCancel<Ready<()>, fn()>>();
    is_unpin::<Child<PhantomPinned>>();
    // Its future is pinned in a box.
    is_unpin::<Uncancellable<Pinned>>();
    is_unpin::<YieldNow>();
    // The functions of branches are called, and never pinned, and boxed scripts are pinned in their boxes.
    is_unpin::<Priority<(When<fn() -> bool, fn() -> Ready<()>, Ready<()>>,)>>();
    is_unpin::<Priority<Vec<BoxBranch<'_>>>>();
}

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn futures_may_travel_where_their_parts_may() {
    is_send_and_sync::<Race<(Ready<()>, Ready<()>)>>();
    is_send_and_sync::<Race<[Ready<()>; 2]>>();
    is_send_and_sync::<Select<Vec<Ready<()>>>>();
    is_send_and_sync::<Join<SmallVec<[Ready<()>; 2]>>>();
    is_send_and_sync::<TryJoin<Vec<Ready<Result<(), ()>>>>>();
    is_send_and_sync::<RaceIter<Ready<()>>>();
    is_send_and_sync::<AsCompleted<Ready<()>>>();
}

/// Lists may borrow.
#[test]
fn parts_may_borrow() {
    let number = 7;
    let part = async || &number;
    drop(cuelight_combinators::race([part(), part()]));
    drop(cuelight_combinators::join(vec![part(), part()]));
    drop(cuelight_combinators::as_completed([part(), part()]));
}

#[test]
fn pinned_parts_work_all_the_same() {
    crate::check::check(
        |_| cuelight_combinators::join((Pinned(PhantomPinned), async {})),
        ((), ()),
        &["done"],
    );
}
