//! The model's user code: scripts as plain state machines, guards, and what they do.

use super::program::{
    Action, Choice, Guard, Kind, MAX_SLOWS, Outside, Program, SIGNALS, Step, Wait, pick,
};
use super::rules::{Cooldown, End, Model, Polled};
use super::waits::Waker;

/// Runs a program on the model, whose root clock shows this in each stage, and returns its log.
pub fn run(program: &Program, root_time: [u64; 2]) -> Vec<String> {
    let mut model = Model::new(program, root_time);
    for step in &program.steps {
        let had_rung = model.rung;
        model.step(step);
        if model.rung && !had_rung {
            model.log.push("asks for a flush".into());
        }
    }
    model.log.push("end".into());
    model.shutdown();
    for task in model.numbered.clone() {
        model.take_result(task);
    }
    while !model.stash.is_empty() {
        model.drop_stash();
    }
    model.log
}

impl<'a> Model<'a> {
    fn step(&mut self, step: &'a Outside) {
        match *step {
            Outside::Act(ref action) => self.act(action),
            Outside::PollStashed(number) => self.poll_outside(number),
            Outside::Flush => {
                if self.rung {
                    self.log.push("flush".into());
                    self.flush();
                }
            }
            Outside::FlushAnyway => {
                self.log.push("flush".into());
                self.flush();
            }
            Outside::Tick(phase, delta) => {
                self.log.push(format!("tick {phase:?}"));
                self.real += delta;
                self.tick(phase as usize, delta);
            }
            Outside::Shutdown => {
                self.log.push("shutdown".into());
                self.shutdown();
            }
            Outside::Start => {
                self.log.push("start".into());
                self.start();
            }
        }
    }

    /// Polls a task's script.
    pub fn run(&mut self, task: usize) -> Polled {
        if !self.tasks[task].begun {
            let queue = self.tasks[task].queue.expect("only the tasks of slots have to wait");
            if self.queues[queue].first() != Some(&task) {
                self.tasks[task].queuing = true;
                return Polled::Pending;
            }
            self.tasks[task].begun = true;
        }
        let Some(name) = self.tasks[task].number else {
            let wait = self.tasks[task].rest.expect("it is the rest of a wait");
            return match self.poll_wait(wait, Waker::Task(task)) {
                Some(_) => Polled::Ready,
                None => Polled::Pending,
            };
        };
        let script = &self.program.scripts[self.tasks[task].script];
        if !self.is_skipped_here() {
            self.log.push(format!("t{name}: poll at {}", self.now(self.here())));
        }
        loop {
            let at = self.tasks[task].step;
            let Some(step) = script.steps.get(at) else {
                if let Some(message) = self.drop_locals(task) {
                    return Polled::Panicked(message);
                }
                self.tasks[task].step = 0;
                self.tasks[task].laps += 1;
                if self.tasks[task].laps >= script.laps {
                    return Polled::Ready;
                }
                continue;
            };
            if self.tasks[task].awaiting.is_none() {
                self.log.push(format!("t{name}: step {at}"));
            }
            match step {
                Step::Do(action) => self.act(action),
                Step::Await(waits) => {
                    if self.tasks[task].awaiting.is_none() {
                        let waits = waits.iter().map(|wait| self.prepare(wait)).collect();
                        self.tasks[task].awaiting = Some(waits);
                    }
                    let waits = self.tasks[task].awaiting.clone().unwrap();
                    let mut results = waits.iter().enumerate().filter_map(|(index, &wait)| {
                        let result = self.poll_wait(wait, Waker::Task(task))?;
                        Some(format!("t{name}: part {index} ready: {result}"))
                    });
                    let Some(result) = results.next() else {
                        return Polled::Pending;
                    };
                    self.drop_awaiting(task);
                    self.log.push(result);
                }
                Step::PollOnce(wait) => {
                    let wait = self.prepare(wait);
                    if let Some(result) = self.poll_wait(wait, Waker::Task(task)) {
                        self.log.push(format!("t{name}: once ready: {result}"));
                        self.drop_wait(wait);
                    } else {
                        self.log.push(format!("t{name}: once pending"));
                        self.stash.push(wait);
                    }
                }
                Step::Hold(guard) => self.tasks[task].locals.push(guard),
                Step::Panic => {
                    self.tasks[task].unwinding = true;
                    self.drop_locals(task);
                    return Polled::Panicked(format!("t{name} panics"));
                }
            }
            self.tasks[task].step += 1;
        }
    }

