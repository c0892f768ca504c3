//! What the ports of a switch have seen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// The counters of all ports that there are.
#[derive(Default)]
pub(super) struct Registry(Mutex<Vec<Arc<Counters>>>);

impl Registry {
    pub(super) fn add(&self, counters: Arc<Counters>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(counters);
    }

    pub(super) fn remove(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|counters| counters.number != number);
    }

    pub(super) fn snapshot(&self) -> Vec<PortStatistics> {
        let ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ports.iter().map(|counters| counters.snapshot()).collect()
    }
}
