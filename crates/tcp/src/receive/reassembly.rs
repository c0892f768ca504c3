//! Bytes that came before their turn (RFC 9293 3.10.7.4), and the blocks that tell the peer of them (RFC 2018).

use super::piece::Piece;
use alloc::collections::VecDeque;
use bytes::Buf;
use wire::tcp::{SackBlock, Seq};

/// Separate ranges at once; a peer that leaves more holes must send again. A queue that overflows on a long path leaves thousands.
const MAX_RANGES: usize = 4096;
/// Ranges whose order of arrival is remembered: twice as many as one segment reports.
const RECENT: usize = 8;
/// What a piece is charged beyond the memory it pins.
const PIECE_OVERHEAD: usize = 64;

/// Ranges in sequence order; none touches another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reassembly {
    ranges: VecDeque<Range>,
    /// Memory charged for the pieces.
    charged: usize,
    /// A number in each of the ranges that segments touched last, the youngest first (RFC 2018 4).
    recent: VecDeque<Seq>,
    /// TS.Recent when the first hole opened.
    pub(super) timestamp: u32,
}

#[derive(Clone, Debug)]
struct Range {
    left: Seq,
    right: Seq,
    pieces: VecDeque<Piece>,
}

impl Reassembly {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Memory charged for the pieces.
    #[inline]
    pub(crate) fn charged(&self) -> usize {
        self.charged
    }

    /// Whether anything ever came out of order; mostly nothing did.
    #[inline]
    pub(crate) fn was_used(&self) -> bool {
        self.ranges.capacity() > 0
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        if self.was_used() {
            *self = Reassembly::default();
        }
    }

    /// Keeps the bytes from `left` on, as far as they are new. Returns false if there is no room: the peer sends them again.
    ///
    /// What is charged is the memory that each piece pins once it has been cut to what is new: a whole segment must not
    /// stay for the sake of one byte. At the bound one last segment may go beyond it.
    pub(crate) fn insert(&mut self, mut left: Seq, segment: Piece, limit: usize) -> bool {
        let Piece { mut bytes, memory } = segment;
        let count = bytes.len() as u32;
        if count == 0 {
            return true;
        }
        let right = left + count;
        if self.charged + memory + PIECE_OVERHEAD > 2 * limit {
            return false;
        }
        // The first range that ends at `left` or later: all before it stay untouched.
        let at = self.ranges.partition_point(|range| range.right.before(left));
        if self.ranges.len() >= MAX_RANGES && self.ranges.get(at).is_none_or(|range| range.left.after(right))
        {
            return false;
        }
        if self.ranges.get(at).is_none_or(|range| range.left.after(left)) {
            self.ranges.insert(at, Range { left, right: left, pieces: VecDeque::new() });
        }
        loop {
            let end = self.ranges.get(at + 1).map_or(right, |next| next.left.min(right));
            let range = &mut self.ranges[at];
            let known = range.right.since(left).min(right.since(left));
            bytes.advance(known as usize);
            left += known;
            if left.before(end) {
                let piece = Piece::new(bytes.split_to(end.since(left) as usize), memory);
                self.charged += piece.memory + PIECE_OVERHEAD;
                range.pieces.push_back(piece);
                range.right = end;
                left = end;
            }
            if !self.join_next(at) || left == right {
                break;
            }
        }
        self.touch(at);
        true
    }

    /// Keeps a FIN with the number `end`: no byte, but the peer is told of it. Returns false if there is no room.
    pub(crate) fn insert_fin(&mut self, end: Seq) -> bool {
        let at = self.ranges.partition_point(|range| range.right.before(end));
        let full = self.ranges.len() >= MAX_RANGES;
        match self.ranges.get_mut(at) {
            Some(range) if range.left.at_or_before(end) => range.right = range.right.max(end + 1),
            _ if full => return false,
            _ => self.ranges.insert(at, Range { left: end, right: end + 1, pieces: VecDeque::new() }),
        }
        // What was sent behind the end of the stream is none of it.
        for range in self.ranges.drain(at + 1..) {
            self.charged -= range.pieces.iter().map(|piece| piece.memory + PIECE_OVERHEAD).sum::<usize>();
        }
        self.touch(at);
        true
    }

    /// Notes that a segment has touched the range.
    fn touch(&mut self, at: usize) {
        let Some(range) = self.ranges.get(at) else { return };
        let (left, right) = (range.left, range.right);
        let mut recent = core::mem::take(&mut self.recent);
        recent.retain(|number| !number.within(left, right.since(left)) && self.containing(*number).is_some());
        recent.truncate(RECENT - 1);
        recent.push_front(left);
        self.recent = recent;
    }

