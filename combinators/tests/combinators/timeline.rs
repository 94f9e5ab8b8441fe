//! `Timeline`

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use cuelight_combinators::{CueRule, Ease, ScriptFutureExt, Timeline, wait_seconds};
use cuelight_runtime::{Phase, TaskGroup, TaskHandle, engine, spawn};

use crate::check::check_panic_after_done;
use crate::common::{Log, World, panic_of};

/// What happens to a timeline from outside, at a frame.
#[derive(Clone, Copy)]
enum Steer {
    Speed(f64),
    Pause,
    Resume,
    Seek(f64),
    SeekTo(&'static str),
    Skip,
    Drop,
}
use Steer::{Pause, Resume, Seek, SeekTo, Skip, Speed};

/// A timeline that writes down its cues, and the last values of its spans.
struct Recording {
    timeline: Timeline<'static>,
    cues: Log,
    spans: Rc<RefCell<Vec<(&'static str, f64)>>>,
}

impl Recording {
    fn new() -> Self {
        let (cues, spans) = (Log::new(), Rc::<RefCell<Vec<(&str, f64)>>>::default());
        let cue = |name: &'static str| {
            let cues = cues.clone();
            move || cues.push(name)
        };
        let span = |name: &'static str| {
            let spans = spans.clone();
            move |value: f64| {
                let mut spans = spans.borrow_mut();
                spans.retain(|&(other, _)| other != name);
                spans.push((name, value));
            }
        };
        // Out of order, on purpose.
        let timeline = Timeline::new()
            .at(1.0, cue("end"))
            .at(0.0, cue("start"))
            .span(0.2..0.7, Ease::Linear, span("a"))
            .span(0.5..1.0, Ease::Linear, span("b"))
            .at(0.5, cue("passing"))
            .at_with(0.5, CueRule::Once, cue("once"))
            .at_with(0.5, CueRule::OnlyPlayed, cue("only"))
            .label("late", 0.6);
        Self { timeline, cues, spans }
    }

    /// Plays it at so many frames a second for so many frames, steered at some of them, and checks what has happened.
    #[track_caller]
    fn check(
        self,
        fps: u32,
        frames: u32,
        steers: &[(u32, Steer)],
        cues: &[&str],
        spans: &[(&str, f64)],
    ) {
        let _world = World::start();
        let mut play = Some(spawn(self.timeline.play()));
        for frame in 0..=frames {
            for &(_, steer) in steers.iter().filter(|(at, _)| *at == frame) {
                self.steer(steer, &mut play);
            }
            if frame < frames {
                engine::tick(Phase::Process, Duration::from_secs(1) / fps);
            }
        }
        self.cues.check(cues);
        let mut found = self.spans.borrow().clone();
        found.sort_by_key(|&(name, _)| name);
        let near = |a: &(&str, f64), b: &(&str, f64)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-6;
        let is_same =
            found.len() == spans.len() && found.iter().zip(spans).all(|(a, b)| near(a, b));
        assert!(is_same, "the spans' last values are {found:?}, not {spans:?}");
    }

    fn steer(&self, steer: Steer, play: &mut Option<TaskHandle<()>>) {
        match steer {
            Speed(speed) => self.timeline.set_speed(speed),
            Pause => self.timeline.pause(),
            Resume => self.timeline.resume(),
            Seek(time) => self.timeline.seek(time),
            SeekTo(label) => self.timeline.seek_to(label),
            Skip => self.timeline.skip(),
            Steer::Drop => play.take().expect("it plays").cancel(),
        }
        engine::flush();
    }
}

const ALL: &[&str] = &["start", "passing", "once", "only", "end"];
const ENDS: &[(&str, f64)] = &[("a", 1.0), ("b", 1.0)];

#[test]
fn whole_at_any_frame_rate() {
    for fps in [20, 60, 240, 7] {
        Recording::new().check(fps, fps, &[], ALL, ENDS);
        // Not a frame earlier.
        Recording::new().check(
            fps,
            fps - 1,
            &[],
            &ALL[..4],
            &[("a", 1.0), ("b", 1.0 - 2.0 / f64::from(fps))],
        );
    }
}

