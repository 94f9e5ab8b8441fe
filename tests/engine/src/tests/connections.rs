//! Who hears an emission: the waits that existed when it began, whoever else is connected, and no others; and what is
//! left connected afterwards.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use cuelight::prelude::*;
use cuelight::{SignalFuture, SignalStream};
use godot::prelude::*;

use super::stage::*;
use crate::Setup;
use crate::inside::{Context, Log};

/// Starts a script that waits for one hit.
fn wait_for_hit(name: &'static str, actor: &Gd<Actor>, log: &Log) -> TaskHandle<()> {
    let (actor, log) = (actor.clone(), log.clone());
    spawn(async move {
        let (amount,) = actor.signals().hit().wait().await;
        log.add(format!("{name} heard {amount}"));
    })
}

/// Connects a function to the signal `hit` of an actor, as game code does.
fn on_hit(actor: &Gd<Actor>, mut function: impl FnMut(Gd<Actor>, i64) + 'static) {
    let me = actor.instance_id();
    let callable = Callable::from_fn("on_hit", move |args| {
        function(Gd::from_instance_id(me), args[0].to());
    });
    actor.clone().connect("hit", &callable);
}

engine_test!(wait_made_by_an_earlier_callback_hears_the_next_emission);
async fn wait_made_by_an_earlier_callback_hears_the_next_emission(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    on_hit(&actor, {
        let log = log.clone();
        move |me, amount| {
            if amount < 3 {
                wait_for_hit(["first", "second"][amount as usize - 1], &me, &log);
            }
        }
    });
    // Connected after the callback.
    wait_for_hit("earlier", &actor, &log);
    let mut hits = actor.signals().hit().stream();
    for (amount, expected) in
        [(1, &["earlier heard 1"][..]), (2, &["first heard 2"]), (3, &["second heard 3"]), (4, &[])]
    {
        actor.signals().hit().emit(amount);
        ctx.frame().await;
        ctx.assert_log(expected.iter().copied());
    }
    for amount in 1..=4 {
        assert_eq!(hits.next().await, Some((amount,)));
    }
}

engine_test!(wait_made_by_a_later_callback_hears_the_next_emission);
async fn wait_made_by_a_later_callback_hears_the_next_emission(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    wait_for_hit("earlier", &actor, &log);
    on_hit(&actor, {
        let log = log.clone();
        move |me, amount| {
            if amount == 1 {
                wait_for_hit("later", &me, &log);
            }
        }
    });
    for (amount, expected) in [(1, "earlier heard 1"), (2, "later heard 2")] {
        actor.signals().hit().emit(amount);
        ctx.frame().await;
        ctx.assert_log([expected]);
    }
}

engine_test!(stream_made_by_an_earlier_callback_hears_all_after_it);
async fn stream_made_by_an_earlier_callback_hears_all_after_it(ctx: Context) {
    let actor = actor(&ctx.root());
    let made = Rc::new(RefCell::new(None));
    on_hit(&actor, {
        let made = made.clone();
        move |me, amount| match amount {
            1 => {
                *made.borrow_mut() = Some(me.signals().hit().stream());
                // Nested: the stream is there, the emission of before is not over.
                me.signals().hit().emit(2);
            }
            2 => me.signals().hit().emit(3),
            _ => {}
        }
    });
    let mut whole = actor.signals().hit().stream();
    actor.signals().hit().emit(1);
    let mut made = made.take().unwrap();
    actor.signals().hit().emit(4);
    // The innermost emission arrives first.
    for amount in [3, 2, 1, 4] {
        assert_eq!(whole.next().await, Some((amount,)));
    }
    for amount in [3, 2, 4] {
        assert_eq!(made.next().await, Some((amount,)));
    }
    assert!(pending(made.next()).await);
}

engine_test!(wait_made_in_an_emission_by_a_task_hears_the_next_one);
async fn wait_made_in_an_emission_by_a_task_hears_the_next_one(ctx: Context) {
    let actor = actor(&ctx.root());
    let log = ctx.log_handle();
    on_hit(&actor, {
        let log = log.clone();
        move |me, amount| {
            if amount == 1 {
                wait_for_hit("spawned", &me, &log);
            }
        }
    });
    wait_for_hit("earlier", &actor, &log);
    spawn({
        let actor = actor.clone();
        async move {
            next_frame().await;
            actor.signals().hit().emit(1);
        }
    });
    ctx.frames(2).await;
    ctx.assert_log(["earlier heard 1"]);
    actor.signals().hit().emit(2);
    ctx.frame().await;
    ctx.assert_log(["spawned heard 2"]);
}

