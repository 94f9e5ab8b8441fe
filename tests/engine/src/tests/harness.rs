//! Tests of the harness: specimens that do what a test should not, each with what has to be reported of it, and others
//! between them that have to run all the same.

use godot::classes::{Engine, GDScript, Os};
use godot::prelude::*;

use crate::Setup;
use crate::inside::Context;
use crate::protocol;

engine_test!(passes_first, Setup::specimen());
async fn passes_first(ctx: Context) {
    ctx.log("here");
    ctx.frame().await;
    ctx.assert_log(["here"]);
}

engine_test!(
    panics,
    Setup::specimen().fails_with(&["panicked at", "src/tests/harness.rs:", "seven is not eight"])
);
async fn panics(ctx: Context) {
    ctx.frame().await;
    panic!("seven is not eight");
}

engine_test!(
    panics_at_its_drop,
    Setup::specimen().frames(3).fails_with(&[
        "hung: still running after 3 frames",
        "when it was dropped, it panicked at",
        "let me be"
    ])
);
async fn panics_at_its_drop(_ctx: Context) {
    struct Noisy;
    impl Drop for Noisy {
        fn drop(&mut self) {
            panic!("let me be");
        }
    }
    let _noisy = Noisy;
    std::future::pending::<()>().await;
}

engine_test!(differs_in_its_log, Setup::specimen().fails_with(&["the log differs", "one", "two"]));
async fn differs_in_its_log(ctx: Context) {
    ctx.log("one");
    ctx.assert_log(["two"]);
}

engine_test!(
    waits_for_ever,
    Setup::specimen()
        .frames(20)
        .fails_with(&["hung: still running after 20 frames, waiting until pigs fly"])
);
async fn waits_for_ever(ctx: Context) {
    ctx.until("pigs fly", || false).await;
}

engine_test!(passes_after_a_hang, Setup::specimen());
async fn passes_after_a_hang(ctx: Context) {
    let start = Engine::singleton().get_process_frames();
    ctx.frames(5).await;
    assert_eq!(Engine::singleton().get_process_frames(), start + 5);
}

engine_test!(
    never_returns,
    Setup::specimen().seconds(3).fails_with(&["hung: no end within 3 s", "before the loop"])
);
async fn never_returns(_ctx: Context) {
    println!("before the loop");
    loop {
        std::hint::spin_loop();
    }
}

engine_test!(passes_after_a_kill, Setup::specimen());
async fn passes_after_a_kill(ctx: Context) {
    ctx.physics_frame().await;
    assert!(Engine::singleton().is_in_physics_frame());
    ctx.frame().await;
    assert!(!Engine::singleton().is_in_physics_frame());
}

engine_test!(aborts, Setup::specimen().fails_with(&["crashed the engine: signal 6", "last words"]));
async fn aborts(ctx: Context) {
    ctx.frame().await;
    println!("last words");
    std::process::abort();
}

engine_test!(crashes, Setup::specimen().fails_with(&["crashed the engine: signal", "on purpose"]));
async fn crashes(_ctx: Context) {
    Os::singleton().crash("on purpose");
}

engine_test!(
    quits,
    Setup::specimen().fails_with(&["ended with status 7 in the middle of the test"])
);
async fn quits(ctx: Context) {
    ctx.tree().quit_ex().exit_code(7).done();
    ctx.frames(100).await;
}

engine_test!(passes_after_a_crash, Setup::specimen());
async fn passes_after_a_crash(ctx: Context) {
    let node = ctx.add::<Node>();
    ctx.frame().await;
    assert!(node.is_inside_tree());
}

engine_test!(
    causes_an_error,
    Setup::specimen().fails_with(&["engine error that was not announced: no such luck"])
);
async fn causes_an_error(_ctx: Context) {
    godot_error!("no such luck");
}

engine_test!(
    causes_a_warning,
    Setup::specimen().fails_with(&["engine warning that was not announced: mind the gap"])
);
async fn causes_a_warning(_ctx: Context) {
    godot_warn!("mind the gap");
}

engine_test!(
    causes_an_error_on_a_thread,
    Setup::specimen().fails_with(&["engine error that was not announced: from a thread"])
);
async fn causes_an_error_on_a_thread(ctx: Context) {
    let mut helper = ctx.object::<RefCounted>("res://helpers/errors.gd");
    helper.call("error_on_a_thread", &["from a thread".to_variant()]);
}

engine_test!(
    causes_an_error_when_its_nodes_go,
    Setup::specimen().fails_with(&["engine error that was not announced: leaving"])
);
async fn causes_an_error_when_its_nodes_go(ctx: Context) {
    let callable = Callable::from_fn("complain", |_| godot_error!("leaving"));
    ctx.root().connect("tree_exiting", &callable);
}

engine_test!(announces_its_errors, Setup::specimen());
async fn announces_its_errors(ctx: Context) {
    ctx.expect_error("no such luck");
    ctx.expect_error("from a thread");
    ctx.expect_warning("the gap");
    godot_error!("no such luck");
    godot_warn!("mind the gap");
    let mut helper = ctx.object::<RefCounted>("res://helpers/errors.gd");
    helper.call("error_on_a_thread", &["from a thread".to_variant()]);
}

