//! Who drives: the driver's thread, or for a while a thread of the application that would only wait for it.
//!
//! A thread that has to wait again and again, each time for what a link is about to bring, costs two switches each time if another thread
//! sees to the link. So it takes the driver over while it waits (a leader, and the driver's thread follows): what arrives is in its hands at
//! once, and so is what it writes on its way out. There is one `Driver`, at the helm, and whoever drives holds that. [`Lead`]
//! says under the core's lock who that is, so exactly one thread drives, or nobody does for a moment:
//!
//! ```text
//!            steps aside                takes the helm
//!   Thread ---------------> Nobody <--------------------> Caller
//!     ^                       |          leaves             |
//!     |   nobody came for a tick, or there is work          |  somebody else waits, or there is more to do
//!     +-----------------------+-----------------------------+
//! ```
//!
//! - The thread steps aside only for one who came back soon, several times in a row, and only if nobody else waits for data or for room.
//! - Who makes work while nobody drives does it, or hands it to the thread (`Shared::act_if`).
//! - What nobody said, a frame that arrives or a timer, waits for a tick: the thread looks once in a `TICK` (`follow.rs`), and drives again if nobody has
//!   driven since. While a caller sleeps at the helm, the thread sleeps as well, without a time.

use basis::Instant;
use std::time::Duration;

/// Who waits again that soon after it was woken comes back soon.
const SOON: Duration = Duration::from_micros(250);
/// How often somebody must have come back soon, in a row, before the thread steps aside.
pub(crate) const OFTEN: u8 = 4;

/// Who drives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Who {
    #[default]
    Thread,
    Nobody,
    Caller,
}

/// Under the core's lock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lead {
    pub(crate) who: Who,
    /// How often a caller has taken the helm or left it.
    pub(crate) moves: u64,
    /// When somebody who waited for data was woken.
    woken: Instant,
    /// How often in a row somebody has come back soon after that.
    pub(crate) soon: u8,
    /// The driver's thread sleeps without a time.
    pub(crate) rests: bool,
}

impl Lead {
    /// Somebody who waited is woken.
    pub(crate) fn on_woken(&mut self, now: Instant) {
        self.woken = now;
    }

    /// A thread has to wait.
    pub(crate) fn on_wait(&mut self, now: Instant) {
        self.soon = if now - self.woken <= SOON { self.soon.saturating_add(1).min(OFTEN) } else { 0 };
    }

    /// What is done now is not for a thread that waits.
    pub(crate) fn forget(&mut self) {
        self.soon = 0;
    }

    pub(crate) fn is_nobody(&self) -> bool {
        self.who == Who::Nobody
    }

    /// Takes the helm, if it is free.
    pub(crate) fn take(&mut self) -> bool {
        let free = self.is_nobody();
        if free {
            self.who = Who::Caller;
            self.moves += 1;
        }
        free
    }

    /// The driver's thread is to drive. True if it has to be told.
    pub(crate) fn recall(&mut self) -> bool {
        let recalled = self.is_nobody();
        if recalled {
            (self.who, self.soon) = (Who::Thread, 0);
        }
        recalled
    }
}

/// What follows a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Another turn at once: there is more to do.
    Turn,
    /// Nothing is to do, and another turn follows at once all the same: something may come soon ([`crate::polling`]).
    Ask,
    /// Nothing is due before then.
    Sleep(Instant),
    /// The host has come to its end.
    End,
}

impl Next {
    /// Whether nothing is left to do, so that somebody else may drive, or nobody for a moment.
    pub(crate) fn is_still(self) -> bool {
        matches!(self, Next::Ask | Next::Sleep(_))
    }
}

/// What is at the helm: the driver.
pub(crate) trait Drive: Send {
    /// One round, of the driver's thread or of a caller: in, through the stack, out.
    fn turn(&mut self, who: Who) -> Next;

    /// Looks what the links have brought meanwhile, when another turn follows at once.
    fn look(&mut self, next: Next);

    /// Waits for up to `patience`, or for ever, for what the links bring or somebody to ring the bell.
    fn sleep(&mut self, patience: Option<Duration>);

    /// Drives until the end, which is false, or until nothing is to do and somebody else may drive.
    fn drive(&mut self) -> bool;
}
