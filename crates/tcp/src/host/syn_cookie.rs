//! SYN cookies (RFC 4987 3.6): what a half-open connection would remember, kept in the SYN-ACK's own numbers.
//!
//! The sequence number of the SYN-ACK is `F1(tuple) + IRS + C`, where `C` has, from the top, five bits of a slow clock, three that
//! name a segment size, eight of `F2(tuple, clock)` and 16 of `F3(tuple, clock, IRS)`. All functions have secret keys, so only who has
//! seen the SYN-ACK knows a number that will be accepted: 16 of 2^32 are at any time. The clock's bits make later numbers larger.
//!
//! `F2` is the same for all that a peer sends: it tells later data from strays. `F3` is not: without it, whenever both ends of an
//! ended connection had sent as many bytes, a late copy of its last acknowledgment would pass for the one that completed its
//! handshake, for the differences of the numbers are the same.
//!
//! What else a SYN says is kept in the low bits of the timestamp, which the peer echoes, if the peer sends timestamps. These bits
//! are not protected: a peer that changes them deceives itself alone.

use crate::negotiation::Negotiated;
use crate::receive::timestamps::is_before;
use crate::segment::FourTuple;
use alloc::boxed::Box;
use basis::{HashKey, Instant, Random};
use core::hash::BuildHasher;
use core::time::Duration;
use wire::tcp::{Flags, Options, Seq, Timestamps};

/// The tick of the slow clock.
const PERIOD: Duration = Duration::from_secs(64);
/// A cookie is good in the period in which it was made and in the next one: for this long at most.
pub(crate) const LIFETIME: Duration = Duration::from_secs(128);
/// The segment sizes that a cookie can tell: the least that this host sends; those of peers that say nothing, by family; and the
/// usual ones of Ethernet, with and without tunnels, by family.
const SIZES: [u16; 8] = [48, 256, 536, 1220, 1360, 1440, 1460, 8960];
const SIZE_BITS: u32 = 3;
/// Bits that the tuple decides, and below them bits that the peer's first number decides too.
const TUPLE_BITS: u32 = 8;
const OWN_BITS: u32 = 16;
const TUPLE_MASK: u32 = (1 << TUPLE_BITS) - 1;
const HASH_BITS: u32 = TUPLE_BITS + OWN_BITS;
const HASH_MASK: u32 = (1 << HASH_BITS) - 1;
const CLOCK_BITS: u32 = 32 - HASH_BITS - SIZE_BITS;

/// Cookies that are remembered to have been used.
const SPENT: usize = 1024;

/// The secrets behind cookies.
#[derive(Clone, Debug)]
pub(crate) struct SynCookies {
    by_tuple: HashKey,
    by_time: HashKey,
    /// Hashes of cookies that have made a connection, one place for each low bits.
    spent: Box<[u64; SPENT]>,
}

impl SynCookies {
    pub(crate) fn new(random: &mut Random) -> SynCookies {
        SynCookies { by_tuple: random.hash_key(), by_time: random.hash_key(), spent: Box::new([0; SPENT]) }
    }

    /// The sequence number that answers a SYN with number `peer_initial` from a peer that takes segments of `maximum` bytes.
    pub(crate) fn number(&self, tuple: &FourTuple, peer_initial: Seq, maximum: u16, now: Instant) -> Seq {
        let size = SIZES.iter().rposition(|size| *size <= maximum).unwrap_or(0) as u32;
        let clock = period(now);
        let hash = self.hash(tuple, clock, peer_initial);
        let cookie = (clock as u32) << (32 - CLOCK_BITS) | size << HASH_BITS | hash;
        peer_initial + self.base(tuple) + cookie
    }

    /// What the peer may be sent, in bytes a segment, if `number` is a cookie that was given to it lately.
    pub(crate) fn check(
        &self,
        tuple: &FourTuple,
        peer_initial: Seq,
        number: Seq,
        now: Instant,
    ) -> Option<u16> {
        let cookie = number.since(peer_initial + self.base(tuple));
        let age = (period(now) as u32).wrapping_sub(cookie >> (32 - CLOCK_BITS)) % (1 << CLOCK_BITS);
        let clock = period(now).checked_sub(u64::from(age)).filter(|_| age <= 1)?;
        let size = cookie >> HASH_BITS & ((1 << SIZE_BITS) - 1);
        (cookie & HASH_MASK == self.hash(tuple, clock, peer_initial)).then(|| SIZES[size as usize])
    }

