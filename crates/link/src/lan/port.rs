//! One station at a switch: what came from it in part, and what waits to go to it.

use super::framing;
use super::statistics::Counters;
use mio::net::UnixStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

/// Bytes that may wait for a station.
pub(super) const QUEUED_BYTES: usize = 2 << 20;
/// Frames that may wait for a station.
pub(super) const QUEUED_FRAMES: usize = 16 * 1024;
/// An empty queue keeps no more memory than this.
const KEPT_BYTES: usize = 512 << 10;
/// Asked of the system for each direction; it may give less.
const SOCKET_BUFFER: usize = 1 << 20;

/// How an attempt to read ended.
pub(super) enum Reading {
    /// That many bytes lie at the front of the buffer, begun frames from earlier included.
    Bytes(usize),
    /// Nothing more for now.
    Dry,
    /// The station has gone.
    Gone,
}

/// One station at a switch.
pub(super) struct Port {
    pub(super) stream: UnixStream,
    pub(super) counters: Arc<Counters>,
    /// Whether it stands in the list of ports that have something to read.
    pub(super) is_readable: bool,
    /// Whether it stands in the list of ports that have something to write.
    pub(super) is_dirty: bool,
    /// The station takes nothing any more; what it has sent before is still read.
    is_deaf: bool,
    /// The beginning of a frame whose end has not come yet, with its prefix.
    begun: Vec<u8>,
    queue: VecDeque<u8>,
    /// The lengths of the frames in the queue, prefixes included.
    lengths: VecDeque<u32>,
    /// Bytes of the front frame that are gone.
    gone: usize,
}

impl Port {
    pub(super) fn new(stream: UnixStream, counters: Arc<Counters>) -> Port {
        size_buffers(&stream);
        Port {
            stream,
            counters,
            is_readable: false,
            is_dirty: false,
            is_deaf: false,
            begun: Vec::new(),
            queue: VecDeque::new(),
            lengths: VecDeque::new(),
            gone: 0,
        }
    }

    /// Reads once into `buffer`, which has room for at least one whole frame, behind what an earlier read left over.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Reading {
        let begun = self.begun.len();
        let Some((front, space)) = buffer.split_at_mut_checked(begun) else { return Reading::Gone };
        loop {
            match self.stream.read(space) {
                Ok(0) => return Reading::Gone,
                Ok(length) => {
                    front.copy_from_slice(&self.begun);
                    self.begun.clear();
                    return Reading::Bytes(begun + length);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Reading::Dry,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Reading::Gone,
            }
        }
    }

    /// Keeps the beginning of a frame for the next read.
    pub(super) fn keep(&mut self, begun: &[u8]) {
        self.begun.extend_from_slice(begun);
    }

    /// Queues a frame for the station, or loses it if too much waits already.
    #[inline]
    pub(super) fn queue(&mut self, frame: &[u8]) {
        if self.is_deaf {
            return;
        }
        let length = framing::PREFIX + frame.len();
        if self.queue.len() + length > QUEUED_BYTES || self.lengths.len() >= QUEUED_FRAMES {
            self.counters.lost_out.add(1);
            return;
        }
        self.queue.extend(framing::prefix(frame.len()));
        self.queue.extend(frame);
        // A frame is at most 65553 bytes long.
        self.lengths.push_back(length as u32);
    }

    /// Writes what waits, as far as the station reads.
    ///
    /// # Errors
    /// When the station has gone.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.queue.is_empty() {
            let (front, back) = self.queue.as_slices();
            match self.stream.write_vectored(&[IoSlice::new(front), IoSlice::new(back)]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.counters.queued_out.set(self.queue.len() as u64);
        if self.queue.is_empty() && self.queue.capacity() > KEPT_BYTES {
            self.queue = VecDeque::new();
        }
        Ok(())
    }

    /// Gives up writing to a station that has gone. Its last frames, as the RST of a program that ended, may still be unread.
    pub(super) fn deafen(&mut self) {
        self.is_deaf = true;
        self.queue = VecDeque::new();
        self.lengths = VecDeque::new();
        self.counters.queued_out.set(0);
        // One that lives after all finds the end, and may join again. It fails when the station is gone: that is fine.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn written(&mut self, written: usize) {
        self.queue.drain(..written.min(self.queue.len()));
        self.gone += written;
        while let Some(&length) = self.lengths.front()
            && self.gone >= length as usize
        {
            self.gone -= length as usize;
            self.lengths.pop_front();
            self.counters.frames_out.add(1);
            self.counters.bytes_out.add(u64::from(length) - framing::PREFIX as u64);
        }
    }
}

/// Asks for socket buffers that hold a batch. Some systems give 8 KiB by default.
pub(super) fn size_buffers(stream: &UnixStream) {
    let socket = socket2::SockRef::from(stream);
    // What the system does not grant, it does without.
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
}
