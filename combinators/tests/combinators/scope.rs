//! `scope`

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use cuelight_combinators::{
    Child, Scope, ScriptFutureExt, at_exit, join, next_frame, race, scope, wait_frames, yield_now,
};
use cuelight_runtime::{TaskError, TaskGroup, engine, spawn};

use crate::check::{check, check_drop, check_frozen, check_leaves_nothing};
use crate::common::{CountedWaker, Event, Log, OnDrop, Part, World, panic_of, poll_once};

#[test]
fn all_ok() {
    let make = |log: &Log| {
        let (log, part) = (log.clone(), Part::new(log, "a", 1, 1));
        scope(async move |s| {
            log.push("body");
            let child = s.spawn(part);
            log.push("spawned");
            let output = child.await;
            log.push("awaited");
            output
        })
    };
    // All in one poll.
    check(make, 1, &["body", "spawned", "poll a", "drop a", "awaited", "done"]);
}

#[test]
fn empty() {
    check(|_| scope(async |_s| 7), 7, &["done"]);
}

#[test]
fn pending_then_ready() {
    let make = |log: &Log| {
        let parts = (Part::new(log, "a", 3, 1), Part::new(log, "b", 2, 2));
        scope(async move |s| {
            let (a, b) = (s.spawn(parts.0), s.spawn(parts.1));
            (a.await, b.await)
        })
    };
    check(
        make,
        (1, 2),
        &["poll a", "poll b", "poll a", "poll b", "drop b", "poll a", "drop a", "done"],
    );
}

#[test]
fn poll_order() {
    let (world, log) = (World::start(), Log::new());
    let event = Event::new();
    let (inner, again) = (log.clone(), event.clone());
    spawn(scope(async move |s| {
        s.spawn(Part::new(&inner, "a", 9, ()));
        s.spawn(Part::new(&inner, "b", 9, ()));
        loop {
            inner.push("body");
            again.wait().await;
        }
    }))
    .detach();
    log.check(&["body", "poll a", "poll b"]);
    event.give();
    world.flush();
    // The body first, then the children in the order of their spawns.
    log.check(&["body", "poll a", "poll b"]);
}

#[test]
fn the_body_is_polled_again_when_a_child_is_ready() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        scope(async |s| {
            let first = s.spawn(async {
                next_frame().await;
                inner.push("first is ready");
            });
            s.spawn(async {
                next_frame().await;
                inner.push("second is ready");
                pending::<()>().await;
            });
            first.await;
            inner.push("the body goes on");
            s.spawn(async { inner.push("third is ready") }).await;
            inner.push("the body ends");
        })
        .await;
    })
    .detach();
    log.check(&[]);
    world.tick();
    log.check(&[
        "first is ready",
        "second is ready",
        "the body goes on",
        "third is ready",
        "the body ends",
    ]);
}

#[test]
fn children_await_each_other_without_a_frame() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let log = &inner;
        scope(async |s| {
            let place: Rc<RefCell<Option<Child<i32>>>> = Rc::default();
            let taken = place.clone();
            // Spawned before the one that it awaits.
            let first = s.spawn(async move {
                let other = poll_fn(|_| match taken.take() {
                    Some(other) => Poll::Ready(other),
                    None => Poll::Pending,
                });
                let other = other.await;
                log.push(format!("got {}", other.await));
            });
            let second = s.spawn(async move {
                next_frame().await;
                log.push("ready");
                7
            });
            *place.borrow_mut() = Some(second);
            first.await;
            log.push("end");
        })
        .await;
    })
    .detach();
    world.tick();
    log.check(&["ready", "got 7", "end"]);
}

#[test]
fn only_who_waits_is_polled_again() {
    let log = Log::new();
    let mut future = Box::pin({
        let log = log.clone();
        async move {
            scope(async |s| {
                s.spawn(Part::new(&log, "other", 9, ()));
                s.spawn(Part::new(&log, "a", 1, ()));
                pending::<()>().await;
            })
            .await;
        }
    });
    assert!(poll_once(&mut future).is_pending());
    log.check(&["poll other", "poll a", "drop a"]);
}