    /// Whether `number` may be a cookie that was given lately to a peer whose numbers began less than 64 KiB before `sequence`: its
    /// later data, while what would complete the handshake is lost or had no room. One in 2048 of all numbers looks so, too
    /// many to make connections of.
    pub(crate) fn is_plausible(&self, tuple: &FourTuple, sequence: Seq, number: Seq, now: Instant) -> bool {
        let cookie = number.since(sequence + self.base(tuple));
        (0..2).filter_map(|age| period(now).checked_sub(age)).any(|clock| {
            // What lies between makes the number less, by one at most where the tuple alone decides.
            (0..2).any(|borrowed| {
                let cookie = cookie.wrapping_add(borrowed << OWN_BITS);
                cookie >> (32 - CLOCK_BITS) == clock as u32 % (1 << CLOCK_BITS)
                    && cookie >> OWN_BITS & TUPLE_MASK == self.tuple_hash(tuple, clock)
            })
        })
    }

    /// Notes that a cookie made a connection; returns false if it has done so before: a late copy of the acknowledgment that
    /// brought it. Only a few are remembered, for copies of packets come soon.
    pub(crate) fn spend(&mut self, tuple: &FourTuple, number: Seq) -> bool {
        let hash = self.by_time.hash_one((tuple, number));
        let place = &mut self.spent[hash as usize % SPENT];
        core::mem::replace(place, hash) != hash
    }

    fn base(&self, tuple: &FourTuple) -> u32 {
        self.by_tuple.hash_one(tuple) as u32
    }

    fn hash(&self, tuple: &FourTuple, clock: u64, peer_initial: Seq) -> u32 {
        let own = self.by_time.hash_one((tuple, clock, peer_initial)) as u32 & ((1 << OWN_BITS) - 1);
        self.tuple_hash(tuple, clock) << OWN_BITS | own
    }

    fn tuple_hash(&self, tuple: &FourTuple, clock: u64) -> u32 {
        self.by_time.hash_one((tuple, clock)) as u32 & TUPLE_MASK
    }
}

fn period(now: Instant) -> u64 {
    now.as_micros() / PERIOD.as_micros() as u64
}

/// Low bits of a timestamp: four of a shift, one each for selective acknowledgments and congestion marks.
const KEPT_BITS: u32 = 6;
const KEPT_MASK: u32 = (1 << KEPT_BITS) - 1;
const SHIFT_MASK: u32 = 15;
const NO_SHIFT: u32 = 15;
const SACK: u32 = 1 << 4;
const MARKS: u32 = 1 << 5;

/// The timestamp that keeps what was agreed on: the latest of those, at `clock` or just before it. So it is never later than one that
/// comes after it.
pub(crate) fn keep(negotiated: Negotiated, clock: u32) -> u32 {
    let mut kept = if negotiated.scaling() { u32::from(negotiated.send_shift) } else { NO_SHIFT };
    if negotiated.selective_acknowledgments() {
        kept |= SACK;
    }
    if negotiated.marks() {
        kept |= MARKS;
    }
    let value = clock & !KEPT_MASK | kept;
    if is_before(clock, value) { value.wrapping_sub(1 << KEPT_BITS) } else { value }
}

/// What of a SYN a cookie can keep: without timestamps, the segment size alone.
pub(crate) fn keepable(options: &Options, flags: Flags, timestamps: bool) -> (Options, Flags) {
    let maximum_segment_size = options.maximum_segment_size;
    match options.timestamps.filter(|_| timestamps) {
        Some(_) => (options.clone(), flags),
        None => (Options { maximum_segment_size, ..Options::NONE }, Flags::SYN),
    }
}

