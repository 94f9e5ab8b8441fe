//! The playhead of a timeline: what it passes, and in which order.
//!
//! Whatever happens at a time is an event: a cue, a span's start and end, a nested timeline's start. Moving forward calls
//! the events one by one, in the order of their times, and then each running span with where it is. Nothing is called
//! twice: a span that ends within a step is called with 1, and no more.

use std::ops::Range;

use super::{CueRule, Order, Place, Timeline};
use crate::Ease;

/// What comes no more than a microsecond later has come, so that sums of steps never make it a frame late.
const GRACE: f64 = 1e-6;

/// Something on a timeline.
pub(super) struct Item<'a> {
    start: f64,
    end: f64,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Cue {
        rule: CueRule,
        /// Set if it has been called in this play.
        called: bool,
        call: Box<dyn FnMut() + 'a>,
    },
    Span {
        ease: Ease,
        call: Box<dyn FnMut(f64) + 'a>,
    },
    Nested {
        timeline: Timeline<'a>,
    },
}

impl<'a> Item<'a> {
    pub(super) fn cue(time: f64, rule: CueRule, call: impl FnMut() + 'a) -> Self {
        let kind = Kind::Cue { rule, called: false, call: Box::new(call) };
        Self { start: time, end: time, kind }
    }

    pub(super) fn span(range: Range<f64>, ease: Ease, call: impl FnMut(f64) + 'a) -> Self {
        let kind = Kind::Span { ease, call: Box::new(call) };
        Self { start: range.start, end: range.end, kind }
    }

    pub(super) fn nested(time: f64, timeline: Timeline<'a>) -> Self {
        let laps = f64::from(timeline.shared.loops.get());
        let end = time + timeline.duration() * laps;
        Self { start: time, end, kind: Kind::Nested { timeline } }
    }

    pub(super) fn end(&self) -> f64 {
        self.end
    }

    /// Calls a span with where it is at a time.
    fn step(&mut self, time: f64) {
        if let Kind::Span { ease, call } = &mut self.kind {
            let length = self.end - self.start;
            let part = if length > 0.0 { (time - self.start) / length } else { 1.0 };
            call(ease.at(part));
        }
    }

    /// Calls a span with one of its ends, which no easing touches.
    fn land(&mut self, value: f64) {
        if let Kind::Span { call, .. } = &mut self.kind {
            call(value);
        }
    }

    /// Calls a cue, unless its rule is against it.
    fn call_cue(&mut self, is_jump: bool) {
        if let Kind::Cue { rule, called, call } = &mut self.kind {
            let is_due = match rule {
                CueRule::Passing => true,
                CueRule::Once => !*called,
                CueRule::OnlyPlayed => !is_jump,
            };
            if is_due {
                *called = true;
                call();
            }
        }
    }
}

/// Something that happens at a time.
#[derive(Clone, Copy)]
struct Event {
    time: f64,
    item: usize,
    is_end: bool,
}

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Playhead<'a> {
    /// In the order in which they were added.
    items: Vec<Item<'a>>,
    /// By time; at one time in the order in which their items were added.
    events: Vec<Event>,
    /// The first event that has not been passed.
    next: usize,
    /// The spans and nested timelines that run, in the order of their starts.
    running: Vec<usize>,
    lap: u32,
    time: f64,
    duration: f64,
    /// Set if spans are called with their ends only.
    is_quiet: bool,
}

impl<'a> Playhead<'a> {
    fn add(&mut self, item: Item<'a>) {
        let index = self.items.len();
        let (start, end) = (item.start, item.end);
        let has_end = matches!(item.kind, Kind::Span { .. });
        self.items.push(item);
        self.duration = self.duration.max(end);
        let starts = Event { time: start, item: index, is_end: false };
        let ends = has_end.then_some(Event { time: end, item: index, is_end: true });
        for event in [Some(starts), ends].into_iter().flatten() {
            let place = self.events.partition_point(|other| other.time <= event.time);
            self.events.insert(place, event);
        }
    }

    pub(super) fn place(&self) -> Place {
        Place { lap: self.lap, time: self.time.max(0.0), duration: self.duration }
    }

    /// Goes to the start, for a new play.
    pub(super) fn begin_play(&mut self, timeline: &Timeline<'a>) {
        let added = std::mem::take(&mut *timeline.shared.added.borrow_mut());
        added.into_iter().for_each(|item| self.add(item));
        self.lap = 0;
        self.rewind();
        for item in &mut self.items {
            match &mut item.kind {
                Kind::Cue { called, .. } => *called = false,
                Kind::Nested { timeline } => {
                    timeline.with_head(Playhead::begin_play);
                }
                Kind::Span { .. } => {}
            }
        }
    }

