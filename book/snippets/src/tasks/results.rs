//! Results and handles.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{DialogueBox, Guard, Hero, say, walk_to};

// ANCHOR: call
async fn ask_name(ui: &Gd<DialogueBox>) -> i64 {
    say(ui, "Who goes there?").await;
    let (choice,) = ui.signals().chosen().wait().await;
    choice
}

async fn gate(ui: Gd<DialogueBox>) {
    if ask_name(&ui).await == 0 {
        say(&ui, "Then pass, friend.").await;
    }
}
// ANCHOR_END: call

// ANCHOR: handle
async fn errand(me: Gd<Guard>, ui: Gd<DialogueBox>, well: Gd<Node2D>) {
    let water: TaskHandle<i64> = branch(fetch_water(me, well));
    say(&ui, "While he is away …").await;
    match water.await {
        Ok(buckets) => say(&ui, &format!("{buckets} buckets!")).await,
        Err(TaskError::Cancelled) => say(&ui, "He was called away.").await,
        Err(error) => godot_warn!("no water: {error}"),
    }
}
// ANCHOR_END: handle

async fn fetch_water(me: Gd<Guard>, well: Gd<Node2D>) -> i64 {
    walk_to(&me, well.get_position()).await;
    2
}

// ANCHOR: take
#[derive(GodotClass)]
#[class(init, base = Node)]
struct Kitchen {
    soup: Option<TaskHandle<i64>>,
    base: Base<Node>,
}

#[godot_api]
impl INode for Kitchen {
    fn process(&mut self, _delta: f64) {
        if let Some(Ok(bowls)) = self.soup.as_ref().and_then(TaskHandle::take) {
            godot_print!("{bowls} bowls of soup");
        }
    }
}
// ANCHOR_END: take

async fn ask(hero: Gd<Hero>) {
    hero.signals().hidden().wait().await;
}

// ANCHOR: shared
fn hold_a_vote(guards: &[Gd<Guard>], ui: Gd<DialogueBox>) {
    let vote = spawn(async move { ask_name(&ui).await }).shared();
    for guard in guards {
        let vote = vote.clone();
        guard.spawn_task(async move |me| {
            if vote.await == Ok(1) {
                me.with(Guard::strike);
            }
        });
    }
}
// ANCHOR_END: shared
