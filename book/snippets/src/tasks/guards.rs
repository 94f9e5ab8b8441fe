//! Guards.

use std::rc::Rc;

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, say};

// ANCHOR: exit
async fn stand_at_attention(me: Gd<Guard>) {
    me.with(|guard| guard.is_alert = true);
    let guard = me.clone();
    let _at_ease = at_exit(move || {
        if guard.is_instance_valid() {
            guard.with(|guard| guard.is_alert = false);
        }
    });
    wait_seconds(20.0).await;
}
// ANCHOR_END: exit

// ANCHOR: cancel
async fn sing(ui: Gd<DialogueBox>) {
    let song = async {
        say(&ui, "Oh, the winds that blow …").await;
        say(&ui, "… they carry me home.").await;
    };
    song.on_cancel(|| godot_print!("He breaks off.")).await;
}
// ANCHOR_END: cancel

pub struct Bank;

impl Bank {
    fn withdraw(&self, _coins: u32) {}

    fn deposit(&self, _coins: u32) {}
}

// ANCHOR: save
async fn transfer(from: Rc<Bank>, to: Rc<Bank>) {
    uncancellable(async move {
        from.withdraw(100);
        wait_seconds(2.0).await; // The coach is on its way; the guard may fall meanwhile.
        to.deposit(100);
    })
    .await;
}
// ANCHOR_END: save