engine_test!(wait_kept_by_a_callback_in_an_emission_by_a_task);
async fn wait_kept_by_a_callback_in_an_emission_by_a_task(ctx: Context) {
    let actor = actor(&ctx.root());
    let kept: Rc<RefCell<Option<SignalFuture<(i64,)>>>> = Rc::default();
    on_hit(&actor, {
        let kept = kept.clone();
        move |me, amount| {
            if amount == 1 {
                *kept.borrow_mut() = Some(me.signals().hit().wait());
            }
        }
    });
    let earlier = actor.signals().hit().wait();
    spawn({
        let actor = actor.clone();
        async move {
            next_frame().await;
            actor.signals().hit().emit(1);
        }
    });
    ctx.frames(2).await;
    assert_eq!(earlier.await, (1,));
    // The exception that the guide names: the callback is connected before us, it spawns no task that waits but keeps
    // the wait itself, and the emission is made by a task that has been resumed. Godot does not tell that it emits.
    let kept = kept.take().unwrap();
    assert_eq!(kept.await, (1,));
}

engine_test!(wait_made_after_an_emission_of_an_object_does_not_hear_it);
async fn wait_made_after_an_emission_of_an_object_does_not_hear_it(ctx: Context) {
    let mut bell = Object::new_alloc();
    bell.add_user_signal("plain");
    let plain = Signal::from_object_signal(&bell, "plain");
    let mut whole = plain.stream::<(i64,)>();
    let before = spawn(plain.wait::<(i64,)>());
    bell.emit_signal("plain", vslice![1]);
    // The first is still on its deferred way.
    let between = spawn(plain.wait::<(i64,)>());
    let mut rest = plain.stream::<(i64,)>();
    bell.emit_signal("plain", vslice![2]);
    let after = spawn(plain.wait::<(i64,)>());
    ctx.frame().await;
    assert_eq!(before.take(), Some(Ok((1,))));
    assert_eq!(between.take(), Some(Ok((2,))));
    assert!(!after.is_finished());
    // From another thread, too.
    on_another_thread(&ctx, "emit_plain", &bell);
    let late = spawn(plain.wait::<(i64,)>());
    ctx.frame().await;
    assert_eq!(after.take(), Some(Ok((7,))));
    assert!(!late.is_finished());
    late.cancel();
    for amount in [1, 2, 7] {
        assert_eq!(whole.next().await, Some((amount,)));
    }
    for amount in [2, 7] {
        assert_eq!(rest.next().await, Some((amount,)));
    }
    bell.free();
    assert_eq!(whole.next().await, None);
}

engine_test!(object_that_is_freed_with_an_emission_on_its_way);
async fn object_that_is_freed_with_an_emission_on_its_way(ctx: Context) {
    let bell = Bell::new_alloc();
    let before = spawn(bell.signals().rung().try_wait());
    let mut stream = bell.signals().rung().stream();
    bell.signals().rung().emit(1, &RefCounted::new_gd());
    let between = spawn(bell.signals().rung().try_wait());
    bell.free();
    ctx.frame().await;
    assert_eq!(before.take().unwrap().unwrap().unwrap().0, 1);
    assert_eq!(
        between.take().unwrap().unwrap().unwrap_err(),
        cuelight::SignalError::Freed { signal: "Bell.rung".into() }
    );
    assert_eq!(stream.next().await.map(|(times, _)| times), Some(1));
    assert_eq!(stream.next().await, None);
}

engine_test!(process_frame_awaited_in_a_tick_is_the_next_one);
async fn process_frame_awaited_in_a_tick_is_the_next_one(ctx: Context) {
    let tree = ctx.tree();
    let task = spawn(async move {
        // So that there is a connection, which comes after that of the pump.
        tree.signals().process_frame().wait().await;
        next_frame().await;
        let start = frame();
        tree.signals().process_frame().wait().await;
        let first = frame() - start;
        tree.signals().process_frame().wait().await;
        (first, frame() - start)
    });
    ctx.frames(6).await;
    assert_eq!(task.take(), Some(Ok((1, 2))));
    // Whoever was left finds nobody, and goes.
    ctx.frames(2).await;
}

