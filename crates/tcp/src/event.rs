//! What the application is told.

use basis::Key;
use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// Names one connection of a [`crate::Host`]; it finds nothing once the connection was closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) Key);

impl ConnectionId {
    /// The id as a number, for a token of an outer layer.
    pub const fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    /// The id that [`ConnectionId::to_bits`] made `bits` of.
    pub const fn from_bits(bits: u64) -> ConnectionId {
        ConnectionId(Key::from_bits(bits))
    }
}

/// Names one listener of a [`crate::Host`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ListenerId(pub(crate) Key);

impl ListenerId {
    /// The id as a number, for a token of an outer layer.
    pub const fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    /// The id that [`ListenerId::to_bits`] made `bits` of.
    pub const fn from_bits(bits: u64) -> ListenerId {
        ListenerId(Key::from_bits(bits))
    }
}

/// Names one SYN that waits for a decision; it finds nothing once that was made, or once the caller has gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RequestId(pub(crate) Key);

/// Something has become possible that was not before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The connection is newly ready in these ways.
    Connection(ConnectionId, Readiness),
    /// A connection waits to be accepted, or a SYN to be decided on.
    Listener(ListenerId),
}

/// What can be done with a connection without waiting: a set of conditions.
///
/// ```
/// use netstrata_tcp::Readiness;
/// let ready = Readiness::READABLE | Readiness::WRITABLE;
/// assert!(ready.contains(Readiness::READABLE));
/// assert!(!ready.contains(Readiness::FAILED));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Readiness = Readiness(0);
    /// A read returns at once: bytes, end of stream or a failure.
    pub const READABLE: Readiness = Readiness(1);
    /// A write takes bytes, or fails at once.
    pub const WRITABLE: Readiness = Readiness(2);
    /// The handshake is done.
    pub const CONNECTED: Readiness = Readiness(4);
    /// The connection has failed; [`crate::Host::take_failure`] tells how.
    pub const FAILED: Readiness = Readiness(8);
    /// The peer has sent its FIN.
    pub const READ_CLOSED: Readiness = Readiness(16);
    /// All that was written has been acknowledged, and this side's FIN if it was sent; or the connection is over.
    pub const DRAINED: Readiness = Readiness(32);

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: Readiness) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this set.
    pub const fn intersects(self, other: Readiness) -> bool {
        self.0 & other.0 != 0
    }

    #[inline]
    pub(crate) const fn when(self, condition: bool) -> Readiness {
        Readiness(self.0 * condition as u8)
    }
}

/// What an application was told of a connection, and what it is to be told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    reported: Readiness,
    fresh: Readiness,
}

/// Among what is fresh: the connection waits in the queue of events.
const ANNOUNCED: Readiness = Readiness(128);

impl Told {
    #[inline]
    pub(crate) fn reported(self) -> Readiness {
        self.reported
    }

    /// Whether the connection waits in the queue of events.
    #[inline]
    pub(crate) fn is_announced(self) -> bool {
        self.fresh.contains(ANNOUNCED)
    }

    /// The connection is `ready`, and in no other way. Returns whether it has to go into the queue of events: it has news, and
    /// is not there yet.
    #[inline]
    pub(crate) fn update(&mut self, ready: Readiness) -> bool {
        let announced = self.fresh & ANNOUNCED;
        self.reported = self.reported & ready;
        self.fresh = ready & !self.reported;
        let is_new = self.fresh != Readiness::NONE && announced == Readiness::NONE;
        self.fresh |= if is_new { ANNOUNCED } else { announced };
        is_new
    }

    /// The connection is no longer ready in these ways: once it is again, that is news.
    #[inline]
    pub(crate) fn forget(&mut self, ways: Readiness) {
        self.reported = self.reported & !ways;
        self.fresh = self.fresh & !ways;
    }

    /// The news, told hereby: the connection has left the queue of events.
    #[inline]
    pub(crate) fn take(&mut self) -> Readiness {
        let fresh = core::mem::take(&mut self.fresh) & !ANNOUNCED;
        self.reported |= fresh;
        fresh
    }
}

impl BitOr for Readiness {
    type Output = Readiness;
    fn bitor(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }
}

impl BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Readiness) {
        self.0 |= other.0;
    }
}

impl BitAnd for Readiness {
    type Output = Readiness;
    fn bitand(self, other: Readiness) -> Readiness {
        Readiness(self.0 & other.0)
    }
}

impl Not for Readiness {
    type Output = Readiness;
    fn not(self) -> Readiness {
        Readiness(!self.0)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Readiness::READABLE, "readable"),
            (Readiness::WRITABLE, "writable"),
            (Readiness::CONNECTED, "connected"),
            (Readiness::FAILED, "failed"),
            (Readiness::READ_CLOSED, "read-closed"),
            (Readiness::DRAINED, "drained"),
        ];
        f.debug_set()
            .entries(names.iter().filter(|(bit, _)| self.contains(*bit)).map(|(_, name)| name))
            .finish()
    }
}