    /// Drops what a task's future still holds, and returns the message of a panic in that.
    pub fn drop_future(&mut self, task: usize) -> Option<String> {
        let Some(name) = self.tasks[task].number else {
            let wait = self.tasks[task].rest.take().expect("it is dropped once");
            self.drop_wait(wait);
            return None;
        };
        self.log.push(format!("t{name}: drop at {}", self.now(self.here())));
        self.tasks[task].unwinding = false;
        self.drop_awaiting(task);
        let locals = self.drop_locals(task);
        let script = &self.program.scripts[self.tasks[task].script];
        let guards = self.drop_guards(task, script.guards.iter().collect());
        if let Some(queue) = self.tasks[task].queue {
            self.leave_queue(task, queue);
        }
        locals.or(guards)
    }

    /// Lets the next task of a slot go.
    fn leave_queue(&mut self, task: usize, queue: usize) {
        self.queues[queue].retain(|&other| other != task);
        if let Some(&next) = self.queues[queue].first()
            && std::mem::take(&mut self.tasks[next].queuing)
        {
            self.wake(Waker::Task(next));
        }
    }

    /// Polls a stashed wait outside of all tasks.
    pub fn poll_outside(&mut self, number: u8) {
        if self.stash.is_empty() {
            return;
        }
        let wait = self.stash.remove(pick(number, self.stash.len()));
        if let Some(result) = self.poll_wait(wait, Waker::Outside) {
            self.log.push(format!("outside: ready: {result}"));
            self.drop_wait(wait);
        } else {
            self.log.push("outside: pending".into());
            self.stash.push(wait);
        }
    }

