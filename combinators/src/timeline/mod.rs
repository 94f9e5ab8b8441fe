//! Timelines: cues and spans at their times, on a clock.

mod playhead;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use cuelight_runtime::{Countdown, SkipWatch, TickWatch, is_skipping, now};

use crate::Ease;
use crate::utils::POLLED_AFTER_COMPLETION;
use playhead::{Item, Playhead};

/// Cues and spans at their times: what a timeline editor makes by hand, written in code.
///
/// A *cue* is a function that is called at its time; a *span* one that is called with 0 to 1, eased, over a range of time,
/// once a tick, and with exactly 1 at its end. [`play`](Self::play) is a future, on the clock of the task that awaits it:
/// slowed and frozen with it. While it plays the timeline can be steered, from a cue of its own too: [`seek`](Self::seek),
/// [`pause`](Self::pause), [`set_speed`](Self::set_speed), [`skip`](Self::skip). Who steers calls no function of the
/// timeline: they are all called where it is awaited.
///
/// Clones are the same timeline. Dropping one stops no play. All times are in seconds from the timeline's start.
///
/// What happens at one time happens in the order in which it was added. A cue that steers its own timeline does so by a
/// [`handle`](Self::handle), since with a clone the timeline would own itself, and at its own time: the rest of that
/// tick's step is left out.
///
/// While its clock is skipped, the cues are called at their times, in their order among all else that is skipped, and
/// spans with their ends only. One that is paused, at speed 0, or loops forever does not end for that.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::{Ease, Timeline};
///
/// # run(async {
/// let (height, sound) = (Cell::new(0.0), Cell::new(""));
/// Timeline::new()
///     .span(0.0..0.5, Ease::Linear, |t| height.set(10.0 * t))
///     .at(0.25, || sound.set("creak"))
///     .play()
///     .await;
/// assert_eq!((height.get(), sound.get()), (10.0, "creak"));
/// # });
/// ```
#[must_use = "a timeline does nothing until it is played"]
pub struct Timeline<'a> {
    shared: Rc<Shared<'a>>,
}

/// What the clones of a timeline share.
struct Shared<'a> {
    /// Taken out while it is moved, since it calls the author's functions.
    head: RefCell<Option<Playhead<'a>>>,
    /// What was added since the last play began.
    added: RefCell<Vec<Item<'a>>>,
    labels: RefCell<Vec<(String, f64)>>,
    /// What was asked for since the last look, in order.
    orders: RefCell<Vec<Order>>,
    /// Where it is, written down for those who ask.
    place: Cell<Place>,
    /// How often it plays; 0 for no end.
    loops: Cell<u32>,
    speed: Cell<f64>,
    paused: Cell<bool>,
    /// The number of the play that moves it, if there is one, and that of the last one.
    player: Cell<Option<u64>>,
    plays: Cell<u64>,
    /// Who plays it, to be told of orders.
    waker: RefCell<Option<Waker>>,
}

/// Where a timeline is.
#[derive(Clone, Copy, Default)]
struct Place {
    lap: u32,
    time: f64,
    duration: f64,
}

/// What a timeline is told to do.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Seek(f64),
    Skip,
    /// Look again at how it moves.
    Look,
}

/// What happens to a cue that is jumped over, or that comes again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum CueRule {
    /// Cue is called whenever the timeline comes past it: playing, or jumping over it forward; in each lap, and again
    /// after a jump back. For what sets a state.
    #[default]
    Passing,
    /// Cue is called so, but at most once in a play. For what must not be done twice.
    Once,
    /// Cue is called only when it is played, in each lap; a jump over it leaves it out. For what only makes sense at its
    /// moment: a sound, a shake.
    OnlyPlayed,
}

