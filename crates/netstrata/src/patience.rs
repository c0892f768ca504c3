//! How long a blocking call waits, kept in one word that threads share.

use crate::error::invalid_input;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An optional time-out that every clone of a socket shares. Zero stands for none: no time-out may be zero.
#[derive(Debug, Default)]
pub(crate) struct Patience(AtomicU64);

impl Patience {
    pub(crate) fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            nanoseconds => Some(Duration::from_nanos(nanoseconds)),
        }
    }

    /// Sets it.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a time-out of zero.
    pub(crate) fn set(&self, patience: Option<Duration>) -> io::Result<()> {
        let nanoseconds = match patience {
            None => 0,
            Some(Duration::ZERO) => return Err(invalid_input("cannot set a 0 duration timeout")),
            Some(patience) => u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX),
        };
        self.0.store(nanoseconds, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_refused_and_anything_else_kept() {
        let patience = Patience::default();
        assert_eq!(patience.get(), None);
        patience.set(Some(Duration::from_millis(5))).unwrap();
        assert_eq!(patience.set(Some(Duration::ZERO)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(patience.get(), Some(Duration::from_millis(5)));
        patience.set(Some(Duration::MAX)).unwrap();
        assert!(patience.get().is_some());
        patience.set(None).unwrap();
        assert_eq!(patience.get(), None);
    }
}
