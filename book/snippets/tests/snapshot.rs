//! The snapshot that the page on inspecting shows is the one that is printed.

use cuelight::prelude::*;

// ANCHOR: scene
async fn scene() {
    branch_named("rain", wait_seconds(90.0));
    branch_named("bell", wait_seconds(12.5));
    let storm = Timeline::new().at(3.0, || {}).span(0.0..6.0, Ease::InQuad, |_dark| {});
    let key = Cue::<()>::new();
    let line = race((key.wait(), wait_seconds(4.0)));
    join((storm.play().named("the storm"), line.named("the line"))).await;
}
// ANCHOR_END: scene

fn branch_named(name: &'static str, script: impl Future<Output = ()> + 'static) {
    current_group().spawn_named(name, script).detach();
}

#[test]
fn the_page_shows_what_is_printed() {
    let show = Rehearsal::new();
    let level = cuelight::root_group().channel("level");
    level.spawn_named("scene", scene()).detach();
    level.set_speed(0.5);
    show.run_for(2.0);
    let page = include_str!("../../src/tasks/snapshot.txt");
    assert_eq!(inspect().to_string(), page.trim_end());
}