/// The SYN again, from a cookie and from the timestamps of the acknowledgment that brings it, if it has any.
///
/// `clock` is this host's present timestamp: an echo of none that it has sent while the cookie was good keeps nothing.
pub(crate) fn recall(maximum: u16, timestamps: Option<Timestamps>, clock: u32) -> (Options, Flags) {
    let sent_lately = |echo: u32| u128::from(clock.wrapping_sub(echo)) <= LIFETIME.as_millis();
    let timestamps = timestamps.filter(|timestamps| sent_lately(timestamps.echo));
    let kept = timestamps.map_or(NO_SHIFT, |timestamps| timestamps.echo & KEPT_MASK);
    let shift = kept & SHIFT_MASK;
    let options = Options {
        maximum_segment_size: Some(maximum),
        window_scale: (shift != NO_SHIFT).then_some(shift as u8),
        sack_permitted: kept & SACK != 0,
        timestamps,
        ..Options::NONE
    };
    let asks = if kept & MARKS != 0 { Flags::ECE | Flags::CWR } else { Flags::NONE };
    (options, Flags::SYN | asks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EcnMode;
    use crate::negotiation::Offer;
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use proptest::prelude::*;

    fn cookies(seed: u8) -> SynCookies {
        SynCookies::new(&mut Random::new([seed; 32]))
    }

    fn tuple(remote_port: u16) -> FourTuple {
        let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        FourTuple { local: address(1), remote: address(2), local_port: 80, remote_port }
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_cookie_is_good_for_its_period_and_the_next_and_then_no_more() {
        let cookies = cookies(1);
        for made in [0, 63, 64, 64 * 31, 64 * 32 + 63, 64 * 1_000_000] {
            let number = cookies.number(&tuple(1), Seq(7), 1460, at(made));
            let check = |seconds| cookies.check(&tuple(1), Seq(7), number, at(seconds));
            let dies = (made / 64 + 2) * 64;
            assert_eq!([made, dies - 1].map(check), [Some(1460); 2], "made at {made}");
            // Also when the clock's bits come round.
            assert_eq!([dies, dies + 64, dies + 64 * 31].map(check), [None; 3], "made at {made}");
        }
        let early = cookies.number(&tuple(1), Seq(7), 1460, at(64));
        assert_eq!(cookies.check(&tuple(1), Seq(7), early, at(63)), None, "none from the future");
    }

    #[test]
    fn a_cookie_is_bound_to_tuple_number_and_secret() {
        let mine = cookies(1);
        let number = mine.number(&tuple(1), Seq(7), 1460, at(5));
        assert_eq!(mine.check(&tuple(2), Seq(7), number, at(5)), None);
        assert_eq!(mine.check(&tuple(1), Seq(8), number, at(5)), None);
        assert_eq!(cookies(2).check(&tuple(1), Seq(7), number, at(5)), None);
        let six =
            FourTuple { local: Ipv6Addr::LOCALHOST.into(), remote: Ipv6Addr::LOCALHOST.into(), ..tuple(1) };
        assert_eq!(mine.check(&six, Seq(7), number, at(5)), None);
    }

    #[test]
    fn of_all_numbers_few_are_accepted() {
        let cookies = cookies(3);
        let accepted = (0..1_u32 << 22).filter(|n| {
            cookies.check(&tuple(1), Seq(7), Seq(n.wrapping_mul(0x9e37_79b1)), at(100)).is_some()
        });
        // 16 of 2^32: a thousandth of them was tried.
        assert!(accepted.count() <= 3);
    }

    #[test]
    fn what_comes_later_from_both_ends_is_no_cookie_again() {
        // Both ends have sent as many bytes, as in a call to an echo service.
        let cookies = cookies(1);
        let passed = (1..=4_096_u32).filter(|sent| {
            let number = cookies.number(&tuple(1), Seq(7), 1460, at(5));
            cookies.check(&tuple(1), Seq(7) + *sent, number + *sent, at(5)).is_some()
        });
        assert!(passed.count() <= 1);
    }

    #[test]
    fn later_data_of_who_has_a_cookie_is_told_from_strays() {
        let cookies = cookies(1);
        for (seed, maximum) in (0..50_u32).zip([48, 536, 1460].into_iter().cycle()) {
            let first = Seq(seed.wrapping_mul(0x9e37_79b1));
            let number = cookies.number(&tuple(1), first, maximum, at(63));
            let plausible =
                |ahead, seconds| cookies.is_plausible(&tuple(1), first + ahead, number, at(seconds));
            for ahead in [0, 1, 1460, 65_535] {
                assert_eq!([63, 127, 128].map(|at| plausible(ahead, at)), [true, true, false], "{ahead}");
            }
            assert!(!plausible(1 << 17, 63) && !plausible(u32::MAX << 16, 63));
        }
        let strays = (0..1_u32 << 16)
            .filter(|n| cookies.is_plausible(&tuple(1), Seq(7), Seq(n.wrapping_mul(0x9e37_79b1)), at(100)));
        // One in 2048, and chance.
        assert!(strays.count() <= 64);
    }

    #[test]
    fn a_cookie_is_used_once_and_only_some_are_remembered() {
        let mut cookies = cookies(1);
        let use_it = |cookies: &mut SynCookies, port| cookies.spend(&tuple(port), Seq(9));
        assert_eq!([1, 1, 1].map(|port| use_it(&mut cookies, port)), [true, false, false]);
        assert!(cookies.spend(&tuple(1), Seq(10)) && cookies.spend(&tuple(2), Seq(9)));
        assert!((1_000..20_000).all(|port| use_it(&mut cookies, port)));
        let remembered = (1_000..20_000).filter(|port| !use_it(&mut cookies.clone(), *port)).count();
        assert!((SPENT / 2..=SPENT).contains(&remembered), "{remembered}");
    }

    #[test]
    fn the_size_is_never_more_than_the_peer_takes_and_later_numbers_are_larger() {
        let cookies = cookies(1);
        for (maximum, kept) in
            [(48, 48), (255, 48), (536, 536), (1000, 536), (1460, 1460), (1461, 1460), (u16::MAX, 8960)]
        {
            let number = cookies.number(&tuple(1), Seq(7), maximum, at(5));
            assert_eq!(cookies.check(&tuple(1), Seq(7), number, at(5)), Some(kept));
        }
        let numbers = [5, 69, 133].map(|seconds| cookies.number(&tuple(1), Seq(7), 1460, at(seconds)));
        assert!(numbers[1].after(numbers[0]) && numbers[2].after(numbers[1]));
    }

    fn offer() -> Offer {
        Offer {
            maximum_segment_size: 1460,
            window_shift: Some(7),
            timestamps: true,
            selective_acknowledgments: true,
            ecn: EcnMode::Accept,
        }
    }

    proptest! {
        #[test]
        fn the_timestamp_keeps_what_was_agreed_on(
            shift in proptest::option::of(0..=14_u8),
            sack_permitted: bool,
            marks: bool,
            clock: u32,
            later in 0..=128_000_u32,
        ) {
            let timestamps = Some(Timestamps { value: 9, echo: 0 });
            let options = Options { window_scale: shift, sack_permitted, timestamps, ..Options::NONE };
            let flags = if marks { Flags::SYN | Flags::ECE | Flags::CWR } else { Flags::SYN };
            let agreed = offer().agree(&options, flags, true);
            let value = keep(agreed, clock);
            prop_assert!(!is_before(clock, value) && clock.wrapping_sub(value) < 64);
            let echoed = Some(Timestamps { value: 10, echo: value });
            let now = value.wrapping_add(later);
            let (options, flags) = recall(1460, echoed, now);
            let again = offer().agree(&options, flags, true);
            prop_assert_eq!(again.scaling().then_some(again.send_shift), shift);
            prop_assert_eq!(again.selective_acknowledgments(), sack_permitted);
            prop_assert_eq!(again.marks(), marks);
            prop_assert!(again.timestamps());
            // An echo of what was sent too long ago, or never, keeps nothing.
            let (options, flags) = recall(1460, echoed, value.wrapping_add(128_001));
            let nothing = Options { maximum_segment_size: Some(1460), ..Options::NONE };
            prop_assert_eq!((options, flags), (nothing, Flags::SYN));
        }
    }

    #[test]
    fn without_timestamps_only_the_size_is_kept() {
        let options = Options {
            maximum_segment_size: Some(1200),
            window_scale: Some(3),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: 1, echo: 0 }),
            ..Options::NONE
        };
        let flags = Flags::SYN | Flags::ECE | Flags::CWR;
        assert_eq!(keepable(&options, flags, true), (options.clone(), flags));
        let plain = Options { maximum_segment_size: Some(1200), ..Options::NONE };
        assert_eq!(keepable(&options, flags, false), (plain.clone(), Flags::SYN));
        let silent = Options { timestamps: None, ..options };
        assert_eq!(keepable(&silent, flags, true), (plain, Flags::SYN));
    }
}