    /// The range that has the number.
    fn containing(&self, number: Seq) -> Option<&Range> {
        let at = self.ranges.partition_point(|range| range.right.at_or_before(number));
        self.ranges.get(at).filter(|range| range.left.at_or_before(number))
    }

    /// The first numbers from `left` to `right` that are here already.
    pub(crate) fn held(&self, left: Seq, right: Seq) -> Option<SackBlock> {
        let at = self.ranges.partition_point(|range| range.right.at_or_before(left));
        let range = self.ranges.get(at).filter(|range| range.left.before(right))?;
        Some(SackBlock { left: range.left.max(left), right: range.right.min(right) })
    }

    /// Joins a range with the next one if they touch.
    fn join_next(&mut self, at: usize) -> bool {
        if self.ranges.get(at + 1).is_none_or(|next| next.left != self.ranges[at].right) {
            return false;
        }
        let Some(mut next) = self.ranges.remove(at + 1) else { return false };
        let range = &mut self.ranges[at];
        range.right = next.right;
        range.pieces.append(&mut next.pieces);
        true
    }

    /// Takes out a piece that has come to its turn at `next`, without what is before it.
    pub(crate) fn pop(&mut self, next: Seq) -> Option<Piece> {
        loop {
            let range = self.ranges.front_mut()?;
            if range.left.after(next) {
                return None;
            }
            let Some(mut piece) = range.pieces.pop_front() else {
                self.ranges.pop_front();
                continue;
            };
            self.charged -= piece.memory + PIECE_OVERHEAD;
            let left = range.left;
            range.left += piece.len() as u32;
            if range.pieces.is_empty() {
                self.ranges.pop_front();
            }
            let known = next.since(left) as usize;
            if known < piece.len() {
                piece.bytes.advance(known);
                return Some(piece);
            }
        }
    }

