//! `Rehearsal`, `rehearse` and `Stuck`

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;

use cuelight_runtime::{
    Cue, Flag, Phase, Rehearsal, TaskError, TaskGroup, TickWatch, WaitInfo, background,
    current_group, delta, engine, next_frame, note, now, rehearse, root_group, spawn, spawn_named,
    wait_frames, wait_physics_frames, wait_real_seconds, wait_seconds,
};

use crate::common::{Log, World, panic_of};

// ---------------------------------------------------------------- rehearse

#[test]
fn script_may_borrow() {
    let lines = RefCell::new(Vec::new());
    let word = String::from("bridge");
    let end = rehearse(async {
        for part in word.split('d') {
            wait_seconds(1.0).await;
            lines.borrow_mut().push(part);
        }
        &word[..2]
    });
    assert_eq!(end.unwrap(), "br");
    assert_eq!(*lines.borrow(), ["bri", "ge"]);
}

#[test]
fn time_is_exact() {
    let times = rehearse(async {
        let mut times = Vec::new();
        for seconds in [0.5, 1.0, 0.01, 598.0] {
            wait_seconds(seconds).await;
            times.push((now() * 1e6).round() / 1e6);
        }
        wait_frames(3).await;
        wait_physics_frames(3).await;
        times.push((now() * 60.0).round());
        times.push((delta() * 60.0).round());
        times
    });
    // A hundredth of a second is over in the next frame.
    assert_eq!(times.unwrap(), [0.5, 1.5, 1.516667, 599.516667, 35976.0, 1.0]);
}

#[test]
fn same_as_a_game_at_sixty_frames() {
    async fn script(log: Log) {
        let (a, b) = (log.clone(), log.clone());
        let group = current_group().child();
        group.set_speed(0.3);
        let slow = group.spawn(async move {
            for beat in 0..5 {
                wait_seconds(0.11).await;
                a.push(format!("slow {beat} {:.4}", now()));
            }
        });
        let frames = spawn(async move {
            for beat in 0..5 {
                wait_frames(7).await;
                wait_physics_frames(2).await;
                b.push(format!("frames {beat} {:.4}", now()));
            }
        });
        wait_seconds(0.77).await;
        log.push(format!("{:.4}", now()));
        let _ = slow.await;
        let _ = frames.await;
    }
    let log = Log::new();
    rehearse(script(log.clone())).unwrap();
    let rehearsed = log.take();
    assert_eq!(rehearsed.len(), 11);
    let world = World::start();
    let start = now();
    let task = spawn(script(log.clone()));
    while !task.is_finished() {
        world.physics_tick();
        world.tick();
    }
    // The clock of the root goes on from one test to the next, and starts anew in a rehearsal.
    if start == 0.0 {
        assert_eq!(log.take(), rehearsed);
    }
}

#[test]
fn deadlock_names_the_task_its_place_and_what_it_waits_for() {
    let cue: Cue<usize> = Cue::new();
    let made = line!() - 1;
    let spawned = Cell::new(0);
    let stuck = rehearse(async {
        let (never, flag) = (cue.clone(), Flag::new());
        spawned.set(line!() + 1);
        spawn_named("chooser", async move { never.wait().await }).detach();
        wait_seconds(2.0).await;
        flag.wait_set().await;
    })
    .unwrap_err();
    assert_eq!(stuck.elapsed, 2.0);
    let names: Vec<_> = stuck.waiting.iter().map(|task| task.name.as_deref()).collect();
    assert_eq!(names, [Some("script"), Some("chooser")]);
    let chooser = &stuck.waiting[1];
    assert_eq!(chooser.location.line(), spawned.get());
    let expected = format!("a cue of usize ({}:{made}:27)", file!());
    assert_eq!(chooser.waits_for, [WaitInfo::Event(expected.clone())]);
    let text = stuck.to_string();
    assert!(
        text.starts_with("the rehearsal is stuck at 2.000 s: no passing of time brings"),
        "{text}"
    );
    assert!(text.contains(&expected) && text.contains("a flag ("), "{text}");
    assert!(text.contains("\"chooser\": waiting for"), "{text}");
    // The thread is free for the next one.
    rehearse(async {}).unwrap();
}

