//! What a behaviour knows of the one who behaves.
//!
//! The behaviours are written over this trait. In the game it is an [`EnemyBody`](crate::arena::enemy_body::EnemyBody), a node's; in the
//! stories that are tests it is a figure of a world of plain Rust, without an engine.

use cuelight::GroupHandle;
use godot::builtin::Vector2;

/// Somebody with a body: where it is, what it senses, and what it can do. A clone is the same body.
pub trait Body: Clone {
    // ---- Where it is

    /// Returns where it stands.
    fn position(&self) -> Vector2;

    /// Returns where it belongs.
    fn post(&self) -> Vector2;

    /// Goes a way, turned to where it goes. Walls and pillars turn it aside, and friends who stand too close; it makes room
    /// for them even if the way is none.
    fn move_by(&self, way: Vector2);

    /// Turns to a direction.
    fn face(&self, direction: Vector2);

    /// Returns where it looks.
    fn facing(&self) -> Vector2;

    // ---- What it senses

    /// Returns where the foe is, whether it is seen or not; `None` while there is none.
    fn foe(&self) -> Option<Vector2>;

    /// Returns whether it sees the foe now.
    fn sees_foe(&self) -> bool;

    /// Returns where the last noise came from that it has not looked after.
    fn noise(&self) -> Option<Vector2>;

    /// Has it hear something at a place, or forget what it has heard.
    fn set_noise(&self, noise: Option<Vector2>);

    /// Returns its health, from 0 to 1.
    fn health(&self) -> f32;

    /// Returns the nearest friend who is hurt.
    fn hurt_friend(&self) -> Option<Self>;

    /// Returns the nearest healer's place.
    fn healer(&self) -> Option<Vector2>;

    /// Waits for the next blow that stuns it, and returns for how many seconds it does. It listens from the call on.
    fn stunned(&self) -> impl Future<Output = f64>;

    /// Waits until its health is gone. It listens from the call on.
    fn fallen(&self) -> impl Future<Output = ()>;

    // ---- What it does

    /// Shows what it is about.
    fn show(&self, mood: Mood);

    /// Hits the foe if it is within reach.
    fn strike(&self, reach: f32, damage: i32);

    /// Shoots an arrow at a place.
    fn shoot(&self, at: Vector2);

    /// Has those around hear of a place.
    fn call_others(&self, about: Vector2);

    /// Gives a part of its health back, by itself or to a friend.
    fn heal(&self, part: f32);

    /// Shows a beam of healing to a friend, for so many seconds.
    fn beam(&self, friend: &Self, seconds: f64);

    /// Makes somebody new next to it, who is not awake.
    fn summon(&self) -> Self;

    /// Leaves the game. Its own tasks end with it.
    fn leave(&self);

    // ---- The rest

    /// Returns the group that its tasks are in.
    fn group(&self) -> GroupHandle;

    /// Rolls the dice: a number from 0 to 1.
    fn roll(&self) -> f32;

    /// Returns how far away the foe is; infinitely far if there is none.
    fn gap(&self) -> f32 {
        self.foe().map_or(f32::INFINITY, |foe| self.position().distance_to(foe))
    }

    /// Returns whether the foe is so far away that nobody looks closely.
    fn is_far(&self) -> bool {
        self.gap() > FAR
    }
}

/// The distance from the player's middle to its edge.
pub const PLAYER_SIZE: f32 = 18.0;

/// From how many pixels on nobody looks closely.
pub const FAR: f32 = 900.0;

/// Who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Guard,
    Archer,
    Healer,
    Boss,
    /// Summoned by a boss.
    Imp,
}

impl Kind {
    /// Returns the name, for the log and the overlay.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Archer => "archer",
            Self::Healer => "healer",
            Self::Boss => "boss",
            Self::Imp => "imp",
        }
    }

    /// Returns the distance from its middle to its edge.
    pub fn size(self) -> f32 {
        match self {
            Self::Guard => 16.0,
            Self::Archer | Self::Healer => 15.0,
            Self::Boss => 34.0,
            Self::Imp => 9.0,
        }
    }

    /// Returns the health that it begins with.
    pub fn hp(self) -> i32 {
        match self {
            Self::Guard => 60,
            Self::Archer => 40,
            Self::Healer => 50,
            Self::Boss => 600,
            Self::Imp => 10,
        }
    }
}

/// What somebody is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mood {
    /// Goes its rounds.
    #[default]
    Calm,
    /// Has heard something.
    Curious,
    /// Has seen the foe.
    Angry,
    /// Is about to strike, or strikes.
    Striking,
    /// Runs away.
    Afraid,
    /// Helps a friend.
    Helping,
    /// Has been hit too hard to do anything.
    Stunned,
    /// Falls.
    Dying,
}

impl Mood {
    /// Returns the verb, for the log and the overlay.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Calm => "patrols",
            Self::Curious => "searches",
            Self::Angry => "chases",
            Self::Striking => "strikes",
            Self::Afraid => "flees",
            Self::Helping => "heals",
            Self::Stunned => "is stunned",
            Self::Dying => "falls",
        }
    }
}
