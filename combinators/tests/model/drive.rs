//! Runs a program on the real runtime, and keeps the same log as the model.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cuelight_combinators::{
    BoxBranch, Branch, BranchList, Ease, Elapsed, Scope, ScriptFutureExt, Select2, Select3,
    animate, as_completed, branch, checkpoint, during, every, is_skipping, join, next_frame,
    otherwise, priority, rush, scope, select, timeout, try_join, uncancellable, wait_changed,
    wait_frames, wait_physics_frames, wait_real_seconds, wait_seconds, wait_until, wait_until_time,
    wait_while, when, when_on, yield_now,
};
use cuelight_runtime::engine::{self, Counts, Engine};
use cuelight_runtime::{
    Cooldown, Cue, Flag, GroupHandle, Phase, SharedTask, SlowGuard, TaskError, TaskGroup,
    TaskHandle, TaskReport, TaskSlot, current_group, now, spawn, spawn_deferred,
};

use smallvec::SmallVec;

use super::program::{
    Action, Choice, Form, Guard, How, Kind, MAX_GROUPS, MAX_SLOWS, MAX_TASKS, NAMES, Outside,
    Place, Program, SIGNALS, Script, Step, Wait, pick,
};
use super::script::is_error;

thread_local! {
    /// The log of the program that this thread runs. A foreign waker has to be `Send`, and so
    /// cannot hold it.
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Makes this thread's runtime, whose root clock has been running for a while: no program may take a
/// time of one clock for that of another.
pub fn begin() {
    engine::start(TestEngine { world: Rc::default() });
    engine::tick(Phase::Process, Duration::from_secs(5 * 3600));
    engine::tick(Phase::Physics, Duration::from_secs(3 * 3600));
    engine::shutdown();
}

/// Returns what the root clock of this thread's runtime shows in each stage: it goes on over a
/// shutdown, and so from one program to the next.
pub fn root_time() -> [u64; 2] {
    engine::start(TestEngine { world: Rc::default() });
    let root = current_group();
    let time = [Phase::Physics, Phase::Process].map(|phase| {
        root.set_phase(phase);
        nanoseconds(now())
    });
    engine::shutdown();
    [time[1], time[0]]
}

/// Runs a program and returns its log.
pub fn run(program: &Program) -> Vec<String> {
    LOG.take();
    let world = Rc::new(World { program: program.clone(), ..World::default() });
    start(&world);
    // The runtime may have heard another wall time from the program before.
    drop(wait_real_seconds(1.0));
    for step in &program.steps {
        let had_rung = world.rung.get();
        world.step(step);
        if world.rung.get() && !had_rung {
            log("asks for a flush");
        }
    }
    log("end");
    engine::shutdown();
    let tasks = world.handles.borrow().len();
    for number in 0..tasks {
        world.act(&Action::Take(number as u8), false);
    }
    world.forget();
    // The model has nothing to say here: nothing is ever left.
    if Rc::strong_count(&world) != 1 {
        log("something of the program was never dropped");
    }
    let counts = engine::counts();
    if counts != (Counts { tasks: 0, groups: 1, waits: 0 }) {
        log(format!("left in the runtime: {counts:?}"));
    }
    take_log()
}

/// Takes the log of a program that did not get to its end.
pub fn take_log() -> Vec<String> {
    LOG.take()
}

fn start(world: &Rc<World>) {
    world.open.set(true);
    world.rung.set(false);
    engine::start(TestEngine { world: world.clone() });
    let root = current_group();
    let mut groups = world.groups.borrow_mut();
    match groups.first_mut() {
        Some(group) => group.0 = root,
        None => groups.push((root, None)),
    }
}

fn log(line: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(line.into()));
}

fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// An engine that only remembers that it was called.
struct TestEngine {
    world: Rc<World>,
}

impl Engine for TestEngine {
    fn real_time(&self) -> Duration {
        Duration::from_nanos(self.world.real.get())
    }

    fn call_soon(&self) {
        if self.world.rung.replace(true) {
            log("asks for a flush twice");
        }
    }

    fn report(&self, report: &TaskReport) {
        // What stands before the panic's own text is the runtime's wording.
        log(format!("report: {}", report.message.rsplit(": ").next().unwrap_or_default()));
    }

    fn error(&self, _message: &str) {
        log("error");
    }
}

