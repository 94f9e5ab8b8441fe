//! The screenplay: one `async fn`, which lives and ends with its scene.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::actor::{Actor, look_at, walk_to};
use crate::beat::beat;
use crate::dialogue::{choose, say};
use crate::harbour::{Harbour, Stage};
use crate::moves::{fade, glide, tint};
use crate::props::{Bell, ring, scatter, throw_stone};

/// Evening at the harbour, and one ferry left.
pub async fn the_last_ferry(scene: Gd<Harbour>) {
    let stage = Stage::of(&scene);
    let Stage { mara, ilya, pip, gull, ferry, bell, lighthouse, camera, dusk, curtain, ui, .. } =
        &stage;
    beat("evening at the harbour");

    // Things at once: `join` is over when all of them are.
    let enter = walk_to(mara, 470.0);
    let pan = glide(camera, Vector2::new(600.0, 270.0), 2.4);
    join((enter, pan, fade(curtain, 0.0, 1.2))).await;
    say(ui, mara, "The last ferry. And I have one letter too many.").await;

    look_at(ilya, mara);
    say(ui, ilya, "We sail at the bell, or when the lamp is lit.").await;

    // Whichever comes first. It is awaited further down, but listens from here on, so nothing is missed meanwhile.
    let signal_to_sail = select_signal((&lighthouse.signals().lit(), &bell.signals().rung()));

    let run = walk_to(pip, 340.0);
    let shout = async {
        wait_seconds(0.3).await;
        look_at(mara, pip);
        say(ui, pip, "Wait! Wait for me!").await;
    };
    join((run, shout)).await;

    say(ui, ilya, "One seat, two passengers. Well?").await;
    match choose(ui, ["The boy goes.", "The letter goes."], 2.0).await {
        Some(1) => say(ui, mara, "Take the boy. I can wait.").await,
        Some(_) => say(ui, mara, "It is an urgent letter.").await,
        None => say(ui, ilya, "Nobody? Then squeeze in, both of you.").await,
    }

    // What a freed actor was saying ends with it, and is `None` here. So does the task that keeps it in the air, which
    // nobody here has to think of.
    let heckle =
        say(ui, gull, "A sandwich! I can see it! In your pocket! Give me").while_alive(gull);
    let chase_away = async {
        wait_seconds(0.4).await;
        look_at(pip, gull);
        throw_stone(&scene, pip, gull).await;
        gull.clone().queue_free();
        stage.feathers.spawn_task(scatter);
    };
    if let (None, ()) = join((heckle, chase_away)).await {
        say(ui, pip, "It was MY sandwich.").await;
    }

    // An errand that the scene does not wait for. Pip may get to the bell before the lamp is lit, or not.
    let bell = bell.clone();
    let errand = pip.spawn_task(|pip| ring_the_bell(pip, bell));
    match signal_to_sail.await {
        Select2::First(()) => {
            errand.cancel();
            say(ui, ilya, "There's the lamp. All aboard!").await;
        }
        Select2::Second((strokes,)) => {
            say(ui, ilya, &format!("{strokes} strokes. All aboard!")).await;
        }
    }

    // Who gets on the ferry goes with it: in another place of the tree, but its tasks go on.
    join((walk_to(mara, 796.0), walk_to(pip, 704.0))).await;
    for passenger in [mara, pip, ilya] {
        passenger.clone().reparent(ferry);
    }

    let sail = glide(ferry, ferry.get_position() + Vector2::new(330.0, 0.0), 3.6);
    let follow = glide(camera, Vector2::new(800.0, 230.0), 3.6);
    let nightfall = tint(dusk, Color::from_rgb(0.62, 0.5, 0.8), 3.0);
    let end = async {
        wait_seconds(0.4).await;
        look_at(mara, pip);
        say(ui, mara, "So, half a sandwich?").await;
        wait_seconds(0.4).await;
        fade(curtain, 1.0, 1.0).await;
    };
    join((sail, follow, nightfall, end)).await;
}

/// Pip's errand: to the bell, and ring it.
async fn ring_the_bell(pip: Gd<Actor>, bell: Gd<Bell>) {
    walk_to(&pip, 260.0).await;
    ring(&bell, 3).await;
}
