//! What leaves by one call to the kernel: a frame, or datagrams that travel together.

use crate::cut::Cutter;
use crate::vnet;
use arrayvec::ArrayVec;
use basis::Frame;
use std::collections::VecDeque;
use std::io::IoSlice;
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
