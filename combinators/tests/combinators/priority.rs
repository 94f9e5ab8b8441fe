//! `priority`

use std::cell::Cell;
use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use cuelight_combinators::{
    BoxBranch, Branch, Priority, ScriptFutureExt, during, next_frame, otherwise, priority, race,
    wait_frames, wait_physics_frames, wait_seconds, when, when_on,
};
use cuelight_runtime::engine::counts;
use cuelight_runtime::{Phase, TaskError, TaskGroup, current_group, spawn};

use crate::check::{check_drop, check_leaves_nothing, check_panic, check_panic_in_drop};
use crate::common::{Event, Log, OnDrop, World, panic_of, poll_once, wake_myself};

/// What the conditions of a test ask, and the log that they and the scripts write into.
#[derive(Clone, Default)]
struct Scene {
    log: Log,
    high: Rc<Cell<bool>>,
    low: Rc<Cell<bool>>,
}

impl Scene {
    /// A condition that asks whether the high branch's time has come.
    fn high(&self) -> impl FnMut() -> bool + use<> {
        asks(&self.log, "high?", &self.high)
    }

    fn low(&self) -> impl FnMut() -> bool + use<> {
        asks(&self.log, "low?", &self.low)
    }

    /// A function that makes scripts of so many frames.
    fn acts(
        &self,
        name: &'static str,
        frames: usize,
    ) -> impl FnMut() -> Pin<Box<dyn Future<Output = ()>>> + use<> {
        let log = self.log.clone();
        move || {
            log.push(format!("make {name}"));
            Box::pin(act(log.clone(), name, frames))
        }
    }
}

fn asks(
    log: &Log,
    question: &'static str,
    answer: &Rc<Cell<bool>>,
) -> impl FnMut() -> bool + use<> {
    let (log, answer) = (log.clone(), answer.clone());
    move || {
        log.push(question);
        answer.get()
    }
}

/// A script that writes each of its frames into the log, and its end.
async fn act(log: Log, name: &'static str, frames: usize) {
    let _guard = log.guard(name);
    for frame in 1..=frames {
        log.push(format!("{name} {frame}"));
        next_frame().await;
    }
    log.push(format!("{name} ends"));
}

mod tuple {
    macro_rules! tuple_list { ($($branch:expr),* $(,)?) => { ($($branch,)*) }; }
    pub(crate) use tuple_list as list;
}

mod boxed {
    macro_rules! boxed_list { ($($branch:expr),* $(,)?) => { vec![$($branch.boxed()),*] }; }
    pub(crate) use boxed_list as list;
}

/// Writes tests for tuples and for `Vec`s of boxed branches. `list![…]` is the form.
macro_rules! for_both_forms {
    ($($tests:tt)*) => {
        mod of_tuple {
            use super::tuple::list;
            use super::*;
            $($tests)*
        }
        mod of_list {
            use super::boxed::list;
            use super::*;
            $($tests)*
        }
    };
}

