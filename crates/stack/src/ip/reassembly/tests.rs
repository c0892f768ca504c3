use super::*;
use alloc::vec;
use basis::Random;
use core::time::Duration;
use proptest::prelude::*;

const NOW: Instant = Instant::ZERO;

fn reassembly(config: ReassemblyConfig) -> (Reassembly, Timers) {
    (Reassembly::new(config, Random::new([1; 32]).hash_key()), Timers::new(NOW))
}

fn fragment(identification: u16, offset: usize, more: bool, payload: &[u8]) -> (Header, Frame) {
    let mut frame = Frame::copy_of(payload);
    let header = Header {
        dont_fragment: false,
        more_fragments: more,
        fragment_offset: offset as u16,
        identification,
        ..Header::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), protocol::UDP)
    };
    header.prepend_to(&mut frame);
    let bytes = frame.to_vec();
    (Header::parse(&bytes, bytes.len()).unwrap(), Frame::copy_of(&bytes))
}

impl Reassembly {
    fn feed(
        &mut self,
        timers: &mut Timers,
        (header, frame): (Header, Frame),
    ) -> Result<Option<Vec<u8>>, Dropped> {
        let whole = self.on_fragment(NOW, 0, &header, &frame, timers)?;
        Ok(whole.map(|(header, frame)| {
            assert_eq!(header.total_length, frame.len());
            assert_eq!(Header::parse(frame.first(), frame.len()), Ok(header));
            assert!(!header.is_fragment());
            frame.to_vec()[20..].to_vec()
        }))
    }

    fn is_empty(&self) -> bool {
        self.cost == 0 && self.datagrams.is_empty() && self.by_name.is_empty()
    }
}

/// Cut lengths in units of 8 bytes, the rest, and in which order they come, some twice.
fn cuts() -> impl Strategy<Value = (Vec<usize>, usize, Vec<prop::sample::Index>)> {
    let units = prop::collection::vec(1_usize..40, 0..20);
    (units, 1_usize..64, prop::collection::vec(any::<prop::sample::Index>(), 40))
}

proptest! {
    #[test]
    fn any_cutting_in_any_order_with_duplicates_gives_the_datagram_once(
        (units, rest, order) in cuts()
    ) {
        let mut ends: Vec<usize> = units.iter().scan(0, |end, units| { *end += units * 8; Some(*end) }).collect();
        ends.push(ends.last().copied().unwrap_or(0) + rest);
        let total = ends.last().copied().unwrap_or(0);
        let payload: Vec<u8> = (0..total).map(|n| ((n * 31) >> 3) as u8).collect();
        let mut start = 0;
        let pieces: Vec<_> = ends.iter().map(|end| {
            let piece = fragment(9, start, *end < total, &payload[start..*end]);
            start = *end;
            piece
        }).collect();
        let (mut reassembly, mut timers) = reassembly(ReassemblyConfig::default());
        // Random picks with repetition, then all in order: everything comes at least once.
        let sequence: Vec<usize> =
            order.iter().map(|index| index.index(pieces.len())).chain(0..pieces.len()).collect();
        let mut seen = vec![false; pieces.len()];
        for index in sequence {
            let result = reassembly.feed(&mut timers, pieces[index].clone());
            let missing_before = seen.iter().filter(|seen| !**seen).count();
            if seen[index] {
                prop_assert_eq!(result, Err(Dropped::DuplicateFragment));
                continue;
            }
            seen[index] = true;
            if missing_before == 1 {
                prop_assert_eq!(result, Ok(Some(payload.clone())));
                break;
            }
            prop_assert_eq!(result, Ok(None));
        }
        prop_assert!(reassembly.is_empty());
        prop_assert_eq!(timers.armed(), 0);
    }

    /// Against a bitmap: whatever the fragments are, a datagram comes out only if no two of them overlap and they cover it.
    #[test]
    fn arbitrary_fragments_match_a_bitmap(
        pieces in prop::collection::vec((0_usize..12, 1_usize..5, any::<bool>()), 1..12)
    ) {
        let (mut reassembly, mut timers) = reassembly(ReassemblyConfig::default());
        let mut owner = [usize::MAX; 200];
        let mut accepted: Vec<(usize, usize, bool)> = Vec::new();
        for (offset, units, more) in pieces {
            let (start, end) = (offset * 8, (offset + units) * 8);
            let result = reassembly.feed(&mut timers, fragment(9, start, more, &[offset as u8; 40][..end - start]));
            let same = accepted.iter().any(|(s, e, _)| (*s, *e) == (start, end));
            let touched = owner[start..end].iter().any(|owner| *owner != usize::MAX);
            let length = accepted.iter().find(|(_, _, more)| !more).map(|(_, end, _)| *end);
            let furthest = accepted.iter().map(|(_, end, _)| *end).max().unwrap_or(0);
            let contradicts = match length {
                Some(length) => end > length || !more && end != length,
                None => !more && furthest > end,
            };
            if same {
                prop_assert_eq!(result, Err(Dropped::DuplicateFragment));
                continue;
            }
            if touched || contradicts {
                prop_assert_eq!(result, Err(Dropped::OverlappingFragment));
                return Ok(());
            }
            owner[start..end].fill(offset);
            accepted.push((start, end, more));
            let length = accepted.iter().find(|(_, _, more)| !more).map(|(_, end, _)| *end);
            match length {
                Some(length) if owner[..length].iter().all(|owner| *owner != usize::MAX) => {
                    let whole: Vec<u8> = owner[..length].iter().map(|owner| *owner as u8).collect();
                    prop_assert_eq!(result, Ok(Some(whole)));
                    return Ok(());
                }
                _ => prop_assert_eq!(result, Ok(None)),
            }
        }
    }
}