engine_test!(waits_share_a_connection_behind_a_callback);
async fn waits_share_a_connection_behind_a_callback(ctx: Context) {
    let actor = actor(&ctx.root());
    let connections = || actor.get_signal_connection_list("hit").len();
    on_hit(&actor, |_, _| ());
    let heard = Rc::new(RefCell::new(0));
    let tasks: Vec<TaskHandle<()>> = (0..100)
        .map(|_| {
            let (actor, heard) = (actor.clone(), heard.clone());
            spawn(async move {
                loop {
                    actor.signals().hit().wait().await;
                    *heard.borrow_mut() += 1;
                }
            })
        })
        .collect();
    // The callback's, ours, and the probe that tells whether an emission has begun.
    assert_eq!(connections(), 3);
    for round in 1..=5 {
        actor.signals().hit().emit(round);
        ctx.frame().await;
        assert_eq!(*heard.borrow(), 100 * round);
        assert_eq!(connections(), 2);
    }
    // Made outside of any task, where the emissions have taken the probe: a new connection.
    let wait = actor.signals().hit().wait();
    assert_eq!(connections(), 4);
    let other = actor.signals().hit().wait();
    assert_eq!(connections(), 4);
    drop((wait, other));
    tasks.iter().for_each(TaskHandle::cancel);
    ctx.frame().await;
    actor.signals().hit().emit(0);
    assert_eq!(connections(), 1);
}

engine_test!(given_up_connections_and_probes_leave_nothing);
async fn given_up_connections_and_probes_leave_nothing(ctx: Context) {
    let actor = actor(&ctx.root());
    on_hit(&actor, |_, _| ());
    for round in 0..50 {
        let wait = actor.signals().hit().wait();
        if round % 3 == 0 {
            actor.signals().hit().emit(round);
        }
        drop(wait);
    }
    actor.signals().hit().emit(0);
    actor.signals().hit().emit(0);
    assert_eq!(actor.get_signal_connection_list("hit").len(), 1);
    // One that the game disconnects itself counts as the end.
    let wait = actor.signals().hit().try_wait();
    for connection in actor.get_signal_connection_list("hit").iter_shared() {
        actor.clone().disconnect("hit", &connection.get("callable").unwrap().to::<Callable>());
    }
    assert!(matches!(wait.await, Err(cuelight::SignalError::Freed { .. })));
}

