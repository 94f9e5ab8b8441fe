//! Who comes and who goes: enemies come out of a pool, and go back to it.

use std::rc::Rc;

use cuelight::prelude::*;
use godot::classes::Node2D;
use godot::prelude::*;

use super::enemy::Enemy;
use super::enemy_body::EnemyBody;
use super::field::{Field, Soul, count};
use crate::body::Kind;

/// The most that come in one go.
const AT_ONCE: usize = 100;

/// Those who are not in the game, and where new ones are made.
#[derive(GodotClass)]
#[class(init, base = Node2D)]
pub struct Pool {
    idle: Vec<Rc<Soul>>,
    made: usize,
    base: Base<Node2D>,
}

#[godot_api]
impl INode2D for Pool {}

/// Brings somebody into the game, who is not awake.
pub fn spawn(field: &Rc<Field>, kind: Kind, at: Vector2) -> EnemyBody {
    let pool = field.pool();
    let idle = pool.clone().bind_mut().idle.pop();
    let body = match idle {
        Some(soul) => {
            count(&field.tally.reused);
            EnemyBody(soul)
        }
        None => {
            let number = {
                let mut pool = pool.clone();
                let mut pool = pool.bind_mut();
                pool.made += 1;
                pool.made
            };
            Enemy::make(number, field, &pool.upcast())
        }
    };
    Enemy::enter(&body, kind, at);
    body
}

/// Takes somebody out of the game, into the pool.
pub fn retire(soul: &Rc<Soul>) {
    // Whoever was freed meanwhile is out already.
    if soul.field.exit(soul) {
        soul.node.with(Enemy::put_away);
        soul.field.pool().bind_mut().idle.push(soul.clone());
    }
}

/// Fills the arena, and keeps it full.
pub async fn keep_full(field: Rc<Field>) {
    let wanted = field.options.agents;
    for number in 0..wanted {
        come(&field, kind_of(number));
        // A crowd comes in over a second: those who begin in one frame have their thoughts in the same frames for ever.
        if field.options.is_crowd() && number % (wanted / 60) == 0 {
            next_frame().await;
        }
    }
    let mut beat = every(0.5);
    loop {
        beat.next().await;
        for _ in 0..wanted.saturating_sub(field.len()).min(AT_ONCE) {
            // There is one boss at a time, and only at the beginning.
            let number = field.rng.borrow_mut().usize(1..wanted.max(2));
            come(&field, kind_of(number));
        }
    }
}

/// Brings somebody in, awake, and not right next to the player.
fn come(field: &Rc<Field>, kind: Kind) {
    let mut at = field.somewhere();
    for _ in 0..8 {
        if field.foe.get().unwrap_or_default().distance_to(at) > 420.0 {
            break;
        }
        at = field.somewhere();
    }
    if kind == Kind::Boss {
        // Where it is seen at once.
        at = Vector2::new(330.0, -140.0);
    }
    Enemy::wake(&spawn(field, kind, at));
}

fn kind_of(number: usize) -> Kind {
    match number {
        0 => Kind::Boss,
        _ if number % 8 == 3 => Kind::Healer,
        _ if number % 4 == 1 => Kind::Archer,
        _ => Kind::Guard,
    }
}
