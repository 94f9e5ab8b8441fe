//! Time in the engine.

use cuelight::prelude::*;
use godot::classes::Engine;
use godot::prelude::*;

use crate::inside::Context;

engine_test!(wall_time_goes_on_while_the_game_stands_still);
async fn wall_time_goes_on_while_the_game_stands_still(ctx: Context) {
    Engine::singleton().set_time_scale(0.0);
    let _restore = at_exit(|| Engine::singleton().set_time_scale(1.0));
    let in_the_game = spawn(wait_seconds(0.001));
    wait_real_seconds(0.001).await;
    ctx.frames(2).await;
    assert!(!in_the_game.is_finished());
    in_the_game.cancel();
}
