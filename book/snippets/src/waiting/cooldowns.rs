//! Cooldowns.

use cuelight::prelude::*;
use godot::classes::CharacterBody2D;
use godot::prelude::*;

use crate::keep::{Guard, Hero};

// ANCHOR: press
#[derive(GodotClass)]
#[class(init, base = CharacterBody2D)]
struct Archer {
    #[init(val = OnReady::from_base_fn(|me| me.tasks().cooldown(0.8)))]
    bow: OnReady<Cooldown>,
    base: Base<CharacterBody2D>,
}

impl Archer {
    fn press_shoot(&mut self) {
        if self.bow.try_start() {
            self.base_mut().rotate(0.1); // Twang.
        }
    }
}
// ANCHOR_END: press

// ANCHOR: fight
async fn fight(me: Gd<Guard>, hero: Gd<Hero>) {
    let swing = me.tasks().cooldown(1.2);
    loop {
        let attack = async {
            loop {
                swing.ready().await;
                swing.try_start();
                me.with(Guard::strike);
            }
        };
        let _: Option<()> = attack.until(me.signals().stunned().wait()).await;
        wait_seconds(0.3).await; // Then he goes on, and the swing is as far as it is.
        if !hero.is_instance_valid() {
            return;
        }
    }
}
// ANCHOR_END: fight
