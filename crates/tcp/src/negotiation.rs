//! What both SYNs agree on: segment sizes, window scaling, timestamps, selective acknowledgments, congestion marks.

use crate::config::EcnMode;
use wire::tcp::{Flags, Options, Timestamps};

/// RFC 7323 2.3: larger shifts count as 14.
const MAX_SHIFT: u8 = 14;
/// RFC 9293 3.7.1: without the option, a peer on IPv4 takes 536 bytes, on IPv6 1220.
const DEFAULT_IPV4: u16 = 536;
const DEFAULT_IPV6: u16 = 1220;
/// A peer that asks for less gets this much: smaller segments would only cost both sides.
const LEAST: u16 = 48;

/// The least shift by which a window of `most` bytes can be told (RFC 7323 2.2).
pub(crate) fn shift_for(most: u32) -> u8 {
    // As many bits as do not fit the field.
    (u32::BITS - u16::BITS).saturating_sub(most.leading_zeros()).min(u32::from(MAX_SHIFT)) as u8
}

/// What this host offers on its SYN or SYN-ACK.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// The largest segment this host wants to receive.
    pub(crate) maximum_segment_size: u16,
    /// Window scaling, by so much: see [`shift_for`].
    pub(crate) window_shift: Option<u8>,
    /// Timestamps.
    pub(crate) timestamps: bool,
    /// Selective acknowledgments.
    pub(crate) selective_acknowledgments: bool,
    /// Explicit congestion notification.
    pub(crate) ecn: EcnMode,
}

impl Offer {
    /// The options of a SYN.
    pub(crate) fn on_syn(self, timestamp: u32) -> Options {
        Options {
            maximum_segment_size: Some(self.maximum_segment_size),
            window_scale: self.window_shift,
            sack_permitted: self.selective_acknowledgments,
            timestamps: self.timestamps.then_some(Timestamps { value: timestamp, echo: 0 }),
            ..Options::default()
        }
    }

    /// The flags of a SYN; `first` unless it is repeated. One that gets no answer is repeated without the question for congestion
    /// marks, which some routers do not let pass (RFC 3168 6.1.1.1).
    pub(crate) fn syn_flags(self, first: bool) -> Flags {
        if self.ecn == EcnMode::Ask && first { Flags::SYN | ECN_SETUP } else { Flags::SYN }
    }

    /// What comes of this offer and the peer's SYN or SYN-ACK, with the `flags` that it has.
    pub(crate) fn agree(self, peer: &Options, flags: Flags, ipv4: bool) -> Negotiated {
        let default = if ipv4 { DEFAULT_IPV4 } else { DEFAULT_IPV6 };
        let scale = peer.window_scale.filter(|_| self.window_shift.is_some());
        let mut negotiated = Negotiated {
            peer_maximum: peer.maximum_segment_size.unwrap_or(default).max(LEAST),
            send_shift: scale.unwrap_or(0).min(MAX_SHIFT),
            own_shift: self.window_shift.unwrap_or(0),
            flags: 0,
        };
        negotiated.set(SCALING, scale.is_some());
        negotiated.set(TIMESTAMPS, self.timestamps && peer.timestamps.is_some());
        negotiated.set(SACK, self.selective_acknowledgments && peer.sack_permitted);
        // RFC 3168 6.1.1: the question has both flags, the answer only one: some hosts reflect what they do not understand.
        let marks = match flags.contains(Flags::ACK) {
            true => self.ecn == EcnMode::Ask && flags.contains(Flags::ECE) && !flags.contains(Flags::CWR),
            false => self.ecn != EcnMode::Off && flags.contains(ECN_SETUP),
        };
        negotiated.set(MARKS, marks);
        negotiated
    }
}

const SCALING: u8 = 1;
const TIMESTAMPS: u8 = 2;
const SACK: u8 = 4;
const MARKS: u8 = 8;
const SYN_DATA: u8 = 16;
/// What asks for congestion marks on a SYN.
const ECN_SETUP: Flags = Flags::ECE.with(Flags::CWR);

/// What both sides agreed on. Only what was offered is answered (RFC 7323 2.2, 3.2; RFC 2018 2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Negotiated {
    /// The peer's MSS option.
    pub(crate) peer_maximum: u16,
    /// Snd.Wind.Shift.
    pub(crate) send_shift: u8,
    /// What this host offers.
    own_shift: u8,
    flags: u8,
}

impl Negotiated {
    /// Nothing was agreed on yet.
    pub(crate) const NOTHING: Negotiated =
        Negotiated { peer_maximum: 0, send_shift: 0, own_shift: 0, flags: 0 };

    fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.flags |= flag;
        }
    }

    pub(crate) const fn scaling(self) -> bool {
        self.flags & SCALING != 0
    }

    pub(crate) const fn timestamps(self) -> bool {
        self.flags & TIMESTAMPS != 0
    }

    pub(crate) const fn selective_acknowledgments(self) -> bool {
        self.flags & SACK != 0
    }

    /// Whether both ends understand congestion marks.
    #[inline]
    pub(crate) const fn marks(self) -> bool {
        self.flags & MARKS != 0
    }

    /// Whether data came or went with the SYN (RFC 7413).
    pub(crate) const fn syn_data(self) -> bool {
        self.flags & SYN_DATA != 0
    }

    pub(crate) fn note_syn_data(&mut self) {
        self.flags |= SYN_DATA;
    }

    /// One of both ends may not understand congestion marks after all.
    pub(crate) fn without_marks(&mut self) {
        self.flags &= !MARKS;
    }

    /// The flags of a SYN-ACK.
    pub(crate) fn syn_ack_flags(self) -> Flags {
        let flags = Flags::SYN | Flags::ACK;
        if self.marks() { flags | Flags::ECE } else { flags }
    }

    /// Whether a SYN asks for congestion marks.
    pub(crate) fn is_asked_for_marks(flags: Flags) -> bool {
        flags.contains(ECN_SETUP)
    }

    /// Rcv.Wind.Shift.
    pub(crate) const fn receive_shift(self) -> u8 {
        if self.scaling() { self.own_shift } else { 0 }
    }

    /// The options of a SYN-ACK: the offer, less what the peer did not offer.
    pub(crate) fn on_syn_ack(self, offer: Offer, timestamps: Timestamps) -> Options {
        Options {
            maximum_segment_size: Some(offer.maximum_segment_size),
            window_scale: self.scaling().then_some(self.own_shift),
            sack_permitted: self.selective_acknowledgments(),
            timestamps: self.timestamps().then_some(timestamps),
            ..Options::default()
        }
    }

    /// Payload of the largest segment to send: the lesser of the peer's MSS and what the path takes, less the options every segment carries
    /// (RFC 6691: MSS does not count them).
    pub(crate) fn payload(self, path_maximum: u16) -> u16 {
        let options = if self.timestamps() { 12 } else { 0 };
        (self.peer_maximum.min(path_maximum) - options).max(LEAST - 12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: Offer = Offer {
        maximum_segment_size: 1460,
        window_shift: Some(8),
        timestamps: true,
        selective_acknowledgments: true,
        ecn: EcnMode::Ask,
    };

    #[test]
    fn only_what_was_offered_is_answered() {
        let silent = OFFER.agree(&Options::default(), Flags::SYN, true);
        assert_eq!(
            (silent.scaling(), silent.timestamps(), silent.selective_acknowledgments()),
            (false, false, false)
        );
        assert_eq!(silent.payload(1460), 536);
        let answer = silent.on_syn_ack(OFFER, Timestamps { value: 1, echo: 2 });
        assert_eq!(answer, Options { maximum_segment_size: Some(1460), ..Options::default() });
    }

    #[test]
    fn the_shift_is_the_least_that_can_tell_the_largest_window() {
        let sizes = [0, 65_535, 65_536, 131_071, 131_072, 8 << 20, 64 << 20, u32::MAX];
        assert_eq!(sizes.map(shift_for), [0, 0, 1, 1, 2, 8, 11, 14]);
    }

    #[test]
    fn a_shift_above_14_counts_as_14() {
        let peer = Options { window_scale: Some(30), ..Options::default() };
        assert_eq!(OFFER.agree(&peer, Flags::SYN, true).send_shift, 14);
    }

    #[test]
    fn timestamps_take_twelve_bytes_of_every_segment() {
        let peer = OFFER.on_syn(9);
        assert_eq!(OFFER.agree(&peer, Flags::SYN, true).payload(1460), 1448);
    }

    #[test]
    fn a_tiny_mss_is_raised_to_something_that_can_carry_data() {
        let peer = Options { maximum_segment_size: Some(1), ..OFFER.on_syn(0) };
        assert_eq!(OFFER.agree(&peer, Flags::SYN, true).payload(1460), 36);
    }

    #[test]
    fn marks_are_agreed_on_by_both_flags_and_one() {
        let agreed = |ecn, flags| Offer { ecn, ..OFFER }.agree(&Options::default(), flags, true).marks();
        let (syn, syn_ack) = (Flags::SYN, Flags::SYN | Flags::ACK);
        for (flags, by) in [
            (syn | ECN_SETUP, [false, true, true]),
            (syn | Flags::ECE, [false; 3]),
            (syn | Flags::CWR, [false; 3]),
            (syn_ack | Flags::ECE, [false, false, true]),
            (syn_ack | ECN_SETUP, [false; 3]),
            (syn_ack, [false; 3]),
        ] {
            assert_eq!(
                [EcnMode::Off, EcnMode::Accept, EcnMode::Ask].map(|mode| agreed(mode, flags)),
                by,
                "{flags:?}"
            );
        }
    }
}
