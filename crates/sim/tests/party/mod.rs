//! An application at one end: it writes a known stream, reads and checks the other's, and ends in its own way.

use basis::{Instant, Random};
use bytes::Bytes;
use stack::{Event, Stack};
use std::time::Duration;
use tcp::{ConnectionId, ReadError, Readiness, Shutdown, WriteError, WriteMarks};

/// How an application ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// It shuts down its direction as soon as all is written, and closes after the other's end.
    ShutdownAtOnce,
    /// It shuts down its direction only after the other's end, or when it has all it expects.
    ShutdownAfterReading,
    /// It closes as soon as it has written all and read all that it expects, without waiting for the other's end.
    CloseWhenDone,
}

#[derive(Debug)]
pub(crate) struct Party {
    id: Option<ConnectionId>,
    /// Bytes to write, and bytes expected.
    to_write: usize,
    to_read: usize,
    ending: Ending,
    written: usize,
    read: usize,
    shut: bool,
    at_end: bool,
    done: bool,
    /// What events have told and no call has taken back.
    ready: Readiness,
    random: Random,
    lazy: bool,
    /// It does nothing before.
    wake: Option<Instant>,
}

impl Party {
    pub(crate) fn calling(
        id: ConnectionId,
        to_write: usize,
        to_read: usize,
        ending: Ending,
        seed: u64,
        lazy: bool,
    ) -> Party {
        Party::new(Some(id), (to_write, to_read), ending, seed, lazy)
    }

    /// It accepts its connection once the stack tells of one.
    pub(crate) fn called(to_write: usize, to_read: usize, ending: Ending, seed: u64, lazy: bool) -> Party {
        Party::new(None, (to_write, to_read), ending, seed, lazy)
    }