/// What the scripts of a program share. No borrow of it is held across a call of the runtime.
#[derive(Default)]
struct World {
    program: Program,
    open: Cell<bool>,
    rung: Cell<bool>,
    /// The wall time, which the ticks move on.
    real: Cell<u64>,
    handles: RefCell<Vec<Option<TaskHandle<usize>>>>,
    /// For each task: set while a panic of its own goes through it.
    unwinding: RefCell<Vec<bool>>,
    groups: RefCell<Vec<(GroupHandle, Option<TaskGroup>)>>,
    slows: RefCell<Vec<SlowGuard>>,
    stash: RefCell<Vec<BoxWait>>,
    events: [Rc<Event>; SIGNALS],
    flags: [Cell<bool>; SIGNALS],
    /// The shared handles of tasks.
    shared: RefCell<HashMap<usize, SharedTask<usize>>>,
    /// The channels: the group above, the name, and the number among the groups.
    channels: RefCell<HashMap<(usize, usize), usize>>,
    cues: [Cue<u64>; SIGNALS],
    given: [Cell<u64>; SIGNALS],
    raised: [Flag; SIGNALS],
    cooldowns: [RefCell<Option<Rc<Cooldown>>>; SIGNALS],
    slots: [RefCell<Option<Rc<TaskSlot>>>; SIGNALS],
}

type BoxWait = Pin<Box<dyn Future<Output = String>>>;

impl World {
    fn step(self: &Rc<Self>, step: &Outside) {
        match *step {
            Outside::Act(ref action) => self.act(action, false),
            Outside::PollStashed(number) => self.poll_outside(number),
            Outside::Flush => {
                if self.rung.replace(false) {
                    log("flush");
                    engine::flush();
                }
            }
            Outside::FlushAnyway => {
                self.rung.set(false);
                log("flush");
                engine::flush();
            }
            Outside::Tick(phase, delta) => {
                log(format!("tick {phase:?}"));
                self.real.set(self.real.get() + delta);
                engine::tick(phase, Duration::from_nanos(delta));
            }
            Outside::Shutdown => {
                log("shutdown");
                self.open.set(false);
                engine::shutdown();
            }
            Outside::Start => {
                // The waits and the slow guards of the runtime before have come to nothing.
                log("start");
                if !self.open.get() {
                    self.slows.take();
                    self.stash.take();
                    self.cooldowns.iter().for_each(|cooldown| drop(cooldown.take()));
                    self.slots.iter().for_each(|slot| drop(slot.take()));
                    start(self);
                }
            }
        }
    }

