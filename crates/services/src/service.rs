//! A service: what is done with one call.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::stream::Stream;

/// Something that a caller can reach under a name and a port.
pub trait Service: Send + Sync + 'static {
    /// The name used on the command line and in logs.
    fn name(&self) -> &'static str;

    /// The TCP port it listens on unless told otherwise.
    fn port(&self) -> u16;

    /// What it does, in one line.
    fn about(&self) -> &'static str;

    /// Holds one call until it ends, counting bytes in `tally` as they move. Closes its own direction in order; the
    /// owner of `stream` drops it afterwards.
    fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> impl Future<Output = How> + Send;

    /// Holds one call and reports it whole.
    fn call<S: Stream>(&self, mut stream: S) -> impl Future<Output = Ended> + Send {
        async move {
            let tally = Tally::default();
            let how = self.run(&mut stream, &tally).await;
            Ended::new(&tally, how)
        }
    }
}

/// What is told of a service before there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    /// The name used on the command line and in logs.
    pub name: &'static str,
    /// Its type in service discovery (RFC 6763 7).
    pub kind: &'static str,
    /// The TCP port unless told otherwise.
    pub port: u16,
    /// What it does, in one line.
    pub about: &'static str,
}

/// The bytes of a call so far; may be read while the call goes on.
#[derive(Debug, Default)]
pub struct Tally {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Tally {
    /// Bytes that came from the caller.
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Bytes that went to the caller.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Counts `bytes` that came from the caller.
    #[inline]
    pub fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Relaxed);
    }

    /// Counts `bytes` that went to the caller.
    #[inline]
    pub fn count_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Relaxed);
    }
}

/// A call that is over.
#[derive(Debug)]
pub struct Ended {
    /// Bytes that came from the caller.
    pub received: u64,
    /// Bytes that went to the caller.
    pub sent: u64,
    /// How it ended.
    pub how: How,
}

impl Ended {
    /// The report of a call that counted in `tally`.
    pub fn new(tally: &Tally, how: How) -> Ended {
        Ended { received: tally.received(), sent: tally.sent(), how }
    }
}

/// How a call ended.
#[derive(Debug)]
pub enum How {
    /// The caller ended its direction, and so did the service.
    PeerClosed,
    /// The caller said the service's word of farewell.
    Quit,
    /// The caller ended its direction, and all it had sent has gone where it belongs.
    Drained,
    /// It was still going on when the time for stopping was over.
    Stopped,
    /// The stream failed.
    Error(io::Error),
}

impl How {
    /// A word for each, such as a metric's label has.
    pub const NAMES: [&'static str; 6] = ["peer-closed", "quit", "drained", "stopped", "error", "fault"];

    /// The place in [`How::NAMES`] of a call that a fault of this program ended.
    pub(crate) const FAULT: usize = How::NAMES.len() - 1;

    /// The place in [`How::NAMES`].
    pub(crate) fn place(&self) -> usize {
        match self {
            How::PeerClosed => 0,
            How::Quit => 1,
            How::Drained => 2,
            How::Stopped => 3,
            How::Error(_) => 4,
        }
    }
}

impl From<io::Result<How>> for How {
    fn from(result: io::Result<How>) -> How {
        result.unwrap_or_else(How::Error)
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::PeerClosed => f.write_str("closed by the peer"),
            How::Quit => f.write_str("the peer quit"),
            How::Drained => f.write_str("drained"),
            How::Stopped => f.write_str("stopped here"),
            How::Error(error) => write!(f, "error: {error}"),
        }
    }
}
