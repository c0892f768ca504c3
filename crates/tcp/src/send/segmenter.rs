//! How much to send now: Nagle's algorithm, silly windows, super-segments.

/// What the decision rests on. All sizes are bytes of payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    /// Written and never sent.
    pub(crate) unsent: u32,
    /// What both windows still allow.
    pub(crate) usable: u32,
    /// A full segment.
    pub(crate) segment_size: u32,
    /// The most one call may emit: several segments at once, or one.
    pub(crate) most: u32,
    /// Whether a segment that was not full is sent and unacknowledged.
    pub(crate) short_in_flight: bool,
    /// Whether small segments go at once: Nagle is off, or a FIN follows.
    pub(crate) eager: bool,
    /// Whether small segments wait though nothing is in flight: the application has said that more follows.
    pub(crate) held: bool,
    /// The largest window the peer ever offered.
    pub(crate) largest_window: u32,
}

/// How much to send now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// So many bytes; more than a segment's worth is a super-segment.
    Send(u32),
    /// Nothing: there is nothing, or Nagle's algorithm holds a small segment until the peer has acknowledged the last one.
    Wait,
    /// Nothing for now: a small segment is held back, but not for ever.
    Held,
    /// Nothing: the windows leave no room for a segment worth sending.
    Blocked,
}

/// Decides by RFC 9293 3.8.6.2.1 (silly windows) and 3.7.4 (Nagle, with the change that RFC 9293 A.3 tells of: a small segment waits
/// for another small one, not for full ones, so that the end of a long write does not wait for an acknowledgment).
#[inline]
pub(crate) fn decide(situation: Situation) -> Decision {
    let Situation { unsent, usable, segment_size, most, short_in_flight, eager, held, largest_window } =
        situation;
    let eager = (eager || !short_in_flight) && !held;
    if unsent == 0 {
        return Decision::Wait;
    }
    let length = unsent.min(usable).min(most);
    if length >= segment_size {
        let takes_all = length == unsent && (eager || length.is_multiple_of(segment_size));
        return Decision::Send(if takes_all { length } else { length - length % segment_size });
    }
    if held && unsent <= usable {
        return Decision::Held;
    }
    if unsent <= usable {
        return if eager { Decision::Send(unsent) } else { Decision::Wait };
    }
    if usable > 0 && usable >= largest_window / 2 {
        return Decision::Send(usable);
    }
    Decision::Blocked
}

#[cfg(test)]
mod tests {
    use super::*;

    const BULK: Situation = Situation {
        unsent: 10_000,
        usable: 100_000,
        segment_size: 1_000,
        most: 64_000,
        short_in_flight: false,
        eager: false,
        held: false,
        largest_window: 100_000,
    };

    #[test]
    fn bulk_goes_in_whole_segments() {
        assert_eq!(decide(BULK), Decision::Send(10_000));
        assert_eq!(decide(Situation { unsent: 10_001, ..BULK }), Decision::Send(10_001));
        let behind = Situation { short_in_flight: true, ..BULK };
        assert_eq!(decide(Situation { unsent: 10_001, ..behind }), Decision::Send(10_000));
        assert_eq!(decide(Situation { usable: 4_700, ..BULK }), Decision::Send(4_000));
        assert_eq!(decide(Situation { most: 1_000, ..BULK }), Decision::Send(1_000));
        assert_eq!(decide(Situation { unsent: 10_001, eager: true, ..behind }), Decision::Send(10_001));
    }

    #[test]
    fn nagle_holds_a_small_segment_only_while_another_is_in_flight() {
        let small = Situation { unsent: 10, ..BULK };
        assert_eq!(decide(small), Decision::Send(10));
        assert_eq!(decide(Situation { short_in_flight: true, ..small }), Decision::Wait);
        assert_eq!(decide(Situation { short_in_flight: true, eager: true, ..small }), Decision::Send(10));
    }

    #[test]
    fn what_is_held_goes_in_full_segments_only() {
        let held = Situation { held: true, eager: true, ..BULK };
        assert_eq!(decide(Situation { unsent: 999, ..held }), Decision::Held);
        assert_eq!(decide(Situation { unsent: 2_999, ..held }), Decision::Send(2_000));
        assert_eq!(decide(Situation { unsent: 2_000, ..held }), Decision::Send(2_000));
        assert_eq!(decide(Situation { unsent: 999, usable: 100, ..held }), Decision::Blocked);
    }

    #[test]
    fn a_window_of_half_the_largest_is_worth_filling_and_a_smaller_one_is_not() {
        let narrow = Situation { largest_window: 1_200, ..BULK };
        assert_eq!(decide(Situation { usable: 600, ..narrow }), Decision::Send(600));
        assert_eq!(decide(Situation { usable: 599, ..narrow }), Decision::Blocked);
        assert_eq!(decide(Situation { usable: 0, largest_window: 0, ..BULK }), Decision::Blocked);
    }
}