    /// Does what can be done without waiting.
    pub fn act(&mut self, action: &'a Action) {
        match *action {
            Action::Spawn { script, place, deferred, keep } => {
                self.spawn(script, place, deferred, keep);
            }
            Action::Cancel(number) => {
                if let Some(task) = self.task(number).filter(|&task| self.tasks[task].handle) {
                    self.log.push(format!("t{}: cancel", self.name(task)));
                    self.cancel(task);
                }
            }
            Action::DropHandle(number) => {
                if let Some(task) = self.take_handle(number) {
                    self.log.push(format!("t{}: detach", self.name(task)));
                }
            }
            Action::Take(number) => {
                if let Some(task) = self.task(number) {
                    self.take_result(task);
                }
            }
            Action::IsFinished(number) => {
                if let Some(task) = self.task(number).filter(|&task| self.tasks[task].handle) {
                    let finished = self.tasks[task].result.is_some();
                    self.log.push(format!("t{}: finished: {finished}", self.name(task)));
                }
            }
            Action::NewGroup { parent, owned } => self.new_group(parent, owned),
            Action::DropGroup(number) => self.drop_group(self.group(number)),
            Action::Close(number) => self.close(self.group(number)),
            Action::CancelAll(number) => self.cancel_all(self.group(number)),
            Action::Pause(number) => self.pause(self.group(number), true),
            Action::Resume(number) => self.pause(self.group(number), false),
            Action::SetSpeed(number, speed) => self.set_speed(self.group(number), speed),
            Action::Slow(number, factor) => {
                if self.slows.len() < MAX_SLOWS {
                    self.slow(self.group(number), factor);
                }
            }
            Action::DropSlow(number) => {
                if !self.slows.is_empty() {
                    self.drop_slow(pick(number, self.slows.len()));
                }
            }
            Action::Skip(number) => self.skip(self.group(number)),
            Action::Checkpoint => self.checkpoint(),
            Action::IsSkipping => {
                let skipping = self.is_skipped_here();
                self.log.push(format!("skipping {skipping}"));
            }
            Action::SetPhase(number, phase) => self.set_phase(self.group(number), phase as usize),
            Action::Len(number) => {
                let group = self.group(number);
                self.log.push(format!("g{group}: len {}", self.alive(group).len()));
            }
            Action::Clock(number) => {
                let group = self.group(number);
                let (now, speed) = (self.now(group), self.speed(group));
                self.log.push(format!("g{group}: now {now}, speed {speed:.6}"));
            }
            Action::Now => self.log.push(format!("now {}", self.now(self.here()))),
            Action::Give(number) => {
                let event = pick(number, self.events.len());
                self.events[event].0 += 1;
                for waker in std::mem::take(&mut self.events[event].1) {
                    self.wake(waker);
                }
            }
            Action::Poke(number) => {
                let event = pick(number, self.events.len());
                for waker in self.events[event].1.clone() {
                    self.wake(waker);
                }
            }
            Action::GiveCue(number) => {
                let cue = pick(number, SIGNALS);
                self.cues[cue] += 1;
                let value = self.cues[cue];
                self.give(value, |wait| matches!(wait, Wait::Cue(it) if pick(*it, SIGNALS) == cue));
            }
            Action::Raise(number, set) => {
                let flag = pick(number, SIGNALS);
                if !std::mem::replace(&mut self.raised[flag], set) && set {
                    self.give(
                        0,
                        |wait| matches!(wait, Wait::Raised(it) if pick(*it, SIGNALS) == flag),
                    );
                }
            }
            Action::NewCooldown(number, group, seconds) => {
                let cooldown = pick(number, SIGNALS);
                let group = self.group(group);
                let former =
                    self.cooldowns[cooldown].replace(Cooldown { group, seconds, wait: None });
                if let Some(wait) = former.and_then(|former| former.wait) {
                    self.waits[wait].gone = true;
                }
            }
            Action::StartCooldown(number) => {
                let cooldown = pick(number, SIGNALS);
                if self.cooldowns[cooldown].is_some() {
                    let started = self.start_cooldown(cooldown);
                    self.log.push(format!("cooldown {cooldown}: started {started}"));
                }
            }
            Action::Slot { slot, group, how, script, keep } => {
                let (slot, group) = (pick(slot, SIGNALS), self.group(group));
                self.start_in_slot(slot, group, how, script, keep);
            }
            Action::CancelSlot(number) => {
                if let Some((_, queue)) = self.slots[pick(number, SIGNALS)] {
                    self.cancel_queue(queue);
                }
            }
            Action::DropSlot(number) => {
                if let Some((_, queue)) = self.slots[pick(number, SIGNALS)].take() {
                    self.cancel_queue(queue);
                }
            }
            Action::IsIdle(number) => {
                let slot = pick(number, SIGNALS);
                if let Some((_, queue)) = self.slots[slot] {
                    self.log.push(format!("slot {slot}: idle {}", self.is_idle(queue)));
                }
            }
            Action::SetFlag(number, set) => self.flags[pick(number, self.flags.len())] = set,
            Action::Stash(ref wait) => {
                let wait = self.prepare(wait);
                self.stash.push(wait);
            }
            Action::DropStashed(number) => {
                if !self.stash.is_empty() {
                    let wait = self.stash.remove(pick(number, self.stash.len()));
                    self.drop_wait(wait);
                }
            }
        }
    }