engine_test!(
    announces_an_error_that_does_not_come,
    Setup::specimen().fails_with(&["engine error that was announced did not come: \"rain\""])
);
async fn announces_an_error_that_does_not_come(ctx: Context) {
    ctx.expect_error("rain");
}

engine_test!(
    announces_one_error_and_causes_two,
    Setup::specimen().fails_with(&["engine error that was not announced: twice"])
);
async fn announces_one_error_and_causes_two(ctx: Context) {
    ctx.expect_error("twice");
    godot_error!("twice");
    godot_error!("twice");
}

engine_test!(
    leaves_an_orphan,
    Setup::specimen().fails_with(&["left behind: orphan nodes: ", "left behind: objects: "])
);
async fn leaves_an_orphan(_ctx: Context) {
    let _never_freed = Node::new_alloc();
}

engine_test!(leaves_a_node_in_the_tree, Setup::specimen().fails_with(&["left behind: nodes: "]));
async fn leaves_a_node_in_the_tree(ctx: Context) {
    let node = Node::new_alloc();
    ctx.tree().get_root().unwrap().add_child(&node);
}

engine_test!(
    leaves_a_connection,
    Setup::specimen().fails_with(&["left behind: connections of the tree's physics_frame: "])
);
async fn leaves_a_connection(ctx: Context) {
    let callable = Callable::from_fn("nothing", |_| ());
    ctx.tree().connect("physics_frame", &callable);
}

engine_test!(
    leaves_a_task,
    Setup::specimen().fails_with(&["left behind: tasks of cuelight: 0 before the test, 1 after"])
);
async fn leaves_a_task(_ctx: Context) {
    let _detached = cuelight::spawn(std::future::pending::<()>());
}

engine_test!(allows_a_cached_object, Setup::specimen());
async fn allows_a_cached_object(ctx: Context) {
    ctx.allow_cached_objects(1);
    let mut script = GDScript::new_gd();
    script.set_source_code("extends RefCounted");
    script.reload();
}

engine_test!(leaves_nothing_at_once, Setup::specimen());
async fn leaves_nothing_at_once(ctx: Context) {
    // Freed a frame later, with what is below the root.
    ctx.add::<Node>().add_child(&Node::new_alloc());
    let mut node = Node::new_alloc();
    node.call_deferred("free", &[]);
}

engine_test!(prints_without_a_line_break, Setup::specimen());
async fn prints_without_a_line_break(ctx: Context) {
    print!("the end of the test comes in this line: ");
    eprint!("and in this one: ");
    ctx.frame().await;
    print!("@0123456789abcdef0123456789abcdef end harness::prints_without_a_line_break");
}

engine_test!(
    fails_in_its_own_process_after_its_end,
    Setup::own_game().may_leave().fails_with(&["error outside of a test", "too late"])
);
async fn fails_in_its_own_process_after_its_end(ctx: Context) {
    let callable = Callable::from_fn("complain", |_| godot_error!("too late"));
    ctx.root().connect("tree_exiting", &callable);
}

engine_test!(
    crashes_in_its_own_process_after_its_end,
    Setup::own_game().may_leave().fails_with(&["crashed", "signal 6"])
);
async fn crashes_in_its_own_process_after_its_end(ctx: Context) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::process::abort();
        }
    }
    let bomb = Bomb;
    let callable = Callable::from_fn("hold", move |_| {
        let _held = &bomb;
    });
    ctx.root().connect("tree_exited", &callable);
}

engine_test!(
    crashes_as_announced,
    Setup::own_game().quits().checked_by(|ended| {
        assert_eq!(ended.signal, Some(6));
        assert_eq!(ended.notes, ["about to"]);
    })
);
async fn crashes_as_announced(_ctx: Context) {
    protocol::note("about to");
    std::process::abort();
}

engine_test!(
    quits_in_the_middle,
    Setup::own_game().quits().checked_by(|ended| {
        ended.assert_clean();
        assert_eq!(ended.notes, ["dropped"]);
    })
);
async fn quits_in_the_middle(ctx: Context) {
    struct Noting;
    impl Drop for Noting {
        fn drop(&mut self) {
            protocol::note("dropped");
        }
    }
    let _noting = Noting;
    ctx.tree().quit();
    ctx.frames(100).await;
}

engine_test!(lives_on_after_a_reload, Setup::own_editor());
async fn lives_on_after_a_reload(ctx: Context) {
    let mut root = ctx.root();
    match ctx.phase() {
        0 => {
            ctx.keep("word", "kept");
            let mut node = Node::new_alloc();
            node.set_name("Stays");
            root.add_child(&node);
            ctx.then_reload();
        }
        1 => {
            assert_eq!(ctx.kept::<String>("word"), "kept");
            assert!(root.has_node("Stays"));
            ctx.then_reload();
        }
        _ => assert!(root.has_node("Stays")),
    }
    ctx.frame().await;
}

engine_test!(fails_after_a_reload, Setup::own_editor().fails_with(&["in the second life"]));
async fn fails_after_a_reload(ctx: Context) {
    assert_eq!(ctx.phase(), 0, "in the second life");
    ctx.then_reload();
}
