//! Snapshots in the engine: groups are named by their nodes.

use cuelight::prelude::*;
use cuelight::{GroupInfo, WaitInfo};
use godot::prelude::*;

use super::stage::*;
use crate::inside::Context;

fn find<'a>(group: &'a GroupInfo, name: &str) -> Option<&'a GroupInfo> {
    match group.name.as_deref() {
        Some(own) if own == name => Some(group),
        _ => group.groups.iter().find_map(|below| find(below, name)),
    }
}

engine_test!(groups_are_named_by_their_nodes);
async fn groups_are_named_by_their_nodes(ctx: Context) {
    let mut node = actor(&ctx.root());
    node.set_name("Guard");
    let path = node.get_path().to_string();
    assert!(path.starts_with("/root/") && path.ends_with("/Guard"), "{path}");
    node.tasks().spawn_named("patrol", wait_seconds(2.0)).detach();
    node.tasks().channel("ai").spawn(wait_frames(9)).detach();
    node.tasks().child().spawn(wait_frames(9)).detach();
    let signals = (node.signals().renamed().wait(), node.signals().tree_exited().wait());
    let talk = race((signals.0, signals.1, wait_seconds(5.0)));
    node.tasks().channel("talk").spawn(talk).detach();
    ctx.frames(1).await;
    let snapshot = inspect();
    let group = find(&snapshot.root, &path).unwrap();
    assert_eq!(group.count_tasks(), 3, "{snapshot}");
    assert_eq!(group.tasks[0].name.as_deref(), Some("patrol"));
    let WaitInfo::Seconds(left) = group.tasks[0].waits_for[0] else { panic!("{snapshot}") };
    assert!((left - (2.0 - 1.0 / 60.0)).abs() < 1e-6, "{snapshot}");
    assert_eq!(find(group, "ai").unwrap().tasks[0].waits_for, [WaitInfo::Frames(8)]);
    let talk = &find(group, "talk").unwrap().tasks[0].waits_for;
    let events = [
        WaitInfo::Event("signal Actor.renamed".into()),
        WaitInfo::Event("signal Actor.tree_exited".into()),
    ];
    assert_eq!(talk[1..], events, "{snapshot}");
    // A group below a node's is not that node's.
    assert_eq!(group.groups[1].name, None);
    let printed = snapshot.to_string();
    assert!(printed.contains(&format!("group \"{path}\"")), "{printed}");

    // Out of the tree a node has no path, but a name; and its group is frozen.
    ctx.root().remove_child(&node);
    let snapshot = inspect();
    assert!(find(&snapshot.root, "Guard").unwrap().frozen, "{snapshot}");
    node.free();
    ctx.frames(1).await;
    let snapshot = inspect();
    assert!(find(&snapshot.root, "Guard").is_none(), "{snapshot}");
}

engine_test!(read_from_gdscript);
async fn read_from_gdscript(ctx: Context) {
    let node = actor(&ctx.root());
    let path = node.get_path().to_string().to_variant();
    let mut helper = load::<godot::classes::Script>("res://helpers/snapshot.gd");
    let mut describe = || helper.call("describe", std::slice::from_ref(&path)).to::<String>();
    assert_eq!(describe(), "no such group");
    node.tasks().set_speed(0.5);
    node.tasks().spawn_named("patrol", wait_frames(3)).detach();
    node.tasks().spawn_named("listen", node.signals().renamed().wait()).detach();
    let expected =
        "2 tasks at 0.5: patrol waiting for 3 frames; listen waiting for signal Actor.renamed";
    assert_eq!(describe(), expected);
}

engine_test!(monitors_read_from_gdscript);
async fn monitors_read_from_gdscript(ctx: Context) {
    let mut helper = load::<godot::classes::Script>("res://helpers/snapshot.gd");
    let mut monitors = || helper.call("monitors", &[]).to::<PackedInt64Array>().to_vec();
    let before = monitors();
    let node = actor(&ctx.root());
    for _ in 0..100 {
        node.tasks().spawn(wait_seconds(60.0)).detach();
    }
    node.tasks().spawn(Trace::default().count_frames()).detach();
    let after = monitors();
    assert_eq!([after[0] - before[0], after[2] - before[2]], [101, 1], "{before:?} {after:?}");
    ctx.frames(3).await;
    // The sleepers cost nothing: there is the loop, and this test.
    assert!((1..20).contains(&monitors()[1]), "{:?}", monitors());
    node.free();
    ctx.frames(2).await;
    assert_eq!(monitors()[0], before[0]);
}