    /// Makes a wait, or takes one out of the stash.
    fn prepare(&mut self, kind: &'a Wait) -> usize {
        match *kind {
            Wait::Stashed(number) if !self.stash.is_empty() => {
                self.stash.remove(pick(number, self.stash.len()))
            }
            Wait::Event(number) => {
                let wait = self.make(kind);
                self.waits[wait].seen = self.events[pick(number, self.events.len())].0;
                wait
            }
            Wait::Task(number) => {
                let wait = self.make(kind);
                self.waits[wait].task = self.take_handle(number);
                wait
            }
            Wait::Shared(number) => {
                let wait = self.make(kind);
                if let Some(task) = self.take_handle(number) {
                    self.tasks[task].shared = true;
                }
                self.waits[wait].task = self.task(number).filter(|&task| self.tasks[task].shared);
                wait
            }
            Wait::Raised(number) => {
                let wait = self.make(kind);
                let is_set = self.raised[pick(number, SIGNALS)];
                self.waits[wait].given = is_set.then_some(0);
                wait
            }
            Wait::Cooled(number) => {
                let wait = self.make(kind);
                self.cooled(wait, pick(number, SIGNALS));
                wait
            }
            Wait::First(_, ref parts)
            | Wait::All(_, ref parts)
            | Wait::TryAll(_, ref parts)
            | Wait::Completed(ref parts) => self.prepare_parts(kind, parts.iter().collect()),
            Wait::OnCancel(ref part, _) => self.prepare_parts(kind, vec![part]),
            Wait::Timeout(_, ref part) => {
                // The part is an argument, and so made before the limit.
                self.prepare_parts(kind, vec![part])
            }
            Wait::Until(ref part, ref stop) => self.prepare_parts(kind, vec![part, stop]),
            Wait::Rush(ref parts) => self.prepare_parts(kind, parts.iter().collect()),
            Wait::Uncancellable(ref part) => self.prepare_parts(kind, vec![part]),
            Wait::Priority(_, _, ref choices) => {
                let wait = self.make(kind);
                self.waits[wait].parts = vec![None; choices.len()];
                wait
            }
            Wait::Animate(seconds) => {
                let countdown = self.make_countdown(seconds);
                let wait = self.make(kind);
                self.waits[wait].parts = vec![Some(countdown)];
                wait
            }
            Wait::Changed(number) => {
                let wait = self.make(kind);
                let flag = pick(number, self.flags.len());
                self.note_read(flag);
                self.waits[wait].seen = u64::from(self.flags[flag]);
                wait
            }
            _ => self.make(kind),
        }
    }

    /// Makes a wait of several parts.
    fn prepare_parts(&mut self, kind: &'a Wait, parts: Vec<&'a Wait>) -> usize {
        let parts: Vec<_> = parts.into_iter().map(|part| Some(self.prepare(part))).collect();
        let wait = self.make(kind);
        self.waits[wait].outputs = vec![None; parts.len()];
        self.waits[wait].parts = parts;
        wait
    }

    /// Polls a part of a wait, unless it has been ready. One that is ready stays until it is dropped.
    fn poll_part(&mut self, wait: usize, index: usize, waker: Waker) -> Option<String> {
        let part = self.waits[wait].parts[index]?;
        self.poll_wait(part, waker)
    }

    fn drop_part(&mut self, wait: usize, index: usize) {
        if let Some(part) = self.waits[wait].parts[index].take() {
            if let Wait::Priority(..) = self.waits[wait].kind {
                self.log.push(format!("branch {index}: drop"));
            }
            self.drop_wait(part);
        }
    }

    fn drop_parts(&mut self, wait: usize) {
        for index in 0..self.waits[wait].parts.len() {
            self.drop_part(wait, index);
        }
    }

    /// Polls the parts in listed order until one is ready.
    fn poll_first(&mut self, wait: usize, waker: Waker) -> Option<(usize, String)> {
        let count = self.waits[wait].parts.len();
        let first = (0..count).find_map(|index| Some((index, self.poll_part(wait, index, waker)?)));
        if first.is_some() {
            self.drop_parts(wait);
        }
        first
    }

    /// Polls all parts that have not been ready, and drops each that is. Returns whether all have been.
    fn poll_all(&mut self, wait: usize, waker: Waker, stops: bool) -> Option<String> {
        for index in 0..self.waits[wait].parts.len() {
            let Some(result) = self.poll_part(wait, index, waker) else {
                continue;
            };
            if stops && is_error(&result) {
                self.drop_parts(wait);
                return Some(format!("error {result}"));
            }
            self.drop_part(wait, index);
            self.waits[wait].outputs[index] = Some(result);
        }
        let outputs = &self.waits[wait].outputs;
        let outputs: Option<Vec<_>> = outputs.iter().map(|output| output.as_deref()).collect();
        Some(outputs?.join(", "))
    }

    /// Polls all parts, and notes which are ready in the order in which they are; then again, for as long as some are,
    /// since that is when the next ones are asked for.
    fn poll_completed(&mut self, wait: usize, waker: Waker) -> Option<String> {
        let mut is_some_ready = true;
        while is_some_ready {
            is_some_ready = false;
            for index in 0..self.waits[wait].parts.len() {
                if let Some(result) = self.poll_part(wait, index, waker) {
                    self.drop_part(wait, index);
                    self.waits[wait].outputs.push(Some(format!("{index} {result}")));
                    is_some_ready = true;
                }
            }
        }
        let waiting = &self.waits[wait];
        if waiting.parts.iter().any(Option::is_some) {
            return None;
        }
        let outputs: Vec<_> = waiting.outputs.iter().flatten().cloned().collect();
        Some(outputs.join(", "))
    }

