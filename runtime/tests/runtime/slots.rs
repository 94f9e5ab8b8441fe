//! Task slots: which action runs, when it starts, and what ends it.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use cuelight_runtime::engine::{self, counts};
use cuelight_runtime::{
    Canceller, TaskError, TaskGroup, TaskHandle, TaskSlot, fail_task, next_frame, root_group,
    spawn, wait_frames,
};

use crate::common::{Log, OnDrop, World};

/// An action that lasts for some frames and writes down what becomes of it.
fn action(
    log: &Log,
    name: &'static str,
    frames: u64,
) -> impl Future<Output = &'static str> + use<> {
    let (log, guard) = (log.clone(), log.guard(name));
    async move {
        let _guard = guard;
        log.push(format!("start {name}"));
        wait_frames(frames).await;
        log.push(format!("end {name}"));
        name
    }
}

#[test]
fn replace_starts_after_the_one_before_was_dropped() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    assert!(slot.is_idle());
    let first = slot.replace(action(&log, "a", 9));
    assert!(!slot.is_idle());
    // Nothing of it runs within the call.
    log.check(&[]);
    world.flush();
    log.check(&["start a"]);
    let second = slot.replace(action(&log, "b", 1));
    log.check(&[]);
    world.flush();
    log.check(&["drop a", "start b"]);
    assert_eq!(first.take(), Some(Err(TaskError::Cancelled)));
    world.tick();
    log.check(&["end b", "drop b"]);
    assert_eq!(second.take(), Some(Ok("b")));
    assert!(slot.is_idle());
}

#[test]
fn replaced_before_it_has_begun() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    slot.replace(action(&log, "a", 1)).detach();
    slot.replace(action(&log, "b", 1)).detach();
    slot.replace(action(&log, "c", 1)).detach();
    world.flush();
    log.check(&["drop a", "drop b", "start c"]);
}

#[test]
fn start_if_idle_refuses_while_something_runs() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    let first = slot.start_if_idle(action(&log, "a", 1)).unwrap();
    // The refused future is dropped there and then.
    assert!(slot.start_if_idle(action(&log, "b", 1)).is_none());
    log.check(&["drop b"]);
    world.ticks(2);
    log.check(&["start a", "end a", "drop a"]);
    assert_eq!(first.take(), Some(Ok("a")));
    assert!(slot.start_if_idle(action(&log, "c", 1)).is_some());
    world.flush();
    log.check(&["start c"]);
}

#[test]
fn cancelled_is_idle_at_once() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    let first = slot.replace(action(&log, "a", 9));
    world.flush();
    log.check(&["start a"]);
    slot.cancel();
    assert!(slot.is_idle() && !first.is_finished());
    slot.start_if_idle(action(&log, "b", 9)).unwrap().detach();
    world.flush();
    log.check(&["drop a", "start b"]);
    slot.enqueue(action(&log, "c", 9)).detach();
    slot.cancel();
    world.flush();
    log.check(&["drop b", "drop c"]);
    slot.cancel();
    assert!(slot.is_idle());
}

#[test]
fn enqueued_start_one_after_the_other() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    let tasks = ["a", "b", "c"].map(|name| slot.enqueue(action(&log, name, 1)));
    world.flush();
    log.check(&["start a"]);
    // The next one begins in the drain in which the one before has ended.
    world.tick();
    log.check(&["end a", "drop a", "start b"]);
    world.tick();
    log.check(&["end b", "drop b", "start c"]);
    world.tick();
    log.check(&["end c", "drop c"]);
    assert_eq!(tasks.map(|task| task.take()), [Some(Ok("a")), Some(Ok("b")), Some(Ok("c"))]);
    assert!(slot.is_idle());
}

