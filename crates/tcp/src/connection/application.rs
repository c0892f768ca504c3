//! What the application can do with one connection, in every phase of it.

use super::control_block::{ControlBlock, Phase};
use super::fate::Fate;
use crate::environment::Environment;
use crate::error::{Failure, IcmpError, ReadError, ShutdownError, WriteError};
use crate::event::Readiness;
use crate::memory::Memory;
use crate::receive::buffer::ReceiveBuffer;
use crate::segment::Shutdown;
use crate::send::marks::WriteMarks;
use crate::send::sender::Sender;
use crate::settings::Settings;
use alloc::vec::Vec;
use basis::Instant;
use bytes::Bytes;
use core::time::Duration;
use wire::tcp::{Seq, Timestamps};

impl ControlBlock {
    #[inline(always)]
    pub(crate) fn read(
        &mut self,
        out: &mut [u8],
        environment: &mut Environment<'_>,
    ) -> Result<usize, ReadError> {
        self.take_out(out.len(), environment, |buffer| buffer.read(out))
    }

    /// Like [`ControlBlock::read`], in the memory that the bytes lie in: up to `most` that lie together.
    pub(crate) fn read_bytes(
        &mut self,
        most: usize,
        environment: &mut Environment<'_>,
    ) -> Result<Bytes, ReadError> {
        let mut bytes = Bytes::new();
        self.take_out(most, environment, |buffer| {
            bytes = buffer.read_bytes(most);
            bytes.len()
        })?;
        Ok(bytes)
    }

    /// Like [`ControlBlock::read_bytes`], with all that is there: appends to `out` what lies together as one.
    pub(crate) fn read_bytes_vectored(
        &mut self,
        out: &mut Vec<Bytes>,
        most: usize,
        environment: &mut Environment<'_>,
    ) -> Result<usize, ReadError> {
        self.take_out(most, environment, |buffer| {
            let mut count = 0;
            loop {
                let bytes = buffer.read_bytes(most - count);
                if bytes.is_empty() {
                    return count;
                }
                count += bytes.len();
                out.push(bytes);
            }
        })
    }

    /// Lets `read` take up to `wanted` bytes out of the buffer, if there is one.
    #[inline(always)]
    fn take_out(
        &mut self,
        wanted: usize,
        environment: &mut Environment<'_>,
        mut read: impl FnMut(&mut ReceiveBuffer) -> usize,
    ) -> Result<usize, ReadError> {
        let Phase::Open(open) = &mut self.phase else {
            return self.take_out_of_rest(wanted, environment.memory, &mut read);
        };
        let count = open.receive.read(environment, read);
        if open.syn_ack.is_some() {
            // Data that came with the SYN: the window is told once the handshake is done.
            open.receive.acks.not_now();
        }
        if !open.receive.is_readable() {
            self.told.forget(Readiness::READABLE);
        }
        if count == 0 && wanted > 0 && !open.receive.finished() && !open.receive.discarding() {
            return Err(ReadError::WouldBlock);
        }
        Ok(count)
    }

    /// [`ControlBlock::take_out`] of a connection that is not open.
    #[inline(never)]
    fn take_out_of_rest(
        &mut self,
        wanted: usize,
        memory: &mut Memory,
        read: &mut dyn FnMut(&mut ReceiveBuffer) -> usize,
    ) -> Result<usize, ReadError> {
        let count = match &mut self.phase {
            Phase::Open(_) | Phase::Handshake(_) => return Err(ReadError::WouldBlock),
            Phase::Finished(finished) => match &mut finished.unread {
                Some(buffer) => {
                    let used = buffer.used();
                    let count = read(buffer);
                    memory.discharge(used.saturating_sub(buffer.used()));
                    count
                }
                None => 0,
            },
        };
        self.ended_read(count, wanted)
    }

    pub(crate) fn peek(&mut self, out: &mut [u8]) -> Result<usize, ReadError> {
        let count = match &self.phase {
            Phase::Open(open) => {
                let count = open.receive.peek(out);
                if count == 0 && !out.is_empty() && !open.receive.finished() && !open.receive.discarding() {
                    return Err(ReadError::WouldBlock);
                }
                return Ok(count);
            }
            Phase::Handshake(_) => return Err(ReadError::WouldBlock),
            Phase::Finished(finished) => finished.unread.as_ref().map_or(0, |buffer| buffer.peek(out)),
        };
        self.ended_read(count, out.len())
    }

