//! Skipping in the engine: scripts on nodes, signals, choices, slow motion, nodes that are disabled or freed.

use std::cell::RefCell;
use std::rc::Rc;

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

/// What a scene does, in order.
type Notes = Rc<RefCell<Vec<&'static str>>>;

/// A scene with all that a scene has: values that change, signals that have an answer, a choice that keeps its own time,
/// an actor in slow motion, something branched off, a timeline.
async fn scene(me: Gd<Actor>, extra: Gd<Actor>, notes: Notes, trace: Trace) {
    let _guard = trace.guard();
    let note = |what| notes.borrow_mut().push(what);
    let walk = me.animate(0.3, Ease::InOutSine, |me, t| me.bind_mut().hp = (30.0 * t) as i64);
    let line = async {
        wait_seconds(0.2).await;
        note("line");
        // The player's key.
        me.signals().rested().wait().or_skip(()).await;
    };
    join((walk, line)).await;
    note("walked");

    let slow = current_group().child();
    slow.set_speed(0.3);
    let (actor, of_slow) = (extra.clone(), notes.clone());
    let stumble = slow.spawn(async move {
        actor.animate(0.06, Ease::Linear, |actor, t| actor.bind_mut().hp = (50.0 * t) as i64).await;
        of_slow.borrow_mut().push("stumbled");
    });
    let of_branch = notes.clone();
    branch(async move {
        wait_seconds(0.1).await;
        of_branch.borrow_mut().push("dust");
    })
    .detach();
    let _ = stumble.await;
    checkpoint("the fall");

    let choice = select((me.signals().hit().wait(), wait_seconds(0.15)));
    match unskippable(choice).await {
        Select2::First(_) => note("chosen"),
        Select2::Second(()) => note("hesitated"),
    }
    let (a, b) = (notes.clone(), notes.clone());
    Timeline::new()
        .at_node(0.1, &me, move |me| {
            me.bind_mut().hp += 100;
            a.borrow_mut().push("cue");
        })
        .span_node(0.0..0.25, Ease::OutQuad, &extra, move |extra, t| {
            extra.bind_mut().hp = 50 + (10.0 * t) as i64;
            if t == 1.0 {
                b.borrow_mut().push("landed");
            }
        })
        .play()
        .await;
    wait_seconds(0.3).await;
    note("end");
}

/// A scene that is on, and what it leaves behind.
struct Show {
    me: Gd<Actor>,
    extra: Gd<Actor>,
    notes: Notes,
    trace: Trace,
    task: TaskHandle<()>,
}

impl Show {
    /// Begins a scene that the signal `moved` skips.
    fn begin(ctx: &Context) -> Self {
        let (me, extra) = (actor(&ctx.root()), actor(&ctx.root()));
        let (notes, trace) = (Notes::default(), Trace::default());
        let (actor, inner, of_scene) = (extra.clone(), notes.clone(), trace.clone());
        let task = me.spawn_task(move |me| async move {
            let skip = me.signals().moved().wait();
            skippable(scene(me, actor, inner, of_scene), skip).await;
        });
        Self { me, extra, notes, trace, task }
    }

    fn skip(&self) {
        self.me.signals().moved().emit(Vector2::ZERO, Vector2::ZERO);
    }

    #[track_caller]
    fn check_end(&self, what: &str) {
        assert!(self.task.is_finished(), "{what}: {:?}", self.notes);
        let expected = ["line", "walked", "dust", "stumbled", "hesitated", "cue", "landed", "end"];
        assert_eq!(*self.notes.borrow(), expected, "{what}");
        assert_eq!((self.me.bind().hp, self.extra.bind().hp), (130, 60), "{what}");
        assert_eq!(self.trace.seen().1, 1, "{what}");
    }
}

engine_test!(skipped_at_fifty_moments_it_ends_as_watched);
async fn skipped_at_fifty_moments_it_ends_as_watched(ctx: Context) {
    let watched = Show::begin(&ctx);
    let skipped: Vec<_> = (0..50).map(|_| Show::begin(&ctx)).collect();
    for frame in 0..150 {
        for (at, show) in skipped.iter().enumerate() {
            // Every other frame, so that the last of them is near the end.
            if frame == 2 * at {
                show.skip();
            }
        }
        if frame % 10 == 9 {
            for show in skipped.iter().chain([&watched]) {
                show.me.signals().rested().emit();
            }
        }
        ctx.frame().await;
    }
    watched.check_end("watched");
    for (at, show) in skipped.iter().enumerate() {
        show.check_end(&format!("skipped after {} frames", 2 * at));
    }
}

