//! The stage: the root of the scene, which plays its cutscene once and leaves the game.

use cuelight::prelude::*;
use godot::classes::{Camera2D, CanvasModulate, ColorRect, INode2D, Node2D};
use godot::prelude::*;

use crate::actor::Actor;
use crate::ambient::{flicker, glitter, hover, rock, set};
use crate::beat::beat;
use crate::dialogue::DialogueBox;
use crate::props::{Bell, Lighthouse};
use crate::script::the_last_ferry;

/// The root of `harbour.tscn`.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Harbour {
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Harbour {
    fn ready(&mut self) {
        self.spawn_task(play);
    }
}

/// Plays the cutscene, and leaves the game.
async fn play(me: Gd<Harbour>) {
    // In a task of its own, so that a panic in it, or a wait that can never end, does not leave the player in front of
    // a scene that stands still.
    let script = me.spawn_task(async |me| {
        enliven(&me);
        the_last_ferry(me).await;
    });
    let exit_code = match script.await {
        Ok(()) => {
            beat("curtain");
            0
        }
        // What went wrong has been reported.
        Err(_) => 1,
    };
    me.get_tree().quit_ex().exit_code(exit_code).done();
}

/// Starts what moves by itself.
fn enliven(me: &Gd<Harbour>) {
    me.get_node_as::<Node2D>("Ferry").spawn_task(rock);
    me.get_node_as::<Node2D>("Sky/Sun").spawn_task(set);
    me.get_node_as::<Node2D>("Sea/Glitter").spawn_task(glitter);
    me.get_node_as::<Actor>("Gull").spawn_task(hover);
    for lantern in me.get_node_as::<Node>("Quay/Lanterns").get_children().iter_shared() {
        lantern.cast::<Node2D>().spawn_task(flicker);
    }
}

/// Everybody and everything that the script has to do with.
pub struct Stage {
    pub mara: Gd<Actor>,
    pub ilya: Gd<Actor>,
    pub pip: Gd<Actor>,
    pub gull: Gd<Actor>,
    pub feathers: Gd<Node2D>,
    pub ferry: Gd<Node2D>,
    pub bell: Gd<Bell>,
    pub lighthouse: Gd<Lighthouse>,
    pub camera: Gd<Camera2D>,
    pub ui: Gd<DialogueBox>,
    pub dusk: Gd<CanvasModulate>,
    pub curtain: Gd<ColorRect>,
}

impl Stage {
    /// Finds them in the scene.
    pub fn of(scene: &Gd<Harbour>) -> Self {
        Self {
            mara: scene.get_node_as("Mara"),
            ilya: scene.get_node_as("Ilya"),
            pip: scene.get_node_as("Pip"),
            gull: scene.get_node_as("Gull"),
            feathers: scene.get_node_as("Feathers"),
            ferry: scene.get_node_as("Ferry"),
            bell: scene.get_node_as("Quay/Bell"),
            lighthouse: scene.get_node_as("Headland/Lighthouse"),
            camera: scene.get_node_as("Camera"),
            ui: scene.get_node_as("DialogueBox"),
            dusk: scene.get_node_as("Dusk"),
            curtain: scene.get_node_as("Front/Curtain"),
        }
    }
}