    /// Polls the body of a scope, which is the first part, and then its children.
    fn poll_scope(
        &mut self,
        wait: usize,
        children: &'a [Wait],
        body: &'a Wait,
        waker: Waker,
    ) -> Option<String> {
        if !std::mem::replace(&mut self.waits[wait].registered, true) {
            // All of them are made in the body.
            let mut parts: Vec<_> = children.iter().map(|it| Some(self.prepare(it))).collect();
            parts.push(Some(self.prepare(body)));
            self.waits[wait].parts = parts;
        }
        let last = children.len();
        let mut is_first = true;
        loop {
            if let Some(result) = self.poll_part(wait, last, waker) {
                self.drop_part(wait, last);
                self.drop_parts(wait);
                return Some(result);
            }
            let mut any = false;
            for child in 0..last {
                if is_first && let Some(result) = self.poll_part(wait, child, waker) {
                    self.log.push(format!("child {child}: {result}"));
                    self.drop_part(wait, child);
                    any = true;
                }
            }
            if !any {
                return None;
            }
            is_first = false;
        }
    }

    /// Polls a priority, which is never ready: first it is checked, if it is time to.
    fn poll_priority(
        &mut self,
        wait: usize,
        period: Option<f64>,
        choices: &'a [Choice],
        waker: Waker,
    ) {
        match period {
            None => {
                self.poll_condition(wait, waker, |model| {
                    model.choose(wait, choices);
                    false
                });
            }
            Some(period) => {
                let is_first = !self.waits[wait].registered;
                if is_first || self.poll_beats(wait, period, waker).is_some() {
                    self.choose(wait, choices);
                    if is_first {
                        self.begin(wait, self.here());
                    }
                    let _no_beat_is_left = self.poll_beats(wait, period, waker);
                }
            }
        }
        if let Some(running) = self.running(wait)
            && let Some(result) = self.poll_part(wait, running, waker)
        {
            self.log.push(format!("branch {running}: {result}"));
            self.drop_part(wait, running);
        }
    }

    /// Asks the conditions of a priority down to the branch that runs, and begins the first that holds.
    fn choose(&mut self, wait: usize, choices: &'a [Choice]) {
        for (index, choice) in choices.iter().enumerate() {
            let runs = self.running(wait) == Some(index);
            if runs && !matches!(choice.kind, Kind::During) {
                return;
            }
            let holds = matches!(choice.kind, Kind::Otherwise) || {
                self.log.push(format!("branch {index}: ask"));
                for action in &choice.actions {
                    self.act(action);
                }
                self.flags[pick(choice.flag, self.flags.len())] == choice.set
            };
            if runs && holds {
                return;
            }
            if runs {
                self.drop_part(wait, index);
            } else if holds {
                self.drop_parts(wait);
                self.log.push(format!("branch {index}: begin"));
                let part = self.prepare(&choice.wait);
                self.waits[wait].parts[index] = Some(part);
                return;
            }
        }
    }

    /// Which branch of a priority runs.
    fn running(&self, wait: usize) -> Option<usize> {
        self.waits[wait].parts.iter().position(Option::is_some)
    }

