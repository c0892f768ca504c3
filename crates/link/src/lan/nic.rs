//! A station on a LAN.

use super::address::LanAddress;
use super::embedded::{self, EmbeddedSwitch, Entry};
use super::framing;
use super::outgoing::Outgoing;
use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::chunk::Chunk;
use crate::cut::Cutter;
use basis::{Frame, Instant};
use mio::net::UnixStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant as Clock};
use wire::ethernet::{self, MacAddress};

/// The pause before the first attempt to reconnect; it doubles up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long [`Nic::join`] tries.
const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// A station on the virtual Ethernet segment at a [`LanAddress`].
///
/// If nobody listens there, this process embeds the switch, in a thread that lives as long as the station. When the
/// switch goes, each station tries to reconnect or to embed the next one (after 20 ms, and ever slower up to 1 s);
/// meanwhile frames are lost, as on a cable that is unplugged.
pub struct Nic {
    address: LanAddress,
    mac: MacAddress,
    mtu: usize,
    generation: u64,
    cutter: Cutter,
    state: State,
    pause: Duration,
    /// Dropped after the connection, so that the switch still forwards what we have sent.
    switch: Option<EmbeddedSwitch>,
    lost: u64,
}

enum State {
    Connected(Connection),
    Waiting { until: Instant },
}

struct Connection {
    stream: UnixStream,
    incoming: Chunk,
    outgoing: Outgoing,
}

impl Nic {
    /// Joins the LAN as the station `mac`, for IP packets of up to `mtu` bytes (at most 65535). May wait, up to five
    /// seconds, while another process is just opening the LAN.
    ///
    /// # Errors
    /// `InvalidInput` for an address that no station can have, or a path too long for a socket; `PermissionDenied` for
    /// a LAN of somebody else; `TimedOut` if its switch does not answer; otherwise what the system says of the path.
    pub fn join(address: LanAddress, mac: MacAddress, mtu: usize) -> io::Result<Nic> {
        if !mac.is_unicast() {
            let text = format!("{mac} cannot be the address of one station");
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        let begun = Clock::now();
        let (stream, switch) = loop {
            match embedded::enter(&address)? {
                Entry::Joined(stream) => break (stream, None),
                Entry::Opened(stream, switch) => break (stream, Some(switch)),
                Entry::Later if begun.elapsed() < JOIN_TIMEOUT => thread::sleep(SHORTEST_PAUSE),
                Entry::Later => {
                    let text = format!("the switch of the LAN at {address} does not answer");
                    return Err(io::Error::new(ErrorKind::TimedOut, text));
                }
            }
        };
        Ok(Nic {
            address,
            mac,
            mtu: mtu.min(65535),
            generation: 1,
            cutter: Cutter::new(ethernet::HEADER_LENGTH),
            state: State::Connected(Connection::new(stream, mtu)),
            pause: SHORTEST_PAUSE,
            switch,
            lost: 0,
        })
    }

    /// Frames that were lost on the way out: sent while there was no switch, or longer than any frame may be.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether the LAN's switch is in this process.
    pub fn has_switch(&self) -> bool {
        self.switch.is_some()
    }

    fn reconnect(&mut self, now: Instant) {
        let State::Waiting { until } = self.state else { return };
        if now < until {
            return;
        }
        let stream = match embedded::enter(&self.address) {
            Ok(Entry::Joined(stream)) => stream,
            Ok(Entry::Opened(stream, switch)) => {
                self.switch = Some(switch);
                stream
            }
            Ok(Entry::Later) => return self.wait(now),
            Err(error) => {
                tracing::debug!(%error, "cannot rejoin the lan yet");
                return self.wait(now);
            }
        };
        tracing::info!(address = %self.address, "the lan is back");
        self.generation += 1;
        self.state = State::Connected(Connection::new(stream, self.mtu));
    }

    fn wait(&mut self, now: Instant) {
        self.state = State::Waiting { until: now + self.pause };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn disconnect(&mut self, now: Instant, error: &io::Error) {
        tracing::info!(address = %self.address, %error, "the lan is gone: trying to reconnect");
        self.switch = None;
        self.cutter.clear();
        self.wait(now);
    }
}

impl Link for Nic {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            medium: Medium::Ethernet(self.mac),
            mtu: self.mtu,
            segmentation: false,
            checksums: false,
        }
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        self.reconnect(now);
        let State::Connected(connection) = &mut self.state else { return Ok(false) };
        let before = arrived.len();
        let outcome = connection.receive(arrived, most);
        if arrived.len() > before {
            // It is a LAN that works, not one that throws us out as soon as we have come.
            self.pause = SHORTEST_PAUSE;
        }
        outcome.or_else(|error| {
            self.disconnect(now, &error);
            Ok(false)
        })
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        self.reconnect(now);
        loop {
            let State::Connected(connection) = &mut self.state else {
                self.lost += waiting.len() as u64;
                waiting.clear();
                return Ok(true);
            };
            while connection.outgoing.has_room()
                && let Some(frame) = self.cutter.next(waiting)
            {
                if frame.len() > framing::LONGEST {
                    self.lost += 1;
                } else {
                    connection.outgoing.push(frame);
                }
            }
            if connection.outgoing.is_empty() {
                return Ok(true);
            }
            match connection.outgoing.flush(&mut connection.stream) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => self.disconnect(now, &error),
            }
        }
    }

    fn source(&self) -> Option<RawFdSource> {
        match &self.state {
            State::Connected(connection) => {
                Some(RawFdSource { fd: connection.stream.as_raw_fd(), generation: self.generation })
            }
            State::Waiting { .. } => None,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Connected(_) => None,
            State::Waiting { until } => Some(until),
        }
    }
}

impl Drop for Nic {
    fn drop(&mut self) {
        // The connection ends first: the switch forwards what it was given, and then goes with its last owner.
        self.state = State::Waiting { until: Instant::FAR_FUTURE };
        self.switch = None;
    }
}

impl Connection {
    fn new(stream: UnixStream, mtu: usize) -> Connection {
        // Big frames come in big batches.
        let size = if mtu <= 9000 { 64 << 10 } else { 256 << 10 };
        Connection { stream, incoming: Chunk::new(size, size / 8), outgoing: Outgoing::default() }
    }

    /// An error means that the connection has ended.
    fn receive(&mut self, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let mut count = 0;
        loop {
            let announced = framing::announced(self.incoming.filled()).map_err(|_| {
                io::Error::new(ErrorKind::InvalidData, "the switch sent no frame but nonsense")
            })?;
            let wanted = framing::PREFIX + announced.unwrap_or(0);
            if let Some(length) = announced
                && self.incoming.filled().len() >= wanted
            {
                if count == most {
                    return Ok(true);
                }
                self.incoming.skip(framing::PREFIX);
                arrived.push_back(self.incoming.take(length));
                count += 1;
                continue;
            }
            match self.stream.read(self.incoming.space(wanted)) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.incoming.commit(length),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
