//! What the tests of this crate share.
#![allow(clippy::unwrap_used, reason = "tests fail by panics")]

#[cfg(target_os = "linux")]
use crate::capabilities::Link;
use crate::capabilities::RawFdSource;
use crate::lan::LanAddress;
#[cfg(target_os = "linux")]
use basis::Frame;
use basis::Instant;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
#[cfg(target_os = "linux")]
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant as Clock};
#[cfg(target_os = "linux")]
use wire::ethernet::MacAddress;

fn poll_readable(source: RawFdSource, timeout: Duration) -> bool {
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut SourceFd(&source.fd), Token(0), Interest::READABLE).unwrap();
    let mut events = Events::with_capacity(4);
    poll.poll(&mut events, Some(timeout)).unwrap();
    // A driver looks after a link whatever its event is: an interface's end is told as an error.
    events.iter().any(|event| event.is_readable() || event.is_error())
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

/// Set in the environment of the inner call of a test, which has a network namespace of its own.
#[cfg(target_os = "linux")]
const INSIDE: &str = "NETSTRATA_LINK_TEST_NAMESPACE";

/// Runs the test, given by its whole name, in a network namespace of its own: it calls itself there. Returns whether this is the
/// inner call.
#[cfg(target_os = "linux")]
pub(crate) fn in_namespace(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        return true;
    }
    let status = Command::new("unshare")
        .args(["--net", "--"])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--include-ignored", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare runs");
    assert!(status.success(), "the test failed inside the namespace");
    false
}

/// As [`in_namespace`], with a cable there: the kernel has the one end, `far` with 10.7.0.1, and `near`, the other, is ours.
#[cfg(target_os = "linux")]
pub(crate) fn with_cable(test: &str) -> bool {
    if !in_namespace(test) {
        return false;
    }
    ip("link add near type veth peer name far");
    std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
    ip("address add 10.7.0.1/24 dev far");
    ip("link set far up");
    ip("link set near up");
    true
}

/// Runs `ip` with these words.
#[cfg(target_os = "linux")]
pub(crate) fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status().expect("ip runs");
    assert!(status.success(), "ip {words}");
}

/// Calls the link until `done` says so of what has arrived; fails after ten seconds.
#[cfg(target_os = "linux")]
pub(crate) fn receive_until(
    link: &mut impl Link,
    mut done: impl FnMut(&VecDeque<Frame>) -> bool,
) -> VecDeque<Frame> {
    let mut arrived = VecDeque::new();
    let end = Clock::now() + Duration::from_secs(10);
    while !done(&arrived) {
        assert!(Clock::now() < end, "{} frames, and not what was waited for", arrived.len());
        while link.receive(now(), &mut arrived, 64).unwrap() {}
        std::thread::sleep(Duration::from_millis(1));
    }
    arrived
}

/// Calls the link until it ends; fails after ten seconds.
#[cfg(target_os = "linux")]
pub(crate) fn end_of(link: &mut impl Link) -> std::io::Error {
    let end = Clock::now() + Duration::from_secs(10);
    loop {
        if let Err(error) = link.receive(now(), &mut VecDeque::new(), 64) {
            return error;
        }
        assert!(Clock::now() < end, "it goes on");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A question of the station `ours`, at 10.7.0.2, for who has 10.7.0.1.
#[cfg(target_os = "linux")]
pub(crate) fn arp_request(ours: MacAddress) -> Frame {
    let mut frame = vec![0xff; 6];
    frame.extend(ours.0);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(ours.0);
    frame.extend([10, 7, 0, 2, 0, 0, 0, 0, 0, 0, 10, 7, 0, 1]);
    Frame::copy_of(&frame)
}

/// Whether a frame of Ethernet is one of ARP.
#[cfg(target_os = "linux")]
pub(crate) fn is_arp(frame: &Frame) -> bool {
    frame.to_vec().get(12..14) == Some(&[8, 6])
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
