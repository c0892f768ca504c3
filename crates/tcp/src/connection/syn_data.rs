//! What the SYN of an active opener carries for a peer that takes it in at once (RFC 7413 4.1 and 4.2.1).

use basis::Frame;
use bytes::Bytes;
use wire::tcp::{FastOpen, Header, Options, Seq};

/// A cookie, or the question for one, and data.
#[derive(Clone, Debug)]
pub(crate) struct SynData {
    /// Nothing where data goes without a cookie.
    option: Option<FastOpen>,
    data: Bytes,
    /// It has left. SYNs that are sent again go without it: perhaps somebody on the way dropped the first for it
    /// (RFC 7413 4.1.3.1).
    sent: bool,
}

/// What the answer to such a SYN taught about its peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lesson {
    /// The peer's MSS option, if it sent one.
    pub(crate) segment_size: Option<u16>,
    pub(crate) cookie: Option<FastOpen>,
    /// A cookie was asked for in vain, in the experimental form or in the usual one.
    pub(crate) unanswered: Option<Form>,
    /// Only the SYN that was sent again arrived, as it seems: the one with data was dropped.
    pub(crate) lost: bool,
}

/// The form of the option: that of RFC 7413, or that of the experiments before (RFC 6994).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Form {
    Usual,
    Experimental,
}

impl SynData {
    pub(crate) fn new(option: Option<FastOpen>, data: Bytes) -> SynData {
        SynData { option, data, sent: false }
    }

    /// Bytes of data.
    pub(crate) fn waiting(&self) -> usize {
        self.data.len()
    }

    /// Numbers that the data takes, once it has left.
    pub(super) fn length(&self) -> u32 {
        if self.sent { self.data.len() as u32 } else { 0 }
    }

    /// Joins the SYN in `frame`, unless that is sent again.
    #[cold]
    #[inline(never)]
    pub(super) fn join(&mut self, frame: &mut Frame, options: &mut Options) {
        if core::mem::replace(&mut self.sent, true) {
            return;
        }
        options.fast_open = self.option;
        if !self.data.is_empty() {
            frame.set_body(self.data.clone(), self.data.len());
        }
    }

    /// The data, of which the peer has all before `acknowledged`; the SYN had the number `initial`.
    #[cold]
    #[inline(never)]
    pub(super) fn rest(&self, initial: Seq, acknowledged: Seq) -> (u32, Bytes) {
        let taken = acknowledged.since(initial + 1).min(self.data.len() as u32);
        (taken, self.data.slice(taken as usize..))
    }

    /// What the SYN-ACK teaches; the SYN went again if `repeated`.
    #[cold]
    #[inline(never)]
    pub(super) fn learn(&self, answer: &Header, repeated: bool) -> Lesson {
        // What was not asked for does not count.
        let cookie =
            answer.options.fast_open.filter(|cookie| self.option.is_some() && !cookie.cookie().is_empty());
        let form = |option: &FastOpen| if option.experimental { Form::Experimental } else { Form::Usual };
        let asked = self.option.as_ref().filter(|option| option.cookie().is_empty());
        Lesson {
            segment_size: answer.options.maximum_segment_size,
            cookie,
            unanswered: asked.filter(|_| cookie.is_none() && !repeated).map(form),
            lost: repeated && cookie.is_none() && !self.data.is_empty(),
        }
    }
}
