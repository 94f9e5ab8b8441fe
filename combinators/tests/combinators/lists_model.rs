//! The list forms beside a naive model of what they promise, on random lists.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use cuelight_combinators::{Stream, as_completed, join, race, select, try_join};
use proptest::collection::vec;
use proptest::prelude::*;
use smallvec::SmallVec;

/// What is polled and dropped, by the index of the part.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Did {
    Poll(usize),
    Drop(usize),
    DropOutput(usize),
}

type Log = Rc<RefCell<Vec<Did>>>;

/// What a part does.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// The number of the poll in which it is ready.
    polls: usize,
    /// Whether its output is an error.
    fails: bool,
}

struct Part {
    log: Log,
    index: usize,
    plan: Plan,
}

impl Future for Part {
    type Output = Result<Output, Output>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.log.borrow_mut().push(Did::Poll(self.index));
        self.plan.polls = self.plan.polls.checked_sub(1).expect("it was ready before");
        if self.plan.polls > 0 {
            return Poll::Pending;
        }
        let output = Output { log: self.log.clone(), index: self.index };
        Poll::Ready(if self.plan.fails { Err(output) } else { Ok(output) })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.log.borrow_mut().push(Did::Drop(self.index));
    }
}

struct Output {
    log: Log,
    index: usize,
}

impl Drop for Output {
    fn drop(&mut self) {
        self.log.borrow_mut().push(Did::DropOutput(self.index));
    }
}

/// Which operation.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Operation {
    First,
    All,
    TryAll,
    Completed,
}

/// Says what a list does that is polled so many times at most, and dropped then.
fn model(operation: Operation, plans: &[Plan], polls: usize) -> (Vec<Did>, Vec<usize>) {
    let mut log = Vec::new();
    // The polls that are left for each part, while it is alive.
    let mut parts: Vec<Option<usize>> = plans.iter().map(|plan| Some(plan.polls)).collect();
    let mut outputs: Vec<usize> = Vec::new();
    let mut taken: Vec<usize> = Vec::new();
    let drop_all = |log: &mut Vec<Did>, parts: &mut Vec<Option<usize>>| {
        for (index, part) in parts.iter_mut().enumerate() {
            if part.take().is_some() {
                log.push(Did::Drop(index));
            }
        }
    };
    'polls: for _ in 0..polls {
        if operation == Operation::Completed && !outputs.is_empty() {
            taken.push(outputs.remove(0));
            log.push(Did::DropOutput(*taken.last().unwrap()));
            continue;
        }
        for index in 0..parts.len() {
            let Some(left) = &mut parts[index] else { continue };
            *left -= 1;
            log.push(Did::Poll(index));
            if *left > 0 {
                continue;
            }
            if operation == Operation::First {
                drop_all(&mut log, &mut parts);
                log.push(Did::DropOutput(index));
                return (log, vec![index]);
            }
            parts[index] = None;
            log.push(Did::Drop(index));
            if operation == Operation::TryAll && plans[index].fails {
                drop_all(&mut log, &mut parts);
                outputs.sort();
                log.extend(outputs.drain(..).map(Did::DropOutput));
                log.push(Did::DropOutput(index));
                return (log, vec![index]);
            }
            outputs.push(index);
        }
        match operation {
            Operation::First => {}
            Operation::All | Operation::TryAll => {
                if parts.iter().all(Option::is_none) {
                    outputs.sort();
                    log.extend(outputs.iter().copied().map(Did::DropOutput));
                    return (log, outputs);
                }
            }
            Operation::Completed => {
                if !outputs.is_empty() {
                    taken.push(outputs.remove(0));
                    log.push(Did::DropOutput(*taken.last().unwrap()));
                } else if parts.iter().all(Option::is_none) {
                    break 'polls;
                }
            }
        }
    }
    drop_all(&mut log, &mut parts);
    if operation != Operation::Completed {
        outputs.sort();
    }
    log.extend(outputs.drain(..).map(Did::DropOutput));
    (log, taken)
}

/// Polls a future so many times at most, and drops it and what comes out.
fn run<F: Future>(
    future: F,
    polls: usize,
    indices: impl FnOnce(&F::Output) -> Vec<usize>,
) -> Vec<usize> {
    let mut future = Box::pin(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return indices(&output);
        }
    }
    Vec::new()
}

