//! What enemies do: an `async fn` each, over any [`Body`](crate::body::Body).
//!
//! [`life`](life::life) is all of one enemy. Whoever an enemy is, is a `priority` of what it can do (`guard.rs`,
//! `archer.rs`, `healer.rs`) or a plain sequence (`boss.rs`, `imp.rs`); the rest is what those are made of.

pub mod archer;
pub mod attack;
pub mod boss;
pub mod chase;
pub mod flee;
pub mod guard;
pub mod healer;
pub mod imp;
pub mod life;
pub mod patrol;
pub mod search;
pub mod shoot;
pub mod stamp;
pub mod stun;
pub mod summon;
pub mod tend;
pub mod volley;
pub mod walk;
