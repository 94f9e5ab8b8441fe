//! What may leave its thread and what may not, as far as the compiler can say.

use std::rc::Rc;

use cuelight_runtime::{
    Background, BeatWatch, Canceller, Clock, Cooldown, CooldownReady, Countdown, Cue, CueWait,
    Flag, FlagWait, GroupHandle, JoinGroup, NextFrame, Phase, SharedTask, SlowGuard, TaskError,
    TaskGroup, TaskHandle, TaskId, TaskReport, TaskSlot, ThreadConfined, TickWatch, WaitFrames,
    WaitPhysicsFrames, WaitRealSeconds, WaitSeconds, WaitUntilTime,
};

/// Fails to compile if a type has a trait: then both implementations fit, and none is chosen.
macro_rules! assert_not {
    ($($type:ty: $trait:ident),+ $(,)?) => {
        $(
            const _: fn() = || {
                trait Ambiguous<A> {
                    fn choose() {}
                }
                impl<T: ?Sized> Ambiguous<()> for T {}
                struct HasIt;
                impl<T: ?Sized + $trait> Ambiguous<HasIt> for T {}
                let _choice = <$type as Ambiguous<_>>::choose;
            };
        )+
    };
}

assert_not! {
    TaskHandle<()>: Send,
    TaskHandle<()>: Sync,
    Canceller: Send,
    Canceller: Sync,
    SharedTask<()>: Send,
    SharedTask<()>: Sync,
    Cooldown: Send,
    Cooldown: Sync,
    CooldownReady: Send,
    Cue<()>: Send,
    Cue<()>: Sync,
    CueWait<()>: Send,
    Flag: Send,
    Flag: Sync,
    FlagWait: Send,
    TaskSlot: Send,
    TaskSlot: Sync,
    TaskGroup: Send,
    TaskGroup: Sync,
    GroupHandle: Send,
    GroupHandle: Sync,
    JoinGroup: Send,
    Clock: Send,
    Clock: Sync,
    SlowGuard: Send,
    WaitSeconds: Send,
    WaitFrames: Send,
    WaitPhysicsFrames: Send,
    NextFrame: Send,
    TickWatch: Send,
    WaitUntilTime: Send,
    WaitRealSeconds: Send,
    BeatWatch: Send,
    Countdown: Send,
}

fn is_send_and_sync<T: Send + Sync>() {}
fn is_unpin<T: Unpin>() {}

#[test]
fn what_says_something_of_a_task_may_travel() {
    is_send_and_sync::<TaskId>();
    is_send_and_sync::<TaskError>();
    is_send_and_sync::<TaskReport>();
    is_send_and_sync::<Phase>();
    is_send_and_sync::<ThreadConfined<Rc<()>>>();
}

#[test]
fn waits_and_handles_are_unpin() {
    is_unpin::<TaskHandle<std::marker::PhantomPinned>>();
    is_unpin::<SharedTask<std::marker::PhantomPinned>>();
    is_unpin::<CueWait<std::marker::PhantomPinned>>();
    is_unpin::<Background<std::marker::PhantomPinned>>();
    is_unpin::<CooldownReady>();
    is_unpin::<FlagWait>();
    is_unpin::<JoinGroup>();
    is_unpin::<WaitSeconds>();
    is_unpin::<WaitFrames>();
    is_unpin::<WaitPhysicsFrames>();
    is_unpin::<NextFrame>();
    is_unpin::<TickWatch>();
    is_unpin::<WaitUntilTime>();
    is_unpin::<WaitRealSeconds>();
    is_unpin::<BeatWatch>();
    is_unpin::<Countdown>();
}
