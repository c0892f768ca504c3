//! What a socket is waited for, and what it is ready for. As in `tokio::io`, where they belong to its reactor.

use stack::UdpReadiness;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};
use std::pin::pin;
use std::task::Poll;
use tcp::Readiness;

/// What a caller wants to do with a socket: a set.
///
/// ```
/// use netstrata::tokio::Interest;
/// assert!(Interest::READABLE.add(Interest::WRITABLE).is_writable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Interest(u8);

impl Interest {
    /// To read.
    pub const READABLE: Interest = Interest(1);
    /// To write.
    pub const WRITABLE: Interest = Interest(2);

    /// Whether reading is in the set.
    pub const fn is_readable(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether writing is in the set.
    pub const fn is_writable(self) -> bool {
        self.0 & 2 != 0
    }

    /// Both sets together.
    #[must_use = "this returns the sum without changing the set"]
    #[allow(clippy::should_implement_trait, reason = "tokio's name")]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

impl BitOr for Interest {
    type Output = Interest;
    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Interest) {
        *self = *self | other;
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.is_readable(), self.is_writable()) {
            (true, true) => "READABLE | WRITABLE",
            (true, false) => "READABLE",
            _ => "WRITABLE",
        })
    }
}

/// What a socket is ready for: a set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const EMPTY: Ready = Ready(0);
    /// A read returns at once.
    pub const READABLE: Ready = Ready(1);
    /// A write returns at once.
    pub const WRITABLE: Ready = Ready(2);
    /// The peer has closed its direction.
    pub const READ_CLOSED: Ready = Ready(4);
    /// Nothing can be written any more.
    pub const WRITE_CLOSED: Ready = Ready(8);
    /// An error waits to be taken.
    pub const ERROR: Ready = Ready(16);
    /// Everything.
    pub const ALL: Ready = Ready(31);

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self == Ready::EMPTY
    }

    /// Whether a read returns at once, be it with the end of the stream.
    pub fn is_readable(self) -> bool {
        self.contains(Ready::READABLE) || self.is_read_closed()
    }

    /// Whether a write returns at once, be it with an error.
    pub fn is_writable(self) -> bool {
        self.contains(Ready::WRITABLE) || self.is_write_closed()
    }

    /// Whether the peer has closed its direction.
    pub fn is_read_closed(self) -> bool {
        self.contains(Ready::READ_CLOSED)
    }

    /// Whether nothing can be written any more.
    pub fn is_write_closed(self) -> bool {
        self.contains(Ready::WRITE_CLOSED)
    }

    /// Whether an error waits to be taken.
    pub fn is_error(self) -> bool {
        self.contains(Ready::ERROR)
    }

    fn contains(self, other: Ready) -> bool {
        self.0 & other.0 == other.0
    }

    fn when(self, condition: bool) -> Ready {
        if condition { self } else { Ready::EMPTY }
    }

    /// The part of the set that `interest` asks for; errors and ends always are.
    pub(super) fn of_interest(self, interest: Interest) -> Ready {
        let mut wanted = Ready::ERROR;
        if interest.is_readable() {
            wanted |= Ready::READABLE | Ready::READ_CLOSED;
        }
        if interest.is_writable() {
            wanted |= Ready::WRITABLE | Ready::WRITE_CLOSED;
        }
        self & wanted
    }
}

impl From<Readiness> for Ready {
    fn from(readiness: Readiness) -> Ready {
        let failed = readiness.contains(Readiness::FAILED);
        Ready::READABLE.when(readiness.contains(Readiness::READABLE))
            | Ready::WRITABLE.when(readiness.contains(Readiness::WRITABLE))
            | Ready::READ_CLOSED.when(readiness.contains(Readiness::READ_CLOSED) || failed)
            | Ready::WRITE_CLOSED.when(failed)
            | Ready::ERROR.when(failed)
    }
}

impl From<UdpReadiness> for Ready {
    fn from(readiness: UdpReadiness) -> Ready {
        let failed = readiness.contains(UdpReadiness::FAILED);
        Ready::READABLE.when(readiness.contains(UdpReadiness::READABLE) || failed)
            | Ready::WRITABLE.when(readiness.contains(UdpReadiness::WRITABLE))
            | Ready::ERROR.when(failed)
    }
}

impl BitOr for Ready {
    type Output = Ready;
    fn bitor(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        self.0 |= other.0;
    }
}

impl BitAnd for Ready {
    type Output = Ready;
    fn bitand(self, other: Ready) -> Ready {
        Ready(self.0 & other.0)
    }
}

impl Sub for Ready {
    type Output = Ready;
    fn sub(self, other: Ready) -> Ready {
        Ready(self.0 & !other.0)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("is_readable", &self.is_readable())
            .field("is_writable", &self.is_writable())
            .field("is_read_closed", &self.is_read_closed())
            .field("is_write_closed", &self.is_write_closed())
            .field("is_error", &self.is_error())
            .finish()
    }
}

/// What `read` or `write` says first, of those that `interest` names.
pub(super) async fn either<T>(
    interest: Interest,
    read: impl Future<Output = io::Result<T>>,
    write: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let (mut read, mut write) = (pin!(read), pin!(write));
    poll_fn(|context| {
        if interest.is_readable()
            && let Poll::Ready(ready) = read.as_mut().poll(context)
        {
            return Poll::Ready(ready);
        }
        if interest.is_writable() { write.as_mut().poll(context) } else { Poll::Pending }
    })
    .await
}

/// Runs `act` whenever `ready` has waited, until it returns something other than "would block".
pub(super) async fn when_ready<R, F: Future<Output = io::Result<Ready>>>(
    ready: impl Fn() -> F,
    mut act: impl FnMut() -> io::Result<R>,
) -> io::Result<R> {
    loop {
        ready().await?;
        match act() {
            // It says so although the socket is ready.
            Err(error) if error.kind() == ErrorKind::WouldBlock => yield_now().await,
            result => return result,
        }
    }
}

/// Lets other tasks run once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_connection_is_ready_for_everything() {
        let ready = Ready::from(Readiness::FAILED);
        assert!(ready.is_readable() && ready.is_writable() && ready.is_error());
        assert!(!Ready::from(Readiness::NONE).is_writable());
    }

    #[test]
    fn only_what_is_asked_for_is_told() {
        let ready = Ready::READABLE | Ready::WRITABLE;
        assert_eq!(ready.of_interest(Interest::READABLE), Ready::READABLE);
        assert_eq!(ready.of_interest(Interest::READABLE | Interest::WRITABLE), ready);
        assert_eq!(ready - Ready::READABLE, Ready::WRITABLE);
        assert!(Ready::EMPTY.is_empty() && !ready.is_empty());
    }
}
