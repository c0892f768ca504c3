//! Memory that super-segments are read into: large pieces, used again when their last reader has gone.

use crate::chunk::copied;
use basis::Frame;
use bytes::Bytes;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a piece: more than the longest packet and its Ethernet header.
const PIECE: usize = 66 * 1024;
/// Pieces kept for the next read: as many as fill the largest receive buffer that a connection has by default.
const KEPT: usize = 128;
/// Frames after which the pieces that none of them needed are freed: the longest are 256 MiB, which is many receive buffers.
const LOOKED_AFTER: u32 = 4096;
/// A frame of at least this many bytes takes its piece with it; a shorter one would pin too much and is copied out.
pub(crate) const SHARED: usize = PIECE / 2;

/// Where frames are read to, one at a time.
pub(crate) struct Intake {
    current: Box<[u8]>,
    home: Arc<Home>,
    /// Frames since the spare pieces were looked after.
    taken: u32,
}

#[derive(Default)]
struct Home {
    spare: Mutex<Spare>,
}

/// Pieces for the next read. The one that came home last, which is in the cache, is read to first: what lies below the lowest level was
/// not needed.
#[derive(Default)]
struct Spare {
    pieces: Vec<Box<[u8]>>,
    /// The fewest that there were since they were looked after.
    lowest: usize,
}

/// A piece that a frame has taken with it. It comes home when the last reader lets go.
struct Lent {
    piece: Box<[u8]>,
    home: Arc<Home>,
}

impl Intake {
    pub(crate) fn new() -> Intake {
        Intake { current: fresh(), home: Arc::default(), taken: 0 }
    }

    /// Where the next frame is to be read to.
    #[inline]
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.current
    }

    /// The frame of `length` bytes that was read to [`space`](Self::space).
    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Frame {
        self.take_before(length, &[], 0..0)
    }

    /// The same, after which the next frame's space begins with `head` and what was read to `behind` this one.
    pub(crate) fn take_before(&mut self, length: usize, head: &[u8], behind: Range<usize>) -> Frame {
        let length = length.min(PIECE);
        self.taken += 1;
        if self.taken == LOOKED_AFTER {
            self.taken = 0;
            self.home.free_unneeded();
        }
        if length < SHARED {
            let frame = copied(&self.current[..length]);
            self.current.copy_within(behind, head.len());
            self.current[..head.len()].copy_from_slice(head);
            return frame;
        }
        let next = self.home.spare().pop().unwrap_or_else(fresh);
        let piece = std::mem::replace(&mut self.current, next);
        self.current[..head.len()].copy_from_slice(head);
        self.current[head.len()..][..behind.len()].copy_from_slice(&piece[behind]);
        let lent = Lent { piece, home: Arc::clone(&self.home) };
        Frame::from_device(Bytes::from_owner(lent).slice(..length), PIECE)
    }
}

impl Home {
    fn spare(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees what has not been needed since the last time.
    fn free_unneeded(&self) {
        let unneeded = self.spare().take_unneeded();
        // Without keeping those waiting who bring pieces home.
        drop(unneeded);
    }
}

impl Spare {
    fn pop(&mut self) -> Option<Box<[u8]>> {
        let piece = self.pieces.pop();
        self.lowest = self.lowest.min(self.pieces.len());
        piece
    }

    /// Takes the piece, if it is to be kept.
    fn push(&mut self, piece: &mut Box<[u8]>) {
        if self.pieces.len() < KEPT {
            self.pieces.push(std::mem::take(piece));
        }
    }

    fn take_unneeded(&mut self) -> Vec<Box<[u8]>> {
        let unneeded = self.pieces.drain(..self.lowest).collect();
        self.lowest = self.pieces.len();
        unneeded
    }
}

fn fresh() -> Box<[u8]> {
    vec![0; PIECE].into_boxed_slice()
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.spare().push(&mut self.piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(intake: &mut Intake, byte: u8, length: usize) -> Frame {
        intake.space()[..length].fill(byte);
        intake.take(length)
    }

    #[test]
    fn every_length_comes_out_as_it_was_read_and_is_charged_for_what_it_pins() {
        let mut intake = Intake::new();
        for length in [0, 1, 64, 1500, SHARED - 1, SHARED, 65_535, PIECE] {
            let frame = read(&mut intake, length as u8, length);
            assert_eq!(frame.to_vec(), vec![length as u8; length]);
            assert_eq!(frame.memory() >= PIECE, length >= SHARED, "{length}");
        }
    }

    #[test]
    fn a_piece_is_read_into_again_once_its_last_reader_has_gone() {
        let mut intake = Intake::new();
        let place = intake.space().as_ptr();
        let frame = read(&mut intake, 1, 65_535);
        let part = frame.body().slice(100..200);
        drop(frame);
        let second = read(&mut intake, 2, 65_535);
        assert_ne!(intake.space().as_ptr(), place, "it is still read");
        assert_eq!(&part[..], [1; 100]);
        drop(part);
        read(&mut intake, 3, 65_535);
        assert_eq!(intake.space().as_ptr(), place);
        drop(second);
    }

    #[test]
    fn no_more_pieces_than_the_bound_are_kept() {
        let mut intake = Intake::new();
        let frames: Vec<_> = (0..KEPT + 9).map(|_| read(&mut intake, 1, PIECE)).collect();
        drop(frames);
        assert_eq!(intake.home.spare().pieces.len(), KEPT);
    }

    #[test]
    fn pieces_that_were_not_needed_for_so_many_frames_are_freed_and_others_are_not() {
        let mut intake = Intake::new();
        let spare = |intake: &Intake| intake.home.spare().pieces.len();
        let burst: Vec<_> = (0..10).map(|_| read(&mut intake, 1, PIECE)).collect();
        drop(burst);
        // Short frames count, too. In the burst none was spare: all ten have been needed until the first time that they are looked after.
        (10..LOOKED_AFTER).for_each(|_| drop(read(&mut intake, 2, 60)));
        assert_eq!(spare(&intake), 10);
        // From now on three are read at once.
        for taken in (3..LOOKED_AFTER).step_by(3) {
            let frames: Vec<_> = (0..3).map(|_| read(&mut intake, 3, PIECE)).collect();
            drop(frames);
            assert_eq!(spare(&intake), 10, "after {taken}");
        }
        let place = intake.home.spare().pieces.last().unwrap().as_ptr();
        read(&mut intake, 4, 60);
        assert_eq!(spare(&intake), 3);
        // Those that are in the cache stay.
        assert_eq!(intake.home.spare().pieces.last().unwrap().as_ptr(), place);
        // Nothing but short frames: none is needed.
        (1..LOOKED_AFTER).for_each(|_| drop(read(&mut intake, 5, 60)));
        assert_eq!(spare(&intake), 3);
        read(&mut intake, 6, 60);
        assert_eq!(spare(&intake), 0);
    }
}
