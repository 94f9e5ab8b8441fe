//! The combinators and the runtime beside their peers, without an engine: `cargo bench -p cuelight-combinators`.
//!
//! Rows of one group do the same: `cuelight`, and what `futures-lite`, `futures-concurrency` or `async-executor` have
//! for it. They run one after the other, so compare the column "fastest" within one run, and run it again before
//! believing a small difference.

use std::future::{pending, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_executor::LocalExecutor;
use cuelight_combinators::{
    as_completed, join, race, select, timeout, try_join, wait_frames, wait_seconds,
};
use cuelight_runtime::{Phase, TaskGroup, TaskHandle, engine, spawn};
use divan::{Bencher, Divan};
use futures_concurrency::prelude::*;
use futures_lite::future::{block_on, or, try_zip, zip};

fn main() {
    engine::start(Bare);
    Divan::default()
        .min_time(Duration::from_millis(150))
        .max_time(Duration::from_secs(2))
        .config_with_args()
        .main();
    engine::shutdown();
}

/// An engine that does nothing.
struct Bare;

impl engine::Engine for Bare {
    fn real_time(&self) -> Duration {
        Duration::ZERO
    }

    fn call_soon(&self) {}
}

/// Polls a future until it is ready.
#[inline]
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(black_box(Waker::noop()));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

// ---------------------------------------------------------------- Parts

/// A part with an output. What it does is hidden from the optimizer, as a wait's doing is: else it would be left out.
trait Part: Future {
    fn make(output: u32) -> Self;
}

/// What parts of tests give.
trait Output: Copy + Unpin {
    fn make(output: u32) -> Self;
}

impl Output for u32 {
    #[inline]
    fn make(output: u32) -> Self {
        output
    }
}

impl Output for Result<u32, ()> {
    #[inline]
    fn make(output: u32) -> Self {
        Ok(output)
    }
}

/// Is ready at once.
struct Done<T>(T);

impl<T: Output> Part for Done<T> {
    #[inline]
    fn make(output: u32) -> Self {
        Self(T::make(output))
    }
}

impl<T: Output> Future for Done<T> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<T> {
        Poll::Ready(black_box(self.0))
    }
}

/// Pends once, and wakes its task at once.
struct Once<T> {
    polled: bool,
    output: T,
}

impl<T: Output> Part for Once<T> {
    #[inline]
    fn make(output: u32) -> Self {
        Self { polled: false, output: T::make(output) }
    }
}

impl<T: Output> Future for Once<T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if black_box(self.polled) {
            return Poll::Ready(self.output);
        }
        self.polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A part that says its number.
struct Tagged<P> {
    number: u32,
    part: P,
}

impl<P: Part + Unpin> Part for Tagged<P> {
    #[inline]
    fn make(output: u32) -> Self {
        Self { number: output, part: P::make(output) }
    }
}

impl<P: Future + Unpin> Future for Tagged<P> {
    type Output = (u32, P::Output);

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.part).poll(cx).map(|output| (self.number, output))
    }
}

#[inline]
fn two<P: Part>() -> (P, P) {
    (P::make(1), P::make(2))
}

#[inline]
#[rustfmt::skip]
fn eight<P: Part>() -> (P, P, P, P, P, P, P, P) {
    (P::make(1), P::make(2), P::make(3), P::make(4), P::make(5), P::make(6), P::make(7), P::make(8))
}

#[inline]
fn array<P: Part>() -> [P; 8] {
    [1, 2, 3, 4, 5, 6, 7, 8].map(P::make)
}

fn list<P: Part>(len: u32) -> Vec<P> {
    (0..len).map(P::make).collect()
}