#[test]
fn children_spawn_children() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let log = &inner;
        scope(async |s: Scope<'_>| {
            let handle = s.clone();
            let child = s.spawn(async move {
                log.push("child");
                handle.spawn(async move {
                    log.push("grandchild");
                    next_frame().await;
                    log.push("grandchild's second frame");
                });
            });
            child.await;
            log.push("the child has ended");
            wait_frames(2).await;
        })
        .await;
    })
    .detach();
    log.check(&["child", "grandchild", "the child has ended"]);
    world.tick();
    // It is a child of the scope.
    log.check(&["grandchild's second frame"]);
}

#[test]
fn children_borrow() {
    let world = World::start();
    let task = spawn(async {
        let (hits, mut list) = (Cell::new(0), vec![1, 2, 3]);
        {
            let list = &mut list;
            scope(async |s| {
                let count = s.spawn(async {
                    for _ in 0..3 {
                        next_frame().await;
                        hits.set(hits.get() + 1);
                    }
                });
                let grow = s.spawn(async move { list.push(4) });
                join((count, grow)).await;
            })
            .await;
        }
        (hits.get(), list)
    });
    world.ticks(3);
    assert_eq!(task.take(), Some(Ok((3, vec![1, 2, 3, 4]))));
}

#[test]
fn as_many_as_the_stage_asks_for() {
    let world = World::start();
    let task = spawn(async {
        let sum = Cell::new(0);
        scope(async |s| {
            let sum = &sum;
            let all: Vec<_> = (1..=100)
                .map(|number| {
                    s.spawn(async move {
                        wait_frames(number % 7).await;
                        sum.set(sum.get() + number);
                    })
                })
                .collect();
            for child in all {
                child.await;
            }
        })
        .await;
        sum.get()
    });
    world.ticks(6);
    assert_eq!(task.take(), Some(Ok(5050)));
}

#[test]
fn drops_loser() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        scope(async |s| {
            let _body = inner.guard("body");
            s.spawn(Part::new(&inner, "a", 9, ()));
            s.spawn(Part::new(&inner, "b", 9, ()));
            next_frame().await;
            s.spawn(Part::new(&inner, "never polled", 9, ()));
            inner.push("the body ends");
        })
        .await;
        inner.push("done");
    })
    .detach();
    log.check(&["poll a", "poll b"]);
    world.tick();
    log.check(&["the body ends", "drop body", "drop a", "drop b", "drop never polled", "done"]);
}

#[test]
fn drop_order() {
    let make = |log: &Log| {
        let log = log.clone();
        scope(async move |s: Scope<'_>| {
            let _body = log.guard("body");
            s.spawn(Part::new(&log, "a", 9, ()));
            s.spawn(Part::new(&log, "b", 9, ()));
            pending::<()>().await;
        })
    };
    // What the body's guards put back is put back last.
    check_drop(make, &["poll a", "poll b", "dropped", "drop a", "drop b", "drop body"]);
}

#[test]
fn guards_put_back_in_reverse() {
    let world = World::start();
    let light = Rc::new(Cell::new("day"));
    let stage = light.clone();
    let task = spawn(async move {
        let light = &stage;
        let set = |new: &'static str| {
            let before = light.replace(new);
            at_exit(move || light.set(before))
        };
        scope(async |s| {
            let _dusk = set("dusk");
            s.spawn(async {
                let _flash = set("flash");
                pending::<()>().await;
            });
            pending::<()>().await;
        })
        .await;
    });
    assert_eq!(light.get(), "flash");
    task.cancel();
    world.flush();
    assert_eq!(light.get(), "day");
}

#[test]
fn unpolled_it_just_drops_the_body() {
    let log = Log::new();
    let guard = log.guard("body");
    drop(scope(async move |_s| drop(guard)));
    log.check(&["drop body"]);
}

#[test]
fn dropping_a_child_handle_changes_nothing() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        scope(async |s| {
            drop(s.spawn(async {
                next_frame().await;
                inner.push("went on");
            }));
            wait_frames(2).await;
        })
        .await;
    })
    .detach();
    world.tick();
    log.check(&["went on"]);
}

#[test]
fn an_output_that_nobody_takes_is_dropped() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        scope(async |s| {
            s.spawn(ready(inner.guard("output of a")));
            let _kept = s.spawn(ready(inner.guard("output of b")));
            next_frame().await;
            inner.push("end");
        })
        .await;
    })
    .detach();
    log.check(&["drop output of a"]);
    world.tick();
    log.check(&["end", "drop output of b"]);
}

