//! Priorities of nodes that are freed, slowed and disabled.

use cuelight::prelude::*;
use godot::classes::node::ProcessMode;
use godot::prelude::*;

use super::stage::*;
use crate::inside::{Context, Log};

/// Logs what it does each frame, for ever, and its end.
async fn act(log: Log, what: &'static str) {
    let _guard = at_exit(|| log.add(format!("{what} no more")));
    loop {
        log.add(what);
        next_frame().await;
    }
}

/// An actor who flees when hurt, and walks otherwise.
async fn walk_or_flee(me: Gd<Actor>, log: Log) {
    let is_hurt = || {
        log.add("hurt?");
        me.bind().hp < 0
    };
    priority((
        during(is_hurt, || act(log.clone(), "flees")),
        otherwise(|| act(log.clone(), "walks")),
    ))
    .await;
}

engine_test!(its_own_node_is_freed);
async fn its_own_node_is_freed(ctx: Context) {
    let (node, log) = (actor(&ctx.root()), ctx.log_handle());
    let task = node.spawn_task(|me| walk_or_flee(me, log));
    ctx.assert_log(["hurt?", "walks"]);
    ctx.frame().await;
    ctx.assert_log(["hurt?", "walks"]);
    node.free();
    ctx.assert_log::<&str>([]);
    // Not inside the free; and nothing asks a node that is gone.
    ctx.frames(2).await;
    ctx.assert_log(["walks no more"]);
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(node_of_when_on_is_freed_meanwhile);
async fn node_of_when_on_is_freed_meanwhile(ctx: Context) {
    let (node, mut prey, log) = (actor(&ctx.root()), actor(&ctx.root()), ctx.log_handle());
    let quarry = prey.clone();
    node.spawn_task(|_me| async move {
        let asks = |prey: &Gd<Actor>| {
            log.add("is it there?");
            prey.is_instance_valid() && prey.bind().hp > 0
        };
        priority((
            when_on(&quarry, asks, async |prey| {
                let _: Option<()> = act(log.clone(), "hunts").while_alive(&prey).await;
                log.add("lost it");
            }),
            otherwise(|| act(log.clone(), "sniffs")),
        ))
        .await;
    });
    ctx.assert_log(["is it there?", "sniffs"]);
    prey.bind_mut().hp = 1;
    ctx.frame().await;
    ctx.assert_log(["is it there?", "sniffs no more", "hunts"]);
    ctx.frame().await;
    ctx.assert_log(["hunts"]);
    prey.queue_free();
    ctx.frame().await;
    // It is gone at the end of its frame, and the next check chooses.
    ctx.assert_log(["hunts no more", "lost it", "is it there?", "sniffs"]);
}

engine_test!(condition_that_reaches_for_a_freed_node);
async fn condition_that_reaches_for_a_freed_node(ctx: Context) {
    ctx.expect_error("access to instance with ID");
    ctx.expect_error("\"trusting\"");
    let (node, other, log) = (actor(&ctx.root()), actor(&ctx.root()), ctx.log_handle());
    let hero = other.clone();
    let task = node.tasks().spawn_named("trusting", async move {
        priority((
            when(|| hero.bind().hp > 0, || act(log.clone(), "follows")),
            otherwise(|| act(log.clone(), "waits")),
        ))
        .await;
    });
    ctx.assert_log(["waits"]);
    other.free();
    ctx.frame().await;
    ctx.assert_log(["waits no more"]);
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

engine_test!(ends_with_somebody_else);
async fn ends_with_somebody_else(ctx: Context) {
    let (node, other, log) = (actor(&ctx.root()), actor(&ctx.root()), ctx.log_handle());
    let hero = other.clone();
    let task = node.spawn_task(|_me| async move {
        let follows = priority((
            when(|| hero.bind().hp > 0, || act(log.clone(), "follows")),
            otherwise(|| act(log.clone(), "waits")),
        ));
        follows.while_alive(&hero).await
    });
    other.free();
    ctx.frame().await;
    ctx.assert_log(["waits", "waits no more"]);
    assert_eq!(task.take(), Some(Ok(None)));
}

engine_test!(in_slow_motion);
async fn in_slow_motion(ctx: Context) {
    let seen = |speed: f64| {
        let node = actor(&ctx.root());
        node.tasks().set_speed(speed);
        let (asks, beats) = (Trace::default(), Trace::default());
        let (asked, beaten) = (asks.clone(), beats.clone());
        node.spawn_task(|_me| async move {
            let nobody_is_there = || {
                asked.step();
                false
            };
            let act = priority((
                during(nobody_is_there, std::future::pending),
                otherwise(async || {
                    loop {
                        wait_seconds(0.05).await;
                        beaten.step();
                    }
                }),
            ));
            act.every(0.1).await;
        });
        (asks, beats)
    };
    let (normal, slow, still) = (seen(1.0), seen(0.5), seen(0.0));
    ctx.frames(60).await;
    let seen = [normal, slow, still].map(|(asks, beats)| (asks.seen().0, beats.seen().0));
    // A second has ten checks after the first, and as many times two waits of three frames.
    assert_eq!(seen, [(11, 20), (6, 10), (1, 0)]);
}

engine_test!(disabled_and_enabled);
async fn disabled_and_enabled(ctx: Context) {
    let (mut node, log) = (actor(&ctx.root()), ctx.log_handle());
    node.spawn_task(|me| walk_or_flee(me, log));
    ctx.frame().await;
    ctx.assert_log(["hurt?", "walks", "hurt?", "walks"]);
    node.set_process_mode(ProcessMode::DISABLED);
    node.bind_mut().hp = -1;
    ctx.frames(5).await;
    ctx.assert_log::<&str>([]);
    node.set_process_mode(ProcessMode::INHERIT);
    ctx.assert_log::<&str>([]);
    ctx.frame().await;
    ctx.assert_log(["hurt?", "walks no more", "flees"]);
    // It is disabled in the frame that would have interrupted it.
    node.bind_mut().hp = 1;
    node.set_process_mode(ProcessMode::DISABLED);
    ctx.frame().await;
    node.bind_mut().hp = -1;
    node.set_process_mode(ProcessMode::INHERIT);
    ctx.frame().await;
    ctx.assert_log(["hurt?", "flees"]);
}