    pub(super) fn set_quiet(&mut self, is_quiet: bool) {
        self.is_quiet = is_quiet;
    }

    /// Returns the seconds of the clock up to what comes next, if the timeline goes on by itself.
    pub(super) fn left(&self, timeline: &Timeline<'a>) -> Option<f64> {
        let speed = timeline.shared.speed.get();
        if timeline.is_paused() || speed == 0.0 {
            return None;
        }
        let own = self.events.get(self.next).map_or(self.duration, |event| event.time) - self.time;
        let nested = self.running.iter().filter_map(|&index| match &self.items[index].kind {
            Kind::Nested { timeline } => timeline.with_head(|head, it| head.left(it))?,
            Kind::Cue { .. } | Kind::Span { .. } => None,
        });
        // What is to come now comes with the next frame: a time that a clock takes for none would ask for nothing.
        Some((nested.fold(own, f64::min) / speed).max(10.0 * GRACE))
    }

    fn rewind(&mut self) {
        self.next = 0;
        self.running.clear();
        self.time = 0.0;
    }

    /// Does what it was told to do, and moves on by a step of its clock. Returns whether the timeline is over.
    pub(super) fn advance(&mut self, timeline: &Timeline<'a>, step: Option<f64>) -> bool {
        let mut step = step;
        loop {
            let mut has_jumped = false;
            while let Some(order) = timeline.next_order() {
                match order {
                    Order::Seek(time) => {
                        self.seek(time);
                        has_jumped = true;
                    }
                    Order::Skip => {
                        self.finish(timeline);
                        return true;
                    }
                    Order::Look => {}
                }
            }
            if timeline.is_paused() {
                if has_jumped {
                    self.step_spans();
                }
                return false;
            }
            // What is at the time of a jump happens now.
            let Some(step) = step.take().or(has_jumped.then_some(0.0)) else {
                return false;
            };
            if self.play(timeline, step * timeline.shared.speed.get()) {
                return true;
            }
            // The rest of a step in which the timeline was steered is left out.
            if !timeline.has_orders() {
                return false;
            }
        }
    }

    /// Plays on for so many seconds of its own time. Returns whether the timeline is over.
    fn play(&mut self, timeline: &Timeline<'a>, step: f64) -> bool {
        let mut target = self.time + step;
        loop {
            let is_lap = target + GRACE >= self.duration;
            if !self.play_to(timeline, target) {
                return false;
            }
            if !is_lap || !self.running.is_empty() {
                return false;
            }
            self.lap += 1;
            if self.lap == timeline.shared.loops.get() {
                return true;
            }
            target -= self.duration;
            if self.duration <= 0.0 {
                // A lap of no length is one a tick.
                self.rewind();
                return false;
            }
            self.rewind();
        }
    }

    /// Plays up to a time of this lap. Returns `false` if a cue has steered the timeline, at whose time it then is.
    fn play_to(&mut self, timeline: &Timeline<'a>, target: f64) -> bool {
        while let Some(&event) = self.events.get(self.next)
            && event.time <= target + GRACE
        {
            self.run_nested(event.time);
            self.time = self.time.max(event.time);
            self.next += 1;
            self.pass(event, false);
            if timeline.has_orders() {
                self.step_spans();
                return false;
            }
        }
        self.run_nested(target);
        self.time = target.min(self.duration);
        self.step_spans();
        true
    }

    /// Does what happens at an event.
    fn pass(&mut self, event: Event, is_jump: bool) {
        let item = &mut self.items[event.item];
        match &mut item.kind {
            Kind::Cue { .. } => item.call_cue(is_jump),
            Kind::Span { .. } if event.is_end => {
                self.running.retain(|&other| other != event.item);
                item.land(1.0);
            }
            Kind::Span { .. } => self.running.push(event.item),
            Kind::Nested { timeline } => {
                timeline.with_head(|head, _| {
                    head.lap = 0;
                    head.rewind();
                });
                self.running.push(event.item);
            }
        }
    }

    /// Calls the spans that run with where they are.
    fn step_spans(&mut self) {
        if self.is_quiet {
            return;
        }
        for index in 0..self.running.len() {
            let time = self.time;
            self.items[self.running[index]].step(time);
        }
    }

    /// Moves the nested timelines that run on to a time of this one.
    fn run_nested(&mut self, time: f64) {
        let mut running = std::mem::take(&mut self.running);
        running.retain(|&index| {
            let item = &self.items[index];
            let Kind::Nested { timeline } = &item.kind else {
                return true;
            };
            // It was last moved when this one was where it is now, or started since.
            let step = time - self.time.max(item.start);
            let is_quiet = self.is_quiet;
            let is_over = timeline.with_head(|head, timeline| {
                head.set_quiet(is_quiet);
                head.advance(timeline, Some(step.max(0.0)))
            });
            is_over != Some(true)
        });
        self.running = running;
    }