    /// What a read of an ended connection returns: data first, then the failure once, then the end. Behind the peer's FIN there is the
    /// end alone: a failure that follows it is told to who writes or asks.
    pub(super) fn ended_read(&mut self, count: usize, wanted: usize) -> Result<usize, ReadError> {
        match self.failure {
            _ if matches!(&self.phase, Phase::Finished(finished) if finished.ended) => Ok(count),
            Some(failure) if count == 0 && wanted > 0 => {
                self.take_failure();
                Err(ReadError::Failed(failure))
            }
            _ => Ok(count),
        }
    }

    #[inline(always)]
    pub(crate) fn write(
        &mut self,
        data: &[u8],
        marks: WriteMarks,
        environment: &mut Environment<'_>,
    ) -> Result<usize, WriteError> {
        let sender = self.sender()?;
        let count = sender.write(data, marks, environment);
        let full = sender.room() == 0;
        self.wrote(count, !data.is_empty(), full)
    }

    /// Like [`ControlBlock::write`]; what is taken in is taken off the front of `bytes`.
    pub(crate) fn write_bytes(
        &mut self,
        bytes: &mut Bytes,
        marks: WriteMarks,
        environment: &mut Environment<'_>,
    ) -> Result<usize, WriteError> {
        let sender = self.sender()?;
        let any = !bytes.is_empty();
        let count = sender.write_bytes(bytes, marks, environment);
        let full = sender.room() == 0;
        self.wrote(count, any, full)
    }

    /// The sender, if it takes anything in.
    #[inline(always)]
    fn sender(&mut self) -> Result<&mut Sender, WriteError> {
        match &mut self.phase {
            Phase::Open(open) if open.is_finishing() => Err(WriteError::Shutdown),
            Phase::Open(open) => Ok(&mut open.send),
            Phase::Handshake(_) => Err(WriteError::WouldBlock),
            Phase::Finished(_) => {
                self.told.forget(Readiness::FAILED);
                Err(self.failure.take().map_or(WriteError::Shutdown, WriteError::Failed))
            }
        }
    }

    /// What comes of a write that took in `count` bytes, if there were `any`, and left the buffer `full` or not.
    #[inline(always)]
    fn wrote(&mut self, count: usize, any: bool, full: bool) -> Result<usize, WriteError> {
        self.told.forget(Readiness::DRAINED | Readiness::WRITABLE.when(full));
        if count == 0 && any { Err(WriteError::WouldBlock) } else { Ok(count) }
    }

    pub(crate) fn shutdown(
        &mut self,
        how: Shutdown,
        environment: &mut Environment<'_>,
    ) -> Result<(), ShutdownError> {
        match &mut self.phase {
            Phase::Open(open) => {
                if how != Shutdown::Read {
                    open.finish_sending();
                }
                if how != Shutdown::Write {
                    open.receive.discard(environment);
                }
                Ok(())
            }
            Phase::Handshake(_) => Err(ShutdownError::NotConnected),
            // What is refused changes nothing: what came before the failure can still be read.
            Phase::Finished(_) if self.failure.is_some() => Err(ShutdownError::NotConnected),
            Phase::Finished(finished) => {
                if how != Shutdown::Write
                    && let Some(buffer) = finished.unread.take()
                {
                    environment.memory.give_receive(buffer);
                }
                Ok(())
            }
        }
    }

    /// The application closes its handle (RFC 9293 3.10.4, with the socket API's linger).
    pub(crate) fn close(&mut self, environment: &mut Environment<'_>) -> Fate {
        self.detached = true;
        match &mut self.phase {
            // A SYN-RECEIVED connection finishes its handshake and then closes; a SYN-SENT one just ends.
            Phase::Handshake(handshake) if handshake.is_crossed() => Fate::Live,
            Phase::Handshake(_) => Fate::Closed,
            Phase::Open(open) => {
                if self.settings.linger() == Some(Duration::ZERO) {
                    return Fate::Reset(Failure::Aborted);
                }
                if open.receive.unread() > 0 {
                    open.lose_input(environment);
                }
                open.finish_sending();
                open.on_detached(&self.settings, environment)
            }
            Phase::Finished(_) => Fate::Closed,
        }
    }