impl<'a> Timeline<'a> {
    /// Makes an empty timeline.
    pub fn new() -> Self {
        Self {
            shared: Rc::new(Shared {
                head: RefCell::new(Some(Playhead::default())),
                added: RefCell::default(),
                labels: RefCell::default(),
                orders: RefCell::default(),
                place: Cell::default(),
                loops: Cell::new(1),
                speed: Cell::new(1.0),
                paused: Cell::new(false),
                player: Cell::new(None),
                plays: Cell::new(0),
                waker: RefCell::default(),
            }),
        }
    }

    /// Adds a cue: a function called at a time, with [`CueRule::Passing`].
    ///
    /// What is added while the timeline plays belongs to its next play.
    ///
    /// # Panics
    /// If the time is negative, infinite or not a number.
    #[track_caller]
    pub fn at(self, time: f64, cue: impl FnMut() + 'a) -> Self {
        check_time("Timeline::at", time);
        self.add(Item::cue(time, CueRule::Passing, cue))
    }

    /// Adds a cue with a rule for when it is jumped over, or comes again.
    ///
    /// # Panics
    /// If the time is negative, infinite or not a number.
    #[track_caller]
    pub fn at_with(self, time: f64, rule: CueRule, cue: impl FnMut() + 'a) -> Self {
        check_time("Timeline::at_with", time);
        self.add(Item::cue(time, rule, cue))
    }

    /// Adds a span: a function called with 0 to 1, eased, over a range of time: once a tick while it lasts, and with
    /// exactly 1 at its end. One of no length is called with 1.
    ///
    /// When the timeline jumps forward over it, it is called with 1; when it jumps back before it, with 0.
    ///
    /// # Panics
    /// If a time is negative, infinite or not a number, or if the range ends before it starts.
    #[track_caller]
    pub fn span(self, range: Range<f64>, ease: Ease, step: impl FnMut(f64) + 'a) -> Self {
        check_time("Timeline::span", range.start);
        check_time("Timeline::span", range.end);
        assert!(
            range.start <= range.end,
            "Timeline::span({range:?}): it ends before it starts; swap the two times"
        );
        self.add(Item::span(range, ease, step))
    }

    /// Adds another timeline, whose start is at a time of this one. It plays on this one's time, at its own speed and as
    /// often as it loops, and this one does not end before it.
    ///
    /// # Panics
    /// If the time is negative, infinite or not a number; if the other loops forever; and if it is this one.
    #[track_caller]
    pub fn nest(self, time: f64, other: Timeline<'a>) -> Self {
        check_time("Timeline::nest", time);
        assert!(
            other.shared.loops.get() > 0,
            "Timeline::nest({time}): a timeline that loops forever has no end for the other one to wait for"
        );
        assert!(!Rc::ptr_eq(&self.shared, &other.shared), "Timeline::nest({time}): it is the same");
        self.add(Item::nested(time, other))
    }

    /// Names a time, for [`seek_to`](Self::seek_to).
    ///
    /// # Panics
    /// If the time is negative, infinite or not a number, or if another time has that name.
    #[track_caller]
    pub fn label(self, name: impl Into<String>, time: f64) -> Self {
        check_time("Timeline::label", time);
        let name = name.into();
        let mut labels = self.shared.labels.borrow_mut();
        assert!(
            labels.iter().all(|(other, _)| *other != name),
            "Timeline::label({name:?}, {time}): there is a label of that name"
        );
        labels.push((name, time));
        drop(labels);
        self
    }

    /// Plays so many times in a row.
    ///
    /// # Panics
    /// If the count is 0.
    #[track_caller]
    pub fn loops(self, count: u32) -> Self {
        assert!(count > 0, "Timeline::loops(0): it plays once at least");
        self.shared.loops.set(count);
        self
    }

    /// Plays again and again, until the play is dropped.
    pub fn loop_forever(self) -> Self {
        self.shared.loops.set(0);
        self
    }

    fn add(self, item: Item<'a>) -> Self {
        self.shared.added.borrow_mut().push(item);
        self
    }