    /// Up to `most` blocks, the one touched last first (RFC 2018 4).
    pub(crate) fn blocks(&self, most: usize) -> impl Iterator<Item = SackBlock> {
        let known = self.recent.iter().filter_map(|number| self.containing(*number));
        known.take(most).map(|range| SackBlock { left: range.left, right: range.right })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn data(left: u32, length: u32) -> Piece {
        let bytes: Bytes = (left..left + length).map(|n| (n % 251) as u8).collect();
        Piece { memory: bytes.len(), bytes }
    }

    proptest! {
        /// Segments of a known stream in any order, with any overlap, around the end of the number space:
        /// what comes out is the stream, up to the first byte that never came.
        #[test]
        fn any_order_and_overlap_gives_the_stream(
            base: u32,
            segments in prop::collection::vec((1..2_000u32, 1..300u32), 1..80),
        ) {
            let mut reassembly = Reassembly::default();
            let mut arrived = [false; 2_400];
            for (left, length) in &segments {
                if reassembly.insert(Seq(base) + *left, data(*left, *length), 1 << 20) {
                    arrived[*left as usize..(left + length) as usize].fill(true);
                }
                let mut told = [false; 2_400];
                for range in &reassembly.ranges {
                    let (from, to) = (range.left.since(Seq(base)), range.right.since(Seq(base)));
                    prop_assert!(from < to && !told[from as usize - 1]);
                    told[from as usize..to as usize].fill(true);
                    prop_assert_eq!(range.pieces.iter().map(|piece| piece.len() as u32).sum::<u32>(), to - from);
                }
                prop_assert_eq!(&told[..], &arrived[..]);
            }
            let mut next = segments[0].0;
            let mut expected = next;
            while arrived[expected as usize] {
                expected += 1;
            }
            while let Some(piece) = reassembly.pop(Seq(base) + next) {
                let length = piece.len() as u32;
                prop_assert_eq!(&piece.bytes, &data(next, length).bytes);
                next += length;
            }
            prop_assert_eq!(next, expected);
        }
    }

    #[test]
    fn the_block_touched_last_comes_first() {
        let mut reassembly = Reassembly::default();
        for left in [100, 300, 500, 700, 900] {
            reassembly.insert(Seq(left), data(left, 10), 1 << 20);
        }
        reassembly.insert(Seq(310), data(310, 10), 1 << 20);
        let lefts =
            |reassembly: &Reassembly| reassembly.blocks(3).map(|block| block.left.0).collect::<Vec<_>>();
        assert_eq!(lefts(&reassembly), [300, 900, 700]);
        // What joins two ranges is the youngest, and what has come to its turn is forgotten.
        reassembly.insert(Seq(710), data(710, 190), 1 << 20);
        assert_eq!(lefts(&reassembly), [700, 300, 500]);
        while reassembly.pop(Seq(510)).is_some() {}
        assert_eq!(lefts(&reassembly), [700]);
        for left in (1_000..2_000).step_by(100) {
            reassembly.insert(Seq(left), data(left, 10), 1 << 20);
        }
        assert_eq!(lefts(&reassembly), [1_900, 1_800, 1_700]);
        assert_eq!(reassembly.recent.len(), RECENT);
    }

    #[test]
    fn its_bounds_hold_at_their_edge() {
        let mut reassembly = Reassembly::default();
        for n in 0..MAX_RANGES as u32 {
            assert!(reassembly.insert(Seq(10 + 2 * n), data(0, 1), 1 << 20));
        }
        assert!(!reassembly.insert(Seq(10 + 2 * MAX_RANGES as u32), data(0, 1), 1 << 20));
        assert!(reassembly.insert(Seq(11), data(0, 1), 1 << 20), "filling a hole needs no new range");
        let mut tiny = Reassembly::default();
        let taken = (0..10_000u32).filter(|n| tiny.insert(Seq(10 + n), data(0, 1), 2048)).count();
        assert_eq!(taken, 2 * 2048 / (PIECE_OVERHEAD + 1));
    }

    #[test]
    fn a_fin_has_a_number_and_no_bytes_and_nothing_follows_it() {
        let mut reassembly = Reassembly::default();
        for left in [100, 300, 500] {
            reassembly.insert(Seq(left), data(left, 100), 1 << 20);
        }
        assert!(reassembly.insert_fin(Seq(400)));
        let told = |reassembly: &Reassembly| {
            reassembly.blocks(3).map(|block| (block.left.0, block.right.0)).collect::<Vec<_>>()
        };
        assert_eq!(told(&reassembly), [(300, 401), (100, 200)]);
        assert_eq!(reassembly.charged, 2 * (100 + PIECE_OVERHEAD));
        let mut next = Seq(100);
        while let Some(piece) = reassembly.pop(next) {
            next += piece.len() as u32;
        }
        reassembly.insert(Seq(200), data(200, 100), 1 << 20);
        while let Some(piece) = reassembly.pop(next) {
            next += piece.len() as u32;
        }
        assert_eq!((next, reassembly.is_empty(), reassembly.charged), (Seq(400), true, 0));
        assert!(reassembly.insert_fin(Seq(900)));
        assert_eq!(told(&reassembly), [(900, 901)]);
        assert!(reassembly.pop(Seq(900)).is_none() && reassembly.is_empty());
    }

    #[test]
    fn what_is_charged_is_what_is_pinned() {
        let mut reassembly = Reassembly::default();
        // Segments of 8960 bytes, each shifted by one byte: after the first, one byte of each is new.
        let segments: Vec<Bytes> = (0..1_000u32).map(|n| data(100 + n, 8_960).bytes).collect();
        for (n, bytes) in segments.iter().enumerate() {
            let segment = Piece { bytes: bytes.clone(), memory: 9_000 };
            assert!(reassembly.insert(Seq(100 + n as u32), segment, 256 << 10));
        }
        let pinned: usize = segments.into_iter().filter(|bytes| !bytes.is_unique()).map(|_| 9_000).sum();
        assert_eq!(pinned, 9_000, "of the first segment only");
        assert_eq!(reassembly.charged, pinned + 999 + 1_000 * PIECE_OVERHEAD);
    }

    #[test]
    fn the_bound_holds_for_the_memory_that_pieces_pin() {
        let mut reassembly = Reassembly::default();
        let segment = || Piece { memory: 1_900, ..data(0, 1_000) };
        let taken = (0..200).filter(|n| reassembly.insert(Seq(10 + 2_000 * n), segment(), 64 << 10)).count();
        assert_eq!(taken, (128 << 10) / (1_900 + PIECE_OVERHEAD));
    }

    #[test]
    fn all_memory_is_given_back() {
        let mut reassembly = Reassembly::default();
        for left in [100, 150, 90, 400] {
            reassembly.insert(Seq(left), data(left, 70), 1 << 20);
        }
        let mut next = Seq(90);
        while let Some(piece) = reassembly.pop(next) {
            next += piece.len() as u32;
        }
        assert_eq!(next, Seq(220));
        while reassembly.pop(Seq(440)).is_some() {}
        assert!(reassembly.is_empty());
        assert_eq!(reassembly.charged, 0);
    }
}