    fn poll_outside(self: &Rc<Self>, number: u8) {
        let Some(mut wait) = remove(&self.stash, number) else {
            return;
        };
        let waker = Waker::from(Arc::new(OutsideWaker));
        match wait.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => log(format!("outside: ready: {result}")),
            Poll::Pending => {
                log("outside: pending");
                self.stash.borrow_mut().push(wait);
            }
        }
    }

    /// Does what can be done without waiting.
    fn act(self: &Rc<Self>, action: &Action, in_task: bool) {
        match *action {
            Action::Spawn { script, place, deferred, keep } => {
                self.spawn(script, place, deferred, keep, in_task);
            }
            Action::Cancel(number) => {
                let Some((task, handle)) = self.take_handle(number) else {
                    return;
                };
                log(format!("t{task}: cancel"));
                handle.cancel();
                self.handles.borrow_mut()[task] = Some(handle);
            }
            Action::DropHandle(number) => {
                if let Some((task, handle)) = self.take_handle(number) {
                    log(format!("t{task}: detach"));
                    drop(handle);
                }
            }
            Action::Take(number) => {
                let Some((task, handle)) = self.take_handle(number) else {
                    return;
                };
                let result = handle.take().map(show);
                log(format!("t{task}: take: {result:?}"));
                if result.is_none() {
                    self.handles.borrow_mut()[task] = Some(handle);
                }
            }
            Action::IsFinished(number) => {
                let Some((task, handle)) = self.take_handle(number) else {
                    return;
                };
                log(format!("t{task}: finished: {}", handle.is_finished()));
                self.handles.borrow_mut()[task] = Some(handle);
            }
            Action::NewGroup { parent, owned } => {
                if self.groups.borrow().len() < MAX_GROUPS {
                    let parent = self.group(parent).1;
                    let group = if owned {
                        let group = TaskGroup::under(&parent);
                        (group.handle(), Some(group))
                    } else {
                        (parent.child(), None)
                    };
                    self.groups.borrow_mut().push(group);
                }
            }
            Action::DropGroup(number) => {
                let group = self.group(number).0;
                let owner = self.groups.borrow_mut()[group].1.take();
                drop(owner);
            }
            Action::Close(number) => self.group(number).1.close(),
            Action::CancelAll(number) => self.group(number).1.cancel_all(),
            Action::Pause(number) => self.group(number).1.pause(),
            Action::Resume(number) => self.group(number).1.resume(),
            Action::SetSpeed(number, speed) => self.group(number).1.set_speed(speed),
            Action::Slow(number, factor) => {
                if self.slows.borrow().len() < MAX_SLOWS {
                    let guard = self.group(number).1.clock().slow(factor);
                    self.slows.borrow_mut().push(guard);
                }
            }
            Action::DropSlow(number) => drop(remove(&self.slows, number)),
            Action::Skip(number) => self.group(number).1.skip(),
            Action::Checkpoint => checkpoint("here"),
            Action::IsSkipping => log(format!("skipping {}", is_skipping())),
            Action::SetPhase(number, phase) => self.group(number).1.set_phase(phase),
            Action::Len(number) => {
                let (number, group) = self.group(number);
                log(format!("g{number}: len {}", group.len()));
            }
            Action::Clock(number) => {
                let (number, group) = self.group(number);
                let (now, speed) = (nanoseconds(group.clock().now()), group.clock().speed());
                log(format!("g{number}: now {now}, speed {speed:.6}"));
            }
            Action::Now => log(format!("now {}", nanoseconds(now()))),
            Action::Give(number) => {
                let event = &self.events[pick(number, SIGNALS)];
                event.given.set(event.given.get() + 1);
                for waker in event.wakers.take() {
                    waker.wake();
                }
            }
            Action::Poke(number) => {
                let wakers = self.events[pick(number, SIGNALS)].wakers.borrow().clone();
                wakers.iter().for_each(Waker::wake_by_ref);
            }
            Action::SetFlag(number, set) => self.flags[pick(number, SIGNALS)].set(set),
            Action::GiveCue(number) => {
                let cue = pick(number, SIGNALS);
                self.given[cue].set(self.given[cue].get() + 1);
                self.cues[cue].give(self.given[cue].get());
            }
            Action::Raise(number, true) => self.raised[pick(number, SIGNALS)].set(),
            Action::Raise(number, false) => self.raised[pick(number, SIGNALS)].clear(),
            Action::NewCooldown(number, group, seconds) => {
                let cooldown = self.group(group).1.cooldown(seconds);
                drop(self.cooldowns[pick(number, SIGNALS)].replace(Some(Rc::new(cooldown))));
            }
            Action::StartCooldown(number) => {
                let number = pick(number, SIGNALS);
                let cooldown = self.cooldowns[number].borrow().clone();
                if let Some(cooldown) = cooldown {
                    log(format!("cooldown {number}: started {}", cooldown.try_start()));
                }
            }
            Action::Slot { slot, group, how, script, keep } => {
                self.start_in_slot(pick(slot, SIGNALS), group, how, script, keep);
            }
            Action::CancelSlot(number) => {
                let slot = self.slots[pick(number, SIGNALS)].borrow().clone();
                if let Some(slot) = slot {
                    slot.cancel();
                }
            }
            Action::DropSlot(number) => {
                let slot = self.slots[pick(number, SIGNALS)].take();
                drop(slot);
            }
            Action::IsIdle(number) => {
                let number = pick(number, SIGNALS);
                let slot = self.slots[number].borrow().clone();
                if let Some(slot) = slot {
                    log(format!("slot {number}: idle {}", slot.is_idle()));
                }
            }
            Action::Stash(ref wait) => {
                let wait = self.wait(wait);
                self.stash.borrow_mut().push(wait);
            }
            Action::DropStashed(number) => drop(remove(&self.stash, number)),
        }
    }

    fn spawn(self: &Rc<Self>, script: u8, place: Place, deferred: bool, keep: bool, in_task: bool) {
        let number = self.handles.borrow().len();
        if number == MAX_TASKS {
            return;
        }
        let group = match place {
            Place::Group(group) => Some(self.group(group).1),
            Place::Channel(group, name) => Some(self.channel(group, name)),
            _ => None,
        };
        let future = self.task_future(script);
        let handle = match (place, group) {
            (Place::Root, _) if deferred => spawn_deferred(future),
            (Place::Root, _) => spawn(future),
            (_, Some(group)) if deferred => group.spawn_deferred(future),
            (_, Some(group)) => group.spawn(future),
            (_, None) if deferred => current_group().spawn_deferred(future),
            (_, None) if in_task => branch(future),
            (_, None) => current_group().spawn(future),
        };
        self.spawned(number, handle, keep);
    }

    fn start_in_slot(self: &Rc<Self>, number: usize, group: u8, how: How, script: u8, keep: bool) {
        let task = self.handles.borrow().len();
        if task == MAX_TASKS {
            return;
        }
        let group = self.group(group).1;
        let make = || Rc::new(TaskSlot::under(&group));
        let slot = self.slots[number].borrow_mut().get_or_insert_with(make).clone();
        let handle = match how {
            How::Replace => slot.replace(self.task_future(script)),
            How::Enqueue => slot.enqueue(self.task_future(script)),
            How::IfIdle if !slot.is_idle() => {
                log(format!("slot {number} is busy"));
                return;
            }
            How::IfIdle => slot.start_if_idle(self.task_future(script)).expect("the slot is idle"),
        };
        self.spawned(task, handle, keep);
    }

    /// Makes the future of a task that runs a script.
    fn task_future(self: &Rc<Self>, script: u8) -> Task {
        let number = self.handles.borrow().len();
        self.handles.borrow_mut().push(None);
        self.unwinding.borrow_mut().push(false);
        let script = self.program.scripts[pick(script, self.program.scripts.len())].clone();
        log(format!("t{number}: spawn"));
        let guards = script.guards.iter().map(|guard| self.guard(number, guard)).collect();
        let body = Box::pin(run_script(self.clone(), number, script));
        Task { world: self.clone(), number, body, _guards: guards }
    }

    fn spawned(&self, number: usize, handle: TaskHandle<usize>, keep: bool) {
        let finished = handle.is_finished();
        if keep {
            self.handles.borrow_mut()[number] = Some(handle);
        } else {
            drop(handle);
        }
        log(format!("t{number}: spawned, finished {finished}"));
    }

    /// Returns a group's channel, and keeps the table of groups as the model does.
    fn channel(&self, group: u8, name: u8) -> GroupHandle {
        let (parent, above) = self.group(group);
        let name = pick(name, NAMES);
        let channel = above.channel(["ai", "fx"][name]);
        let known = self.channels.borrow().get(&(parent, name)).copied();
        let is_known = known.is_some_and(|known| !self.groups.borrow()[known].0.is_closed());
        if !is_known {
            let mut groups = self.groups.borrow_mut();
            self.channels.borrow_mut().insert((parent, name), groups.len());
            groups.push((channel.clone(), None));
        }
        channel
    }

    /// Makes a wait, or takes one out of the stash.
    fn wait(self: &Rc<Self>, wait: &Wait) -> BoxWait {
        match *wait {
            // The one is promised to be the other.
            Wait::Frames(Phase::Process, 1) => quiet(next_frame()),
            Wait::Frames(Phase::Process, frames) => quiet(wait_frames(frames)),
            Wait::Frames(Phase::Physics, frames) => quiet(wait_physics_frames(frames)),
            Wait::Seconds(seconds) => quiet(wait_seconds(seconds)),
            Wait::ClockSeconds(group, seconds) => {
                quiet(self.group(group).1.clock().wait_seconds(seconds))
            }
            Wait::UntilTime(seconds) => quiet(wait_until_time(now() + seconds)),
            Wait::RealSeconds(seconds) => quiet(wait_real_seconds(seconds)),
            Wait::Beats(period, count) => {
                let mut beats = every(period);
                Box::pin(async move {
                    let mut results = Vec::new();
                    for _ in 0..count {
                        results.push(beats.next().await.to_string());
                    }
                    results.join(", ")
                })
            }
            Wait::OnCancel(ref part, ref actions) => {
                let (world, actions) = (self.clone(), actions.clone());
                Box::pin(self.wait(part).on_cancel(move || {
                    log("cancelled");
                    for action in &actions {
                        world.act(action, false);
                    }
                }))
            }
            Wait::Flag(flag, ref actions) => {
                let (world, actions) = (self.clone(), actions.clone());
                let flag = pick(flag, SIGNALS);
                quiet(wait_until(move || {
                    if !is_skipping() {
                        log(format!("flag {flag}: check"));
                    }
                    for action in &actions {
                        world.act(action, false);
                    }
                    world.flags[flag].get()
                }))
            }
            Wait::While(flag) => {
                let (world, flag) = (self.clone(), pick(flag, SIGNALS));
                quiet(wait_while(move || {
                    if !is_skipping() {
                        log(format!("flag {flag}: while"));
                    }
                    world.flags[flag].get()
                }))
            }
            Wait::Changed(flag) => {
                let (world, flag) = (self.clone(), pick(flag, SIGNALS));
                let changed = wait_changed(move || {
                    if !is_skipping() {
                        log(format!("flag {flag}: read"));
                    }
                    world.flags[flag].get()
                });
                Box::pin(changed.map(|value| value.to_string()))
            }
            Wait::FlagEvery(flag, period) => {
                let (world, flag) = (self.clone(), pick(flag, SIGNALS));
                let look = move || {
                    log(format!("flag {flag}: look"));
                    world.flags[flag].get()
                };
                quiet(wait_until(look).every(period))
            }
            Wait::Animate(seconds) => {
                quiet(animate(seconds, Ease::Linear, |t| log(format!("animate {t:.6}"))))
            }
            Wait::Priority(form, period, ref choices) => {
                let branches = choices.iter().enumerate();
                let branches = branches.map(|(index, choice)| self.branch(index, choice.clone()));
                chosen(form, period, branches.collect())
            }
            Wait::Rush(ref parts) => match self.parts(parts) {
                parts if parts.is_empty() => Box::pin(std::future::pending()),
                parts => Box::pin(rush(parts)),
            },
            Wait::Uncancellable(ref part) => Box::pin(uncancellable(self.wait(part))),
            Wait::Scope(ref children, ref body) => {
                let (world, children, body) = (self.clone(), children.clone(), body.clone());
                Box::pin(scope(async move |scope: Scope<'_>| {
                    for (number, child) in children.iter().enumerate() {
                        let wait = world.wait(child);
                        let _goes_on = scope.spawn(async move {
                            log(format!("child {number}: {}", wait.await));
                        });
                    }
                    world.wait(&body).await
                }))
            }
            Wait::Checks(number) => {
                let mut checks = 0;
                quiet(wait_until(move || {
                    checks += 1;
                    log(format!("check {checks}"));
                    checks > number
                }))
            }
            Wait::Yield => quiet(yield_now()),
            Wait::Event(number) => {
                let event = self.events[pick(number, SIGNALS)].clone();
                let seen = event.given.get();
                quiet(EventWait { event, seen })
            }
            Wait::Join(group) => quiet(self.group(group).1.join()),
            Wait::Task(number) => match self.take_handle(number) {
                Some((_, handle)) => Box::pin(async { show(handle.await) }),
                None => Box::pin(async { "no handle".into() }),
            },
            Wait::Shared(number) => {
                if let Some((task, handle)) = self.take_handle(number) {
                    self.shared.borrow_mut().insert(task, handle.shared());
                }
                let shared =
                    self.task(number).and_then(|it| self.shared.borrow().get(&it).cloned());
                match shared {
                    Some(shared) => Box::pin(async { show(shared.await) }),
                    None => Box::pin(async { "no handle".into() }),
                }
            }
            Wait::Cue(number) => {
                Box::pin(self.cues[pick(number, SIGNALS)].wait().map(|value| value.to_string()))
            }
            Wait::Raised(number) => quiet(self.raised[pick(number, SIGNALS)].wait_set()),
            Wait::Cooled(number) => {
                let cooldown = self.cooldowns[pick(number, SIGNALS)].borrow().clone();
                match cooldown {
                    Some(cooldown) => quiet(cooldown.ready()),
                    None => quiet(std::future::ready(())),
                }
            }
            Wait::Stashed(number) => match remove(&self.stash, number) {
                Some(wait) => wait,
                None => Box::pin(async { "nothing stashed".into() }),
            },
            Wait::First(form, ref parts) => first(form, self.parts(parts)),
            Wait::All(form, ref parts) => all(form, self.parts(parts)),
            Wait::TryAll(form, ref parts) => try_all(form, self.parts(parts)),
            Wait::Completed(ref parts) => {
                let mut completed = as_completed(self.parts(parts));
                Box::pin(async move {
                    let mut results = Vec::new();
                    while let Some((index, result)) = completed.next().await {
                        results.push(format!("{index} {result}"));
                    }
                    results.join(", ")
                })
            }
            Wait::Timeout(seconds, ref part) => {
                let wait = timeout(seconds, self.wait(part));
                Box::pin(async { wait.await.unwrap_or_else(|Elapsed| "elapsed".into()) })
            }
            Wait::Until(ref part, ref stop) => {
                let wait = self.wait(part).until(self.wait(stop));
                Box::pin(async { wait.await.unwrap_or_else(|| "stopped".into()) })
            }
        }
    }

    /// Makes a branch of a priority.
    fn branch(self: &Rc<Self>, index: usize, choice: Choice) -> BoxBranch<'static> {
        let Choice { kind, flag, set, actions, wait } = choice;
        let ask = move |world: &Rc<Self>| {
            log(format!("branch {index}: ask"));
            for action in &actions {
                world.act(action, false);
            }
            world.flags[pick(flag, SIGNALS)].get() == set
        };
        let begin = move |world: Rc<Self>| {
            log(format!("branch {index}: begin"));
            BranchScript { index, wait: world.wait(&wait) }
        };
        let (world, asked) = (self.clone(), self.clone());
        match kind {
            Kind::When => when(move || ask(&asked), move || begin(world.clone())).boxed(),
            Kind::WhenOn => when_on(self, ask, begin).boxed(),
            Kind::During => during(move || ask(&asked), move || begin(world.clone())).boxed(),
            Kind::Otherwise => otherwise(move || begin(world.clone())).boxed(),
        }
    }

    fn parts(self: &Rc<Self>, parts: &[Wait]) -> Vec<BoxWait> {
        parts.iter().map(|part| self.wait(part)).collect()
    }

    fn guard(self: &Rc<Self>, task: usize, guard: &Guard) -> TaskGuard {
        TaskGuard { world: self.clone(), task, guard: guard.clone() }
    }

    fn task(&self, number: u8) -> Option<usize> {
        let count = self.handles.borrow().len();
        (count > 0).then(|| pick(number, count))
    }

    fn take_handle(&self, number: u8) -> Option<(usize, TaskHandle<usize>)> {
        let task = self.task(number)?;
        let handle = self.handles.borrow_mut()[task].take()?;
        Some((task, handle))
    }

    fn group(&self, number: u8) -> (usize, GroupHandle) {
        let groups = self.groups.borrow();
        let number = pick(number, groups.len());
        (number, groups[number].0.clone())
    }

    /// Drops what is left, so that nothing keeps the world alive.
    fn forget(&self) {
        while !self.stash.borrow().is_empty() {
            let stash = self.stash.take();
            drop(stash);
        }
        self.handles.take();
        self.slows.take();
        self.groups.take();
        self.shared.take();
        self.cooldowns.iter().for_each(|cooldown| drop(cooldown.take()));
        self.slots.iter().for_each(|slot| drop(slot.take()));
        for event in &self.events {
            event.wakers.take();
        }
    }
}