#[test]
fn whole_in_one_frame() {
    Recording::new().check(1, 1, &[], ALL, ENDS);
}

#[test]
fn at_other_speeds() {
    for fps in [20, 60, 240] {
        Recording::new().check(fps, 4 * fps, &[(0, Speed(0.25))], ALL, ENDS);
        Recording::new().check(
            fps,
            4 * fps - 1,
            &[(0, Speed(0.25))],
            &ALL[..4],
            &[("a", 1.0), ("b", 1.0 - 0.5 / f64::from(fps))],
        );
        Recording::new().check(fps, fps.div_ceil(8), &[(0, Speed(8.0))], ALL, ENDS);
        // Changed on the way.
        Recording::new().check(
            fps,
            fps,
            &[(fps / 2, Speed(0.0))],
            &ALL[..4],
            &[("a", 0.6), ("b", 0.0)],
        );
    }
}

#[test]
fn paused_and_resumed() {
    for fps in [20, 60, 240] {
        let steers = [(fps / 4, Pause), (fps, Resume)];
        Recording::new().check(fps, fps, &steers[..1], &["start"], &[("a", 0.1)]);
        Recording::new().check(
            fps,
            fps + fps * 3 / 4 - 1,
            &steers,
            &ALL[..4],
            &[("a", 1.0), ("b", 1.0 - 2.0 / f64::from(fps))],
        );
        Recording::new().check(fps, fps + fps * 3 / 4, &steers, ALL, ENDS);
        // Before its start, too.
        let recording = Recording::new();
        recording.timeline.pause();
        recording.check(fps, fps, &[], &[], &[]);
    }
}

#[test]
fn sought_forward() {
    for fps in [20, 60, 240] {
        // Jumped over: all but what is only played. A span that is jumped into is where it is.
        Recording::new().check(
            fps,
            0,
            &[(0, Seek(0.6))],
            &["start", "passing", "once"],
            &[("a", 0.8), ("b", 0.2)],
        );
        Recording::new().check(
            fps,
            0,
            &[(0, SeekTo("late"))],
            &["start", "passing", "once"],
            &[("a", 0.8), ("b", 0.2)],
        );
        // To its time is not over it.
        Recording::new().check(fps, 0, &[(0, Seek(0.5))], &ALL[..4], &[("a", 0.6), ("b", 0.0)]);
        // Past the end is the end.
        Recording::new().check(
            fps,
            0,
            &[(0, Seek(99.0))],
            &["start", "passing", "once", "end"],
            ENDS,
        );
    }
}

#[test]
fn sought_back() {
    for fps in [20, 60, 240] {
        let once_more = ["start", "passing", "once", "only", "passing", "only", "end"];
        let at = fps * 4 / 5;
        Recording::new().check(fps, at, &[(at, Seek(0.3))], &ALL[..4], &[("a", 0.2), ("b", 0.0)]);
        Recording::new().check(fps, at + fps * 7 / 10, &[(at, Seek(0.3))], &once_more, ENDS);
        // Before the start is the start.
        Recording::new().check(
            fps,
            at,
            &[(at, Seek(-5.0))],
            &["start", "passing", "once", "only", "start"],
            &[("a", 0.0), ("b", 0.0)],
        );
    }
}

#[test]
fn sought_before_it_plays() {
    let recording = Recording::new();
    recording.timeline.seek(0.1);
    recording.timeline.seek(0.6);
    recording.check(60, 0, &[], &["start", "passing", "once"], &[("a", 0.8), ("b", 0.2)]);
}