engine_test!(a_skip_takes_the_time_of_the_choice);
async fn a_skip_takes_the_time_of_the_choice(ctx: Context) {
    let show = Show::begin(&ctx);
    show.skip();
    ctx.frames(2).await;
    assert_eq!(*show.notes.borrow(), ["line", "walked", "dust", "stumbled"]);
    ctx.frames(6).await;
    show.me.signals().hit().emit(1);
    ctx.frames(2).await;
    assert!(show.task.is_finished());
    assert_eq!(show.notes.borrow()[4..], ["chosen", "cue", "landed", "end"]);
}

engine_test!(disabled_in_the_middle_of_a_skip);
async fn disabled_in_the_middle_of_a_skip(ctx: Context) {
    let (me, notes) = (actor(&ctx.root()), Notes::default());
    let inner = notes.clone();
    let task = me.spawn_task(|mut me| async move {
        let skip = me.signals().rested().wait();
        let scene = async {
            wait_seconds(10.0).await;
            inner.borrow_mut().push("one");
            me.set_process_mode(ProcessMode::DISABLED);
            wait_seconds(10.0).await;
            inner.borrow_mut().push("two");
        };
        skippable(scene, skip).await;
    });
    me.signals().rested().emit();
    ctx.frames(5).await;
    assert_eq!(*notes.borrow(), ["one"]);
    me.clone().set_process_mode(ProcessMode::INHERIT);
    ctx.frames(2).await;
    assert_eq!(*notes.borrow(), ["one", "two"]);
    assert!(task.is_finished());
}

engine_test!(freed_in_the_middle_of_a_skip);
async fn freed_in_the_middle_of_a_skip(ctx: Context) {
    let (trace, notes) = (Trace::default(), Notes::default());
    let (in_script, in_branch) = (trace.clone(), trace.clone());
    let (me, inner) = (actor(&ctx.root()), notes.clone());
    let task = me.spawn_task(|me| async move {
        let skip = me.signals().rested().wait();
        let scene = async {
            let _guard = in_script.guard();
            branch(async move {
                let _guard = in_branch.guard();
                wait_seconds(20.0).await;
                in_branch.step();
            })
            .detach();
            wait_seconds(10.0).await;
            inner.borrow_mut().push("freed");
            me.clone().free();
            wait_seconds(20.0).await;
            inner.borrow_mut().push("never");
        };
        skippable(scene, skip).await;
    });
    me.signals().rested().emit();
    drop(me);
    ctx.frames(3).await;
    assert_eq!(*notes.borrow(), ["freed"]);
    assert_eq!(trace.seen(), (0, 2));
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(skipped_by_its_group_up_to_the_checkpoint);
async fn skipped_by_its_group_up_to_the_checkpoint(ctx: Context) {
    let (me, notes) = (actor(&ctx.root()), Notes::default());
    let inner = notes.clone();
    let task = me.spawn_task(|_me| async move {
        wait_seconds(60.0).await;
        checkpoint("half-way");
        inner.borrow_mut().push("half-way");
        wait_seconds(0.1).await;
        inner.borrow_mut().push(if is_skipping() { "skipped" } else { "watched" });
    });
    me.tasks().skip();
    ctx.frames(2).await;
    assert_eq!(*notes.borrow(), ["half-way"]);
    ctx.frames(6).await;
    assert_eq!(*notes.borrow(), ["half-way", "watched"]);
    assert!(task.is_finished());
}

engine_test!(plays_from_a_checkpoint);
async fn plays_from_a_checkpoint(ctx: Context) {
    let (me, extra) = (actor(&ctx.root()), actor(&ctx.root()));
    let (notes, trace) = (Notes::default(), Trace::default());
    let script = scene(me.clone(), extra.clone(), notes.clone(), trace.clone());
    let task = me.spawn_task(|_me| play_from("the fall", script));
    ctx.frames(2).await;
    assert_eq!(*notes.borrow(), ["line", "walked", "dust", "stumbled"]);
    assert_eq!((me.bind().hp, extra.bind().hp), (30, 50));
    ctx.frames(60).await;
    assert!(task.is_finished(), "{notes:?}");
    assert_eq!((me.bind().hp, extra.bind().hp), (130, 60));
}