/// Takes one thing out of a list, by its number modulo their count.
fn remove<T>(list: &RefCell<Vec<T>>, number: u8) -> Option<T> {
    let mut list = list.borrow_mut();
    let count = list.len();
    (count > 0).then(|| list.remove(pick(number, count)))
}

fn quiet(wait: impl Future<Output = ()> + 'static) -> BoxWait {
    Box::pin(async {
        wait.await;
        String::new()
    })
}

fn show(result: Result<usize, TaskError>) -> String {
    match result {
        Ok(output) => format!("output {output}"),
        Err(TaskError::Cancelled) => "cancelled".into(),
        Err(TaskError::Panicked) => "panicked".into(),
        Err(TaskError::Failed(reason)) => format!("failed: {reason}"),
    }
}

/// Runs a script.
async fn run_script(world: Rc<World>, task: usize, script: Script) -> usize {
    for _ in 0..script.laps {
        let mut locals = Vec::new();
        for (at, step) in script.steps.iter().enumerate() {
            log(format!("t{task}: step {at}"));
            match step {
                Step::Do(action) => world.act(action, true),
                Step::Await(waits) => {
                    let waits: Vec<_> = waits.iter().map(|wait| world.wait(wait)).collect();
                    let (part, result) = select(waits).await;
                    log(format!("t{task}: part {part} ready: {result}"));
                }
                Step::PollOnce(wait) => {
                    let mut wait = world.wait(wait);
                    match std::future::poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await {
                        Poll::Ready(result) => log(format!("t{task}: once ready: {result}")),
                        Poll::Pending => {
                            log(format!("t{task}: once pending"));
                            world.stash.borrow_mut().push(wait);
                        }
                    }
                }
                Step::Hold(guard) => locals.push(world.guard(task, guard)),
                Step::Panic => {
                    world.unwinding.borrow_mut()[task] = true;
                    quiet_panic(format!("t{task} panics"));
                }
            }
        }
        drop(locals);
    }
    task
}

