//! Snapshots.

use cuelight::prelude::*;
use godot::classes::{ILabel, Input, Label};
use godot::prelude::*;

// ANCHOR: print
fn print_all() {
    godot_print!("{}", inspect());
}
// ANCHOR_END: print

// ANCHOR: overlay
#[derive(GodotClass)]
#[class(init, base = Label)]
struct TaskOverlay {
    base: Base<Label>,
}

#[godot_api]
impl ILabel for TaskOverlay {
    fn process(&mut self, _delta: f64) {
        let is_shown = Input::singleton().is_action_pressed("show_tasks");
        let text = if is_shown { inspect().to_string() } else { String::new() };
        self.base_mut().set_text(&text);
    }
}
// ANCHOR_END: overlay

// ANCHOR: test
fn check_that_nothing_is_left(level: &str) {
    let snapshot = inspect();
    let left = snapshot.root.groups.iter().map(|group| group.count_tasks()).sum::<usize>();
    assert_eq!(left, 0, "after {level} there are tasks left:\n{snapshot}");
}
// ANCHOR_END: test
