//! Cutting super-segments for links that carry packets only.

use basis::{Checksum, Frame};
use std::collections::VecDeque;
use wire::segmentation::Segments;

/// The frame as its receiver gets it when it never leaves this memory: what the sender left open needs no checksum.
#[inline]
pub(crate) fn vouched(mut frame: Frame) -> Frame {
    // A complete checksum is left to be verified: a wrapper may have damaged the frame on purpose.
    if frame.checksum == Checksum::Deferred || frame.segment_size != 0 {
        frame.checksum = Checksum::Verified;
    }
    frame
}

/// Takes packets off a queue of frames: super-segments are cut, deferred checksums completed.
pub(crate) struct Cutter {
    link_header: usize,
    current: Option<Segments>,
}

impl Cutter {
    /// Of frames that begin with `link_header` bytes before the IP header.
    pub(crate) fn new(link_header: usize) -> Cutter {
        Cutter { link_header, current: None }
    }

    /// The next packet to send.
    #[inline]
    pub(crate) fn next(&mut self, waiting: &mut VecDeque<Frame>) -> Option<Frame> {
        loop {
            if let Some(segments) = &mut self.current {
                if let Some(packet) = segments.next() {
                    return Some(packet);
                }
                self.current = None;
            }
            let frame = waiting.pop_front()?;
            if frame.segment_size == 0 && frame.checksum != Checksum::Deferred {
                return Some(frame);
            }
            self.current = Some(Segments::of(frame, self.link_header));
        }
    }

    /// Whether nothing is held inside.
    pub(crate) fn is_empty(&self) -> bool {
        self.current.is_none()
    }

    /// Forgets the rest of a frame that was cut only in part.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only a NIC loses its connection"))]
    pub(crate) fn clear(&mut self) {
        *self = Cutter::new(self.link_header);
    }
}