#[test]
fn enqueued_start_whatever_end_the_one_before_comes_to() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    let cancelled = slot.enqueue(action(&log, "a", 9));
    slot.enqueue(async { panic!("boo") }).detach();
    slot.enqueue(async {
        fail_task("no path");
        pending::<()>().await;
    })
    .detach();
    let bomb = OnDrop(|| panic!("the guard"));
    let broken = slot.enqueue(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    slot.enqueue(action(&log, "b", 1)).detach();
    world.flush();
    log.check(&["start a"]);
    cancelled.cancel();
    world.flush();
    log.check(&["drop a"]);
    world.check_reports(&["boo", "no path"]);
    broken.cancel();
    world.flush();
    world.check_reports(&["in a destructor: the guard"]);
    log.check(&["start b"]);
}

#[test]
fn cancelled_before_its_turn() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    let tasks = ["a", "b", "c", "d"].map(|name| slot.enqueue(action(&log, name, 1)));
    world.flush();
    log.check(&["start a"]);
    tasks[1].cancel();
    tasks[3].cancel();
    world.flush();
    log.check(&["drop b", "drop d"]);
    world.tick();
    log.check(&["end a", "drop a", "start c"]);
    world.tick();
    log.check(&["end c", "drop c"]);
}

#[test]
fn replace_ends_all_that_are_enqueued() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    let tasks = ["a", "b", "c"].map(|name| slot.enqueue(action(&log, name, 9)));
    world.flush();
    slot.replace(action(&log, "d", 1)).detach();
    slot.enqueue(action(&log, "e", 1)).detach();
    world.flush();
    log.check(&["start a", "drop a", "drop b", "drop c", "start d"]);
    assert!(tasks.iter().all(|task| task.take() == Some(Err(TaskError::Cancelled))));
    world.tick();
    log.check(&["end d", "drop d", "start e"]);
}

#[test]
fn drop_cancels() {
    let (world, log, slot) = (World::start(), Log::new(), TaskSlot::new());
    slot.enqueue(action(&log, "a", 1)).detach();
    slot.enqueue(action(&log, "b", 1)).detach();
    world.flush();
    log.check(&["start a"]);
    drop(slot);
    log.check(&[]);
    world.flush();
    log.check(&["drop a", "drop b"]);
    assert_eq!(counts().tasks, 0);
}

#[test]
fn handles_are_like_any_others() {
    let (world, slot) = (World::start(), TaskSlot::new());
    let task = slot.replace(next_frame());
    let line = line!() - 1;
    let shared = slot.enqueue(async { 7 }).shared();
    let awaiting = spawn(shared);
    task.detach();
    world.ticks(2);
    assert_eq!(awaiting.take(), Some(Ok(Ok(7))));
    slot.replace(async { panic!("where") }).detach();
    world.flush();
    let location = world.reports()[0].location;
    assert_eq!((location.file(), location.line()), (file!(), line + 7));
}

// ---------------------------------------------------------------- From inside

#[test]
fn replaced_by_itself() {
    let (world, log, slot) = (World::start(), Log::new(), Rc::new(TaskSlot::new()));
    let (inner, own) = (log.clone(), slot.clone());
    slot.replace(async move {
        let _guard = inner.guard("first");
        own.replace(action(&inner, "second", 1)).detach();
        // It goes on to its next await.
        inner.push("replaced");
        next_frame().await;
        unreachable!("it was replaced");
    })
    .detach();
    world.flush();
    log.check(&["replaced", "drop first"]);
    world.tick();
    log.check(&["start second"]);
}

#[test]
fn combo_of_its_own_task() {
    let (world, log, slot) = (World::start(), Log::new(), Rc::new(TaskSlot::new()));
    let (inner, own) = (log.clone(), slot.clone());
    slot.replace(async move {
        let _guard = inner.guard("first");
        assert!(own.start_if_idle(action(&inner, "refused", 1)).is_none());
        own.enqueue(action(&inner, "second", 1)).detach();
        next_frame().await;
        inner.push("end first");
    })
    .detach();
    world.flush();
    log.check(&["drop refused"]);
    world.ticks(2);
    log.check(&["end first", "drop first", "start second", "end second", "drop second"]);
}

