//! A link that gives back what is sent.

use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::cut::vouched;
use basis::{Frame, Instant};
use std::collections::VecDeque;
use std::io;

/// Frames on their way at most.
const BOUND: usize = 4096;

/// The link of a host to itself: IP packets come back to the sender, super-segments whole.
///
/// ```
/// use basis::{Frame, Instant};
/// use netstrata_link::{Link, Loopback};
/// use std::collections::VecDeque;
/// let mut loopback = Loopback::new();
/// let mut waiting = VecDeque::from([Frame::copy_of(b"packet")]);
/// assert!(loopback.transmit(Instant::ZERO, &mut waiting)?);
/// let mut arrived = VecDeque::new();
/// assert!(!loopback.receive(Instant::ZERO, &mut arrived, 64)?);
/// assert_eq!(arrived[0].to_vec(), b"packet");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Loopback {
    frames: VecDeque<Frame>,
}

impl Loopback {
    /// Bytes of the longest packet.
    pub const MTU: usize = 65535;

    /// A loopback with nothing on its way.
    pub const fn new() -> Loopback {
        Loopback { frames: VecDeque::new() }
    }
}

impl Link for Loopback {
    fn capabilities(&self) -> Capabilities {
        Capabilities { medium: Medium::Ip, mtu: Loopback::MTU, segmentation: true, checksums: true }
    }

    fn receive(&mut self, _now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let count = most.min(self.frames.len());
        arrived.extend(self.frames.drain(..count));
        Ok(!self.frames.is_empty())
    }

    fn transmit(&mut self, _now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        let count = waiting.len().min(BOUND - self.frames.len());
        self.frames.extend(waiting.drain(..count).map(vouched));
        Ok(waiting.is_empty())
    }

    fn source(&self) -> Option<RawFdSource> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (!self.frames.is_empty()).then_some(Instant::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basis::Checksum;

    #[test]
    fn is_full_at_its_bound_and_goes_on_once_it_is_read() {
        let mut loopback = Loopback::new();
        let mut waiting: VecDeque<Frame> = (0..=BOUND).map(|_| Frame::copy_of(b"x")).collect();
        assert_eq!(loopback.poll_timeout(), None);
        assert!(!loopback.transmit(Instant::ZERO, &mut waiting).unwrap());
        assert_eq!((waiting.len(), loopback.poll_timeout()), (1, Some(Instant::ZERO)));
        let mut arrived = VecDeque::new();
        assert!(loopback.receive(Instant::ZERO, &mut arrived, 1).unwrap());
        assert!(loopback.transmit(Instant::ZERO, &mut waiting).unwrap());
        assert!(!loopback.receive(Instant::ZERO, &mut arrived, usize::MAX).unwrap());
        assert_eq!(arrived.len(), BOUND + 1);
        assert_eq!(loopback.poll_timeout(), None);
    }

    #[test]
    fn deferred_checksums_come_back_verified_and_super_segments_whole() {
        let mut loopback = Loopback::new();
        let mut frame = Frame::copy_of(&[0x45; 3000]);
        (frame.checksum, frame.segment_size) = (Checksum::Deferred, 1000);
        loopback.transmit(Instant::ZERO, &mut VecDeque::from([frame])).unwrap();
        let mut arrived = VecDeque::new();
        loopback.receive(Instant::ZERO, &mut arrived, 9).unwrap();
        assert_eq!((arrived[0].checksum, arrived[0].segment_size), (Checksum::Verified, 1000));
        assert_eq!((arrived[0].len(), arrived.len()), (3000, 1));
    }
}
