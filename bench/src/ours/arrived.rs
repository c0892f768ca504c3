//! Frames that have come to an end of a cable in memory.

use basis::Frame;

/// What lies at an end of the cable, in order. Its frames are used again, like a device's ring of buffers.
#[derive(Default)]
pub(crate) struct Arrived {
    frames: Vec<Frame>,
    count: usize,
}

impl Arrived {
    /// The frame behind those that have arrived; it arrives when it is [counted in](Arrived::count_in).
    #[inline]
    pub(crate) fn vacant(&mut self) -> &mut Frame {
        if self.count == self.frames.len() {
            self.frames.push(Frame::new());
        }
        &mut self.frames[self.count]
    }

    #[inline]
    pub(crate) fn count_in(&mut self) {
        self.count += 1;
    }

    /// `packet` has arrived.
    #[inline]
    pub(crate) fn push(&mut self, packet: Frame) {
        *self.vacant() = packet;
        self.count_in();
    }

    #[inline]
    pub(crate) fn take(&mut self) -> &mut [Frame] {
        let count = std::mem::take(&mut self.count);
        &mut self.frames[..count]
    }
}
