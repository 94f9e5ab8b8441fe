//! Timelines.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{Guard, Hero};

// ANCHOR: storm
async fn storm(me: Gd<Guard>, sky: Gd<Node2D>) {
    let low = me.get_position();
    Timeline::new()
        .span_node(0.0..3.0, Ease::InOutSine, &sky, |sky, t| {
            sky.set_modulate(Color::WHITE.lerp(Color::from_rgb(0.2, 0.2, 0.4), t.into()));
        })
        .at(1.2, || godot_print!("thunder"))
        .span_node(1.2..1.5, Ease::OutBack, &me, |me, t| {
            me.set_position(low + Vector2::UP * 20.0 * t);
        })
        .at_node(2.8, &me, |me| me.set_rotation(0.1))
        .play()
        .await;
}
// ANCHOR_END: storm

// ANCHOR: steer
async fn intro(me: Gd<Guard>, hero: Gd<Hero>) {
    let titles = Timeline::new()
        .at(0.0, || godot_print!("The Keep"))
        .at(4.0, || godot_print!("a story in three rooms"))
        .label("last words", 4.0)
        .at(8.0, || godot_print!(""));
    let impatient = async {
        hero.signals().hit().wait().await;
        titles.seek_to("last words");
        hero.signals().hit().wait().await;
        titles.skip();
        std::future::pending().await
    };
    race((titles.play(), impatient)).await;
    me.with(|guard| guard.is_alert = true);
}
// ANCHOR_END: steer

// ANCHOR: rules
fn bell_tower(bell: Gd<Node>, door: Gd<Node2D>) -> Timeline<'static> {
    let mut bell = bell;
    Timeline::new()
        // A state: after a jump over it, too.
        .at_node(1.0, &door, |door| door.set_visible(false))
        // A sound: at its moment, or not at all.
        .at_with(1.0, CueRule::OnlyPlayed, move || {
            bell.call("ring", &[]);
        })
        // A reward: once, however often the timeline loops.
        .at_with(2.0, CueRule::Once, || godot_print!("+1 courage"))
        .loops(3)
}
// ANCHOR_END: rules

// ANCHOR: nest
async fn parade(drums: Timeline<'static>, flags: Timeline<'static>) {
    drums.set_speed(0.5);
    Timeline::new().nest(0.0, drums).nest(2.0, flags).play().await;
}
// ANCHOR_END: nest
