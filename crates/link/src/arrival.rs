//! What came from the kernel behind a header, as the stack is to get it.

use crate::vnet::{self, Came};
use basis::Frame;
use wire::segmentation::{Datagrams, Segments, is_finished, lift};

/// Takes super-packets apart where they cannot pass whole.
pub(crate) struct Arrival {
    link_header: usize,
    /// Whether super-segments of TCP pass, and unfinished checksums.
    whole: bool,
    apart: Option<Apart>,
    strange: u64,
}

/// A super-packet of which some packets are still to come.
enum Apart {
    Datagrams(Datagrams),
    Segments(Segments),
}

impl Arrival {
    /// Of frames that begin with `link_header` bytes before the IP header.
    pub(crate) fn new(whole: bool, link_header: usize) -> Arrival {
        Arrival { link_header, whole, apart: None, strange: 0 }
    }

    /// Frames that came in a form that nobody can read.
    pub(crate) fn strange(&self) -> u64 {
        self.strange
    }

    /// What is still to come of a super-packet that was opened: to be asked before the next one is.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let frame = match self.apart.as_mut()? {
            Apart::Datagrams(datagrams) => datagrams.next(),
            Apart::Segments(segments) => segments.next(),
        };
        match frame {
            // A packet that claims to be more than one and could not be cut.
            Some(frame) if !self.whole && !is_finished(&frame) => {
                (self.apart, self.strange) = (None, self.strange + 1);
                None
            }
            Some(frame) => Some(frame),
            None => {
                self.apart = None;
                None
            }
        }
    }

    /// The first packet of a frame that came behind `header`.
    #[inline]
    pub(crate) fn open(&mut self, mut frame: Frame, header: [u8; vnet::LENGTH]) -> Option<Frame> {
        match vnet::incoming(&mut frame, header) {
            Came::Segment if self.whole || is_plain(&frame) => Some(frame),
            Came::Segment => {
                self.apart =
                    Some(Apart::Segments(Segments::of(lift(frame, self.link_header), self.link_header)));
                self.next()
            }
            Came::Datagrams => {
                self.apart = Datagrams::of(frame, self.link_header, !self.whole).map(Apart::Datagrams);
                self.strange += u64::from(self.apart.is_none());
                self.next()
            }
            Came::Strange => {
                self.strange += 1;
                None
            }
        }
    }
}

/// Whether the frame is one packet that carries its checksum.
fn is_plain(frame: &Frame) -> bool {
    frame.segment_size == 0 && frame.checksum == basis::Checksum::Complete
}
