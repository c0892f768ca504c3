//! What ends a driver's sleep.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The bell of one driver.
///
/// Who leaves something in a queue says so after that; the driver says that it naps before it looks into the queues for the last time. All
/// of it in one order that everybody sees alike, so one of both sees the other: no wake-up is lost, and none is made while the driver is up.
pub(crate) struct Bell {
    alarm: mio::Waker,
    napping: AtomicBool,
    rings: AtomicU64,
}

impl Bell {
    pub(crate) fn new(registry: &mio::Registry, token: usize) -> io::Result<Bell> {
        let alarm = mio::Waker::new(registry, mio::Token(token))?;
        Ok(Bell { alarm, napping: AtomicBool::new(false), rings: AtomicU64::new(0) })
    }

    /// Ends the sleep, whatever for.
    pub(crate) fn ring(&self) {
        self.rings.fetch_add(1, Ordering::Relaxed);
        // It fails only when the counter behind it would overflow: then the driver is being woken already.
        let _ = self.alarm.wake();
    }

    /// Something lies in a queue that the driver looks into before it sleeps.
    pub(crate) fn ring_if_napping(&self) {
        if self.napping.load(Ordering::SeqCst) && self.napping.swap(false, Ordering::SeqCst) {
            self.ring();
        }
    }

    /// The driver is going to look for the last time.
    pub(crate) fn nap(&self) {
        self.napping.store(true, Ordering::SeqCst);
    }

    /// The driver is up.
    pub(crate) fn rise(&self) {
        self.napping.store(false, Ordering::Relaxed);
    }

    pub(crate) fn rings(&self) -> u64 {
        self.rings.load(Ordering::Relaxed)
    }
}
