//! What the tests of this crate share.
#![allow(clippy::unwrap_used, reason = "tests fail by panics")]

use crate::capabilities::RawFdSource;
use crate::lan::LanAddress;
use basis::Instant;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant as Clock};

fn poll_readable(source: RawFdSource, timeout: Duration) -> bool {
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut SourceFd(&source.fd), Token(0), Interest::READABLE).unwrap();
    let mut events = Events::with_capacity(4);
    poll.poll(&mut events, Some(timeout)).unwrap();
    events.iter().any(|event| event.is_readable())
}

/// Time since the first call.
pub(crate) fn now() -> Instant {
    static START: OnceLock<Clock> = OnceLock::new();
    // Later than the epoch, so that "at once" is in the past.
    Instant::from_millis(1) + START.get_or_init(Clock::now).elapsed()
}

/// Whether the source is readable now.
pub(crate) fn readable(source: RawFdSource) -> bool {
    poll_readable(source, Duration::ZERO)
}

/// Waits until the source is readable; fails after ten seconds.
pub(crate) fn wait_readable(source: RawFdSource) {
    assert!(poll_readable(source, Duration::from_secs(10)), "nothing became readable for ten seconds");
}

/// A directory that goes with the test.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Directory {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ns-link-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A LAN in this directory.
    pub(crate) fn lan(&self) -> LanAddress {
        LanAddress::new(self.0.join("lan.sock"))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