    fn new(
        id: Option<ConnectionId>,
        (to_write, to_read): (usize, usize),
        ending: Ending,
        seed: u64,
        lazy: bool,
    ) -> Party {
        let mut bytes = [9; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let (written, read, shut, at_end, done) = (0, 0, false, false, false);
        let (ready, random, wake) = (Readiness::NONE, Random::new(bytes), None);
        Party { id, to_write, to_read, ending, written, read, shut, at_end, done, ready, random, lazy, wake }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// When it wants to act again though nothing happens.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.wake.filter(|_| !self.done)
    }

    /// Does what events have made possible.
    pub(crate) fn act(&mut self, now: Instant, stack: &mut Stack) -> Result<(), String> {
        self.hear(stack)?;
        if self.done || self.wake.is_some_and(|wake| wake > now) {
            return Ok(());
        }
        self.wake = None;
        let Some(id) = self.id else { return Ok(()) };
        if self.ready.contains(Readiness::FAILED) {
            return Err(format!("failed: {:?}", stack.tcp_mut().take_failure(id)));
        }
        while self.ready.contains(Readiness::WRITABLE) && self.written < self.to_write && self.goes_on(now) {
            self.write(now, stack, id)?;
        }
        while self.ready.contains(Readiness::READABLE) && !self.at_end && self.goes_on(now) {
            self.read(now, stack, id)?;
        }
        self.end(now, stack, id)
    }

    fn hear(&mut self, stack: &mut Stack) -> Result<(), String> {
        while let Some(event) = stack.poll_event() {
            match event {
                Event::Tcp(tcp::Event::Connection(id, ready)) if Some(id) == self.id => self.ready |= ready,
                Event::Tcp(tcp::Event::Listener(listener)) if self.id.is_none() => {
                    let id = stack.tcp_mut().accept(listener).map_err(|error| error.to_string())?;
                    self.id = Some(id);
                    // What happened before it was accepted is asked for, not announced again.
                    self.ready = stack.tcp().readiness(id);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A lazy application pauses now and then.
    fn goes_on(&mut self, now: Instant) -> bool {
        if self.lazy && self.wake.is_none() && self.random.below(20) == 0 {
            self.wake = Some(now + Duration::from_millis(u64::from(1 + self.random.below(300))));
        }
        self.wake.is_none()
    }

    /// Writes a part of what is left in one of all ways.
    fn write(&mut self, now: Instant, stack: &mut Stack, id: ConnectionId) -> Result<(), String> {
        let longest = [100, 20_000, 90_000][self.random.below(3) as usize];
        let most = 1 + self.random.below(longest) as usize;
        let count = most.min(self.to_write - self.written);
        let data = stream(self.to_write, self.written, count);
        let marks = WriteMarks {
            more: self.random.below(10) == 0 && self.written + count < self.to_write,
            end_of_record: self.random.below(10) == 0,
        };
        let tcp = stack.tcp_mut();
        let result = match self.random.below(3) {
            0 => tcp.write(now, id, &data),
            1 => tcp.write_marked(now, id, &data, marks),
            _ => {
                let mut bytes = Bytes::from(data.clone());
                let result = tcp.write_bytes(now, id, &mut bytes, marks);
                let taken = result.unwrap_or(0);
                if bytes[..] != data[taken..] {
                    return Err(format!("of {count} bytes {taken} were taken, and {} are left", bytes.len()));
                }
                result
            }
        };
        match result {
            Ok(count) => self.written += count,
            Err(WriteError::WouldBlock) => self.ready = self.ready & !Readiness::WRITABLE,
            Err(error) => return Err(format!("write: {error}")),
        }
        Ok(())
    }

    /// Reads in one of both ways.
    fn read(&mut self, now: Instant, stack: &mut Stack, id: ConnectionId) -> Result<(), String> {
        let most = 1 + self.random.below(20_000) as usize;
        let result = if self.random.below(2) == 0 {
            let mut out = vec![0; most];
            stack.tcp_mut().read(now, id, &mut out).map(|count| {
                out.truncate(count);
                Bytes::from(out)
            })
        } else {
            stack.tcp_mut().read_bytes(now, id, most)
        };
        match result {
            Ok(bytes) if bytes.is_empty() && self.read == self.to_read => self.at_end = true,
            Ok(bytes) if bytes.is_empty() => {
                return Err(format!("the end came after {} of {} bytes", self.read, self.to_read));
            }
            Ok(bytes) if bytes.len() <= most && bytes == stream(self.to_read, self.read, bytes.len()) => {
                self.read += bytes.len();
            }
            Ok(bytes) => return Err(format!("{} wrong bytes after {}", bytes.len(), self.read)),
            Err(ReadError::WouldBlock) => self.ready = self.ready & !Readiness::READABLE,
            Err(error) => return Err(format!("read: {error}")),
        }
        Ok(())
    }

    fn end(&mut self, now: Instant, stack: &mut Stack, id: ConnectionId) -> Result<(), String> {
        let (wrote, has_all) = (self.written == self.to_write, self.read == self.to_read);
        let connected = self.ready.contains(Readiness::CONNECTED);
        let shut_now = match self.ending {
            Ending::ShutdownAtOnce => wrote,
            Ending::ShutdownAfterReading => wrote && (self.at_end || has_all),
            Ending::CloseWhenDone => false,
        };
        if shut_now && connected && !self.shut {
            self.shut = true;
            let down = stack.tcp_mut().shutdown(now, id, Shutdown::Write);
            down.map_err(|error| format!("shutdown: {error}"))?;
        }
        let close_now = match self.ending {
            Ending::CloseWhenDone => wrote && has_all && connected,
            _ => self.shut && self.at_end,
        };
        if close_now {
            self.done = true;
            stack.tcp_mut().close(now, id);
        }
        Ok(())
    }
}

/// `count` bytes from `place` on of the stream that is `length` bytes long: no two streams are alike.
fn stream(length: usize, place: usize, count: usize) -> Vec<u8> {
    (place..place + count).map(|n| (n.wrapping_mul(31) ^ (n >> 8).wrapping_mul(7) ^ length) as u8).collect()
}