    // ---------------------------------------------------------------- Jumping

    /// Jumps to a time of this lap.
    fn seek(&mut self, time: f64) {
        let time = time.clamp(0.0, self.duration);
        if time >= self.time {
            self.seek_forward(time);
        } else {
            self.seek_back(time);
        }
        self.time = time;
        let items = &self.items;
        self.running.retain(|&index| {
            let item = &items[index];
            let Kind::Nested { timeline } = &item.kind else {
                return true;
            };
            let is_over = item.end < time - GRACE;
            timeline.with_head(|head, timeline| match is_over {
                true => head.seek_to_end(timeline),
                false => head.seek_over_laps(timeline, time - item.start),
            });
            !is_over
        });
    }

    fn seek_forward(&mut self, time: f64) {
        // What is just at that time is not jumped over: it is played next.
        while let Some(&event) = self.events.get(self.next)
            && event.time < time - GRACE
        {
            self.next += 1;
            self.pass(event, true);
        }
    }

    fn seek_back(&mut self, time: f64) {
        let next = self.events.partition_point(|event| event.time < time - GRACE);
        // The last first, so that of two spans that move the same thing the earlier one has the last word.
        for event in self.events[next..self.next].iter().copied().rev() {
            let item = &mut self.items[event.item];
            if event.is_end {
                if item.start < time - GRACE {
                    self.running.push(event.item);
                }
                continue;
            }
            self.running.retain(|&other| other != event.item);
            match &item.kind {
                Kind::Span { .. } => item.land(0.0),
                Kind::Nested { timeline } => {
                    timeline.with_head(|head, timeline| head.seek_over_laps(timeline, 0.0));
                }
                Kind::Cue { .. } => {}
            }
        }
        // A nested timeline that is over has to run again.
        for index in 0..self.items.len() {
            let item = &self.items[index];
            let is_out = matches!(item.kind, Kind::Nested { .. }) && !self.running.contains(&index);
            if is_out && item.start < time - GRACE && item.end > time {
                self.running.push(index);
            }
        }
        let (items, running) = (&self.items, &mut self.running);
        running.sort_by(|&a, &b| items[a].start.total_cmp(&items[b].start).then(a.cmp(&b)));
        self.next = next;
    }

    /// Jumps to a time that is counted over all laps: for a nested timeline, whose time is the other one's.
    fn seek_over_laps(&mut self, timeline: &Timeline<'a>, time: f64) {
        let (loops, duration) = (timeline.shared.loops.get(), self.duration);
        let lap = if duration > 0.0 { (time / duration).floor().max(0.0) as u32 } else { 0 };
        let lap = lap.min(loops.saturating_sub(1));
        if lap < self.lap {
            self.seek(0.0);
            self.lap = lap;
            self.rewind();
        }
        while self.lap < lap {
            self.jump_over_lap();
        }
        self.seek(time - f64::from(lap) * duration);
        self.step_spans();
    }

    /// Jumps to the end of the last lap.
    fn seek_to_end(&mut self, timeline: &Timeline<'a>) {
        while self.lap < timeline.shared.loops.get() {
            self.jump_over_lap();
        }
    }

    fn jump_over_lap(&mut self) {
        self.seek(self.duration);
        while let Some(&event) = self.events.get(self.next) {
            self.next += 1;
            self.pass(event, true);
        }
        for index in std::mem::take(&mut self.running) {
            if let Kind::Nested { timeline } = &self.items[index].kind {
                timeline.with_head(|head, timeline| head.seek_to_end(timeline));
            }
        }
        self.lap += 1;
        self.rewind();
    }

    /// Plays all that is left, of all laps; of endless ones only of this lap. Nobody steers meanwhile.
    fn finish(&mut self, timeline: &Timeline<'a>) {
        let loops = timeline.shared.loops.get().max(self.lap + 1);
        while self.lap < loops {
            while let Some(&event) = self.events.get(self.next) {
                self.run_nested(event.time);
                self.time = self.time.max(event.time);
                self.next += 1;
                self.pass(event, false);
            }
            self.run_nested(self.duration);
            for index in std::mem::take(&mut self.running) {
                if let Kind::Nested { timeline } = &self.items[index].kind {
                    timeline.with_head(|head, timeline| head.finish(timeline));
                }
            }
            timeline.shared.orders.borrow_mut().clear();
            self.lap += 1;
            if self.lap < loops {
                self.rewind();
            }
        }
        self.time = self.duration;
    }
}
