//! The overlay: what the tasks of one enemy are doing and wait for, and how much is alive.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::rc::Rc;

use cuelight::prelude::*;
use cuelight::{GroupInfo, TaskState, WaitInfo, engine, root_group};
use godot::classes::{
    CanvasLayer, Engine, ICanvasLayer, InputEvent, InputEventKey, InputEventMouseButton,
    RichTextLabel,
};
use godot::global::{Key, MouseButton};
use godot::prelude::*;

use super::enemy_body::EnemyBody;
use super::field::{Field, Soul};
use super::look::colour_of;

/// The overlay. It goes on while the game is paused.
#[derive(GodotClass)]
#[class(init, base = CanvasLayer)]
pub struct Overlay {
    field: OnceCell<Rc<Field>>,
    /// Seconds until it is brought up to date.
    wait: f64,
    #[init(node = "Chosen/Text")]
    chosen: OnReady<Gd<RichTextLabel>>,
    #[init(node = "Counts/Text")]
    counts: OnReady<Gd<RichTextLabel>>,
    base: Base<CanvasLayer>,
}

impl Overlay {
    /// Begins to show what is in a field.
    pub fn begin(&mut self, field: &Rc<Field>) {
        let _ = self.field.set(field.clone());
        if !field.options.is_seen {
            self.base_mut().hide();
            self.base_mut().set_process(false);
        }
    }

    fn show(&mut self, field: &Field) {
        // Whoever is gone, or out of sight, is looked into no more.
        let at = field.foe.get().unwrap_or_default();
        let is_there = |soul: &Rc<Soul>| soul.is_in() && soul.at.get().distance_to(at) < 450.0;
        if !field.chosen.borrow().as_ref().is_some_and(is_there) {
            choose(field, field.nearest(at, 620.0, |soul| soul.hp.get() > 0));
        }
        if let Some(soul) = &*field.chosen.borrow() {
            self.chosen.set_text(&describe(soul));
        }
        self.counts.set_text(&count_all(field));
    }

    fn field(&self) -> Rc<Field> {
        self.field.get().expect("the overlay has begun").clone()
    }
}

#[godot_api]
impl ICanvasLayer for Overlay {
    // No script, for once: scripts run one after the other, and one that looks at the others in the middle of a frame finds
    // half of them about to run. Here all of them are done.
    fn process(&mut self, delta: f64) {
        self.wait -= delta;
        if self.wait <= 0.0 && self.field.get().is_some() {
            let field = self.field();
            // A snapshot of a crowd takes its time.
            self.wait = if field.options.is_crowd() { 1.0 } else { 0.15 };
            self.show(&field);
        }
    }

    fn input(&mut self, event: Gd<InputEvent>) {
        let field = self.field();
        if let Ok(key) = event.clone().try_cast::<InputEventKey>()
            && key.is_pressed()
            && !key.is_echo()
        {
            match key.get_physical_keycode() {
                Key::TAB => choose_next(&field),
                Key::X => free_chosen(&field),
                Key::P => {
                    let mut tree = self.base().get_tree();
                    let is_paused = tree.is_paused();
                    tree.set_pause(!is_paused);
                }
                _ => {}
            }
        }
        if let Ok(click) = event.try_cast::<InputEventMouseButton>()
            && click.is_pressed()
            && click.get_button_index() == MouseButton::LEFT
        {
            let at = field.pool().get_global_mouse_position();
            choose(&field, field.nearest(at, 80.0, |_| true));
        }
    }
}

fn choose(field: &Field, soul: Option<Rc<Soul>>) {
    let before = field.chosen.replace(soul.clone());
    for soul in before.into_iter().chain(soul) {
        EnemyBody(soul).redraw();
    }
}

fn choose_next(field: &Field) {
    let at = field.foe.get().unwrap_or_default();
    let mut near = field.within(at, 620.0);
    near.sort_by_key(|soul| soul.number);
    let before = field.chosen.borrow().as_ref().map_or(0, |soul| soul.number);
    let next = near.iter().find(|soul| soul.number > before).or(near.first());
    choose(field, next.cloned());
}

/// Frees an enemy, whatever it is in the middle of.
fn free_chosen(field: &Field) {
    let chosen = field.chosen.take();
    if let Some(soul) = chosen.filter(|soul| soul.is_in()) {
        soul.node.clone().free();
    }
}

/// Says what an enemy's tasks are doing.
fn describe(soul: &Soul) -> String {
    let mut text = String::new();
    let colour = colour_of(soul.mood.get()).to_html_without_alpha();
    let health = (soul.health() * 100.0).round();
    let _ = writeln!(
        text,
        "[font_size=19][b]{}[/b][/font_size]  [color=#{colour}]{}[/color]   [color=#8f9bb8]health[/color] {health} %",
        soul.name(),
        soul.mood.get().verb(),
    );
    let path = soul.node.get_path().to_string();
    let snapshot = inspect();
    let Some(group) = find(&snapshot.root, &path) else { return text };
    let _ = writeln!(
        text,
        "[color=#8f9bb8]its clock runs at[/color] {:.2}{}",
        group.speed,
        if group.frozen { "[color=#8fd0ff], frozen[/color]" } else { "" }
    );
    for task in &group.tasks {
        let name = task.name.as_deref().unwrap_or("task");
        let _ = writeln!(
            text,
            "\n[color=#ffd28a]{name}[/color]  [color=#8f9bb8]{:.1} s old, {} polls[/color]",
            task.age, task.polls
        );
        match task.state {
            TaskState::Waiting => {
                for wait in &task.waits_for {
                    let _ =
                        writeln!(text, "   [color=#8f9bb8]waits for[/color] {}", wait_text(wait));
                }
            }
            _ => {
                let _ = writeln!(text, "   [color=#8f9bb8]is about to run[/color]");
            }
        }
    }
    text
}

/// Says what is waited for; a signal by its own name, without its node's.
fn wait_text(wait: &WaitInfo) -> String {
    match wait {
        WaitInfo::Seconds(left) => format!("{left:.2} s"),
        WaitInfo::Event(event) => {
            let name = event.rsplit(['.', '/']).next().unwrap_or(event);
            format!("[color=#9fe3d3]signal {name}[/color]")
        }
        other => other.to_string(),
    }
}

/// Finds a node's group.
fn find<'a>(group: &'a GroupInfo, name: &str) -> Option<&'a GroupInfo> {
    if group.name.as_deref() == Some(name) {
        return Some(group);
    }
    group.groups.iter().find_map(|below| find(below, name))
}

fn count_all(field: &Field) -> String {
    let (counts, tally) = (engine::counts(), &field.tally);
    let row = |name: &str, number: u64| {
        format!("[cell][color=#8f9bb8]{name}   [/color][/cell][cell]{number}[/cell]")
    };
    let mut text = "[table=2]".to_owned();
    text += &row("enemies", field.len() as u64);
    text += &row("tasks", counts.tasks as u64);
    text += &row("groups", counts.groups as u64);
    text += &row("waits", counts.waits as u64);
    text += &row("polls", tally.polls.get());
    text += &row("fallen", tally.deaths.get());
    text += &row("from the pool", tally.reused.get());
    text += &row("freed", tally.freed.get());
    text += &row("frames a second", Engine::singleton().get_frames_per_second() as u64);
    text += "[/table]";
    let speed = root_group().clock().speed();
    if speed < 1.0 {
        text += "[color=#ffd28a]hit-stop[/color]";
    }
    text
}
