//! What the ports of a switch have seen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one port of a switch has seen. "In" is from the station to the switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PortStatistics {
    /// The port's number; numbers are not used again.
    pub port: u64,
    /// Frames from the station.
    pub frames_in: u64,
    /// Bytes of those frames.
    pub bytes_in: u64,
    /// Frames from the station that were not forwarded: shorter than an Ethernet header, or from a group address.
    pub malformed_in: u64,
    /// Frames sent to the station.
    pub frames_out: u64,
    /// Bytes of those frames.
    pub bytes_out: u64,
    /// Frames for the station that were lost because it did not read fast enough.
    pub lost_out: u64,
    /// Bytes that wait for the station to read them.
    pub queued_out: u64,
}

impl PortStatistics {
    /// What both have seen together; the number is this one's.
    fn and(self, other: PortStatistics) -> PortStatistics {
        PortStatistics {
            port: self.port,
            frames_in: self.frames_in + other.frames_in,
            bytes_in: self.bytes_in + other.bytes_in,
            malformed_in: self.malformed_in + other.malformed_in,
            frames_out: self.frames_out + other.frames_out,
            bytes_out: self.bytes_out + other.bytes_out,
            lost_out: self.lost_out + other.lost_out,
            queued_out: self.queued_out + other.queued_out,
        }
    }
}

/// A number that one thread writes and others read.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(super) fn add(&self, count: u64) {
        // The switch alone writes.
        self.set(self.get() + count);
    }

    #[inline]
    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one port.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) number: u64,
    pub(super) frames_in: Counter,
    pub(super) bytes_in: Counter,
    pub(super) malformed_in: Counter,
    pub(super) frames_out: Counter,
    pub(super) bytes_out: Counter,
    pub(super) lost_out: Counter,
    pub(super) queued_out: Counter,
}

impl Counters {
    fn snapshot(&self) -> PortStatistics {
        PortStatistics {
            port: self.number,
            frames_in: self.frames_in.get(),
            bytes_in: self.bytes_in.get(),
            malformed_in: self.malformed_in.get(),
            frames_out: self.frames_out.get(),
            bytes_out: self.bytes_out.get(),
            lost_out: self.lost_out.get(),
            queued_out: self.queued_out.get(),
        }
    }
}

/// The counters of all ports that there are, and the sum of those that there were.
#[derive(Default)]
pub(super) struct Registry(Mutex<Ports>);

#[derive(Default)]
struct Ports {
    present: Vec<Arc<Counters>>,
    gone: PortStatistics,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Ports> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, counters: Arc<Counters>) {
        self.lock().present.push(counters);
    }

    pub(super) fn remove(&self, number: u64) {
        let mut ports = self.lock();
        if let Some(place) = ports.present.iter().position(|counters| counters.number == number) {
            let last = PortStatistics { queued_out: 0, ..ports.present.remove(place).snapshot() };
            ports.gone = ports.gone.and(last);
        }
    }

    pub(super) fn snapshot(&self) -> Vec<PortStatistics> {
        self.lock().present.iter().map(|counters| counters.snapshot()).collect()
    }

    pub(super) fn total(&self) -> PortStatistics {
        let ports = self.lock();
        ports.present.iter().fold(ports.gone, |sum, counters| sum.and(counters.snapshot()))
    }
}
