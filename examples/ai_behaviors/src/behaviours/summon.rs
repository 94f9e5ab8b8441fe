//! A boss's second phase.

use cuelight::{ScriptFutureExt as _, at_exit, scope, wait_seconds};

use super::imp::imp;
use super::walk::go_to;
use crate::body::Body;

/// Summons imps, for ever. They do not outlive this.
pub async fn summon(me: &impl Body) {
    scope(async |imps| {
        loop {
            for _ in 0..3 {
                let small = me.summon();
                imps.spawn(async move {
                    // However this ends: it is dropped with the phase, too.
                    let _gone = at_exit(|| small.leave());
                    imp(&small).until(small.fallen()).await;
                });
                wait_seconds(0.4).await;
            }
            go_to(me, 60.0, 60.0, || me.post()).timeout(2.6).await.unwrap_or(());
        }
    })
    .await
}
