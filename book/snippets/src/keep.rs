//! The keep: the nodes that the pages write scripts for.

use cuelight::prelude::*;
use godot::classes::{CharacterBody2D, Control};
use godot::prelude::*;

#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Door {
    pub is_open: bool,
    base: Base<Node2D>,
}

#[godot_api]
impl Door {
    #[signal]
    pub fn opened();

    #[signal]
    pub fn knocked(times: i64);

    pub fn set_open(&mut self, open: bool) {
        self.is_open = open;
        if open {
            self.signals().opened().emit();
        }
    }
}

#[derive(GodotClass)]
#[class(init, base = CharacterBody2D)]
pub struct Hero {
    #[init(val = 10)]
    pub hp: i64,
    base: Base<CharacterBody2D>,
}

#[godot_api]
impl Hero {
    #[signal]
    pub fn hit(damage: i64);

    #[signal]
    pub fn hidden();
}

#[derive(GodotClass)]
#[class(init, base = CharacterBody2D)]
pub struct Guard {
    #[init(val = 10)]
    pub hp: i64,
    pub is_alert: bool,
    pub name: GString,
    pub target: Option<Gd<Hero>>,
    base: Base<CharacterBody2D>,
}

#[godot_api]
impl Guard {
    #[signal]
    pub fn alerted();

    #[signal]
    pub fn stunned(seconds: f64);

    pub fn strike(&mut self) {}

    pub fn block(&mut self) {}
}

#[derive(GodotClass)]
#[class(init, base = Control)]
pub struct DialogueBox {
    base: Base<Control>,
}

#[godot_api]
impl DialogueBox {
    #[signal]
    pub fn advanced();

    #[signal]
    pub fn chosen(index: i64);

    pub fn show_text(&mut self, _text: &str) {}
}

/// Shows a line, and waits for the key that advances it.
pub async fn say(ui: &Gd<DialogueBox>, text: &str) {
    ui.with(|ui| ui.show_text(text));
    ui.signals().advanced().wait().await;
}

/// Walks to a place, and is there when it returns.
pub async fn walk_to(walker: &Gd<impl Inherits<Node2D>>, target: Vector2) {
    let mut walker = walker.clone().upcast::<Node2D>();
    while walker.get_position().distance_to(target) > 2.0 {
        let way = walker.get_position().direction_to(target);
        walker.translate(way * 60.0 * delta() as f32);
        next_frame().await;
    }
}