/// Makes a wait for the first of several.
fn first(form: Form, parts: Vec<BoxWait>) -> BoxWait {
    fn text((index, result): (usize, String)) -> String {
        format!("{index} {result}")
    }
    match into_parts(form, parts) {
        Parts::Two(a, b) => {
            let first = select((a, b));
            Box::pin(async move {
                match first.await {
                    Select2::First(result) => text((0, result)),
                    Select2::Second(result) => text((1, result)),
                }
            })
        }
        Parts::Three(a, b, c) => {
            let first = select((a, b, c));
            Box::pin(async move {
                match first.await {
                    Select3::First(result) => text((0, result)),
                    Select3::Second(result) => text((1, result)),
                    Select3::Third(result) => text((2, result)),
                }
            })
        }
        Parts::ArrayTwo(parts) => Box::pin(select(parts).map(text)),
        Parts::ArrayThree(parts) => Box::pin(select(parts).map(text)),
        Parts::List(parts) => Box::pin(select(parts).map(text)),
        Parts::Small(parts) => Box::pin(select(parts).map(text)),
    }
}

/// Makes a wait for all of several.
fn all(form: Form, parts: Vec<BoxWait>) -> BoxWait {
    match into_parts(form, parts) {
        Parts::Two(a, b) => Box::pin(join((a, b)).map(|(a, b)| [a, b].join(", "))),
        Parts::Three(a, b, c) => Box::pin(join((a, b, c)).map(|(a, b, c)| [a, b, c].join(", "))),
        Parts::ArrayTwo(parts) => Box::pin(join(parts).map(|results| results.join(", "))),
        Parts::ArrayThree(parts) => Box::pin(join(parts).map(|results| results.join(", "))),
        Parts::List(parts) => Box::pin(join(parts).map(|results| results.join(", "))),
        Parts::Small(parts) => Box::pin(join(parts).map(|results| results.join(", "))),
    }
}