#[test]
fn a_panic_in_a_child_goes_through_the_scope() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        scope(async |s| {
            let _body = inner.guard("body");
            s.spawn(Part::new(&inner, "a", 9, ()));
            s.spawn(async { panic!("boo") });
            s.spawn(Part::new(&inner, "never polled", 9, ()));
            pending::<()>().await;
        })
        .await;
    });
    world.check_reports(&["boo"]);
    log.check(&["poll a", "drop a", "drop never polled", "drop body"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

#[test]
fn a_panic_in_the_drop_of_a_child_drops_the_others() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let task = spawn(async move {
        scope(async |s| {
            let bomb = OnDrop(|| panic!("the drop"));
            s.spawn(async move {
                let _bomb = bomb;
                pending::<()>().await;
            });
            s.spawn(Part::new(&inner, "a", 9, ()));
            next_frame().await;
            s.spawn(Part::new(&inner, "never polled", 9, ()));
        })
        .await;
    });
    world.tick();
    log.check(&["poll a", "drop a", "drop never polled"]);
    world.check_reports(&["the drop"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

const TOO_LATE: &str = "a child was awaited whose scope has ended before the child was ready";

#[test]
fn a_handle_that_outlives_its_scope_spawns_nothing() {
    let (_world, log) = (World::start(), Log::new());
    let mut kept: Option<Scope<'static>> = None;
    let place = &mut kept;
    let mut future = Box::pin(scope(async move |s| *place = Some(s)));
    assert!(poll_once(&mut future).is_ready());
    drop(future);
    let late = kept.expect("it was kept");
    let mut child = late.spawn(Part::new(&log, "late", 1, ()));
    log.check(&["drop late"]);
    assert!(child.is_finished());
    for _ in 0..2 {
        let (message, _) = panic_of(|| poll_once(&mut child));
        assert!(message.starts_with(TOO_LATE), "{message}");
    }
}

#[test]
#[expect(clippy::async_yields_async, reason = "awaiting it outside is what the test is about")]
fn a_child_that_is_awaited_outside_says_that_its_scope_has_ended() {
    let world = World::start();
    let task = spawn(async { scope(async |s| s.spawn(pending::<()>())).await.await });
    let reports = world.reports();
    assert!(reports[0].message.starts_with(TOO_LATE), "{}", reports[0].message);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
    // One that was ready in time has its output all the same.
    let task = spawn(async {
        let child = scope(async |s| {
            let child = s.spawn(ready(7));
            yield_now().await;
            child
        });
        child.await.await
    });
    world.tick();
    world.tick();
    assert_eq!(task.take(), Some(Ok(7)));
}

#[test]
fn who_waits_outside_is_woken_by_the_end_of_the_scope() {
    let world = World::start();
    let place: Rc<RefCell<Option<Child<()>>>> = Rc::default();
    let inner = place.clone();
    let scoped = spawn(scope(async move |s| {
        *inner.borrow_mut() = Some(s.spawn(pending::<()>()));
        pending::<()>().await;
    }));
    let waits = spawn(place.take().expect("it was spawned"));
    world.tick();
    assert!(!waits.is_finished());
    scoped.cancel();
    world.flush();
    let reports = world.reports();
    assert!(reports[0].message.starts_with(TOO_LATE), "{}", reports[0].message);
    assert_eq!(waits.take(), Some(Err(TaskError::Panicked)));
}

#[test]
fn another_task_may_await_a_child() {
    let world = World::start();
    let place: Rc<RefCell<Option<Child<i32>>>> = Rc::default();
    let inner = place.clone();
    spawn(scope(async move |s| {
        *inner.borrow_mut() = Some(s.spawn(async {
            next_frame().await;
            7
        }));
        pending::<()>().await;
    }))
    .detach();
    let waits = spawn(place.take().expect("it was spawned"));
    world.tick();
    assert_eq!(waits.take(), Some(Ok(7)));
}

#[test]
fn another_task_may_spawn_a_child() {
    let (world, log) = (World::start(), Log::new());
    let place: Rc<RefCell<Option<Scope<'static>>>> = Rc::default();
    let inner = place.clone();
    spawn(scope(async move |s| {
        *inner.borrow_mut() = Some(s);
        pending::<()>().await;
    }))
    .detach();
    let handle = place.take().expect("it was kept");
    let mut child = handle.spawn(Part::new(&log, "a", 1, 7));
    log.check(&[]); // Not on the stack of the spawn.
    world.flush();
    log.check(&["poll a", "drop a"]);
    assert_eq!(poll_once(&mut child), Poll::Ready(7));
}

#[test]
fn with_wakers_of_somebody_else_inside_the_body() {
    // An executor inside the body polls with wakers of its own.
    let world = World::start();
    let (counted, foreign) = CountedWaker::new();
    let task = spawn(scope(async move |s: Scope<'_>| {
        let mut child = s.spawn(async {
            next_frame().await;
            7
        });
        let mut polls = 0;
        poll_fn(move |_| {
            polls += 1;
            let polled = Pin::new(&mut child).poll(&mut Context::from_waker(&foreign));
            polled.map(|output| (output, polls))
        })
        .await
    }));
    world.tick();
    // Polled again with the body, and woken by its own waker, too.
    assert_eq!(task.take(), Some(Ok((7, 3))));
    assert_eq!(counted.count(), 1);
}

#[test]
fn children_may_use_the_runtime_in_their_drops() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let log = &inner;
        scope(async |s: Scope<'_>| {
            let handle = s.clone();
            s.spawn(async move {
                let _guard = at_exit(move || {
                    // Spawning during the end drops it at once.
                    let late = handle.spawn(Part::new(log, "late", 1, ()));
                    assert!(late.is_finished());
                    spawn(async {}).detach();
                    engine::flush();
                });
                pending::<()>().await;
            });
            next_frame().await;
        })
        .await;
        log.push("done");
    })
    .detach();
    world.tick();
    log.check(&["drop late", "done"]);
}