/// Returns whether a future is not ready in a poll.
async fn pending(future: impl Future) -> bool {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

// ---------------------------------------------------------------- At random

/// One who listens, since so many emissions had begun.
struct Pair {
    since: i64,
    wait: SignalFuture<(i64,)>,
    stream: SignalStream<(i64,)>,
}

/// An emitter, callbacks that are connected to it, and those who listen: in whatever order and depth chance has it.
struct Chance {
    random: Cell<u64>,
    emitter: Gd<Object>,
    begun: Cell<i64>,
    depth: Cell<u32>,
    pairs: RefCell<Vec<Pair>>,
    callbacks: RefCell<Vec<Callable>>,
}

impl Chance {
    fn new(seed: u64, emitter: Gd<Object>) -> Rc<Self> {
        Rc::new(Self {
            random: Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            emitter,
            begun: Cell::new(0),
            depth: Cell::new(0),
            pairs: RefCell::default(),
            callbacks: RefCell::default(),
        })
    }

    /// Returns a number below a bound.
    fn below(&self, bound: usize) -> usize {
        let mut random = self.random.get();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        self.random.set(random);
        (random >> 33) as usize % bound
    }

    fn listen(&self) {
        let hit = Signal::from_object_signal(&self.emitter, "hit");
        let since = self.begun.get();
        let pair = Pair { since, wait: hit.wait(), stream: hit.stream() };
        self.pairs.borrow_mut().push(pair);
    }

    fn emit(&self) {
        if self.depth.get() == 3 || self.begun.get() == 200 {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        self.begun.set(self.begun.get() + 1);
        self.emitter.clone().emit_signal("hit", vslice![self.begun.get()]);
        self.depth.set(self.depth.get() - 1);
    }

    /// Gives up to listen, the emitter's connections with it.
    fn forget(&self) {
        let count = self.pairs.borrow().len();
        if count > 0 {
            let pair = self.pairs.borrow_mut().swap_remove(self.below(count));
            drop(pair);
        }
    }

    fn connect(self: &Rc<Self>) {
        let this = Rc::downgrade(self);
        let callable = Callable::from_fn("by chance", move |_| {
            let Some(this) = this.upgrade() else { return };
            match this.below(10) {
                0..3 => spawn(async move { this.listen() }).detach(),
                3..5 => this.emit(),
                5 => this.disconnect(),
                _ => {}
            }
        });
        // By name: `godot` keeps what it connects itself, in the editor.
        self.emitter.clone().call("connect", vslice!["hit", callable]);
        self.callbacks.borrow_mut().push(callable);
    }

    fn disconnect(&self) {
        let count = self.callbacks.borrow().len();
        if count > 1 {
            let callable = self.callbacks.borrow_mut().swap_remove(self.below(count));
            self.emitter.clone().disconnect("hit", &callable);
        }
    }

    fn step(self: &Rc<Self>) {
        match self.below(12) {
            0..3 => self.listen(),
            3..6 => self.emit(),
            6 => self.connect(),
            7 => self.disconnect(),
            8 => self.forget(),
            9 => (0..3).for_each(|_| self.forget()),
            // In a task that is resumed.
            step => {
                let this = self.clone();
                spawn(async move {
                    yield_now().await;
                    if step == 10 { this.listen() } else { this.emit() }
                })
                .detach();
            }
        }
    }

    /// Checks that each has heard what began after it was made, and nothing else.
    fn check(&self) {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        for mut pair in self.pairs.take() {
            let mut heard = Vec::new();
            while let Poll::Ready(Some((number,))) = Pin::new(&mut pair.stream).poll_next(&mut cx) {
                heard.push(number);
            }
            let first = match Pin::new(&mut pair.wait).poll(&mut cx) {
                Poll::Ready((number,)) => Some(number),
                Poll::Pending => None,
            };
            assert_eq!(first, heard.first().copied());
            // Nested emissions arrive from the inside out.
            heard.sort_unstable();
            assert_eq!(heard, (pair.since + 1..=self.begun.get()).collect::<Vec<_>>());
        }
    }
}

async fn play_by_chance(ctx: &Context, seed: u64, emitter: Gd<Object>) {
    println!("seed {seed}");
    let chance = Chance::new(seed, emitter.clone());
    for _ in 0..60 {
        chance.step();
        if chance.below(4) == 0 {
            ctx.frame().await;
        }
    }
    ctx.frames(2).await;
    chance.check();
    // Nobody is left, so one more emission makes room.
    chance.callbacks.take().iter().for_each(|callable| emitter.clone().disconnect("hit", callable));
    emitter.clone().emit_signal("hit", vslice![0]);
    ctx.frame().await;
    assert_eq!(emitter.get_signal_connection_list("hit").len(), 0);
    emitter.free();
}

engine_test!(who_hears_of_a_node_at_random, Setup::shared().frames(20_000));
async fn who_hears_of_a_node_at_random(ctx: Context) {
    for seed in 1..=100 {
        play_by_chance(&ctx, seed, actor(&ctx.root()).upcast()).await;
    }
}

engine_test!(who_hears_of_an_object_at_random, Setup::shared().frames(20_000));
async fn who_hears_of_an_object_at_random(ctx: Context) {
    for seed in 1..=100 {
        let mut object = Object::new_alloc();
        object.add_user_signal("hit");
        play_by_chance(&ctx, seed, object).await;
    }
}

engine_test!(who_hears_in_the_editor_at_random, Setup::own_editor().frames(20_000));
async fn who_hears_in_the_editor_at_random(ctx: Context) {
    for seed in 1..=20 {
        play_by_chance(&ctx, seed, actor(&ctx.root()).upcast()).await;
        let mut object = Object::new_alloc();
        object.add_user_signal("hit");
        play_by_chance(&ctx, seed, object).await;
    }
}