#[test]
fn looped() {
    for fps in [20, 60, 240] {
        let mut recording = Recording::new();
        recording.timeline = recording.timeline.loops(2);
        let twice = ["start", "passing", "once", "only", "end", "start", "passing", "only", "end"];
        recording.check(fps, 2 * fps, &[], &twice, ENDS);

        let mut recording = Recording::new();
        recording.timeline = recording.timeline.loop_forever();
        recording.check(
            fps,
            3 * fps - 1,
            &[],
            &[&twice[..], &["start", "passing", "only"]].concat(),
            &[("a", 1.0), ("b", 1.0 - 2.0 / f64::from(fps))],
        );
        // Several laps in one frame.
        let mut recording = Recording::new();
        recording.timeline = recording.timeline.loops(2);
        recording.check(1, 1, &[(0, Speed(2.0))], &twice, ENDS);
    }
}

#[test]
fn skipped() {
    for fps in [20, 60, 240] {
        for at in [0, 1, fps / 2, fps - 1] {
            Recording::new().check(fps, at, &[(at, Skip)], ALL, ENDS);
        }
        let mut recording = Recording::new();
        recording.timeline = recording.timeline.loops(2);
        let twice = ["start", "passing", "once", "only", "end", "start", "passing", "only", "end"];
        recording.check(fps, 1, &[(1, Skip)], &twice, ENDS);
        let mut recording = Recording::new();
        recording.timeline = recording.timeline.loop_forever();
        recording.check(fps, 1, &[(1, Skip)], ALL, ENDS);
    }
}

#[test]
fn dropped_in_the_middle() {
    for fps in [20, 60, 240] {
        let steers = [(fps / 4, Steer::Drop)];
        Recording::new().check(fps, fps, &steers, &["start"], &[("a", 0.1)]);
    }
}

#[test]
fn frozen() {
    let (world, recording) = (World::start(), Recording::new());
    let group = TaskGroup::new();
    let task = group.spawn(recording.timeline.play());
    group.pause();
    world.ticks(1_000);
    recording.cues.check(&["start"]);
    group.resume();
    world.ticks(59);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
    recording.cues.check(&ALL[1..]);
}

#[test]
fn slowed_with_its_clock() {
    let (world, recording) = (World::start(), Recording::new());
    let group = TaskGroup::new();
    group.set_speed(0.5);
    let task = group.spawn(recording.timeline.play());
    world.ticks(119);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
}

#[test]
fn spans_are_called_once_a_tick_and_end_exactly() {
    let (world, values) = (World::start(), Rc::new(RefCell::new(Vec::new())));
    let place = values.clone();
    let timeline =
        Timeline::new().span(0.0..0.05, Ease::InQuad, move |t| place.borrow_mut().push(t));
    spawn(timeline.play()).detach();
    world.ticks(10);
    let values = values.borrow();
    let rounded: Vec<_> = values.iter().map(|value| (value * 900.0).round()).collect();
    assert_eq!(rounded, [0.0, 100.0, 400.0, 900.0]);
    assert_eq!(values.last(), Some(&1.0));
}

#[test]
fn a_span_of_no_length_is_called_with_one() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let timeline = Timeline::new().span(0.1..0.1, Ease::Linear, move |t| inner.push(t));
    spawn(timeline.play()).detach();
    world.ticks(10);
    log.check(&["1"]);
}

#[test]
fn empty() {
    let _world = World::start();
    let timeline = Timeline::new();
    assert!(spawn(timeline.play()).is_finished());
    assert_eq!((timeline.duration(), timeline.progress()), (0.0, 1.0));
    // One that loops forever goes on, without an end in any tick.
    let endless = Timeline::new().loop_forever();
    let task = spawn(endless.play());
    engine::tick(Phase::Process, Duration::from_secs(1));
    assert!(!task.is_finished());
}

#[test]
fn progress_can_be_read() {
    let (world, recording) = (World::start(), Recording::new());
    let timeline = recording.timeline.clone().loops(2);
    assert_eq!((timeline.duration(), timeline.progress()), (1.0, 0.0));
    assert!(!timeline.is_playing());
    let task = spawn(timeline.play());
    assert!(timeline.is_playing());
    world.ticks(30);
    assert!((timeline.progress() - 0.25).abs() < 1e-6);
    world.ticks(60);
    assert!((timeline.progress() - 0.75).abs() < 1e-6);
    assert!((timeline.time() - 0.5).abs() < 1e-6);
    assert_eq!(timeline.lap(), 1);
    world.ticks(30);
    assert!(task.is_finished());
    assert_eq!((timeline.progress(), timeline.is_playing()), (1.0, false));
}

