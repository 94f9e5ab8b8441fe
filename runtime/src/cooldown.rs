//! Cooldowns: how often something may be done, in a group's time.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::scheduler::{GroupKey, Runtime};
use crate::wait::WaitSeconds;

/// A cooldown on a group's clock, made by [`GroupHandle::cooldown`](crate::GroupHandle::cooldown). It is ready at first.
///
/// It is a thing of its own, not a part of a script: a script that is interrupted and begun anew finds it where it
/// really is. It runs in its group's time: slow motion and pauses hold it back, whoever asks. If the group closes, what
/// is left runs on the clock above, and later starts are on the clock of the nearest open group above, as with a
/// [`Clock`](crate::Clock). Dropping it leaves nothing behind; who waits in [`ready`](Self::ready) still waits for what
/// was left.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// # struct Bare;
/// # impl cuelight_runtime::engine::Engine for Bare {
/// #     fn real_time(&self) -> Duration { Duration::ZERO }
/// #     fn call_soon(&self) {}
/// # }
/// # cuelight_runtime::engine::start(Bare);
/// use cuelight_runtime::{Phase, engine, root_group};
///
/// let dash = root_group().cooldown(0.8);
/// assert!(dash.try_start());
/// assert!(!dash.try_start());
/// engine::tick(Phase::Process, Duration::from_millis(800));
/// assert!(dash.is_ready());
/// ```
pub struct Cooldown {
    runtime: &'static Runtime,
    group: GroupKey,
    seconds: f64,
    /// The wait for the end of the last start.
    wait: RefCell<Option<WaitSeconds>>,
}

impl Cooldown {
    pub(crate) fn new(runtime: &'static Runtime, group: GroupKey, seconds: f64) -> Self {
        Self { runtime, group, seconds, wait: RefCell::new(None) }
    }

    /// Starts the cooldown if it is ready, and returns whether it was.
    pub fn try_start(&self) -> bool {
        let is_ready = self.is_ready();
        if is_ready {
            // The one that is over leaves first, so that its entry is used again.
            *self.wait.borrow_mut() = None;
            *self.wait.borrow_mut() = Some(WaitSeconds::on(self.runtime, self.group, self.seconds));
        }
        is_ready
    }

    /// Returns whether the cooldown has run out, or was never started.
    pub fn is_ready(&self) -> bool {
        self.wait.borrow().as_ref().is_none_or(WaitSeconds::is_over)
    }

    /// Waits until the cooldown has run out; at once if it is ready now.
    ///
    /// It waits for the end of what runs when it is made; a start after that does not hold it up. Several may wait; they
    /// resume in the order of their first polls, and the first that calls [`try_start`](Self::try_start) has it. While the
    /// group's clock is skipped, it is over at once. Dropping the wait leaves nothing behind.
    pub fn ready(&self) -> CooldownReady {
        let wait = match &*self.wait.borrow() {
            Some(wait) => wait.same(),
            None => WaitSeconds::over(),
        };
        CooldownReady { wait }
    }
}

impl fmt::Debug for Cooldown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cooldown")
            .field("seconds", &self.seconds)
            .field("ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

/// Future of [`Cooldown::ready`]. Dropping it leaves nothing behind.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct CooldownReady {
    wait: WaitSeconds,
}

impl Future for CooldownReady {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.wait).poll(cx)
    }
}
