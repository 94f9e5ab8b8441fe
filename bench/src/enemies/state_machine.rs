//! The enemy as a state machine by hand.

use godot::prelude::*;

use super::{
    CLOSE, COOLDOWN, GRACE, LOOK, REACH, REST, ROUND, RUN, SIGHT, THERE, WALK, WIND_UP, place_of,
    put, strike,
};

// ANCHOR: enemy
pub(super) struct Enemy {
    me: Gd<Node2D>,
    player: Gd<Node2D>,
    post: Vector2,
    state: State,
    look_in: f64,
    ready_in: f64,
}

enum State {
    /// It has struck, and looks around soon.
    Done,
    Attack {
        left: f64,
    },
    Chase,
    Patrol {
        corner: usize,
        rest: Option<f64>,
    },
}

impl Enemy {
    pub(super) fn new(me: Gd<Node2D>, player: Gd<Node2D>) -> Self {
        let post = place_of(&me);
        Self { me, player, post, state: State::Done, look_in: 0.0, ready_in: 0.0 }
    }

    pub(super) fn process(&mut self, delta: f64) {
        self.ready_in -= delta;
        self.look_in -= delta;
        if self.look_in <= GRACE {
            self.look_in += LOOK;
            self.choose();
        }
        match self.state {
            State::Done => {}
            State::Attack { left } if left <= GRACE => {
                strike();
                self.state = State::Done;
            }
            State::Attack { left } => self.state = State::Attack { left: left - delta },
            State::Chase => {
                let player = place_of(&self.player);
                self.go(player, RUN, CLOSE, delta);
            }
            State::Patrol { corner, rest } => self.patrol(corner, rest, delta),
        }
    }

    fn choose(&mut self) {
        if let State::Attack { .. } = self.state {
            return; // Carried through.
        }
        if self.gap() < REACH && self.ready_in <= GRACE {
            self.ready_in = COOLDOWN;
            self.state = State::Attack { left: WIND_UP };
        } else if self.gap() < SIGHT {
            self.state = State::Chase;
        } else if !matches!(self.state, State::Patrol { .. }) {
            self.state = State::Patrol { corner: 0, rest: None };
        }
    }

    fn patrol(&mut self, mut corner: usize, mut rest: Option<f64>, delta: f64) {
        if let Some(left) = rest {
            if left > GRACE {
                self.state = State::Patrol { corner, rest: Some(left - delta) };
                return;
            }
            corner = 1 - corner;
            rest = None;
        }
        let to = [self.post + ROUND, self.post][corner];
        if !self.go(to, WALK, THERE, delta) {
            rest = Some(REST - delta);
        }
        self.state = State::Patrol { corner, rest };
    }

    fn gap(&self) -> f32 {
        place_of(&self.me).distance_to(place_of(&self.player))
    }

    /// Makes a step, unless it is there.
    fn go(&mut self, to: Vector2, speed: f32, near: f32, delta: f64) -> bool {
        let at = place_of(&self.me);
        let is_away = at.distance_to(to) > near;
        if is_away {
            put(&mut self.me, at + at.direction_to(to) * speed * delta as f32);
        }
        is_away
    }
}
// ANCHOR_END: enemy