#[test]
fn a_second_play_takes_over() {
    let (world, recording) = (World::start(), Recording::new());
    let first = spawn(recording.timeline.play());
    world.ticks(30);
    recording.cues.check(&ALL[..4]);
    let second = spawn(recording.timeline.play());
    recording.cues.check(&["start"]);
    world.tick();
    assert!(first.is_finished() && !second.is_finished());
    world.ticks(60);
    assert!(second.is_finished());
    recording.cues.check(&ALL[1..]);
}

#[test]
fn cues_steer_their_own_timeline() {
    let (world, log) = (World::start(), Log::new());
    let laps = Rc::new(Cell::new(0));
    let timeline = Timeline::new();
    let (own, inner, count) = (timeline.handle(), log.clone(), laps.clone());
    let again = move || {
        inner.push("again");
        count.set(count.get() + 1);
        if count.get() < 3 {
            own.seek(0.1);
        }
    };
    let (own, inner) = (timeline.handle(), log.clone());
    let pause = move || {
        inner.push("pause");
        own.pause();
    };
    let inner = log.clone();
    let timeline =
        timeline.at(0.1, move || inner.push("begin")).at(0.2, again).at(0.3, pause).at(0.4, || {});
    let task = spawn(timeline.play());
    world.ticks(60);
    log.check(&["begin", "again", "begin", "again", "begin", "again", "pause"]);
    assert!((timeline.time() - 0.3).abs() < 1e-6, "it stands at the cue's own time");
    timeline.resume();
    world.ticks(60);
    assert!(task.is_finished());
}

#[test]
fn a_handle_does_not_own_the_timeline() {
    let log = Log::new();
    let guard = log.guard("cue");
    let timeline = Timeline::new();
    let own = timeline.handle();
    let timeline = timeline.at(1.0, move || {
        let _guard = &guard;
        own.skip();
    });
    let handle = timeline.handle();
    assert!(handle.timeline().is_some());
    drop(timeline);
    log.check(&["drop cue"]);
    assert!(handle.timeline().is_none());
    // Nothing is there to be steered.
    handle.seek(1.0);
    handle.seek_to("nowhere");
    handle.skip();
    handle.pause();
    handle.set_speed(2.0);
}

/// Returns a timeline of a third of a second that writes down what it does.
fn nested(log: &Log) -> Timeline<'static> {
    let cue = |name: &'static str| {
        let log = log.clone();
        move || log.push(name)
    };
    Timeline::new()
        .at(0.0, cue("in"))
        .at_with(0.1, CueRule::OnlyPlayed, cue("only"))
        .at(0.3, cue("out"))
}

#[test]
fn nested_plays_on_the_time_of_the_other() {
    for fps in [20, 60, 240, 1] {
        let log = Log::new();
        let _world = World::start();
        let cue = |name: &'static str| {
            let log = log.clone();
            move || log.push(name)
        };
        let timeline = Timeline::new()
            .at(0.5, cue("begin"))
            .nest(0.5, nested(&log))
            .at(0.65, cue("between"))
            .at(0.9, cue("after"));
        assert_eq!(timeline.duration(), 0.9);
        let task = spawn(timeline.play());
        for _ in 0..fps {
            engine::tick(Phase::Process, Duration::from_secs(1) / fps);
        }
        log.check(&["begin", "in", "only", "between", "out", "after"]);
        assert!(task.is_finished());
    }
}

#[test]
fn nested_loops_at_its_own_speed_and_is_waited_for() {
    let (world, log) = (World::start(), Log::new());
    let inner = nested(&log).loops(2);
    inner.set_speed(0.5);
    let timeline = Timeline::new().nest(0.1, inner);
    let task = spawn(timeline.play());
    // 0.1 seconds, and twice 0.3 at half the speed.
    world.ticks(77);
    assert!(!task.is_finished());
    world.tick();
    assert!(task.is_finished());
    log.check(&["in", "only", "out", "in", "only", "out"]);
}