#[test]
fn cancelled_by_itself() {
    let (world, log, slot) = (World::start(), Log::new(), Rc::new(TaskSlot::new()));
    let (inner, own) = (log.clone(), slot.clone());
    let task = slot.replace(async move {
        let _guard = inner.guard("task");
        own.cancel();
        assert!(own.is_idle());
        // What has no await left still counts as cancelled.
    });
    world.flush();
    log.check(&["drop task"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn from_the_guard_of_its_task() {
    let (world, log, slot) = (World::start(), Log::new(), Rc::new(TaskSlot::new()));
    for method in ["replace", "enqueue", "start_if_idle"] {
        for ends in [true, false] {
            let (inner, own) = (log.clone(), slot.clone());
            let task = slot.replace(async move {
                let _guard = OnDrop(move || {
                    // A guard that runs when its script ends by itself is still a part of that.
                    assert_eq!(own.is_idle(), !ends);
                    let next = action(&inner, method, 1);
                    match method {
                        "replace" => own.replace(next).detach(),
                        "enqueue" => own.enqueue(next).detach(),
                        _ => assert_eq!(own.start_if_idle(next).is_some(), !ends),
                    }
                });
                next_frame().await;
                if !ends {
                    pending::<()>().await;
                }
            });
            world.ticks(2);
            task.cancel();
            world.flush();
            world.tick();
            let refused = ends && method == "start_if_idle";
            let expected = if refused { "drop start_if_idle" } else { &format!("start {method}") };
            assert_eq!(log.take()[0], expected);
            world.ticks(2);
            log.take();
            assert!(slot.is_idle());
        }
    }
}

#[test]
fn dropped_by_its_own_task() {
    let (world, log) = (World::start(), Log::new());
    let place = Rc::new(RefCell::new(Some(TaskSlot::new())));
    let (inner, own) = (log.clone(), place.clone());
    let task = place.borrow().as_ref().unwrap().replace(async move {
        let _guard = inner.guard("task");
        drop(own.take());
        inner.push("dropped the slot");
        next_frame().await;
        unreachable!("its slot is gone");
    });
    world.flush();
    log.check(&["dropped the slot", "drop task"]);
    assert!(task.is_finished());
}

#[test]
fn under_a_borrow_of_its_owner() {
    let world = World::start();
    // As a node's class is: its scripts borrow it, and so do its methods.
    #[derive(Default)]
    struct Hero {
        action: TaskSlot,
        steps: usize,
    }
    let hero = Rc::new(RefCell::new(Hero::default()));
    let walk = || {
        let hero = hero.clone();
        async move {
            let guarded = hero.clone();
            let _guard = OnDrop(move || guarded.borrow_mut().steps += 10);
            loop {
                hero.borrow_mut().steps += 1;
                next_frame().await;
            }
        }
    };
    let press = |hero: &mut Hero| {
        hero.action.replace(walk()).detach();
        hero.action.enqueue(walk()).detach();
        hero.action.cancel();
        hero.action.replace(walk()).detach();
    };
    press(&mut hero.borrow_mut());
    world.ticks(2);
    assert_eq!(hero.borrow().steps, 2);
    press(&mut hero.borrow_mut());
    world.flush();
    // The old walk's guard has run, those of what never began have not, and the new one has begun.
    assert_eq!(hero.borrow().steps, 13);
    hero.borrow().action.cancel();
    world.flush();
}

// ---------------------------------------------------------------- Its group

#[test]
fn frozen_group_drops_at_once_and_starts_at_the_resume() {
    let (world, log, group) = (World::start(), Log::new(), TaskGroup::new());
    let slot = TaskSlot::under(&group);
    slot.replace(action(&log, "a", 1)).detach();
    world.flush();
    group.pause();
    slot.replace(action(&log, "b", 1)).detach();
    slot.enqueue(action(&log, "c", 1)).detach();
    world.ticks(3);
    log.check(&["start a", "drop a"]);
    group.resume();
    world.ticks(2);
    log.check(&["start b", "end b", "drop b", "start c"]);
}

#[test]
fn closed_group_ends_all() {
    let (world, log, group) = (World::start(), Log::new(), TaskGroup::new());
    let slot = TaskSlot::under(&group);
    slot.enqueue(action(&log, "a", 1)).detach();
    slot.enqueue(action(&log, "b", 1)).detach();
    world.flush();
    group.close();
    assert!(slot.is_idle());
    world.flush();
    log.check(&["start a", "drop a", "drop b"]);
    let late = [
        slot.replace(action(&log, "c", 1)),
        slot.enqueue(action(&log, "d", 1)),
        slot.start_if_idle(action(&log, "e", 1)).unwrap(),
    ];
    // Not within the calls.
    log.check(&[]);
    world.flush();
    log.check(&["drop c", "drop d", "drop e"]);
    assert!(late.iter().all(|task| task.take() == Some(Err(TaskError::Cancelled))));
}

#[test]
fn tasks_live_in_its_group() {
    let (world, group) = (World::start(), TaskGroup::new());
    let slot = TaskSlot::under(&group);
    slot.replace(pending::<()>()).detach();
    assert_eq!(group.len(), 1);
    // And in the root group otherwise, also when it was handed over inside a task.
    let other = Rc::new(TaskSlot::new());
    let inner = other.clone();
    group.spawn(async move { inner.replace(pending::<()>()).detach() }).detach();
    group.close();
    world.flush();
    assert_eq!((group.len(), root_group().len()), (0, 1));
    assert!(slot.is_idle() && !other.is_idle());
}

// ---------------------------------------------------------------- The start and the end

#[test]
fn made_before_the_start() {
    let slot = TaskSlot::new();
    assert!(slot.is_idle());
    slot.cancel();
    let (world, log) = (World::start(), Log::new());
    slot.replace(action(&log, "a", 1)).detach();
    world.flush();
    log.check(&["start a"]);
    drop(slot);
}

#[test]
fn used_before_the_start_it_panics() {
    let (message, file) = std::thread::spawn(|| {
        let slot = TaskSlot::new();
        crate::common::panic_of(|| slot.replace(async {}))
    })
    .join()
    .expect("caught there");
    assert!(message.contains("has no runtime"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn shutdown_drops_all_in_order_and_starts_nothing() {
    let (world, log, slot) = (World::start(), Log::new(), Rc::new(TaskSlot::new()));
    let (inner, own) = (log.clone(), slot.clone());
    slot.replace(async move {
        let _guard = OnDrop(move || {
            // What is handed over now is dropped at once, with no borrow held.
            let again = own.clone();
            let future = action(&inner, "late", 1);
            let guard = OnDrop(move || assert!(again.is_idle()));
            own.enqueue(async move {
                let _guard = guard;
                future.await;
            })
            .detach();
        });
        pending::<()>().await;
    })
    .detach();
    slot.enqueue(action(&log, "b", 1)).detach();
    slot.enqueue(action(&log, "c", 1)).detach();
    world.flush();
    engine::shutdown();
    log.check(&["drop late", "drop b", "drop c"]);
    assert!(slot.is_idle());
    let dead = slot.replace(action(&log, "d", 1));
    log.check(&["drop d"]);
    assert_eq!(dead.take(), Some(Err(TaskError::Cancelled)));
    // A slot of the root group works on after the next start.
    engine::start(world.engine.clone());
    slot.enqueue(action(&log, "e", 1)).detach();
    slot.enqueue(action(&log, "f", 1)).detach();
    world.ticks(2);
    log.check(&["start e", "end e", "drop e", "start f"]);
}

#[test]
fn leaves_nothing() {
    let (world, slot) = (World::start(), TaskSlot::new());
    let mut handles: Vec<TaskHandle<()>> = Vec::new();
    for _ in 0..100 {
        handles.push(slot.enqueue(next_frame()));
        if handles.len().is_multiple_of(3) {
            handles[handles.len() - 2].cancel();
        }
        world.tick();
    }
    world.ticks(200);
    assert!(slot.is_idle());
    assert_eq!(counts().tasks, 0);
    let stale: Vec<Canceller> = handles.iter().map(TaskHandle::canceller).collect();
    slot.replace(next_frame()).detach();
    stale.iter().for_each(Canceller::cancel);
    assert!(!slot.is_idle());
}

// ---------------------------------------------------------------- Any use

/// What a slot has to keep to, whatever is done with it.
#[derive(Default)]
struct Watch {
    seed: Cell<u64>,
    running: Cell<Option<u64>>,
    made: Cell<u64>,
    started: Cell<u64>,
    alive: Cell<u64>,
    handles: RefCell<Vec<TaskHandle<()>>>,
}

impl Watch {
    fn choose(&self, among: u64) -> u64 {
        let seed = self.seed.get().wrapping_mul(6_364_136_223_846_793_005);
        self.seed.set(seed.wrapping_add(1_442_695_040_888_963_407));
        (self.seed.get() >> 33) % among
    }
}

/// Does one thing or another with a slot.
fn meddle(watch: &Rc<Watch>, slot: &Rc<TaskSlot>, depth: u64) {
    match watch.choose(8) {
        0 | 1 => {
            let task = slot.enqueue(watched(watch, slot, depth));
            watch.handles.borrow_mut().push(task);
        }
        2 => watch.handles.borrow_mut().push(slot.replace(watched(watch, slot, depth))),
        3 => {
            let is_idle = slot.is_idle();
            let task = slot.start_if_idle(watched(watch, slot, depth));
            assert_eq!(task.is_some(), is_idle);
            watch.handles.borrow_mut().extend(task);
        }
        4 if watch.choose(4) == 0 => slot.cancel(),
        _ => {
            let handles = watch.handles.borrow();
            if !handles.is_empty() {
                handles[watch.choose(handles.len() as u64) as usize].cancel();
            }
        }
    }
}

/// An action that looks after the rules, and meddles from inside and from its guard.
fn watched(watch: &Rc<Watch>, slot: &Rc<TaskSlot>, depth: u64) -> impl Future<Output = ()> + use<> {
    let (watch, slot) = (watch.clone(), slot.clone());
    let number = watch.made.get() + 1;
    watch.made.set(number);
    watch.alive.set(watch.alive.get() + 1);
    let dropped = watch.clone();
    let last = OnDrop(move || dropped.alive.set(dropped.alive.get() - 1));
    async move {
        let _last = last;
        assert_eq!(watch.running.replace(Some(number)), None, "two at once");
        assert!(watch.started.replace(number) < number, "out of order");
        let (ended, own) = (watch.clone(), slot.clone());
        let _guard = OnDrop(move || {
            if depth > 0 && ended.choose(4) == 0 {
                meddle(&ended, &own, depth - 1);
            }
            assert_eq!(ended.running.take(), Some(number));
        });
        for _ in 0..watch.choose(4) {
            next_frame().await;
            if depth > 0 && watch.choose(4) == 0 {
                meddle(&watch, &slot, depth - 1);
            }
        }
    }
}

#[test]
fn at_most_one_runs_whatever_is_done() {
    for seed in 0..100 {
        let world = World::start();
        let group = TaskGroup::new();
        let (watch, slot) = (Rc::new(Watch::default()), Rc::new(TaskSlot::under(&group)));
        watch.seed.set(seed);
        for _ in 0..200 {
            match watch.choose(8) {
                0..4 => meddle(&watch, &slot, 2),
                4 => world.flush(),
                5 if watch.choose(4) == 0 => match group.is_frozen() {
                    true => group.resume(),
                    false => group.pause(),
                },
                _ => world.tick(),
            }
        }
        group.resume();
        world.ticks(1_000);
        assert!(slot.is_idle());
        assert_eq!((watch.alive.get(), watch.running.get()), (0, None));
        assert_eq!(counts().tasks, 0);
        assert!(watch.started.get() > 10);
    }
}
