//! The first of several.

use cuelight::prelude::*;
use godot::classes::Button;
use godot::prelude::*;

use crate::keep::{Door, Guard, Hero, walk_to};

// ANCHOR: race
async fn rest(hero: Gd<Hero>, door: Gd<Door>) {
    race((door.signals().opened().wait(), hero.signals().hidden().wait(), wait_seconds(8.0))).await;
    godot_print!("Something has happened, or eight seconds have.");
}
// ANCHOR_END: race

// ANCHOR: list
async fn who_sees_him(guards: Vec<Gd<Guard>>) -> Gd<Guard> {
    let alarms: Vec<_> = guards.iter().map(|guard| guard.signals().alerted().wait()).collect();
    let (index, ()) = select(alarms).await;
    guards[index].clone()
}

async fn any_door(doors: Vec<Gd<Door>>) {
    race_iter(doors.iter().map(|door| door.signals().opened().wait())).await;
    godot_print!("One of them is open.");
}
// ANCHOR_END: list

// ANCHOR: select
async fn react(me: Gd<Guard>, hero: Gd<Hero>) {
    match select((me.signals().stunned().wait(), hero.signals().hidden().wait())).await {
        Select2::First((seconds,)) => wait_seconds(seconds).await,
        Select2::Second(()) => godot_print!("Where did he go?"),
    }
}
// ANCHOR_END: select

// ANCHOR: select_signal
async fn first_blood(me: Gd<Guard>, hero: Gd<Hero>) {
    match select_signal((&me.signals().stunned(), &hero.signals().hit())).await {
        Select2::First((seconds,)) => wait_seconds(seconds).await,
        Select2::Second((damage,)) => godot_print!("{damage}!"),
    }
}

async fn choose(buttons: &[Gd<Button>]) -> usize {
    let presses: Vec<_> = buttons.iter().map(|button| button.signals().pressed()).collect();
    let (index, ()) = select_signal(&presses).await;
    index
}
// ANCHOR_END: select_signal

// ANCHOR: until
async fn chase(me: Gd<Guard>, hero: Gd<Hero>) {
    let run = async {
        loop {
            walk_to(&me, hero.get_position()).await;
            me.with(Guard::strike);
            wait_seconds(0.5).await;
        }
    };
    run.until(hero.signals().hidden().wait()).await; // Nothing of the chase is left.
    godot_print!("Must have been the wind.");
}
// ANCHOR_END: until

// ANCHOR: outside
async fn shout_or_alarm(me: Gd<Guard>) {
    let mut shout = pin!(wait_seconds(4.0));
    loop {
        match select((&mut shout, me.signals().alerted().wait())).await {
            Select2::First(()) => break godot_print!("Four seconds, whatever came between."),
            Select2::Second(()) => godot_print!("To arms!"),
        }
    }
}
// ANCHOR_END: outside

// ANCHOR: rush
async fn raise_the_alarm(guards: Vec<Gd<Guard>>, bell: Vector2) {
    let ways = guards.into_iter().map(|guard| async move { walk_to(&guard, bell).await });
    rush(ways.collect::<Vec<_>>()).await;
    godot_print!("The bell rings."); // The other guards are still on their way to it.
}
// ANCHOR_END: rush
