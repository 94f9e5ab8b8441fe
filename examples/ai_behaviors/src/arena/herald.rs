//! What is announced.

use std::rc::Rc;

use cuelight::prelude::*;
use godot::classes::Label;
use godot::prelude::*;

use super::enemy::Enemy;
use super::field::Field;
use super::player::Player;

/// Announces the player's falls and the boss's, whichever comes next, for ever.
pub async fn announce(
    mut banner: Gd<Label>,
    field: Rc<Field>,
    player: Gd<Player>,
    boss: Gd<Enemy>,
) {
    banner.hide();
    let mut is_boss_up = true;
    loop {
        // Of a boss that is in the pool, or somebody else by now, nothing is announced.
        let text = if is_boss_up {
            let either = (&player.signals().fell(), &boss.signals().fallen());
            match select_signal(either).await {
                Select2::First(()) => "You fall, and rise again",
                Select2::Second(()) => {
                    is_boss_up = false;
                    "The warden has fallen"
                }
            }
        } else {
            player.signals().fell().wait().await;
            "You fall, and rise again"
        };
        field.tell(|| text.to_lowercase());
        banner.set_text(text);
        banner.show();
        banner.animate(0.4, Ease::OutQuad, fade_to(1.0)).await;
        wait_seconds(1.6).await;
        banner.animate(0.6, Ease::InQuad, |banner, t| fade_to(0.0)(banner, t)).await;
        banner.hide();
    }
}

/// Returns the steps of a change to so much.
fn fade_to(alpha: f32) -> impl FnMut(&mut Gd<Label>, f32) {
    move |banner, t| {
        let a = if alpha > 0.5 { t } else { 1.0 - t };
        banner.set_modulate(Color::from_rgba(1.0, 1.0, 1.0, a));
    }
}
