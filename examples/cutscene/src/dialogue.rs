//! The dialogue box: lines that are typed letter by letter, and a choice that does not wait for ever.

use cuelight::AtExit;
use cuelight::prelude::*;
use godot::classes::{
    CanvasLayer, ColorRect, Control, ICanvasLayer, InputEvent, InputEventKey, Label,
};
use godot::global::Key;
use godot::prelude::*;

use crate::actor::Actor;
use crate::beat::beat;
use crate::moves::over;

/// Letters a second.
const TYPING_SPEED: f64 = 50.0;

/// Seconds that a whole line stays, unless a key is pressed.
const READING_TIME: f64 = 0.6;

/// A box at the bottom of the screen.
#[derive(GodotClass)]
#[class(init, base = CanvasLayer)]
pub struct DialogueBox {
    #[init(node = "Panel")]
    panel: OnReady<Gd<Control>>,
    #[init(node = "Panel/Name")]
    name: OnReady<Gd<Label>>,
    #[init(node = "Panel/Line")]
    line: OnReady<Gd<Label>>,
    #[init(node = "Panel/Choices")]
    choices: OnReady<Gd<Label>>,
    #[init(node = "Panel/TimeLeft")]
    time_left: OnReady<Gd<ColorRect>>,
    base: Base<CanvasLayer>,
}

#[godot_api]
impl ICanvasLayer for DialogueBox {
    fn ready(&mut self) {
        self.panel.hide();
    }

    // Keys become signals: the script then waits for them as for anything else.
    fn unhandled_key_input(&mut self, event: Gd<InputEvent>) {
        if !event.is_pressed() || event.is_echo() {
            return;
        }
        match event.cast::<InputEventKey>().get_keycode() {
            Key::SPACE | Key::ENTER => self.signals().advanced().emit(),
            Key::KEY_1 => self.signals().chosen().emit(1),
            Key::KEY_2 => self.signals().chosen().emit(2),
            _ => {}
        }
    }
}

#[godot_api]
impl DialogueBox {
    /// The player has read enough.
    #[signal]
    pub fn advanced();

    /// The player has chosen.
    #[signal]
    pub fn chosen(option: i64);

    fn open(&mut self, name: &str, colour: Color, line: &str) {
        self.name.set_text(name);
        self.name.set_modulate(colour);
        self.line.set_text(line);
        self.choices.set_text("");
        self.time_left.hide();
        self.panel.show();
    }

    fn offer(&mut self, options: [&str; 2]) {
        let [first, second] = options;
        self.name.set_text("");
        self.line.set_text("");
        self.choices.set_text(&format!("1  {first}\n2  {second}"));
        self.time_left.show();
        self.panel.show();
    }
}

/// Says a line: a key finishes its typing, and the next one closes it; without keys it goes on by itself.
pub async fn say(ui: &Gd<DialogueBox>, speaker: &Gd<Actor>, line: &str) {
    let (name, colour) = speaker.with(|speaker| (speaker.name(), speaker.colour()));
    beat(&format!("{name}: \"{line}\""));
    ui.with(|ui| ui.open(&name, colour, line));
    let _close = closed_at_exit(ui);

    let mut label = ui.bind().line.clone();
    let seconds = line.chars().count() as f64 / TYPING_SPEED;
    let typing = over(seconds, |t| label.set_visible_ratio(t));
    race((typing, ui.signals().advanced().wait())).await;
    label.set_visible_ratio(1.0);
    race((wait_seconds(READING_TIME), ui.signals().advanced().wait())).await;
}

/// Offers two options, and returns the one that is chosen within so many seconds.
pub async fn choose(ui: &Gd<DialogueBox>, options: [&str; 2], seconds: f64) -> Option<i64> {
    beat(&format!("choice: 1 \"{}\", 2 \"{}\"", options[0], options[1]));
    ui.with(|ui| ui.offer(options));
    let _close = closed_at_exit(ui);

    // The bar that shrinks is only for the eye: it runs beside the choice, in a task of its own.
    let mut bar = ui.bind().time_left.clone();
    let shrinking = branch(over(seconds, move |t| bar.set_scale(Vector2::new(1.0 - t, 1.0))));
    let choice = ui.signals().chosen().wait().timeout(seconds).await;
    shrinking.cancel();
    choice.ok().map(|(option,)| option)
}

/// The box does not outlive its line, whichever way that ends: in mid-line too, when its speaker is freed.
fn closed_at_exit(ui: &Gd<DialogueBox>) -> AtExit<impl FnOnce()> {
    let ui = ui.clone();
    at_exit(move || {
        if ui.is_instance_valid() {
            ui.with(|ui| ui.panel.hide());
        }
    })
}