    /// Plays from the start, from the first poll on, on the clock of the task that polls it. It is ready when the timeline
    /// has come to its end.
    ///
    /// A second play takes the timeline over: the first one is ready at its next poll. Dropping the play stops it where it
    /// is. A panic in a cue or a span is the task's.
    pub fn play(&self) -> Play<'a> {
        Play { timeline: self.clone(), state: State::New }
    }

    // ---------------------------------------------------------------- Steering

    /// Returns a handle that does not own the timeline, for its own cues.
    pub fn handle(&self) -> TimelineHandle<'a> {
        TimelineHandle { shared: Rc::downgrade(&self.shared) }
    }

    /// Jumps to a time, with the next poll of its play; before a play, that begins there. What is beyond the end is the
    /// end; what is negative is the start.
    ///
    /// Forward, spans that are jumped over are called with 1, cues by their [`CueRule`]. Back, spans that have not begun
    /// at that time are called with 0, the last one first.
    ///
    /// # Panics
    /// If the time is not a number.
    #[track_caller]
    pub fn seek(&self, time: f64) {
        assert!(!time.is_nan(), "Timeline::seek(NaN): the time is not a number");
        self.order(Order::Seek(time));
    }

    /// Jumps to a label, as [`seek`](Self::seek) does.
    ///
    /// # Panics
    /// If there is no such label; the message lists those that there are.
    #[track_caller]
    pub fn seek_to(&self, label: &str) {
        let labels = self.shared.labels.borrow();
        let Some(&(_, time)) = labels.iter().find(|(name, _)| name == label) else {
            let names: Vec<_> = labels.iter().map(|(name, _)| name.as_str()).collect();
            panic!("Timeline::seek_to({label:?}): there is no such label, only {names:?}");
        };
        drop(labels);
        self.order(Order::Seek(time));
    }

    /// Jumps to the end: every cue that is left is called, in all laps that are left, and every span ends. One that loops
    /// forever ends with this lap.
    pub fn skip(&self) {
        self.order(Order::Skip);
    }

    /// Sets the speed: 1 is normal, 0 stands still.
    ///
    /// # Panics
    /// If it is negative, infinite or not a number.
    #[track_caller]
    pub fn set_speed(&self, speed: f64) {
        assert!(
            speed.is_finite() && speed >= 0.0,
            "Timeline::set_speed({speed}): a speed is 0 or more, and finite; to go back, use `seek`"
        );
        self.shared.speed.set(speed);
        self.look();
    }

    /// Stands still.
    pub fn pause(&self) {
        self.shared.paused.set(true);
        self.look();
    }

    /// Goes on after a pause.
    pub fn resume(&self) {
        self.shared.paused.set(false);
        self.look();
    }

    fn look(&self) {
        if self.is_playing() {
            self.order(Order::Look);
        }
    }

    fn order(&self, order: Order) {
        let mut orders = self.shared.orders.borrow_mut();
        // Of several jumps before a play only the last one counts.
        if !self.is_playing() {
            orders.clear();
        }
        orders.push(order);
        drop(orders);
        let waker = self.shared.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    // ---------------------------------------------------------------- Asking

    /// Returns whether it stands still by [`pause`](Self::pause).
    pub fn is_paused(&self) -> bool {
        self.shared.paused.get()
    }

    /// Returns whether somebody plays it.
    pub fn is_playing(&self) -> bool {
        self.shared.player.get().is_some()
    }

    /// Returns where it is in its current lap.
    pub fn time(&self) -> f64 {
        self.shared.place.get().time
    }

    /// Returns the laps that are behind it.
    pub fn lap(&self) -> u32 {
        self.shared.place.get().lap
    }

    /// Returns how long a lap is: up to the last cue, or the last span's end.
    pub fn duration(&self) -> f64 {
        let added = self.shared.added.borrow();
        added.iter().map(Item::end).fold(self.shared.place.get().duration, f64::max)
    }

    /// Returns how much of it is played, all laps together: 0 to 1; of one that loops forever, how much of its lap.
    pub fn progress(&self) -> f64 {
        let place = self.shared.place.get();
        let duration = self.duration();
        let lap = if duration > 0.0 { (place.time / duration).min(1.0) } else { 0.0 };
        match self.shared.loops.get() {
            0 => lap,
            loops if place.lap >= loops => 1.0,
            loops => (f64::from(place.lap) + lap) / f64::from(loops),
        }
    }

    // ---------------------------------------------------------------- Playing

    /// Moves the playhead by a function; nobody else has it meanwhile.
    fn with_head<T>(&self, function: impl FnOnce(&mut Playhead<'a>, &Self) -> T) -> Option<T> {
        let mut out = HeadOut { timeline: self, head: self.shared.head.borrow_mut().take() };
        let result = function(out.head.as_mut()?, self);
        Some(result)
    }

    /// Takes the next thing that it is told to do.
    fn next_order(&self) -> Option<Order> {
        let mut orders = self.shared.orders.borrow_mut();
        (!orders.is_empty()).then(|| orders.remove(0))
    }

    fn has_orders(&self) -> bool {
        !self.shared.orders.borrow().is_empty()
    }
}

/// The playhead while it is out. Dropping it puts it back, after a panic too.
struct HeadOut<'t, 'a> {
    timeline: &'t Timeline<'a>,
    head: Option<Playhead<'a>>,
}

impl Drop for HeadOut<'_, '_> {
    fn drop(&mut self) {
        let Some(head) = self.head.take() else {
            return;
        };
        let shared = &self.timeline.shared;
        shared.place.set(head.place());
        *shared.head.borrow_mut() = Some(head);
    }
}

impl Clone for Timeline<'_> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl Default for Timeline<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Timeline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline")
            .field("time", &self.time())
            .field("lap", &self.lap())
            .field("duration", &self.duration())
            .finish_non_exhaustive()
    }
}