    /// Polls a wait, and returns its result if it is ready.
    fn poll_wait(&mut self, wait: usize, waker: Waker) -> Option<String> {
        let kind = self.waits[wait].kind;
        let ready = match *kind {
            Wait::Frames(..)
            | Wait::Seconds(_)
            | Wait::ClockSeconds(..)
            | Wait::UntilTime(_)
            | Wait::Cooled(_) => self.poll_timer(wait, waker),
            Wait::RealSeconds(_) => self.poll_real(wait, waker),
            Wait::Beats(period, count) => {
                while self.waits[wait].outputs.len() < usize::from(count) {
                    let beats = self.poll_beats(wait, period, waker)?;
                    self.waits[wait].outputs.push(Some(beats.to_string()));
                }
                let outputs: Vec<_> = self.waits[wait].outputs.iter().flatten().cloned().collect();
                return Some(outputs.join(", "));
            }
            Wait::Rush(_) => {
                let count = self.waits[wait].parts.len();
                let (index, result) = (0..count)
                    .find_map(|index| Some((index, self.poll_part(wait, index, waker)?)))?;
                self.drop_part(wait, index);
                for index in 0..count {
                    if let Some(part) = self.waits[wait].parts[index].take() {
                        self.spawn_rest(part, self.here(), false);
                    }
                }
                return Some(result);
            }
            Wait::Uncancellable(_) => {
                self.waits[wait].registered = true;
                let result = self.poll_part(wait, 0, waker)?;
                self.drop_part(wait, 0);
                return Some(result);
            }
            Wait::Scope(ref children, ref body) => {
                return self.poll_scope(wait, children, body, waker);
            }
            Wait::Priority(_, period, ref choices) => {
                self.poll_priority(wait, period, choices, waker);
                return None;
            }
            Wait::OnCancel(..) => {
                let result = self.poll_part(wait, 0, waker)?;
                self.drop_part(wait, 0);
                return Some(result);
            }
            Wait::Flag(number, ref actions) => self.poll_condition(wait, waker, |model| {
                let flag = pick(number, model.flags.len());
                if !model.is_skipped_here() {
                    model.log.push(format!("flag {flag}: check"));
                }
                for action in actions {
                    model.act(action);
                }
                model.flags[flag]
            }),
            Wait::While(number) => self.poll_condition(wait, waker, |model| {
                let flag = pick(number, model.flags.len());
                if !model.is_skipped_here() {
                    model.log.push(format!("flag {flag}: while"));
                }
                !model.flags[flag]
            }),
            Wait::Changed(number) => {
                let flag = pick(number, self.flags.len());
                let ready = self.poll_condition(wait, waker, |model| {
                    model.note_read(flag);
                    u64::from(model.flags[flag]) != model.waits[wait].seen
                });
                return ready.then(|| self.flags[flag].to_string());
            }
            Wait::FlagEvery(number, period) => {
                let flag = pick(number, self.flags.len());
                let is_first = !self.waits[wait].registered;
                if !is_first && self.poll_beats(wait, period, waker).is_none() {
                    return None;
                }
                self.log.push(format!("flag {flag}: look"));
                if self.flags[flag] {
                    return Some(String::new());
                }
                if is_first {
                    self.begin(wait, self.here());
                }
                let _no_beat_is_left = self.poll_beats(wait, period, waker);
                return None;
            }
            Wait::Animate(seconds) => return self.poll_animate(wait, seconds, waker),
            Wait::Checks(number) => self.poll_condition(wait, waker, |model| {
                let checks = &mut model.waits[wait].checks;
                *checks += 1;
                let checks = *checks;
                model.log.push(format!("check {checks}"));
                checks > number
            }),
            Wait::Yield => {
                let again = std::mem::replace(&mut self.waits[wait].yielded, true);
                if !again {
                    self.wake(waker);
                }
                again
            }
            Wait::Event(number) => {
                let event = pick(number, self.events.len());
                let given = self.events[event].0 != self.waits[wait].seen;
                if !given {
                    self.events[event].1.push(waker);
                }
                given
            }
            Wait::Join(_) => {
                self.note_poll(wait);
                let caller = self.stack.last().copied();
                let alive = self.alive(self.waits[wait].group);
                let is_ready = alive.iter().all(|&task| Some(task) == caller);
                self.waits[wait].waker = (!is_ready).then_some(waker);
                is_ready
            }
            Wait::Task(_) => {
                let Some(task) = self.waits[wait].task else {
                    return Some("no handle".into());
                };
                if let Some(result) = self.result(task) {
                    return Some(result);
                }
                self.tasks[task].waiter = Some(waker);
                false
            }
            Wait::Shared(_) => {
                let Some(task) = self.waits[wait].task else {
                    return Some("no handle".into());
                };
                if let Some(result) = self.result(task) {
                    return Some(result);
                }
                self.note_poll(wait);
                self.waits[wait].waker = Some(waker);
                false
            }
            Wait::Cue(_) => return self.poll_given(wait, waker).map(|value| value.to_string()),
            Wait::Raised(_) => self.poll_given(wait, waker).is_some(),
            Wait::Stashed(_) => return Some("nothing stashed".into()),
            Wait::First(..) => {
                let (index, result) = self.poll_first(wait, waker)?;
                return Some(format!("{index} {result}"));
            }
            Wait::All(..) => return self.poll_all(wait, waker, false),
            Wait::TryAll(..) => return self.poll_all(wait, waker, true),
            Wait::Completed(_) => return self.poll_completed(wait, waker),
            Wait::Timeout(..) => {
                let result = match self.poll_part(wait, 0, waker) {
                    Some(result) => result,
                    None if self.poll_timer(wait, waker) => "elapsed".into(),
                    None => return None,
                };
                self.drop_part(wait, 0);
                return Some(result);
            }
            Wait::Until(..) => {
                let (index, result) = self.poll_first(wait, waker)?;
                return Some(if index == 0 { result } else { "stopped".into() });
            }
        };
        ready.then(String::new)
    }

