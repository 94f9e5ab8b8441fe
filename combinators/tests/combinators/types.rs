//! What the futures are to the compiler.

use std::future::Ready;
use std::marker::PhantomPinned;

use cuelight_combinators::{
    Animate, Child, Every, FrameBudgetTick, Join, Map, OnCancel, Race, Select, Timeout,
    Uncancellable, Until, WaitChanged, WaitRealSeconds, WaitUntil, WaitUntilTime, WaitWhile,
    YieldNow,
};

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

/// Fails to compile if a type is `Unpin`: then both implementations fit, and none is chosen.
macro_rules! assert_not_unpin {
    ($($type:ty),+ $(,)?) => {
        $(
            const _: fn() = || {
                trait Ambiguous<A> {
                    fn choose() {}
                }
                impl<T: ?Sized> Ambiguous<()> for T {}
                struct HasIt;
                impl<T: ?Sized + Unpin> Ambiguous<HasIt> for T {}
                let _choice = <$type as Ambiguous<_>>::choose;
            };
        )+
    };
}

assert_not_unpin! {
    Race<(Ready<()>, Pinned)>,
    Select<(Pinned, Ready<()>)>,
    Join<(Ready<()>, Pinned)>,
    Timeout<Pinned>,
    Until<Pinned, Ready<()>>,
    Until<Ready<()>, Pinned>,
    Map<Pinned, fn(())>,
    OnCancel<Pinned, fn()>,
}

fn is_unpin<T: Unpin>() {}

#[test]
fn futures_are_unpin_where_their_parts_are() {
    is_unpin::<Race<(Ready<()>, Ready<()>)>>();
    is_unpin::<Select<(Ready<()>, Ready<u8>)>>();
    is_unpin::<Join<(Ready<()>, Ready<PhantomPinned>)>>();
    is_unpin::<Timeout<Ready<()>>>();
    is_unpin::<Until<Ready<()>, Ready<()>>>();
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
}

#[test]
fn pinned_parts_work_all_the_same() {
    crate::check::check(
        |_| cuelight_combinators::join((Pinned(PhantomPinned), async {})),
        ((), ()),
        &["done"],
    );
}