/// A handle to a [`Timeline`] that does not own it: what a cue steers its own timeline by. It does nothing when the
/// timeline is gone. Dropping it changes nothing.
///
/// # Examples
/// ```
/// # use cuelight_combinators::doc_example::run;
/// use std::cell::Cell;
///
/// use cuelight_combinators::Timeline;
///
/// # run(async {
/// let tries = Cell::new(0);
/// let knocking = Timeline::new().label("knock", 0.5);
/// let own = knocking.handle();
/// knocking
///     .at(0.5, || tries.set(tries.get() + 1))
///     .at(1.0, || {
///         if tries.get() < 3 {
///             own.seek_to("knock");
///         }
///     })
///     .play()
///     .await;
/// assert_eq!(tries.get(), 3);
/// # });
/// ```
#[derive(Clone)]
pub struct TimelineHandle<'a> {
    shared: Weak<Shared<'a>>,
}

impl<'a> TimelineHandle<'a> {
    /// Returns the timeline, if it is still there.
    pub fn timeline(&self) -> Option<Timeline<'a>> {
        Some(Timeline { shared: self.shared.upgrade()? })
    }

    /// Jumps to a time, as [`Timeline::seek`] does.
    ///
    /// # Panics
    /// If the time is not a number.
    #[track_caller]
    pub fn seek(&self, time: f64) {
        if let Some(timeline) = self.timeline() {
            timeline.seek(time);
        }
    }

    /// Jumps to a label, as [`Timeline::seek_to`] does.
    ///
    /// # Panics
    /// If there is no such label.
    #[track_caller]
    pub fn seek_to(&self, label: &str) {
        if let Some(timeline) = self.timeline() {
            timeline.seek_to(label);
        }
    }

    /// Jumps to the end, as [`Timeline::skip`] does.
    pub fn skip(&self) {
        if let Some(timeline) = self.timeline() {
            timeline.skip();
        }
    }

    /// Stands still, as with [`Timeline::pause`].
    pub fn pause(&self) {
        if let Some(timeline) = self.timeline() {
            timeline.pause();
        }
    }

    /// Sets the speed, as [`Timeline::set_speed`] does.
    ///
    /// # Panics
    /// If it is negative, infinite or not a number.
    #[track_caller]
    pub fn set_speed(&self, speed: f64) {
        if let Some(timeline) = self.timeline() {
            timeline.set_speed(speed);
        }
    }
}