/// Makes a priority, in a tuple or in a list.
fn chosen(form: Form, period: Option<f64>, branches: Vec<BoxBranch<'static>>) -> BoxWait {
    fn of<B: BranchList + 'static>(branches: B, period: Option<f64>) -> BoxWait {
        let priority = priority(branches);
        quiet(match period {
            Some(seconds) => priority.every(seconds),
            None => priority,
        })
    }
    match into_parts(form, branches) {
        Parts::Two(a, b) => of((a, b), period),
        Parts::Three(a, b, c) => of((a, b, c), period),
        Parts::ArrayTwo(branches) => of(Vec::from(branches), period),
        Parts::ArrayThree(branches) => of(Vec::from(branches), period),
        Parts::List(branches) => of(branches, period),
        Parts::Small(branches) => of(branches.into_vec(), period),
    }
}

type TryWait = Pin<Box<dyn Future<Output = Result<String, String>>>>;

/// Makes a wait for all of several, unless one is a task without an output.
fn try_all(form: Form, parts: Vec<BoxWait>) -> BoxWait {
    let judge = |part: BoxWait| -> TryWait {
        Box::pin(part.map(|result| if is_error(&result) { Err(result) } else { Ok(result) }))
    };
    fn text(results: Result<Vec<String>, String>) -> String {
        results.map_or_else(|error| format!("error {error}"), |results| results.join(", "))
    }
    let parts = parts.into_iter().map(judge).collect();
    match into_parts(form, parts) {
        Parts::Two(a, b) => {
            Box::pin(try_join((a, b)).map(|done| text(done.map(|(a, b)| vec![a, b]))))
        }
        Parts::Three(a, b, c) => {
            Box::pin(try_join((a, b, c)).map(|done| text(done.map(|(a, b, c)| vec![a, b, c]))))
        }
        Parts::ArrayTwo(parts) => Box::pin(try_join(parts).map(|done| text(done.map(Vec::from)))),
        Parts::ArrayThree(parts) => Box::pin(try_join(parts).map(|done| text(done.map(Vec::from)))),
        Parts::List(parts) => Box::pin(try_join(parts).map(text)),
        Parts::Small(parts) => Box::pin(try_join(parts).map(text)),
    }
}

