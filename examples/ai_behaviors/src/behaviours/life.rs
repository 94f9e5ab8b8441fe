//! All of one enemy, from its first thought to its fall.

use cuelight::{ScriptFutureExt as _, wait_seconds};

use super::archer::archer;
use super::boss::boss;
use super::guard::guard;
use super::healer::healer;
use super::imp::imp;
use crate::body::{Body, Kind, Mood};

/// Lives, and falls whatever it is doing.
pub async fn life(me: impl Body, kind: Kind) {
    let live = async {
        match kind {
            Kind::Guard => guard(&me).await,
            Kind::Archer => archer(&me).await,
            Kind::Healer => healer(&me).await,
            Kind::Boss => boss(&me).await,
            Kind::Imp => imp(&me).await,
        }
    };
    live.until(me.fallen()).await;
    me.show(Mood::Dying);
    wait_seconds(0.45).await;
    me.leave();
}
