//! What an engine ties to groups: values that go when a group closes, and whom a group belongs to.

use std::num::NonZeroU64;

use cuelight_runtime::engine::{self, attach, owner, set_owner};
use cuelight_runtime::{TaskGroup, next_frame, root_group, spawn};

use crate::common::{Log, OnDrop, World};

#[test]
fn goes_when_the_group_closes() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    attach(&group, log.guard("a"));
    attach(&group, log.guard("b"));
    group.cancel_all();
    world.flush();
    log.check(&[]);
    group.close();
    log.check(&["drop a", "drop b"]);
    drop(group);
    log.check(&[]);
}

#[test]
fn goes_when_a_group_above_closes() {
    let (_world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    let (first, second) = (group.child(), group.child());
    attach(&second, log.guard("second child's"));
    attach(&first.child(), log.guard("grandchild's"));
    attach(&group, log.guard("group's"));
    attach(&first, log.guard("first child's"));
    drop(group);
    // Parents before children, siblings by creation.
    log.check(&["drop group's", "drop first child's", "drop grandchild's", "drop second child's"]);
}

#[test]
fn goes_at_once_if_the_group_is_closed() {
    let (_world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    group.close();
    attach(&group, log.guard("late"));
    log.check(&["drop late"]);
}

#[test]
fn goes_at_the_shutdown() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    attach(&group, log.guard("a group's"));
    attach(&root_group(), log.guard("the root's"));
    let guard = log.guard("a task's");
    let task = spawn(async move {
        let _guard = guard;
        next_frame().await;
    });
    engine::shutdown();
    log.check(&["drop a task's", "drop a group's", "drop the root's"]);
    attach(&root_group(), log.guard("after it"));
    log.check(&["drop after it"]);
    drop((task, group, world));
}

#[test]
fn its_drop_may_use_the_runtime() {
    let (world, log) = (World::start(), Log::new());
    let (group, other) = (TaskGroup::new(), TaskGroup::new().handle());
    let again = group.handle();
    let to_log = log.clone();
    attach(
        &group,
        OnDrop(move || {
            let guard = to_log.guard("spawned into the closed group");
            again.spawn(async move { drop(guard) }).detach();
            again.close();
            other.cancel_all();
            attach(&again, to_log.guard("attached in a drop"));
        }),
    );
    drop(group);
    log.check(&["drop attached in a drop"]);
    world.flush();
    log.check(&["drop spawned into the closed group"]);
}

#[test]
fn panic_in_its_drop_is_reported() {
    let (world, log) = (World::start(), Log::new());
    let group = TaskGroup::new();
    attach(&group, OnDrop(|| panic!("a bad day")));
    attach(&group, log.guard("next"));
    drop(group);
    log.check(&["drop next"]);
    assert_eq!(
        world.engine.errors.take(),
        ["dropping what was attached to a group panicked: a bad day"]
    );
}

#[test]
fn belongs_to_the_owner_of_the_nearest() {
    let _world = World::start();
    let (a, b) = (NonZeroU64::new(1).unwrap(), NonZeroU64::new(u64::MAX).unwrap());
    let group = TaskGroup::new();
    let child = group.child();
    assert_eq!((owner(&group), owner(&child), owner(&root_group())), (None, None, None));
    set_owner(&group, a);
    assert_eq!((owner(&group), owner(&child.child())), (Some(a), Some(a)));
    set_owner(&child, b);
    assert_eq!((owner(&group), owner(&child.child())), (Some(a), Some(b)));
    assert_eq!(owner(&root_group()), None);
    group.close();
    set_owner(&child, a);
    assert_eq!((owner(&group), owner(&child)), (None, None));
}
