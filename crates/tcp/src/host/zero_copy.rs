//! What the application writes and reads without a copy: memory that it shares with its host.

use super::lines::{Lines, lines};
use super::tcp_host::{Host, environment};
use crate::environment::Environment;
use crate::error::{ReadError, WriteError};
use crate::event::ConnectionId;
use crate::send::marks::WriteMarks;
use alloc::vec::Vec;
use basis::Instant;
use bytes::Bytes;

impl Host {
    /// [`Host::write_marked`] of memory that is shared instead of copied, until the peer has acknowledged it. What is taken in is
    /// taken off the front of `bytes`, and returned is how much that is. Fewer than 16 KiB at once are copied all the same: that costs
    /// less, and they would pin the memory that they are a part of. The memory may be freed in any later call.
    ///
    /// # Errors
    /// As [`Host::write`].
    pub fn write_bytes(
        &mut self,
        now: Instant,
        id: ConnectionId,
        bytes: &mut Bytes,
        marks: WriteMarks,
    ) -> Result<usize, WriteError> {
        let connection = self.connections.get_mut(id.0).ok_or(WriteError::NotConnected)?;
        let result = connection.write_bytes(bytes, marks, &mut environment!(self, now));
        if matches!(result, Ok(count) if count > 0) {
            lines!(self).queue(id.0, connection);
        }
        result
    }

    /// Takes out up to `most` received bytes that lie together, in the memory that they were kept in. None, if any were wanted,
    /// are the end of the stream. Whoever keeps some of them keeps all of that memory, up to 128 KiB of the host's, which is charged for it
    /// no more; fewer than 256 bytes are copied.
    ///
    /// # Errors
    /// As [`Host::read`].
    pub fn read_bytes(&mut self, now: Instant, id: ConnectionId, most: usize) -> Result<Bytes, ReadError> {
        let connection = self.connections.get_mut(id.0).ok_or(ReadError::NotConnected)?;
        let result = connection.read_bytes(most, &mut environment!(self, now));
        if connection.owes_acknowledgment() {
            lines!(self).queue(id.0, connection);
        }
        result
    }

    /// Like [`Host::read_bytes`], with all that is there, up to `most` bytes: appends them to `out`, what lies together as one, and
    /// returns how many they are.
    ///
    /// # Errors
    /// As [`Host::read`].
    pub fn read_bytes_vectored(
        &mut self,
        now: Instant,
        id: ConnectionId,
        out: &mut Vec<Bytes>,
        most: usize,
    ) -> Result<usize, ReadError> {
        let connection = self.connections.get_mut(id.0).ok_or(ReadError::NotConnected)?;
        let result = connection.read_bytes_vectored(out, most, &mut environment!(self, now));
        if connection.owes_acknowledgment() {
            lines!(self).queue(id.0, connection);
        }
        result
    }
}