for_both_forms! {
    #[test]
    fn first_whose_condition_holds_runs() {
        let (_world, scene) = (World::start(), Scene::default());
        scene.low.set(true);
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            when(scene.low(), scene.acts("low", 9)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["high?", "low?", "make low", "low 1"]);
    }

    #[test]
    fn otherwise_when_none_holds() {
        let (_world, scene) = (World::start(), Scene::default());
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            during(scene.low(), scene.acts("low", 9)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["high?", "low?", "make idle", "idle 1"]);
    }

    #[test]
    fn nothing_runs_until_a_condition_holds() {
        let (world, scene) = (World::start(), Scene::default());
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            during(scene.low(), scene.acts("low", 9)),
        ]));
        scene.log.check(&["high?", "low?"]);
        world.tick();
        scene.log.check(&["high?", "low?"]);
        scene.low.set(true);
        world.tick();
        scene.log.check(&["high?", "low?", "make low", "low 1"]);
    }

    #[test]
    fn tie_goes_to_the_first_listed() {
        let (world, scene) = (World::start(), Scene::default());
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            when(scene.low(), scene.acts("low", 9)),
        ]));
        scene.high.set(true);
        scene.low.set(true);
        scene.log.take();
        world.tick();
        scene.log.check(&["high?", "make high", "high 1"]);
    }

    #[test]
    fn drops_loser_before_the_winner_is_made() {
        let (world, scene) = (World::start(), Scene::default());
        scene.low.set(true);
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            when(scene.low(), scene.acts("low", 9)),
        ]));
        scene.log.check(&["high?", "low?", "make low", "low 1"]);
        world.tick();
        // What runs does not ask its own condition.
        scene.log.check(&["high?", "low 2"]);
        scene.high.set(true);
        world.tick();
        // Its third frame was due in this tick: it has not come to it.
        scene.log.check(&["high?", "drop low", "make high", "high 1"]);
    }

    #[test]
    fn when_goes_on_to_its_end_without_its_condition() {
        let (world, scene) = (World::start(), Scene::default());
        scene.high.set(true);
        scene.low.set(true);
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 2)),
            when(scene.low(), scene.acts("low", 9)),
        ]));
        scene.log.check(&["high?", "make high", "high 1"]);
        scene.high.set(false);
        world.tick();
        // The highest: there is nothing to ask.
        scene.log.check(&["high 2"]);
        world.tick();
        scene.log.check(&["high ends", "drop high"]);
        // The next check comes with the next tick.
        world.flush();
        world.physics_tick();
        scene.log.check(&[]);
        world.tick();
        scene.log.check(&["high?", "low?", "make low", "low 1"]);
    }

    #[test]
    fn during_ends_with_its_condition() {
        let (world, scene) = (World::start(), Scene::default());
        scene.low.set(true);
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            during(scene.low(), scene.acts("low", 9)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["high?", "low?", "make low", "low 1"]);
        world.tick();
        // As long as it holds it goes on.
        scene.log.check(&["high?", "low?", "low 2"]);
        scene.low.set(false);
        world.tick();
        // The same check goes on below it, and asks nothing twice.
        scene.log.check(&["high?", "low?", "drop low", "make idle", "idle 1"]);
        scene.low.set(true);
        world.tick();
        scene.log.check(&["high?", "low?", "drop idle", "make low", "low 1"]);
    }

    #[test]
    fn during_that_ends_by_itself_begins_anew_at_the_next_check() {
        let (world, scene) = (World::start(), Scene::default());
        scene.low.set(true);
        let _task = spawn(priority(list![
            during(scene.low(), scene.acts("low", 1)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["low?", "make low", "low 1"]);
        world.tick();
        scene.log.check(&["low?", "low ends", "drop low"]);
        world.tick();
        scene.log.check(&["low?", "make low", "low 1"]);
        scene.low.set(false);
        world.tick();
        scene.log.check(&["low?", "drop low", "make idle", "idle 1"]);
    }

    #[test]
    fn ending_at_once_is_no_livelock() {
        let (world, scene) = (World::start(), Scene::default());
        scene.high.set(true);
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 0)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["high?", "make high", "high ends", "drop high"]);
        world.flush();
        scene.log.check(&[]);
        assert_eq!(world.calls(), 0);
        world.tick();
        scene.log.check(&["high?", "make high", "high ends", "drop high"]);
        scene.high.set(false);
        world.tick();
        scene.log.check(&["high?", "make idle", "idle 1"]);
    }

    #[test]
    fn higher_one_that_ends_at_once_has_interrupted() {
        let (world, scene) = (World::start(), Scene::default());
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 0)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["high?", "make idle", "idle 1"]);
        scene.high.set(true);
        world.tick();
        scene.log.check(&["high?", "drop idle", "make high", "high ends", "drop high"]);
        scene.high.set(false);
        world.tick();
        scene.log.check(&["high?", "make idle", "idle 1"]);
    }

    #[test]
    fn a_wake_of_the_script_checks_nothing() {
        let (world, scene, event) = (World::start(), Scene::default(), Event::new());
        let (log, heard) = (scene.log.clone(), event.clone());
        let listen = move || {
            let (log, heard) = (log.clone(), heard.clone());
            async move {
                loop {
                    heard.wait().await;
                    log.push("heard");
                }
            }
        };
        let _task = spawn(priority(list![
            during(scene.high(), pending),
            when(scene.low(), pending),
            otherwise(listen),
        ]));
        scene.log.check(&["high?", "low?"]);
        for _ in 0..3 {
            event.give();
            world.flush();
        }
        scene.log.check(&["heard", "heard", "heard"]);
        // What the wakes between have made true is seen at the next tick.
        scene.low.set(true);
        event.give();
        world.flush();
        scene.log.check(&["heard"]);
        event.give();
        world.tick();
        scene.log.check(&["high?", "low?"]);
    }

    #[test]
    fn check_comes_before_the_script_in_a_tick() {
        // The script's own wait comes first in the order of the tick, and yet it is not polled.
        let (world, scene) = (World::start(), Scene::default());
        let log = scene.log.clone();
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            otherwise(move || {
                let log = log.clone();
                async move {
                    let _guard = log.guard("idle");
                    wait_seconds(1.0 / 60.0).await;
                    log.push("not to be seen");
                }
            }),
        ]));
        scene.high.set(true);
        scene.log.take();
        world.tick();
        scene.log.check(&["high?", "drop idle", "make high", "high 1"]);
    }

    #[test]
    fn sees_what_ran_before_it_in_the_tick() {
        let (world, scene) = (World::start(), Scene::default());
        let _task = spawn(priority(list![when(scene.high(), scene.acts("high", 9))]));
        let high = scene.high.clone();
        spawn(async move {
            next_frame().await;
            high.set(true);
        })
        .detach();
        scene.log.take();
        world.tick();
        scene.log.check(&["high?", "make high", "high 1"]);
    }

    #[test]
    fn frozen() {
        let (world, scene, group) = (World::start(), Scene::default(), TaskGroup::new());
        let _task = group.spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["high?", "make idle", "idle 1"]);
        group.pause();
        scene.high.set(true);
        world.ticks(10);
        world.flush();
        scene.log.check(&[]);
        group.resume();
        world.flush();
        scene.log.check(&[]);
        world.tick();
        scene.log.check(&["high?", "drop idle", "make high", "high 1"]);
    }

    #[test]
    fn chooses_in_a_frozen_group_once() {
        let (world, scene, group) = (World::start(), Scene::default(), TaskGroup::new());
        group.pause();
        // As a method that is called on a paused node runs, so does a script up to its first await.
        let _task = group.spawn(priority(list![otherwise(scene.acts("idle", 9))]));
        scene.log.check(&["make idle", "idle 1"]);
        world.ticks(3);
        scene.log.check(&[]);
    }

    #[test]
    fn in_the_stage_of_its_group() {
        let (world, scene, group) = (World::start(), Scene::default(), TaskGroup::new());
        group.set_phase(Phase::Physics);
        let log = scene.log.clone();
        let _task = group.spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            otherwise(move || {
                let log = log.clone();
                async move {
                    loop {
                        wait_physics_frames(1).await;
                        log.push("step");
                    }
                }
            }),
        ]));
        scene.log.check(&["high?"]);
        world.tick();
        scene.log.check(&[]);
        world.physics_tick();
        scene.log.check(&["high?", "step"]);
        scene.high.set(true);
        world.tick();
        scene.log.check(&[]);
        world.physics_tick();
        scene.log.check(&["high?", "make high", "high 1"]);
    }

    #[test]
    fn nested() {
        let (world, scene) = (World::start(), Scene::default());
        let (inner, calm) = (scene.clone(), Rc::new(Cell::new(false)));
        let (log, is_calm) = (scene.log.clone(), calm.clone());
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 1)),
            otherwise(move || {
                inner.log.push("make inner");
                let guard = inner.log.guard("inner");
                let inside = priority(list![
                    during(inner.low(), inner.acts("low", 9)),
                    otherwise(inner.acts("idle", 9)),
                ]);
                let (log, is_calm) = (log.clone(), is_calm.clone());
                async move {
                    let _guard = guard;
                    inside.until(cuelight_combinators::wait_until(|| is_calm.get())).await;
                    log.push("calm");
                }
            }),
        ]));
        scene.log.check(&["high?", "make inner", "low?", "make idle", "idle 1"]);
        scene.low.set(true);
        world.tick();
        // From the outside in.
        scene.log.check(&["high?", "low?", "drop idle", "make low", "low 1"]);
        scene.high.set(true);
        world.tick();
        // Nothing inside is asked any more.
        scene.log.check(&["high?", "drop low", "drop inner", "make high", "high 1"]);
        scene.high.set(false);
        world.tick();
        scene.log.check(&["high ends", "drop high"]);
        world.tick();
        scene.log.check(&["high?", "make inner", "low?", "make low", "low 1"]);
        calm.set(true);
        world.tick();
        scene.log.check(&["high?", "low?", "low 2", "drop low", "calm", "drop inner"]);
    }

    #[test]
    fn dropped_with_what_runs() {
        check_drop(
            |log| {
                let scene = Scene { log: log.clone(), ..Scene::default() };
                let guards = [log.guard("first branch"), log.guard("second branch")];
                let [first, second] = guards;
                let mut acts = scene.acts("idle", 9);
                priority(list![
                    when(move || { let _guard = &first; false }, pending),
                    otherwise(move || { let _guard = &second; acts() }),
                ])
            },
            &["make idle", "idle 1", "dropped", "drop idle", "drop first branch", "drop second branch"],
        );
    }

    #[test]
    fn dropped_before_its_first_poll() {
        let scene = Scene::default();
        drop(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&[]);
    }

    #[test]
    fn panic_in_a_condition_is_the_tasks() {
        let (world, scene) = (World::start(), Scene::default());
        let mut checks = 0;
        let condition = move || {
            checks += 1;
            assert!(checks < 2, "boo");
            false
        };
        let task = spawn(priority(list![
            when(condition, pending),
            otherwise(scene.acts("idle", 9)),
        ]));
        world.tick();
        scene.log.check(&["make idle", "idle 1", "drop idle"]);
        world.check_reports(&["boo"]);
        assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
        assert_eq!((counts().tasks, counts().waits), (0, 0));
    }

    #[test]
    fn panic_in_a_script_is_the_tasks() {
        check_panic(
            |log| {
                let log = log.clone();
                let acts = move || {
                    let guard = log.guard("script");
                    async move {
                        let _guard = guard;
                        wake_myself().await;
                        panic!("boo");
                    }
                };
                priority(list![otherwise(acts)])
            },
            &["drop script"],
        );
    }

    #[test]
    fn panic_in_the_drop_of_what_is_interrupted() {
        let world = World::start();
        let scene = Scene::default();
        let _task = spawn(priority(list![
            when(scene.high(), scene.acts("high", 9)),
            otherwise(|| async {
                let _guard = OnDrop(|| panic!("boo"));
                pending::<()>().await;
            }),
        ]));
        scene.high.set(true);
        world.tick();
        // The other one is not begun.
        scene.log.check(&["high?", "high?"]);
        world.check_reports(&["boo"]);
        assert_eq!((counts().tasks, counts().waits), (0, 0));
    }

    #[test]
    fn panic_in_drop() {
        check_panic_in_drop(
            |log| {
                let guard = log.guard("branch");
                priority(list![otherwise(move || {
                    let _guard = &guard;
                    async {
                        let _guard = OnDrop(|| panic!("boo"));
                        pending::<()>().await;
                    }
                })])
            },
            &["dropped", "drop branch"],
        );
    }

    #[test]
    fn goes_on_after_a_panic_in_another_executor() {
        let (world, scene) = (World::start(), Scene::default());
        let (panics, thrown) = (Rc::new(Cell::new(false)), scene.log.clone());
        let is_now = panics.clone();
        let mut future = pin!(priority(list![
            when(
                move || {
                    if is_now.take() {
                        panic!("in the condition");
                    }
                    false
                },
                pending
            ),
            when(scene.high(), move || -> std::future::Pending<()> {
                thrown.push("make high");
                panic!("in the making");
            }),
            otherwise(scene.acts("idle", 9)),
        ]));
        let mut cx = Context::from_waker(Waker::noop());
        let mut poll = move || {
            world.tick();
            let _never = future.as_mut().poll(&mut cx);
        };
        poll();
        scene.log.check(&["high?", "make idle", "idle 1"]);
        panics.set(true);
        assert_eq!(panic_of(&mut poll).0, "in the condition");
        scene.log.check(&[]);
        poll();
        scene.log.check(&["high?", "idle 2"]);
        scene.high.set(true);
        assert_eq!(panic_of(&mut poll).0, "in the making");
        scene.log.check(&["high?", "drop idle", "make high"]);
        // Nothing runs, and the next check chooses.
        scene.high.set(false);
        poll();
        scene.log.check(&["high?", "make idle", "idle 1"]);
    }

    #[test]
    fn leaves_nothing() {
        check_leaves_nothing(|| race((priority(list![otherwise(pending)]), next_frame())));
        check_leaves_nothing(|| {
            let patrol = priority(list![
                when(|| false, pending),
                otherwise(|| wait_seconds(3600.0)),
            ]);
            race((patrol, next_frame()))
        });
        check_leaves_nothing(|| {
            race((priority(list![otherwise(|| wait_frames(9))]).every(0.5), wait_frames(3)))
        });
    }

    #[test]
    fn alone_it_is_checked_at_its_ticks_too() {
        let (world, scene) = (World::start(), Scene::default());
        let mut future = priority(list![when(scene.high(), pending)]);
        assert!(poll_once(&mut future).is_pending());
        assert!(poll_once(&mut future).is_pending());
        scene.log.check(&["high?"]);
        world.ticks(2);
        assert!(poll_once(&mut future).is_pending());
        assert!(poll_once(&mut future).is_pending());
        scene.log.check(&["high?"]);
    }

    #[test]
    fn every_so_many_seconds() {
        let (world, scene) = (World::start(), Scene::default());
        let _task = spawn(
            priority(list![
                when(scene.high(), scene.acts("high", 9)),
                otherwise(scene.acts("idle", 9)),
            ])
            .every(0.5),
        );
        scene.log.check(&["high?", "make idle", "idle 1"]);
        scene.high.set(true);
        world.step(0.25);
        // The script makes its steps meanwhile.
        scene.log.check(&["idle 2"]);
        scene.high.set(false);
        world.step(0.25);
        scene.log.check(&["high?", "idle 3"]);
        // Late, and once for the two that were due …
        world.step(1.25);
        scene.log.check(&["high?", "idle 4"]);
        scene.high.set(true);
        // … and on the beat again.
        world.step(0.25);
        scene.log.check(&["high?", "drop idle", "make high", "high 1"]);
    }

    #[test]
    fn every_waits_with_the_choice_too() {
        let (world, scene) = (World::start(), Scene::default());
        let _task = spawn(priority(list![otherwise(scene.acts("idle", 1))]).every(0.5));
        scene.log.check(&["make idle", "idle 1"]);
        world.step(0.125);
        scene.log.check(&["idle ends", "drop idle"]);
        world.step(0.125);
        world.step(0.125);
        scene.log.check(&[]);
        world.step(0.125);
        scene.log.check(&["make idle", "idle 1"]);
    }

    #[test]
    fn every_is_frozen_and_slowed_with_the_clock() {
        let (world, scene, group) = (World::start(), Scene::default(), TaskGroup::new());
        let _task = group.spawn(priority(list![when(scene.high(), pending)]).every(0.5));
        scene.log.check(&["high?"]);
        world.step(0.25);
        group.pause();
        world.step(10.0);
        group.resume();
        scene.log.check(&[]);
        group.set_speed(0.5);
        world.step(0.25);
        scene.log.check(&[]);
        world.step(0.25);
        scene.log.check(&["high?"]);
    }

    #[test]
    fn every_0_or_less_checks_each_tick() {
        for seconds in [0.0, -1.0, f64::NEG_INFINITY] {
            let (world, scene) = (World::start(), Scene::default());
            let _task = spawn(priority(list![when(scene.high(), pending)]).every(seconds));
            world.ticks(2);
            scene.log.check(&["high?", "high?", "high?"]);
        }
    }

    #[test]
    fn every_infinity_checks_once() {
        let (world, scene) = (World::start(), Scene::default());
        let _task = spawn(
            priority(list![when(scene.high(), pending), otherwise(scene.acts("idle", 1))])
                .every(f64::INFINITY),
        );
        world.step(1e9);
        world.step(1e9);
        scene.log.check(&["high?", "make idle", "idle 1", "idle ends", "drop idle"]);
    }

    #[test]
    fn every_nan_panics_at_the_callers_line() {
        let _world = World::start();
        let branches = list![otherwise(pending)];
        let (message, file) = panic_of(|| drop(priority(branches).every(f64::NAN)));
        assert!(message.starts_with("every(NaN)"), "{message}");
        assert_eq!(file, file!());
    }

    #[test]
    fn cooldown_is_right_after_an_interruption() {
        let (world, scene, group) = (World::start(), Scene::default(), TaskGroup::new());
        let swing = Rc::new(group.cooldown(1.0));
        let (ready, started) = (swing.clone(), swing.clone());
        let log = scene.log.clone();
        let _task = group.spawn(priority(list![
            during(scene.high(), scene.acts("stunned", 9)),
            when(move || ready.is_ready(), move || {
                let (log, swing) = (log.clone(), started.clone());
                async move {
                    let _guard = log.guard("swing");
                    log.push(format!("swing {}", swing.try_start()));
                    wait_seconds(0.5).await;
                    log.push("strike");
                }
            }),
        ]));
        scene.log.check(&["high?", "swing true"]);
        scene.high.set(true);
        world.step(0.25);
        scene.log.check(&["high?", "drop swing", "make stunned", "stunned 1"]);
        scene.high.set(false);
        world.step(0.25);
        // It counts from its start, whatever has become of the swing …
        scene.log.check(&["high?", "drop stunned"]);
        world.step(0.25);
        scene.log.check(&["high?"]);
        // … and is over in the tick in which its second is.
        world.step(0.25);
        scene.log.check(&["high?", "swing true"]);
        world.step(0.5);
        scene.log.check(&["high?", "strike", "drop swing"]);
        // Meanwhile it is slowed with its group.
        group.set_speed(0.5);
        world.step(0.5);
        scene.log.check(&["high?"]);
        world.step(0.5);
        scene.log.check(&["high?", "swing true"]);
    }

    #[test]
    fn node_is_lent_and_handed_in() {
        let world = World::start();
        let node = Rc::new(Log::new());
        let _task = spawn(priority(list![
            when_on(
                &node,
                |node| {
                    node.push("asked");
                    true
                },
                async |node: Rc<Log>| {
                    next_frame().await;
                    node.push("owned");
                },
            ),
        ]));
        node.check(&["asked"]);
        // Its own, and the script's.
        assert_eq!(Rc::strong_count(&node), 3);
        world.tick();
        node.check(&["owned"]);
        assert_eq!(Rc::strong_count(&node), 2);
        world.tick();
        node.check(&["asked"]);
    }

    #[test]
    fn when_on_goes_on_to_its_end_without_its_condition() {
        let (world, scene) = (World::start(), Scene::default());
        scene.high.set(true);
        let (mut acts, mut asks) = (scene.acts("high", 2), scene.high());
        let _task = spawn(priority(list![when_on(&(), move |()| asks(), move |()| acts())]));
        scene.high.set(false);
        world.ticks(3);
        let log = ["high?", "make high", "high 1", "high 2", "high ends", "drop high", "high?"];
        scene.log.check(&log);
    }

    #[test]
    fn cancelled_by_its_own_condition_and_script() {
        let (world, scene) = (World::start(), Scene::default());
        let doomed = Rc::new(Cell::new(false));
        let is_doomed = doomed.clone();
        let task = spawn(priority(list![
            when(
                move || {
                    if is_doomed.get() {
                        current_group().cancel_all();
                    }
                    false
                },
                pending
            ),
            otherwise(scene.acts("idle", 9)),
        ]));
        scene.log.check(&["make idle", "idle 1"]);
        doomed.set(true);
        world.tick();
        // The poll that is running goes on to its end.
        scene.log.check(&["idle 2", "drop idle"]);
        assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
    }

    #[test]
    fn goes_on_where_its_clock_goes_when_its_group_closes() {
        let (world, scene) = (World::start(), Scene::default());
        let group = TaskGroup::new();
        let mut future = Some(Box::pin(priority(list![when(scene.high(), pending)])));
        let stolen = Rc::new(Cell::new(None));
        let place = stolen.clone();
        group
            .spawn(async move {
                let mut future = future.take().expect("it is taken once");
                std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
                place.set(Some(future));
            })
            .detach();
        scene.log.check(&["high?"]);
        drop(group);
        let _task = spawn(stolen.take().expect("it has been polled once"));
        world.flush();
        scene.log.check(&[]);
        world.tick();
        scene.log.check(&["high?"]);
    }
}

