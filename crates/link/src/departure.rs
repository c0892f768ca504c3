//! What leaves by one call to the kernel: a frame, or datagrams that travel together.

use crate::cut::Cutter;
use crate::vnet;
use arrayvec::ArrayVec;
use basis::Frame;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use wire::segmentation::{MOST_DATAGRAMS, Train};

/// A header, and both parts of each frame.
const PARTS: usize = 1 + 2 * MOST_DATAGRAMS;

/// How frames are handed to the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Packets as they are on a cable.
    Packets,
    /// The same, each behind a header that says that nothing is left to do.
    HeadedPackets,
    /// Behind a header that says what is left to do: super-segments pass whole.
    Whole {
        /// Datagrams of UDP leave together where they can.
        datagrams: bool,
    },
}

/// Takes frames off a queue, in the form that the kernel wants. What it does not take is kept until it does.
pub(crate) struct Departure {
    form: Form,
    link_header: usize,
    cutter: Cutter,
    header: [u8; vnet::LENGTH],
    frames: Vec<Frame>,
    /// The first of datagrams that travel together, as it was before its headers became those of all.
    alone: Option<Frame>,
    /// Bytes at the front of all frames but the first that stay here.
    left_out: usize,
}

impl Departure {
    /// Of frames that begin with `link_header` bytes before the IP header.
    pub(crate) fn new(form: Form, link_header: usize) -> Departure {
        let header = [0; vnet::LENGTH];
        Departure {
            form,
            link_header,
            cutter: Cutter::new(link_header),
            header,
            frames: Vec::new(),
            alone: None,
            left_out: 0,
        }
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Makes the next frames ready, unless some are already. False if there are none.
    #[inline]
    pub(crate) fn prepare(&mut self, waiting: &mut VecDeque<Frame>) -> bool {
        if !self.frames.is_empty() {
            return true;
        }
        (self.header, self.left_out) = ([0; vnet::LENGTH], 0);
        if let Form::Whole { datagrams } = self.form
            && self.cutter.is_empty()
        {
            let Some(mut front) = waiting.pop_front() else { return false };
            if datagrams && self.gather(&front, waiting) {
                self.alone = Some(front);
                return true;
            }
            match vnet::outgoing(&mut front, self.link_header) {
                Some(header) => {
                    self.header = header;
                    self.frames.push(front);
                    return true;
                }
                // The kernel could not finish it.
                None => waiting.push_front(front),
            }
        }
        self.frames.extend(self.cutter.next(waiting));
        !self.frames.is_empty()
    }

    /// Makes one super-datagram of `first` and those that follow it, if any do.
    #[inline]
    fn gather(&mut self, first: &Frame, waiting: &mut VecDeque<Frame>) -> bool {
        let Some(next) = waiting.front() else { return false };
        // What is no datagram goes the short way.
        if next.len() > first.len() || first.segment_size != 0 {
            return false;
        }
        let Some(mut train) = Train::new(first, self.link_header) else { return false };
        if !train.takes(first, next) {
            return false;
        }
        self.frames.push(first.clone());
        self.frames.extend(waiting.pop_front());
        while let Some(next) = waiting.front()
            && train.takes(first, next)
        {
            self.frames.extend(waiting.pop_front());
        }
        self.left_out = train.headers();
        if let Some(first) = self.frames.first_mut() {
            self.header = vnet::header(train.seal(first));
        }
        true
    }

    /// The bytes that are ready, in order.
    #[inline]
    pub(crate) fn parts(&self) -> ArrayVec<IoSlice<'_>, PARTS> {
        let mut parts = ArrayVec::new();
        if self.form != Form::Packets {
            parts.push(IoSlice::new(&self.header));
        }
        for (index, frame) in self.frames.iter().enumerate() {
            let left_out = if index == 0 { 0 } else { self.left_out };
            let [head, body] = frame.parts();
            // No more than the train's bound, so there is room.
            parts.extend([head.get(left_out..).unwrap_or_default(), body].map(IoSlice::new));
        }
        parts
    }

    /// The kernel has refused what was ready: `error`. Whether it goes another way: datagrams one by one, from now on, if it is one that knows no
    /// other way and it is they that were ready. They wait again then.
    #[cold]
    pub(crate) fn refused(&mut self, error: &io::Error, waiting: &mut VecDeque<Frame>) -> bool {
        if error.raw_os_error() != Some(libc::EINVAL) || self.frames.len() < 2 {
            return false;
        }
        let Some(alone) = self.alone.take() else { return false };
        for frame in self.frames.drain(1..).rev() {
            waiting.push_front(frame);
        }
        waiting.push_front(alone);
        self.frames.clear();
        self.form = Form::Whole { datagrams: false };
        true
    }

    /// How many frames are ready.
    pub(crate) fn count(&self) -> usize {
        self.frames.len()
    }

    /// The kernel has taken what was ready, or never will.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use wire::checksum::{self, Sum};

    /// A datagram whose headers lie in the head, as the stack makes them.
    fn datagram(identification: u16) -> Frame {
        let mut frame = Frame::new();
        frame.append(&[identification as u8; 50]);
        let addresses = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];
        let mut udp = [0, 7, 0, 9, 0, 58, 0, 0];
        let sum = checksum::transport(
            addresses[0].into(),
            addresses[1].into(),
            17,
            [&udp, &[identification as u8; 50]],
        );
        udp[6..].copy_from_slice(&sum.to_be_bytes());
        frame.prepend(8).copy_from_slice(&udp);
        let mut ip = [0x45, 0, 0, 78, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        ip[4..6].copy_from_slice(&identification.to_be_bytes());
        let sum = Sum::ZERO.add_bytes(&ip).finish();
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.prepend(20).copy_from_slice(&ip);
        frame
    }

    #[test]
    fn datagrams_that_a_kernel_refuses_together_go_one_by_one() {
        let whole: Vec<_> = (1..5).map(|number| datagram(number).to_vec()).collect();
        let mut waiting: VecDeque<_> = (1..5).map(datagram).collect();
        let mut departure = Departure::new(Form::Whole { datagrams: true }, 0);
        assert!(departure.prepare(&mut waiting));
        assert_eq!((departure.count(), waiting.len()), (4, 0), "they are together");
        let full = io::Error::from_raw_os_error(libc::ENOBUFS);
        assert!(!departure.refused(&full, &mut waiting), "that is no reason");
        let unknown = io::Error::from_raw_os_error(libc::EINVAL);
        assert!(departure.refused(&unknown, &mut waiting));
        for expected in &whole {
            assert!(departure.prepare(&mut waiting));
            let bytes: Vec<u8> = departure.parts().iter().flat_map(|part| part.iter().copied()).collect();
            assert_eq!(bytes, [&[0; vnet::LENGTH], &expected[..]].concat());
            assert!(!departure.refused(&unknown, &mut waiting), "one alone is lost");
            departure.clear();
        }
        assert!(!departure.prepare(&mut waiting));
    }
}
