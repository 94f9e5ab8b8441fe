//! Blows that stun: whatever somebody does is over, and begins anew afterwards.

use cuelight::{Select2, select, wait_seconds};

use crate::body::{Body, Mood};

/// Has somebody do something, from its beginning again after each blow that stuns.
pub async fn unless_stunned<A: Future<Output = ()>>(me: &impl Body, act: impl Fn() -> A) {
    loop {
        // Both listen from here on: a blow in the same frame is not missed.
        let blow = me.stunned();
        match select((act(), blow)).await {
            Select2::First(()) => return,
            Select2::Second(seconds) => {
                me.show(Mood::Stunned);
                wait_seconds(seconds).await;
            }
        }
    }
}