#[test]
fn nested_is_sought_and_skipped_with_the_other() {
    let (world, log) = (World::start(), Log::new());
    let timeline = Timeline::new().nest(0.5, nested(&log)).at(2.0, || {});
    spawn(timeline.play()).detach();
    timeline.seek(0.75);
    world.flush();
    log.check(&["in"]);
    timeline.seek(0.55);
    world.flush();
    world.ticks(6);
    log.check(&["only"]);
    timeline.seek(1.5);
    world.flush();
    log.check(&["out"]);
    timeline.seek(0.0);
    world.flush();
    timeline.skip();
    world.flush();
    log.check(&["in", "only", "out"]);
    assert!(!timeline.is_playing());
}

#[test]
fn borrows_what_it_moves() {
    let world = World::start();
    let task = spawn(async {
        let height = Cell::new(0.0);
        let timeline = Timeline::new().span(0.0..10.0, Ease::Linear, |t| height.set(t));
        let _ = timeline.play().until(wait_seconds(5.0)).await;
        height.get()
    });
    world.ticks(300);
    let height = task.take().expect("it is over").expect("it is well");
    assert!((height - 0.5).abs() < 0.01, "dropped, it stays where it is: {height}");
}

#[test]
fn a_panic_in_a_cue_is_the_tasks() {
    let (world, log) = (World::start(), Log::new());
    let inner = log.clone();
    let timeline =
        Timeline::new().at(0.1, || panic!("no such door")).at(0.2, move || inner.push("on"));
    let task = spawn(timeline.play());
    world.ticks(60);
    assert!(task.is_finished());
    world.engine.reports.borrow_mut().clear();
    assert!(!timeline.is_playing());
    // It can be played again, from behind that cue.
    timeline.seek(0.15);
    let again = spawn(timeline.play());
    world.engine.reports.borrow_mut().clear();
    assert!(again.is_finished(), "the jump over the cue calls it, too");
    log.check(&[]);
}

#[test]
fn panic_after_done() {
    check_panic_after_done(|| Timeline::new().play());
}

#[test]
fn bad_input_is_said_where_it_is() {
    let messages = [
        panic_of(|| Timeline::new().at(-1.0, || {})).0,
        panic_of(|| Timeline::new().at(f64::NAN, || {})).0,
        panic_of(|| Timeline::new().span(0.5..0.1, Ease::Linear, |_| {})).0,
        panic_of(|| Timeline::new().span(0.0..f64::INFINITY, Ease::Linear, |_| {})).0,
        panic_of(|| Timeline::new().label("a", 1.0).label("a", 2.0)).0,
        panic_of(|| Timeline::new().loops(0)).0,
        panic_of(|| Timeline::new().seek(f64::NAN)).0,
        panic_of(|| Timeline::new().label("a", 1.0).seek_to("b")).0,
        panic_of(|| Timeline::new().set_speed(-1.0)).0,
        panic_of(|| Timeline::new().nest(1.0, Timeline::new().loop_forever())).0,
    ];
    assert_eq!(
        messages,
        [
            "Timeline::at(-1): a time of a timeline is 0 or more, and finite",
            "Timeline::at(NaN): a time of a timeline is 0 or more, and finite",
            "Timeline::span(0.5..0.1): it ends before it starts; swap the two times",
            "Timeline::span(inf): a time of a timeline is 0 or more, and finite",
            "Timeline::label(\"a\", 2): there is a label of that name",
            "Timeline::loops(0): it plays once at least",
            "Timeline::seek(NaN): the time is not a number",
            "Timeline::seek_to(\"b\"): there is no such label, only [\"a\"]",
            "Timeline::set_speed(-1): a speed is 0 or more, and finite; to go back, use `seek`",
            "Timeline::nest(1): a timeline that loops forever has no end for the other one to wait for",
        ]
    );
}
