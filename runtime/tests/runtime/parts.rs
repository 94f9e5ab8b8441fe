//! `Parts`, by its own methods: what the combinators of lists do with it is tested with them.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cuelight_runtime::Parts;
use smallvec::SmallVec;

use crate::common::{Log, Part, panic_of};

fn names(log: &Log) -> [Part<u32>; 3] {
    [Part::new(log, "a", 2, 1), Part::new(log, "b", 1, 2), Part::new(log, "c", 1, 3)]
}

/// Drops one part, polls another, asks for all, and drops the rest.
#[track_caller]
fn check<L: cuelight_runtime::PartList<Part = Part<u32>>>(list: impl Fn(&Log) -> L) {
    let (log, mut cx) = (Log::new(), Context::from_waker(Waker::noop()));
    let mut parts = Box::pin(Parts::new(list(&log)));
    assert_eq!((parts.len(), parts.is_empty(), parts.count_alive()), (3, false, 3));
    assert!(parts.as_mut().drop_part(1));
    log.check(&["drop b"]);
    assert!(!parts.as_mut().drop_part(1), "it is dropped once");
    assert!(!parts.as_mut().drop_part(3), "it was never there");
    assert!(parts.is_alive(0) && !parts.is_alive(1) && parts.is_alive(2) && !parts.is_alive(3));
    assert!(parts.as_mut().part(1).is_none() && parts.as_mut().part(2).is_some());
    let (message, file) = panic_of(|| parts.as_mut().poll_part(1, &mut cx).is_ready());
    assert_eq!((&*message, &*file), ("poll_part(1): the part is not alive", file!()));
    // One that is ready stays.
    assert_eq!(parts.as_mut().poll_part(2, &mut cx), Poll::Ready(3));
    assert_eq!((parts.len(), parts.count_alive()), (3, 2));
    log.check(&["poll c"]);
    parts.as_mut().drop_all();
    log.check(&["drop a", "drop c"]);
    assert_eq!(parts.count_alive(), 0);
    drop(parts);
    log.check(&[]);

    // All at once, and in the middle of a round.
    drop(Parts::new(list(&log)));
    log.check(&["drop a", "drop b", "drop c"]);
    let mut parts = Box::pin(Parts::new(list(&log)));
    parts.as_mut().drop_part(0);
    assert_eq!(parts.as_mut().poll_first(&mut cx), Poll::Ready((1, 2)));
    log.check(&["drop a", "poll b", "drop b", "drop c"]);
    assert_eq!(parts.as_mut().poll_first(&mut cx), Poll::Pending);
}

#[test]
fn array() {
    check(names);
}

#[test]
fn vec() {
    check(|log| Vec::from(names(log)));
}

#[test]
fn small_vec() {
    check(|log| SmallVec::<[_; 4]>::from_iter(names(log)));
    check(|log| SmallVec::<[_; 2]>::from_iter(names(log)));
}

#[test]
fn flags_of_long_lists() {
    for len in [1, 63, 64, 65, 127, 128, 129, 1_000] {
        let mut parts = Parts::new(vec![(); len]);
        for index in (0..len).rev().step_by(3) {
            assert!(Pin::new(&mut parts).drop_part(index));
        }
        for index in 0..len + 100 {
            let is_alive = index < len && (len - 1 - index) % 3 != 0;
            assert_eq!(parts.is_alive(index), is_alive, "{index} of {len}");
        }
        assert_eq!(parts.count_alive(), len - len.div_ceil(3));
    }
}

#[test]
fn memory_is_freed_once_and_the_parts_too() {
    // Counted by the strong references that are left.
    let shared = std::rc::Rc::new(());
    drop(Parts::new(vec![shared.clone(); 100]));
    drop(Parts::new(SmallVec::<[_; 2]>::from_elem(shared.clone(), 100)));
    drop(Parts::new([(); 9].map(|()| shared.clone())));
    let mut parts = Parts::new(vec![shared.clone(); 100]);
    Pin::new(&mut parts).drop_part(50);
    assert_eq!(std::rc::Rc::strong_count(&shared), 100);
    drop(parts);
    assert_eq!(std::rc::Rc::strong_count(&shared), 1);
}