#[test]
fn datagrams_bytes_and_fragments_are_bounded() {
    let config = ReassemblyConfig { max_datagrams: 4, max_fragments: 3, ..ReassemblyConfig::default() };
    let (mut all, mut timers) = reassembly(config);
    for identification in 0..10 {
        all.feed(&mut timers, fragment(identification, 0, true, &[0; 64])).unwrap();
        assert!(all.datagrams.len() <= 4 && timers.armed() <= 4);
    }
    for (n, expected) in [(2, Ok(None)), (4, Ok(None)), (6, Err(Dropped::ReassemblyFull))] {
        assert_eq!(all.feed(&mut timers, fragment(9, n * 64, true, &[0; 64])), expected);
    }
    let config = ReassemblyConfig { max_bytes: 10_000, ..ReassemblyConfig::default() };
    let (mut all, mut timers) = reassembly(config);
    for identification in 0..100 {
        all.feed(&mut timers, fragment(identification, 0, true, &[0; 1000])).unwrap();
        assert!(all.cost <= 10_000);
    }
    assert_eq!(all.datagrams.len(), 9);
    // One that alone needs more than there is.
    let (mut all, mut timers) = reassembly(ReassemblyConfig { max_bytes: 2100, ..config });
    all.feed(&mut timers, fragment(1, 0, true, &[0; 1000])).unwrap();
    assert_eq!(all.feed(&mut timers, fragment(1, 1000, true, &[0; 1000])), Err(Dropped::ReassemblyFull));
}

#[test]
fn tiny_and_empty_fragments_are_dropped() {
    let (mut all, mut timers) = reassembly(ReassemblyConfig::default());
    let tcp = |(header, frame): (Header, Frame)| (Header { protocol: protocol::TCP, ..header }, frame);
    let first = tcp(fragment(1, 0, true, &[0; 16]));
    assert_eq!(all.feed(&mut timers, first), Err(Dropped::TinyFragment));
    let second = tcp(fragment(1, 8, true, &[0; 16]));
    assert_eq!(all.feed(&mut timers, second), Err(Dropped::TinyFragment));
    assert_eq!(all.feed(&mut timers, fragment(1, 64, false, &[])), Err(Dropped::ImpossibleFragment));
    assert!(all.is_empty());
    assert_eq!(all.feed(&mut timers, tcp(fragment(1, 0, true, &[0; 24]))), Ok(None));
}

#[test]
fn a_datagram_waits_no_longer_than_its_time() {
    let (mut all, mut timers) = reassembly(ReassemblyConfig::default());
    all.feed(&mut timers, fragment(1, 0, true, &[1; 64])).unwrap();
    all.feed(&mut timers, fragment(2, 64, true, &[1; 64])).unwrap();
    assert!(timers.pop_expired(NOW + Duration::from_millis(29_900)).is_none());
    let mut beginnings = 0;
    while let Some(Timer::Reassembly { slot }) = timers.pop_expired(NOW + Duration::from_secs(31)) {
        beginnings += usize::from(all.on_timeout(slot, &mut timers).unwrap().beginning.is_some());
    }
    assert_eq!(beginnings, 1, "only one of them had begun");
    assert!(all.is_empty());
}
