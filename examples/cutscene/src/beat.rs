//! What the cutscene prints: one line a beat, with the frame and the time that it happens at.

use cuelight::root_group;
use godot::classes::Engine;
use godot::prelude::*;

/// Prints a beat.
///
/// The engine counts frames from 0, and the time has a step more: that of the frame which is playing. It is the time of
/// the root group's clock: the same for every task, and for a guard that runs after its task.
pub fn beat(text: &str) {
    let frame = Engine::singleton().get_process_frames();
    let seconds = root_group().clock().now();
    godot_print!("frame {frame:<4} {seconds:>5.2} s  {text}");
}