/// Parts in the form that a program asks for.
enum Parts<F> {
    Two(F, F),
    Three(F, F, F),
    ArrayTwo([F; 2]),
    ArrayThree([F; 3]),
    List(Vec<F>),
    Small(SmallVec<[F; 2]>),
}

fn into_parts<F>(form: Form, parts: Vec<F>) -> Parts<F> {
    match (form, parts.len()) {
        (Form::Tuple, 2) => {
            let Ok([a, b]) = <[F; 2]>::try_from(parts) else { unreachable!("there are two") };
            Parts::Two(a, b)
        }
        (Form::Tuple, 3) => {
            let Ok([a, b, c]) = <[F; 3]>::try_from(parts) else { unreachable!("there are three") };
            Parts::Three(a, b, c)
        }
        (Form::Array, 2) => {
            let Ok(parts) = parts.try_into() else { unreachable!("there are two") };
            Parts::ArrayTwo(parts)
        }
        (Form::Array, 3) => {
            let Ok(parts) = parts.try_into() else { unreachable!("there are three") };
            Parts::ArrayThree(parts)
        }
        (Form::Small, _) => Parts::Small(parts.into()),
        _ => Parts::List(parts),
    }
}

/// Panics without a call of the panic hook, which would print thousands of messages.
fn quiet_panic(message: String) -> ! {
    resume_unwind(Box::new(message))
}