#[test]
fn up_to_eight() {
    let (world, scene) = (World::start(), Scene::default());
    let turn = Rc::new(Cell::new(0));
    let (log, asked) = (scene.log.clone(), turn.clone());
    let is_turn = move |number: i32| {
        let (log, asked) = (log.clone(), asked.clone());
        move || {
            log.push(format!("{number}?"));
            asked.get() == number
        }
    };
    let _task = spawn(priority((
        when(is_turn(1), scene.acts("1", 9)),
        during(is_turn(2), scene.acts("2", 9)),
        when(is_turn(3), scene.acts("3", 9)),
        during(is_turn(4), scene.acts("4", 9)),
        when(is_turn(5), scene.acts("5", 9)),
        during(is_turn(6), scene.acts("6", 9)),
        when(is_turn(7), scene.acts("7", 9)),
        otherwise(scene.acts("8", 9)),
    )));
    let all = ["1?", "2?", "3?", "4?", "5?", "6?", "7?"];
    scene.log.check(&[&all[..], &["make 8", "8 1"]].concat());
    // Each takes over from the one below.
    for number in (1..8).rev() {
        turn.set(number);
        world.tick();
        let (below, now) = (number + 1, number as usize);
        let events = [format!("drop {below}"), format!("make {number}"), format!("{number} 1")];
        let events: Vec<_> =
            all[..now].iter().copied().chain(events.each_ref().map(|it| &**it)).collect();
        scene.log.check(&events);
    }
}