#[test]
fn each_kind_of_deadlock_is_listed() {
    let stuck = rehearse(async {
        let group = root_group().channel("crowd");
        group.spawn(pending::<()>()).detach();
        let shared = spawn_named("shared", pending::<()>()).shared();
        let id = shared.id();
        spawn_named("sharer", async move { shared.await.is_ok() }).detach();
        spawn_named("joiner", async move { group.join().await }).detach();
        let task = spawn_named("late", wait_seconds(f64::INFINITY));
        assert_ne!(id, task.id());
        let _ = task.await;
    })
    .unwrap_err();
    let of = |name: &str| {
        let task = stuck.waiting.iter().find(|task| task.name.as_deref() == Some(name));
        task.unwrap().waits_for.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(of("joiner"), "the tasks of group \"crowd\"");
    assert_eq!(of("late"), "a time that never comes");
    assert!(of("sharer").starts_with("task "), "{}", of("sharer"));
    assert!(of("script").starts_with("task "), "{}", of("script"));
    assert_eq!(of("shared"), "");
}

#[test]
fn conditions_that_never_come_true() {
    let stuck = rehearse(async {
        let mut watch = TickWatch::new();
        loop {
            poll_fn(|cx| watch.poll_tick(cx)).await;
        }
    })
    .unwrap_err();
    assert!(stuck.to_string().contains("no condition has come true for an hour"), "{stuck}");
    assert!((3_600.0..3_601.0).contains(&stuck.elapsed), "{stuck}");
}

#[test]
fn conditions_of_time_come_true() {
    let end = rehearse(async {
        let mut watch = TickWatch::new();
        while now() < 100.0 {
            poll_fn(|cx| watch.poll_tick(cx)).await;
        }
        now()
    });
    assert_eq!(end.unwrap(), 100.0);
}

#[test]
fn script_without_an_end() {
    let stuck = rehearse(async {
        loop {
            wait_seconds(30.0).await;
        }
    })
    .unwrap_err();
    assert!(stuck.to_string().contains("there is no end after a day"), "{stuck}");
}

#[test]
fn frozen_for_ever() {
    let stuck = rehearse(async {
        let group = root_group().child();
        let task = group.spawn_named("statue", wait_seconds(1.0));
        group.pause();
        let _ = task.await;
    })
    .unwrap_err();
    assert_eq!(stuck.waiting[1].name.as_deref(), Some("statue"));
}

#[test]
fn panic_goes_on_in_the_caller() {
    let word = String::from("the bridge is out");
    let (message, _) = panic_of(|| {
        let _ = rehearse(async {
            wait_seconds(1.0).await;
            assert!(word.is_empty(), "{word}");
        });
    });
    assert_eq!(message, "the bridge is out");
    rehearse(async {}).unwrap();
}

#[test]
fn cancelled_script() {
    let (message, _) = panic_of(|| {
        let _ = rehearse(async {
            root_group().cancel_all();
            next_frame().await;
        });
    });
    assert_eq!(message, "the rehearsed script has no output: the task was cancelled");
}

#[test]
fn everything_is_dropped_at_the_end() {
    let log = Log::new();
    let inner = log.clone();
    rehearse(async {
        let guard = inner.guard("task");
        spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        })
        .detach();
        let _guard = log.guard("script");
        wait_seconds(1.0).await;
    })
    .unwrap();
    log.check(&["drop script", "drop task"]);
    assert!(!engine::is_open());
}

// ---------------------------------------------------------------- Step by step

