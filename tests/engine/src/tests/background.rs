//! Background work inside Godot: results come back to the main thread, and a reload finds no thread of ours.

use cuelight::prelude::*;
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;
use crate::protocol::note;
use crate::{Ended, Setup};

engine_test!(result_comes_back_to_the_main_thread);
async fn result_comes_back_to_the_main_thread(ctx: Context) {
    let node = actor(&ctx.root());
    let main = std::thread::current().id();
    let task = node.spawn_task(async move |me: Gd<Actor>| {
        let elsewhere = background(|| std::thread::current().id()).await;
        // Back on the main thread: the node may be touched.
        me.with(|actor| actor.hp = 7);
        (elsewhere, std::thread::current().id())
    });
    while !task.is_finished() {
        ctx.frame().await;
    }
    let (elsewhere, back) = task.take().unwrap().unwrap();
    assert_ne!(elsewhere, main);
    assert_eq!(back, main);
    assert_eq!(node.bind().hp, 7);
}

engine_test!(panic_is_that_of_the_task);
async fn panic_is_that_of_the_task(ctx: Context) {
    let task = spawn_named("search", async { background(|| -> i32 { panic!("no path") }).await });
    ctx.expect_error("no path");
    ctx.expect_error("\"search\"");
    while !task.is_finished() {
        ctx.frame().await;
    }
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
}

engine_test!(freed_node_discards_the_result);
async fn freed_node_discards_the_result(ctx: Context) {
    let node = actor(&ctx.root());
    let (go, told) = std::sync::mpsc::channel::<()>();
    let task = node.spawn_task(async move |_me: Gd<Actor>| {
        background(move || told.recv().is_ok()).await;
        note("resumed by mistake");
    });
    ctx.frame().await;
    node.free();
    go.send(()).unwrap();
    ctx.frames(3).await;
    assert_eq!(task.take(), Some(Err(TaskError::Cancelled)));
}

engine_test!(
    three_hot_reloads_with_work_under_way,
    Setup::own_editor().may_leave().checked_by(reloads_ended_the_work)
);
async fn three_hot_reloads_with_work_under_way(ctx: Context) {
    // More than there are threads: some of it is running at the reload, and some has not begun.
    for _ in 0..20 {
        spawn(async {
            background(|| (0..20).for_each(|_| std::thread::yield_now())).await;
        });
    }
    if ctx.phase() == 0 {
        on_task_panic(|_| note("a hook of before was called"));
    } else {
        ctx.expect_error("in a later phase");
        ctx.expect_error("\"broken\"");
        spawn_named("broken", async { panic!("in a later phase") }).detach();
    }
    note("a phase has ended");
    if ctx.phase() < 3 {
        ctx.then_reload();
    }
}

fn reloads_ended_the_work(ended: &Ended) {
    ended.assert_clean();
    assert_eq!(ended.notes, ["a phase has ended"; 4]);
}
