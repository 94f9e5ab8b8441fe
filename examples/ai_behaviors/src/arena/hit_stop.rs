//! The hit-stop: for a few frames everything stands still.

use cuelight::prelude::*;
use cuelight::root_group;

/// Holds the whole game for so many frames. Frames go on being counted while time stands still.
pub async fn hit_stop(frames: u64) {
    let _still = root_group().clock().slow(0.0);
    wait_frames(frames).await;
}