#[test]
fn steps() {
    let (show, log) = (Rehearsal::new(), Log::new());
    let inner = log.clone();
    let task = show.spawn(async move {
        for beat in 1.. {
            wait_seconds(1.0).await;
            inner.push(format!("beat {beat} at {}", now()));
        }
    });
    assert_eq!(show.elapsed(), 0.0);
    show.run_for(2.5);
    log.check(&["beat 1 at 1", "beat 2 at 2"]);
    assert_eq!(show.elapsed(), 2.5);
    show.run_frames(29);
    log.check(&[]);
    show.run_frames(1);
    log.check(&["beat 3 at 3"]);
    show.run_for(0.0);
    show.run_for(-1.0);
    show.run_frames(0);
    assert_eq!(show.elapsed(), 3.0);
    show.run_for(0.001);
    assert_eq!((show.elapsed() * 60.0).round(), 181.0);
    task.cancel();
    show.run_until_idle().unwrap();
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

#[test]
fn stuck_and_on_again() {
    let (show, cue) = (Rehearsal::new(), Cue::new());
    let heard = cue.clone();
    let story = show.spawn(async move {
        wait_seconds(2.0).await;
        heard.wait().await
    });
    assert!(show.run_until(&story).is_err());
    assert!(show.run_until_idle().is_err());
    assert_eq!(show.elapsed(), 2.0);
    cue.give(7);
    show.run_until(&story).unwrap();
    assert_eq!(story.take(), Some(Ok(7)));
    assert_eq!(show.elapsed(), 2.0);
}

#[test]
fn stages_and_real_time_and_background() {
    let (show, log) = (Rehearsal::new(), Log::new());
    let (a, b) = (log.clone(), log.clone());
    let physics = TaskGroup::new();
    physics.set_phase(Phase::Physics);
    physics
        .spawn(async move {
            wait_seconds(1.0).await;
            a.push("physics");
        })
        .detach();
    show.spawn(async move {
        wait_seconds(1.0).await;
        b.push("process");
        // Wall time is looked at in each stage, and the physics come first.
        wait_real_seconds(1.5).await;
        b.push(format!("real at {}", now()));
        b.push(background(|| 6 * 7).await);
    })
    .detach();
    show.run_until_idle().unwrap();
    log.check(&["physics", "process", "real at 2.483333333", "42"]);
}

#[test]
fn slow_root() {
    let show = Rehearsal::new();
    root_group().set_speed(0.5);
    let task = show.spawn(wait_seconds(3.0));
    show.run_until(&task).unwrap();
    assert_eq!(show.elapsed(), 6.0);
    root_group().set_speed(0.0);
    let task = show.spawn(wait_seconds(1.0));
    assert!(show.run_until(&task).is_err());
    let frames = show.spawn(wait_frames(60));
    show.run_until(&frames).unwrap();
    assert_eq!(show.elapsed(), 7.0);
}

#[test]
fn log_of_a_show() {
    let show = Rehearsal::new();
    let cue: Rc<Cue<()>> = Rc::new(Cue::new());
    let heard = cue.clone();
    let patrol = show.spawn_named("patrol", async move {
        wait_seconds(1.0).await;
        note("hears something");
        heard.wait().await;
    });
    show.spawn_named("lamp", async {
        wait_seconds(1.5).await;
        panic!("blown");
    })
    .detach();
    let line = line!() + 1;
    show.spawn(wait_frames(3)).detach();
    show.run_for(2.0);
    note("the test goes on");
    patrol.cancel();
    show.run_for(0.0);
    let place = format!("{}:{line}", file!());
    assert_eq!(
        show.log(),
        [
            "   0    0.000 s  patrol: begins".to_owned(),
            "   0    0.000 s  lamp: begins".to_owned(),
            format!("   0    0.000 s  {place}: begins"),
            format!("   3    0.050 s  {place}: ends"),
            "  60    1.000 s  patrol: hears something".to_owned(),
            "  90    1.500 s  lamp: panics: blown".to_owned(),
            "  90    1.500 s  lamp: panics".to_owned(),
            " 120    2.000 s  rehearsal: the test goes on".to_owned(),
            " 120    2.000 s  patrol: is cancelled".to_owned(),
        ]
    );
}

#[test]
fn skipping_in_a_rehearsal() {
    let show = Rehearsal::new();
    let group = TaskGroup::new();
    let task = group.spawn(wait_seconds(100.0));
    group.skip();
    show.run_until(&task).unwrap();
    assert_eq!(show.elapsed(), 0.0);
}

#[test]
fn one_at_a_time() {
    let show = Rehearsal::new();
    let (message, _) = panic_of(|| drop(Rehearsal::new()));
    assert!(message.contains("another rehearsal's"), "{message}");
    let inside = show.spawn(async { rehearse(async {}).is_ok() });
    assert_eq!(inside.take(), Some(Err(TaskError::Panicked)));
    drop(show);
    let _world = World::start();
    let (message, _) = panic_of(|| drop(rehearse(async {})));
    assert!(message.contains("a rehearsal needs a thread"), "{message}");
}

#[test]
fn times_that_are_none() {
    let show = Rehearsal::new();
    for (seconds, text) in [(f64::NAN, "run_for(NaN)"), (f64::INFINITY, "run_for(inf)")] {
        assert!(panic_of(|| show.run_for(seconds)).0.contains(text));
    }
}

#[test]
fn clock_starts_at_zero_each_time() {
    for _ in 0..3 {
        let show = Rehearsal::new();
        assert_eq!(now(), 0.0);
        // What somebody else still waits for keeps what is left.
        show.spawn(wait_seconds(5.0)).detach();
        show.run_for(3.0);
        assert_eq!(now(), 3.0);
    }
}

#[test]
fn elsewhere_notes_are_nothing() {
    note("nobody reads this");
    let _world = World::start();
    note("nor this");
}
