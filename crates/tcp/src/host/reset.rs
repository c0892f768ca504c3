//! RSTs to segments of no connection, and the bounded queue in which all such replies wait.

use crate::segment::{FourTuple, Labels};
use alloc::collections::VecDeque;
use basis::Frame;
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};

/// Replies that wait on one lane; a flood of bad segments gets no more answers than leave.
const MAX_REPLIES: usize = 128;

/// Replies that belong to no open connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replies(VecDeque<Reply>);

/// One of them: where it goes, what its IP header says, and what it is.
type Reply = (FourTuple, Labels, Frame);

impl Replies {
    /// Queues a reply; returns false if there is no room.
    pub(crate) fn push(&mut self, tuple: &FourTuple, labels: Labels, frame: Frame) -> bool {
        if self.0.len() >= MAX_REPLIES {
            return false;
        }
        self.0.push_back((*tuple, labels, frame));
        true
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Reply> {
        self.0.pop_front()
    }
}

/// The RST that answers a segment in the CLOSED state (RFC 9293 3.10.7.1); `None` for a RST, which is never answered.
pub(crate) fn answer(tuple: &FourTuple, header: &Header, payload: usize) -> Option<Frame> {
    if header.flags.contains(Flags::RST) {
        return None;
    }
    if header.flags.contains(Flags::ACK) {
        return Some(reset(tuple, header.acknowledgment, None));
    }
    let length =
        payload as u32 + header.flags.contains(Flags::SYN) as u32 + header.flags.contains(Flags::FIN) as u32;
    Some(reset(tuple, Seq(0), Some(header.sequence + length)))
}

/// A RST with a number, and an acknowledgment if it needs one.
pub(crate) fn reset(tuple: &FourTuple, sequence: Seq, acknowledgment: Option<Seq>) -> Frame {
    let flags = if acknowledgment.is_some() { Flags::RST | Flags::ACK } else { Flags::RST };
    bare(tuple, sequence, acknowledgment.unwrap_or(Seq(0)), flags, 0)
}

/// The RST that ends a connection of this host. It carries timestamps where the connection does (RFC 7323 3.2).
pub(crate) fn abort(
    tuple: &FourTuple,
    sequence: Seq,
    acknowledgment: Seq,
    timestamps: Option<Timestamps>,
) -> Frame {
    let options = Options { timestamps, ..Options::NONE };
    with_options(tuple, (sequence, acknowledgment), Flags::RST | Flags::ACK, 0, options)
}

/// A segment without options and data.
pub(crate) fn bare(
    tuple: &FourTuple,
    sequence: Seq,
    acknowledgment: Seq,
    flags: Flags,
    window: u16,
) -> Frame {
    with_options(tuple, (sequence, acknowledgment), flags, window, Options::NONE)
}

fn with_options(
    tuple: &FourTuple,
    (sequence, acknowledgment): (Seq, Seq),
    flags: Flags,
    window: u16,
    options: Options,
) -> Frame {
    let header = Header {
        source_port: tuple.local_port,
        destination_port: tuple.remote_port,
        sequence,
        acknowledgment,
        flags,
        window,
        urgent: 0,
        options,
    };
    let mut frame = Frame::new();
    header.prepend_to(&mut frame, tuple.local, tuple.remote);
    frame
}