#[test]
fn empty_list_runs_nothing() {
    let (world, branches) = (World::start(), Vec::<BoxBranch<'_>>::new());
    let task = spawn(priority(branches));
    world.ticks(3);
    assert!(!task.is_finished());
}

#[test]
fn list_of_one_type() {
    let (world, scene) = (World::start(), Scene::default());
    let turn = Rc::new(Cell::new(1));
    let branches = ["a", "b", "c"].into_iter().enumerate().map(|(index, name)| {
        let (log, turn) = (scene.log.clone(), turn.clone());
        let asks = move || {
            log.push(format!("{name}?"));
            turn.get() == index
        };
        during(asks, scene.acts(name, 9))
    });
    let _task = spawn(priority(Vec::from_iter(branches)));
    scene.log.check(&["a?", "b?", "make b", "b 1"]);
    turn.set(2);
    world.tick();
    scene.log.check(&["a?", "b?", "drop b", "c?", "make c", "c 1"]);
    turn.set(0);
    world.tick();
    scene.log.check(&["a?", "drop c", "make a", "a 1"]);
    // The first of the list, when none runs.
    turn.set(9);
    world.tick();
    scene.log.check(&["a?", "drop a", "b?", "c?"]);
    world.tick();
    scene.log.check(&["a?", "b?", "c?"]);
}

#[test]
fn what_stands_below_otherwise_is_never_run() {
    let (world, scene) = (World::start(), Scene::default());
    scene.low.set(true);
    let _task = spawn(priority((
        otherwise(scene.acts("idle", 1)),
        when(scene.low(), scene.acts("low", 9)),
    )));
    world.ticks(2);
    scene.log.check(&["make idle", "idle 1", "idle ends", "drop idle", "make idle", "idle 1"]);
}

#[test]
fn scripts_may_borrow() {
    let (world, log) = (World::start(), Log::new());
    let task = spawn(async move {
        let (name, steps) = (String::from("guard"), Cell::new(0));
        let step = async || {
            steps.set(steps.get() + 1);
            log.push(format!("{name} {}", steps.get()));
            wait_frames(2).await;
        };
        let walks = priority((
            when(|| steps.get() == 2, &step),
            during(|| steps.get() == 3, &step),
            otherwise(&step),
        ));
        walks.until(wait_frames(10)).await;
        log
    });
    world.ticks(10);
    let log = task.take().expect("it has ended").expect("by itself");
    // The third interrupts the second, and the fourth ends with its condition.
    log.check(&["guard 1", "guard 2", "guard 3", "guard 4", "guard 5"]);
}

#[test]
fn room_for_the_largest_script_only() {
    fn size_of_two<const A: usize, const B: usize>() -> usize {
        fn large<const N: usize>() -> impl Future<Output = ()> {
            let bytes = [0_u8; N];
            async move {
                pending::<()>().await;
                std::hint::black_box(bytes);
            }
        }
        size_of_val(&priority((when(|| false, large::<A>), otherwise(large::<B>))))
    }
    assert_eq!(size_of_two::<10_000, 10_000>(), size_of_two::<1, 10_000>());
}

#[test]
fn ready_scripts_need_no_poll_of_their_own() {
    // As `ready` is no async block, nothing of it is left to be seen but that it was made.
    let (world, made) = (World::start(), Rc::new(Cell::new(0)));
    let count = made.clone();
    let future: Priority<_> = priority((otherwise(move || {
        count.set(count.get() + 1);
        ready(())
    }),));
    let _task = spawn(future);
    world.ticks(3);
    assert_eq!(made.get(), 4);
}