/// Writes the rows of an operation: `cuelight`'s function, `futures-lite`'s of two, `futures-concurrency`'s method.
macro_rules! rows {
    ($module:ident, $output:ty, $peers:ident, $ours:ident, $lite:ident, $method:ident) => {
        mod $module {
            use super::*;

            rows! { @parts ready, Done<$output>, $peers, $ours, $lite, $method }
            rows! { @parts pending_once, Once<$output>, $peers, $ours, $lite, $method }
        }
    };
    (@parts $parts:ident, $part:ty, $peers:ident, $ours:ident, $lite:ident, $method:ident) => {
        mod $parts {
            use super::*;

            mod tuple_of_2 {
                use super::*;

                #[divan::bench]
                fn cuelight() -> impl Sized {
                    run($ours(two::<$part>()))
                }

                #[divan::bench]
                fn futures_lite() -> impl Sized {
                    let (a, b) = two::<$peers<$part>>();
                    run($lite(a, b))
                }

                #[divan::bench]
                fn futures_concurrency() -> impl Sized {
                    run(two::<$peers<$part>>().$method())
                }
            }

            mod tuple_of_8 {
                use super::*;

                #[divan::bench]
                fn cuelight() -> impl Sized {
                    run($ours(eight::<$part>()))
                }

                #[divan::bench]
                fn futures_lite() -> impl Sized {
                    let (a, b, c, d, e, f, g, h) = eight::<$peers<$part>>();
                    run($lite(a, $lite(b, $lite(c, $lite(d, $lite(e, $lite(f, $lite(g, h))))))))
                }

                #[divan::bench]
                fn futures_concurrency() -> impl Sized {
                    run(eight::<$peers<$part>>().$method())
                }
            }

            mod array_of_8 {
                use super::*;

                #[divan::bench]
                fn cuelight() -> impl Sized {
                    run($ours(array::<$part>()))
                }

                #[divan::bench]
                fn futures_concurrency() -> impl Sized {
                    run(array::<$peers<$part>>().$method())
                }
            }

            mod vec {
                use super::*;

                #[divan::bench(args = [8, 100])]
                fn cuelight(bencher: Bencher<'_, '_>, len: u32) {
                    let parts = bencher.with_inputs(|| list::<$part>(len));
                    parts.bench_local_values(|parts| run($ours(parts)));
                }

                #[divan::bench(args = [8, 100])]
                fn futures_concurrency(bencher: Bencher<'_, '_>, len: u32) {
                    let parts = bencher.with_inputs(|| list::<$peers<$part>>(len));
                    parts.bench_local_values(|parts| run(parts.$method()));
                }
            }
        }
    };
}

/// What the peers poll.
type Same<P> = P;

rows! { race, u32, Same, race, or, race }
// The peers do not say who it was, but their parts can.
rows! { select, u32, Tagged, select, or, race }
rows! { join, u32, Same, join, zip, join }
rows! { try_join, Result<u32, ()>, Same, try_join, try_zip, try_join }

/// A future with a limit of time, beside the same of `or` and a wait.
mod timeout_of {
    use super::*;

    macro_rules! limited {
        ($parts:ident, $part:ty) => {
            mod $parts {
                use super::*;

                #[divan::bench]
                fn cuelight() -> impl Sized {
                    run(timeout(1.0, <$part>::make(1)))
                }

                #[divan::bench]
                fn futures_lite() -> impl Sized {
                    let limit = wait_seconds(1.0);
                    run(or(async { Some(<$part>::make(1).await) }, async {
                        limit.await;
                        None
                    }))
                }
            }
        };
    }

    limited! { ready, Done<u32> }
    limited! { pending_once, Once<u32> }
}

// ---------------------------------------------------------------- Each as it is ready

/// The frames in which all of so many waits are over, one in each: the cost of waking who waits for many.
mod one_of_many_each_frame {
    use super::*;

    /// Runs a frame for each wait.
    fn frames(count: u64) {
        for _ in 0..count {
            engine::tick(Phase::Process, Duration::from_micros(16_667));
        }
    }

    #[divan::bench(args = [10, 100, 1_000])]
    fn as_completed_of_waits(bencher: Bencher<'_, '_>, count: u64) {
        bencher.bench_local(|| {
            let task = spawn(async move {
                let mut stream = as_completed((1..=count).map(wait_frames));
                while let Some(item) = stream.next().await {
                    black_box(item);
                }
            });
            frames(count);
            assert!(task.is_finished());
        });
    }

    #[divan::bench(args = [10, 100, 1_000])]
    fn join_of_waits(bencher: Bencher<'_, '_>, count: u64) {
        bencher.bench_local(|| {
            let task =
                spawn(async move { join(Vec::from_iter((1..=count).map(wait_frames))).await });
            frames(count);
            assert!(task.is_finished());
        });
    }

    #[divan::bench(args = [10, 100, 1_000])]
    fn tasks_in_a_group(bencher: Bencher<'_, '_>, count: u64) {
        bencher.bench_local(|| {
            let group = TaskGroup::new();
            (1..=count).for_each(|count| group.spawn(wait_frames(count)).detach());
            frames(count);
            assert!(group.is_empty());
        });
    }
}

// ---------------------------------------------------------------- Tasks

/// One task from its spawn to its end, while so many others are alive.
mod spawn_to_finish {
    use super::*;

    #[divan::bench(args = [100, 1_000, 10_000, 100_000], sample_size = 1_000)]
    fn cuelight(bencher: Bencher<'_, '_>, live: usize) {
        let others: Vec<_> = (0..live).map(|_| spawn(pending::<()>())).collect();
        bencher.bench_local(|| spawn(ready(black_box(1))).take());
        end(others);
    }