/// The script of a branch, which says when it is dropped.
struct BranchScript {
    index: usize,
    wait: BoxWait,
}

impl Future for BranchScript {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.wait.as_mut().poll(cx).map(|result| log(format!("branch {}: {result}", self.index)))
    }
}

impl Drop for BranchScript {
    fn drop(&mut self) {
        log(format!("branch {}: drop", self.index));
    }
}

/// The future of a task: its script, and what is dropped after it.
struct Task {
    world: Rc<World>,
    number: usize,
    body: Pin<Box<dyn Future<Output = usize>>>,
    _guards: Vec<TaskGuard>,
}

impl Future for Task {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        // Which frames of a skip are left out is nobody's business.
        if !is_skipping() {
            log(format!("t{}: poll at {}", self.number, nanoseconds(now())));
        }
        self.body.as_mut().poll(cx)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        log(format!("t{}: drop at {}", self.number, nanoseconds(now())));
        self.world.unwinding.borrow_mut()[self.number] = false;
    }
}

/// A guard of a task.
struct TaskGuard {
    world: Rc<World>,
    task: usize,
    guard: Guard,
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        log(format!("t{}: guard", self.task));
        for action in &self.guard.actions {
            self.world.act(action, false);
        }
        // A second panic of the same task would abort.
        if self.guard.panics
            && !std::mem::replace(&mut self.world.unwinding.borrow_mut()[self.task], true)
        {
            quiet_panic(format!("t{} panics in a guard", self.task));
        }
    }
}

/// Something that tasks wait for, outside of the runtime.
#[derive(Default)]
struct Event {
    given: Cell<u64>,
    wakers: RefCell<Vec<Waker>>,
}

struct EventWait {
    event: Rc<Event>,
    seen: u64,
}

impl Future for EventWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.event.given.get() != self.seen {
            return Poll::Ready(());
        }
        // A wait that is dropped leaves its waker behind, so that scripts are woken for nothing.
        self.event.wakers.borrow_mut().push(cx.waker().clone());
        Poll::Pending
    }
}

/// The waker of some other executor.
struct OutsideWaker;

impl Wake for OutsideWaker {
    fn wake(self: Arc<Self>) {
        log("outside: woken");
    }
}