    /// See [`crate::Host::is_credible`].
    pub(crate) fn is_credible(&self, sequence: Seq, error: IcmpError) -> bool {
        let about_size = matches!(error, IcmpError::PacketTooBig { .. });
        match &self.phase {
            Phase::Open(open) => {
                open.is_syn_ack(sequence)
                    || open.send.is_in_flight(sequence)
                        && (!about_size
                            || !open.send.is_getting_through()
                            || open.send.is_path_probe(sequence))
            }
            Phase::Handshake(handshake) => sequence == handshake.initial(),
            Phase::Finished(_) => false,
        }
    }

    /// See [`crate::Host::set_syn_retries`].
    pub(crate) fn set_syn_retries(&mut self, retries: u8) -> bool {
        match &mut self.phase {
            Phase::Handshake(handshake) => {
                handshake.set_retries(retries);
                true
            }
            Phase::Open(_) | Phase::Finished(_) => false,
        }
    }

    /// Whether something was written or a FIN asked for that the peer does not have yet.
    pub(crate) fn has_undelivered(&self) -> bool {
        match &self.phase {
            Phase::Open(open) => !open.is_drained(),
            // Its close waits for the handshake.
            Phase::Handshake(_) => self.detached,
            Phase::Finished(_) => false,
        }
    }

    /// Whether aborting must tell the peer.
    pub(crate) fn is_known_to_peer(&self) -> bool {
        match &self.phase {
            Phase::Open(_) => true,
            Phase::Handshake(handshake) => handshake.is_crossed(),
            Phase::Finished(_) => false,
        }
    }

    /// The number of a RST that the peer must believe, and the acknowledgment and timestamps it carries. Beyond a window that has shrunk the peer
    /// would not look at it (RFC 9293 3.10.7.4), and wait for ever.
    pub(crate) fn reset_numbers(&self, now: Instant) -> (Seq, Seq, Option<Timestamps>) {
        match &self.phase {
            Phase::Open(open) => {
                (open.send.bare_sequence(), open.receive.next(), open.receive.timestamps.option(now, 0))
            }
            Phase::Handshake(handshake) => (handshake.initial() + 1, handshake.expected(), None),
            Phase::Finished(_) => (Seq(0), Seq(0), None),
        }
    }

    /// Whether acknowledgments are not delayed for now.
    pub(crate) fn quick_acknowledgments(&self) -> bool {
        matches!(&self.phase, Phase::Open(open) if open.receive.acks.is_quick())
    }

    /// Delays acknowledgments or does not, until the connection's own judgment changes it.
    pub(crate) fn set_quick_acknowledgments(&mut self, on: bool) {
        if let Phase::Open(open) = &mut self.phase {
            open.receive.acks.set_quick(on);
        }
    }

    pub(crate) fn set_settings(&mut self, settings: Settings, environment: &Environment<'_>) {
        let uncorked = self.settings.cork() && !settings.cork();
        self.settings = settings;
        if let Phase::Open(open) = &mut self.phase {
            if settings.no_delay() || uncorked {
                open.send.release();
            }
            open.on_settings(&settings, environment);
        }
    }

    /// The most payload that leaves in a second (SO_MAX_PACING_RATE).
    pub(crate) fn max_pacing_rate(&self) -> Option<u64> {
        match &self.phase {
            Phase::Open(open) => open.send.max_pacing_rate(),
            Phase::Handshake(handshake) => handshake.max_pacing_rate,
            Phase::Finished(_) => None,
        }
    }

    pub(crate) fn set_max_pacing_rate(&mut self, rate: Option<u64>) {
        match &mut self.phase {
            Phase::Open(open) => open.send.set_max_pacing_rate(rate),
            Phase::Handshake(handshake) => handshake.max_pacing_rate = rate,
            Phase::Finished(_) => {}
        }
    }

    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        self.told.forget(Readiness::FAILED);
        self.failure.take()
    }
}