    #[divan::bench(args = [100, 1_000, 10_000, 100_000], sample_size = 1_000)]
    fn async_executor(bencher: Bencher<'_, '_>, live: usize) {
        let executor = LocalExecutor::new();
        let _others: Vec<_> = (0..live).map(|_| executor.spawn(pending::<()>())).collect();
        while executor.try_tick() {}
        bencher.bench_local(|| {
            let task = executor.spawn(ready(black_box(1)));
            executor.try_tick();
            block_on(task)
        });
    }
}

/// Cancels tasks and drops their futures.
fn end(tasks: Vec<TaskHandle<()>>) {
    tasks.into_iter().for_each(|task| task.cancel());
    engine::flush();
}

/// A hundred thousand tasks made, which sleep, and cancelled in random order. What this costs is memory out of the
/// caches, so it differs widely from run to run.
mod sleepers {
    use super::*;

    const COUNT: usize = 100_000;

    /// Shuffles, always alike.
    fn shuffle<T>(list: &mut [T]) {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for end in (1..list.len()).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            list.swap(end, (state % (end as u64 + 1)) as usize);
        }
    }

    #[divan::bench(sample_count = 10, sample_size = 1)]
    fn cuelight_asleep(bencher: Bencher<'_, '_>) {
        bencher.bench_local(|| {
            let sleep = |index| spawn(wait_seconds(1.0 + index as f64));
            let mut tasks: Vec<_> = (0..COUNT).map(sleep).collect();
            shuffle(&mut tasks);
            end(tasks);
            assert_eq!(engine::counts().waits, 0);
        });
    }

    // What the peer can do, which has no clock: tasks that wait for nothing.
    #[divan::bench(sample_count = 10, sample_size = 1)]
    fn cuelight_pending(bencher: Bencher<'_, '_>) {
        bencher.bench_local(|| {
            let mut tasks: Vec<_> = (0..COUNT).map(|_| spawn(pending::<()>())).collect();
            shuffle(&mut tasks);
            end(tasks);
        });
    }

    #[divan::bench(sample_count = 10, sample_size = 1)]
    fn async_executor_pending(bencher: Bencher<'_, '_>) {
        // The same one in all rounds, as the runtime is: its free places are shuffled, too, from the second on.
        let executor = LocalExecutor::new();
        bencher.bench_local(|| {
            let mut tasks: Vec<_> = (0..COUNT).map(|_| executor.spawn(pending::<()>())).collect();
            while executor.try_tick() {}
            shuffle(&mut tasks);
            // Cancelled, and dropped in the executor.
            drop(tasks);
            while executor.try_tick() {}
        });
    }
}

// ---------------------------------------------------------------- Rehearsals

/// A ten-minute cutscene of 500 beats, on virtual time: a beat is a line that is waited for, and each fifth is one of what
/// else there is in a scene.
mod rehearsal {
    use std::cell::Cell;

    use cuelight_combinators::{Ease, ScriptFutureExt, animate, skippable};
    use cuelight_runtime::{Cue, rehearse};

    use super::*;

    const BEATS: u32 = 500;

    /// Plays the scene; `moves` says how many of ten beats are movements, which ask for each frame.
    async fn cutscene(moves: u32) {
        let (key, place) = (Cue::<u32>::new(), Cell::new(0.0));
        for beat in 0..BEATS {
            match beat % 10 {
                it if it < moves => animate(1.2, Ease::InOutSine, |t| place.set(t)).await,
                4 => drop(join((wait_seconds(1.2), wait_seconds(0.7))).await),
                9 => assert!(key.wait().timeout(1.2).await.is_err()),
                _ => wait_seconds(1.2).await,
            }
        }
    }

    /// Rehearses it, on a thread whose runtime is closed for the while.
    fn bench(bencher: Bencher, moves: u32) {
        engine::shutdown();
        bencher.bench_local(|| rehearse(cutscene(moves)).unwrap());
        engine::start(Bare);
    }

    #[divan::bench]
    fn waits(bencher: Bencher) {
        bench(bencher, 0);
    }

    #[divan::bench]
    fn a_tenth_moves(bencher: Bencher) {
        bench(bencher, 1);
    }

    /// The same, skipped in a game: one drain.
    #[divan::bench]
    fn skipped(bencher: Bencher) {
        engine::start(Bare);
        bencher.bench_local(|| {
            let task = spawn(skippable(cutscene(1), ready(())));
            engine::flush();
            assert!(task.is_finished());
        });
    }
}