#[test]
fn scopes_nest() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    spawn(async move {
        let log = &inner;
        scope(async |outer: Scope<'_>| {
            let ready = outer.spawn(async {
                next_frame().await;
                7
            });
            outer
                .spawn(async move {
                    scope(async |s| {
                        // A child of the inner scope awaits one of the outer.
                        let child = s.spawn(ready);
                        log.push(child.await);
                    })
                    .await;
                    log.push("the inner scope ends");
                })
                .await;
            log.push("the outer scope ends");
        })
        .await;
    })
    .detach();
    world.tick();
    log.check(&["7", "the inner scope ends", "the outer scope ends"]);
}

#[test]
fn frozen() {
    check_frozen(|| scope(async |s| s.spawn(wait_frames(2)).await));
}

#[test]
fn leaves_nothing() {
    check_leaves_nothing(|| {
        scope(async |s| {
            s.spawn(wait_frames(500));
            race((s.spawn(wait_frames(400)), next_frame())).await;
        })
    });
}

#[test]
fn leaves_no_memory_in_a_circle() {
    let world = World::start();
    let alive = Rc::new(());
    let (first, second) = (alive.clone(), alive.clone());
    let group = TaskGroup::new();
    group
        .spawn(scope(async move |s: Scope<'_>| {
            let handle = s.clone();
            s.spawn(async move {
                let _held = (handle, first);
                pending::<()>().await;
            });
            next_frame().await;
            let handle = s.clone();
            // Not polled any more.
            s.spawn(async move {
                let _held = (handle, second);
            });
        }))
        .detach();
    assert_eq!(Rc::strong_count(&alive), 3);
    world.tick();
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn panic_after_done() {
    let _world = World::start();
    let task = spawn(scope(async |s| {
        let mut child = s.spawn(ready(1));
        (&mut child).await;
        poll_fn(|cx| Poll::Ready(panic_of(|| Pin::new(&mut child).poll(cx)).0)).await
    }));
    let message = "a future was polled after it was ready".to_owned();
    assert_eq!(task.take(), Some(Ok(message)));
}

#[test]
fn until_something_stops_it() {
    let world = World::start();
    let task = spawn(scope(async |s| s.spawn(pending::<()>()).await).until(wait_frames(2)));
    world.ticks(2);
    assert_eq!(task.take(), Some(Ok(None)));
}
