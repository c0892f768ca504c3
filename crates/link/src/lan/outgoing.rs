//! Frames of a station on their way into its stream.

use super::framing::{self, PREFIX};
use arrayvec::ArrayVec;
use basis::Frame;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};

/// Frames in one write at most. With a prefix and two parts each they stay far below the system's 1024 pieces.
pub(super) const BATCH: usize = 64;

/// A batch of frames, the first of which may be gone in part.
#[derive(Default)]
pub(super) struct Outgoing {
    frames: VecDeque<Frame>,
    /// Bytes of the first frame that are gone, its prefix included.
    gone: usize,
}

impl Outgoing {
    /// Whether another frame fits into the batch.
    pub(super) fn has_room(&self) -> bool {
        self.frames.len() < BATCH
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.frames.push_back(frame);
    }

    /// Writes all, or until the stream is full: then it returns false.
    pub(super) fn flush(&mut self, stream: &mut impl Write) -> io::Result<bool> {
        while !self.frames.is_empty() {
            match self.write(stream) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn write(&self, stream: &mut impl Write) -> io::Result<usize> {
        let prefixes: ArrayVec<[u8; PREFIX], BATCH> =
            self.frames.iter().take(BATCH).map(|frame| framing::prefix(frame.len())).collect();
        let mut slices = ArrayVec::<IoSlice<'_>, { 3 * BATCH }>::new();
        for (frame, prefix) in self.frames.iter().zip(&prefixes) {
            let [head, body] = frame.parts();
            for part in [prefix, head, body] {
                if !part.is_empty() {
                    slices.push(IoSlice::new(part));
                }
            }
        }
        let mut slices = slices.as_mut_slice();
        IoSlice::advance_slices(&mut slices, self.gone);
        stream.write_vectored(slices)
    }

    fn written(&mut self, written: usize) {
        self.gone += written;
        while let Some(frame) = self.frames.front()
            && self.gone >= PREFIX + frame.len()
        {
            self.gone -= PREFIX + frame.len();
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// Takes a few bytes at a time and is full in between.
    struct Narrow(Vec<u8>, usize);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(3) {
                return Err(ErrorKind::WouldBlock.into());
            }
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = all.len().min(1 + self.1 % 11);
            self.0.extend(&all[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn frames_go_out_whole_however_narrow_the_stream() {
        let (mut outgoing, mut expected) = (Outgoing::default(), Vec::new());
        for n in 0..BATCH {
            let mut frame = Frame::new();
            frame.append(&[1; 60][..n.min(60)]);
            frame.set_body(Bytes::from(vec![2; n * 3 % 50]), 0);
            expected.extend(framing::prefix(frame.len()));
            frame.copy_to(&mut expected);
            outgoing.push(frame);
        }
        assert!(!outgoing.has_room());
        let mut stream = Narrow(Vec::new(), 0);
        while !outgoing.flush(&mut stream).unwrap() {}
        assert!(outgoing.is_empty());
        assert_eq!(stream.0, expected);
    }
}