    /// Drops a wait: nothing wakes its task for it any more, but an event still knows its waker.
    pub fn drop_wait(&mut self, wait: usize) {
        self.waits[wait].gone = true;
        let was_ready = self.waits[wait].parts.iter().all(Option::is_none);
        if let Wait::Uncancellable(_) = self.waits[wait].kind
            && self.waits[wait].registered
            && let Some(part) = self.waits[wait].parts[0].take()
        {
            self.spawn_rest(part, 0, true);
        }
        self.drop_parts(wait);
        if let Wait::OnCancel(_, actions) = self.waits[wait].kind
            && !was_ready
        {
            self.log.push("cancelled".into());
            for action in actions {
                self.act(action);
            }
        }
        if let Some(task) = self.waits[wait].task.take()
            && matches!(self.waits[wait].kind, Wait::Task(_))
        {
            self.tasks[task].waiter = None;
        }
    }

    fn drop_awaiting(&mut self, task: usize) {
        for wait in self.tasks[task].awaiting.take().unwrap_or_default() {
            self.drop_wait(wait);
        }
    }

    fn drop_locals(&mut self, task: usize) -> Option<String> {
        let locals = std::mem::take(&mut self.tasks[task].locals);
        self.drop_guards(task, locals)
    }

    /// Drops guards, all of them even if one panics, and returns the message of the one that does.
    fn drop_guards(&mut self, task: usize, guards: Vec<&'a Guard>) -> Option<String> {
        let mut message = None;
        let name = self.tasks[task].number.unwrap_or_default();
        for guard in guards {
            self.log.push(format!("t{name}: guard"));
            for action in &guard.actions {
                self.act(action);
            }
            if guard.panics && !std::mem::replace(&mut self.tasks[task].unwinding, true) {
                message = Some(format!("t{name} panics in a guard"));
            }
        }
        message
    }

    /// Drops the waits that are stashed; what that stashes stays.
    pub fn drop_stash(&mut self) {
        for wait in std::mem::take(&mut self.stash) {
            self.drop_wait(wait);
        }
    }

    fn take_handle(&mut self, number: u8) -> Option<usize> {
        let task = self.task(number)?;
        std::mem::take(&mut self.tasks[task].handle).then_some(task)
    }

    fn take_result(&mut self, task: usize) {
        if self.tasks[task].handle {
            let result = self.result(task);
            self.tasks[task].handle = result.is_none();
            self.log.push(format!("t{}: take: {result:?}", self.name(task)));
        }
    }

    fn task(&self, number: u8) -> Option<usize> {
        let count = self.numbered.len();
        (count > 0).then(|| self.numbered[pick(number, count)])
    }

    /// The number that the program knows a task by.
    fn name(&self, task: usize) -> usize {
        self.tasks[task].number.expect("the program does not know the others")
    }

    fn result(&self, task: usize) -> Option<String> {
        self.tasks[task].result.as_ref().map(|end| match end {
            End::Output(output) => format!("output {output}"),
            End::Cancelled => "cancelled".into(),
            End::Panicked => "panicked".into(),
        })
    }
}

/// Returns whether a result is that of a task without an output.
pub fn is_error(result: &str) -> bool {
    matches!(result, "cancelled" | "panicked")
}