fn index_of(result: &Result<Output, Output>) -> usize {
    match result {
        Ok(output) | Err(output) => output.index,
    }
}

fn indices_of(results: &[Result<Output, Output>]) -> Vec<usize> {
    results.iter().map(index_of).collect()
}

fn indices_or_error<'a>(
    result: Result<impl IntoIterator<Item = &'a Output>, &'a Output>,
) -> Vec<usize> {
    match result {
        Ok(outputs) => outputs.into_iter().map(|output| output.index).collect(),
        Err(output) => vec![output.index],
    }
}

fn check(plans: &[Plan], polls: usize) {
    let compare = |name: &str, operation, run: &dyn Fn(Vec<Part>) -> Vec<usize>| {
        let log = Log::default();
        let parts = plans
            .iter()
            .enumerate()
            .map(|(index, &plan)| Part { log: log.clone(), index, plan })
            .collect();
        let found = run(parts);
        let (events, outputs) = model(operation, plans, polls);
        assert_eq!(*log.borrow(), events, "the events of {name}");
        assert_eq!(found, outputs, "the outputs of {name}");
    };
    let small = |parts: Vec<Part>| parts.into_iter().collect::<SmallVec<[Part; 4]>>();
    let (first, all) = (Operation::First, Operation::All);
    compare("race(Vec)", first, &|parts| run(race(parts), polls, |it| vec![index_of(it)]));
    compare("race(SmallVec)", first, &|parts| {
        run(race(small(parts)), polls, |it| vec![index_of(it)])
    });
    let number = |(number, it): &(usize, _)| {
        assert_eq!(*number, index_of(it));
        vec![*number]
    };
    compare("select(Vec)", first, &|parts| run(select(parts), polls, number));
    compare("select(SmallVec)", first, &|parts| run(select(small(parts)), polls, number));
    compare("join(Vec)", all, &|parts| run(join(parts), polls, |it| indices_of(it)));
    compare("join(SmallVec)", all, &|parts| run(join(small(parts)), polls, |it| indices_of(it)));
    let or_error = |it: &Result<Vec<Output>, Output>| indices_or_error(it.as_ref());
    compare("try_join(Vec)", Operation::TryAll, &|parts| run(try_join(parts), polls, or_error));
    compare("try_join(SmallVec)", Operation::TryAll, &|parts| {
        run(try_join(small(parts)), polls, or_error)
    });
    compare("as_completed", Operation::Completed, &|parts| {
        let mut stream = as_completed(parts);
        let mut cx = Context::from_waker(Waker::noop());
        let mut found = Vec::new();
        for _ in 0..polls {
            match Pin::new(&mut stream).poll_next(&mut cx) {
                Poll::Ready(Some((index, output))) => {
                    assert_eq!(index, index_of(&output));
                    found.push(index);
                }
                Poll::Ready(None) => break,
                Poll::Pending => {}
            }
        }
        found
    });
    if plans.len() == 5 {
        let five = |parts: Vec<Part>| <[Part; 5]>::try_from(parts).ok().unwrap();
        compare("race([_; 5])", first, &|parts| {
            run(race(five(parts)), polls, |it| vec![index_of(it)])
        });
        compare("select([_; 5])", first, &|parts| run(select(five(parts)), polls, number));
        compare("join([_; 5])", all, &|parts| run(join(five(parts)), polls, |it| indices_of(it)));
        compare("try_join([_; 5])", Operation::TryAll, &|parts| {
            run(try_join(five(parts)), polls, |it| indices_or_error(it.as_ref()))
        });
    }
}

fn plan(failing: f64) -> impl Strategy<Value = Plan> {
    (1..8_usize, prop::bool::weighted(failing)).prop_map(|(polls, fails)| Plan { polls, fails })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn few_parts(plans in vec(plan(0.1), 1..7), polls in 0..12_usize) {
        check(&plans, polls);
    }

    #[test]
    fn five_parts(plans in vec(plan(0.1), 5), polls in 0..12_usize) {
        check(&plans, polls);
    }

    // Beyond one and two words of bits.
    #[test]
    fn many_parts(plans in vec(plan(0.001), 60..200), polls in 0..250_usize) {
        check(&plans, polls);
    }
}
