//! What wakes an event loop for a queue in memory: a descriptor that becomes readable.

#[cfg(unix)]
pub(super) use pipe::Bell;
#[cfg(not(unix))]
pub(super) use polled::Bell;

#[cfg(unix)]
mod pipe {
    use crate::capabilities::RawFdSource;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// Rung by the other end. It costs system calls only once somebody watches it.
    #[derive(Default)]
    pub(in crate::memory) struct Bell {
        watched: AtomicBool,
        /// `None`: no descriptors were to be had.
        streams: OnceLock<Option<Streams>>,
        /// Whether a byte lies in the stream. Held over the system call, so that it is never wrong.
        rung: Mutex<bool>,
    }

    struct Streams {
        ear: UnixStream,
        hand: UnixStream,
    }

    fn connect() -> Option<Streams> {
        let (ear, hand) = UnixStream::pair().ok()?;
        ear.set_nonblocking(true).ok()?;
        hand.set_nonblocking(true).ok()?;
        Some(Streams { ear, hand })
    }

    impl Bell {
        /// The descriptor to watch; from now on ringing reaches it.
        pub(in crate::memory) fn watch(&self) -> Option<RawFdSource> {
            let streams = self.streams.get_or_init(connect).as_ref()?;
            self.watched.store(true, Ordering::SeqCst);
            Some(RawFdSource { fd: streams.ear.as_raw_fd(), generation: 0 })
        }

        /// Whether somebody wanted to watch and could not.
        pub(in crate::memory) fn is_broken(&self) -> bool {
            matches!(self.streams.get(), Some(None))
        }

        /// Makes the descriptor readable.
        pub(in crate::memory) fn ring(&self) {
            self.exchange(true, |streams| (&streams.hand).write(&[1]).is_ok());
        }

        /// Makes the descriptor unreadable.
        pub(in crate::memory) fn quieten(&self) {
            self.exchange(false, |streams| (&streams.ear).read(&mut [0; 8]).is_ok());
        }

        fn exchange(&self, to: bool, act: impl FnOnce(&Streams) -> bool) {
            if !self.watched.load(Ordering::SeqCst) {
                return;
            }
            let Some(Some(streams)) = self.streams.get() else { return };
            let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
            if *rung != to && act(streams) {
                *rung = to;
            }
        }
    }
}

#[cfg(not(unix))]
mod polled {
    use crate::capabilities::RawFdSource;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Without descriptors an event loop has to ask.
    #[derive(Default)]
    pub(in crate::memory) struct Bell {
        wanted: AtomicBool,
    }

    impl Bell {
        pub(in crate::memory) fn watch(&self) -> Option<RawFdSource> {
            self.wanted.store(true, Ordering::Relaxed);
            None
        }

        pub(in crate::memory) fn is_broken(&self) -> bool {
            self.wanted.load(Ordering::Relaxed)
        }

        pub(in crate::memory) fn ring(&self) {}

        pub(in crate::memory) fn quieten(&self) {}
    }
}