impl fmt::Debug for TimelineHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimelineHandle").field("timeline", &self.timeline()).finish()
    }
}

#[track_caller]
fn check_time(function: &str, time: f64) {
    assert!(
        time.is_finite() && time >= 0.0,
        "{function}({time}): a time of a timeline is 0 or more, and finite"
    );
}

/// Future of [`Timeline::play`]. Dropping it stops the play where it is.
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Play<'a> {
    timeline: Timeline<'a>,
    state: State,
}

enum State {
    /// Play has not been polled.
    New,
    /// Play moves the timeline, unless another one has taken it over.
    Playing {
        number: u64,
        watch: TickWatch,
        /// The clock's time at the last look.
        last: f64,
        pace: Pace,
    },
    /// Play has been ready.
    Done,
}

impl Unpin for Play<'_> {}

impl Future for Play<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let shared = &this.timeline.shared;
        let step = match &mut this.state {
            State::New => {
                let number = shared.plays.get() + 1;
                shared.plays.set(number);
                shared.player.set(Some(number));
                let mut watch = TickWatch::new();
                let _begun = watch.poll_tick(cx);
                this.state = State::Playing { number, watch, last: now(), pace: Pace::default() };
                this.timeline.with_head(Playhead::begin_play);
                Some(0.0)
            }
            State::Playing { number, .. } if shared.player.get() != Some(*number) => {
                this.state = State::Done;
                return Poll::Ready(());
            }
            State::Playing { watch, last, .. } => {
                let ticked = watch.poll_tick(cx).is_ready();
                let now = now();
                ticked.then(|| now - std::mem::replace(last, now))
            }
            State::Done => panic!("{POLLED_AFTER_COMPLETION}"),
        };
        let former = shared.waker.borrow_mut().replace(cx.waker().clone());
        drop(former);
        let is_quiet = is_skipping();
        let is_over = this.timeline.with_head(|head, timeline| {
            head.set_quiet(is_quiet);
            head.advance(timeline, step)
        });
        // Without a playhead this is a cue that plays its own timeline: it goes on with the next tick.
        if is_over != Some(true) {
            if let State::Playing { pace, .. } = &mut this.state {
                let next = || this.timeline.with_head(|head, timeline| head.left(timeline))?;
                pace.keep(cx, next);
            }
            return Poll::Pending;
        }
        this.stop();
        this.state = State::Done;
        Poll::Ready(())
    }
}

/// How a play goes on while its clock is skipped: from event to event.
#[derive(Default)]
struct Pace {
    skip: SkipWatch,
    /// The time up to the next event, to which the skipped clock jumps.
    next: Option<Countdown>,
}

impl Pace {
    /// Has the play polled when a skip begins; while there is one, has the clock stop at what comes next.
    fn keep(&mut self, cx: &mut Context<'_>, next: impl FnOnce() -> Option<f64>) {
        self.next = None;
        if self.skip.poll_skipping(cx).is_ready()
            && let Some(seconds) = next()
        {
            let mut next = Countdown::new(seconds);
            let _begun = next.progress();
            self.next = Some(next);
        }
    }
}

impl Play<'_> {
    /// Lets go of the timeline, if it is still this play's.
    fn stop(&self) {
        let shared = &self.timeline.shared;
        if let State::Playing { number, .. } = self.state
            && shared.player.get() == Some(number)
        {
            shared.player.set(None);
            let waker = shared.waker.borrow_mut().take();
            drop(waker);
        }
    }
}

impl Drop for Play<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Play<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Play").field("timeline", &self.timeline).finish_non_exhaustive()
    }
}
