//! What the tests of this crate share.

use crate::capabilities::RawFdSource;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::time::Duration;

fn poll_readable(source: RawFdSource, timeout: Duration) -> bool {
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut SourceFd(&source.fd), Token(0), Interest::READABLE).unwrap();
    let mut events = Events::with_capacity(4);
    poll.poll(&mut events, Some(timeout)).unwrap();
    events.iter().any(|event| event.is_readable())
}

/// Whether the source is readable now.
pub(crate) fn readable(source: RawFdSource) -> bool {
    poll_readable(source, Duration::ZERO)
}

/// Waits until the source is readable; fails after ten seconds.
pub(crate) fn wait_readable(source: RawFdSource) {
    assert!(poll_readable(source, Duration::from_secs(10)), "nothing became readable for ten seconds");
}
