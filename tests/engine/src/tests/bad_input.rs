//! Mistakes that a game's author can make: each is named where it is made, and costs nothing else.

use std::thread;

use cuelight::prelude::*;

use crate::inside::Context;

engine_test!(spawn_on_another_thread_names_it);
async fn spawn_on_another_thread_names_it(ctx: Context) {
    ctx.expect_error("\"loader\" has no runtime");
    let loader = thread::Builder::new().name("loader".into());
    let panic = loader.spawn(|| spawn(async {}).detach()).unwrap().join().unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("in a game the main thread"), "{message}");
}

engine_test!(a_wait_that_is_no_number_ends_its_task);
async fn a_wait_that_is_no_number_ends_its_task(ctx: Context) {
    // Once by `godot`, which prints every panic, and once with the task's name.
    ctx.expect_error("wait_seconds(NaN): the seconds are not a number");
    ctx.expect_error("\"no number\"");
    let task = spawn_named("no number", async { wait_seconds(f64::NAN).await });
    assert_eq!(task.take(), Some(Err(TaskError::Panicked)));
    let other = spawn(async { 7 });
    assert_eq!(other.take(), Some(Ok(7)));
}
