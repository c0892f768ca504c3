//! The link over an XDP socket.

use super::opening::{self, Opened};
use super::socket::{Arrived, XdpSocket};
use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::chunk::Chunk;
use crate::cut::Cutter;
use crate::gather::Gather;
use crate::packet;
use crate::vnet::Offload;
use basis::{Checksum, Frame, Instant};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;
use wire::ethernet::{HEADER_LENGTH, MacAddress};
use wire::segmentation::{Segments, is_unsummed, lift};

/// Bytes of memory that frames share.
const CHUNK: usize = 64 << 10;
/// Bytes taken in one call at most: what was copied is still in the processor's cache when the stack gets it.
const TURN: usize = 512 << 10;
/// Bytes that are enough to see whether a checksum was left undone.
const HEAD: usize = 14 + 60 + 20;
/// When a full ring is tried again: nothing tells that it has room.
const RETRY: Duration = Duration::from_millis(1);

/// A station of our own on the network of an interface, as [`packet::Device`] is one, but for the frames that are for this station alone:
/// those the interface's driver gives to an XDP socket, and the kernel never sees them. Frames for groups the kernel hears as well, so they
/// come by a packet socket, as do all of queues other than the first.
///
/// The kernel has a program on the interface while the device is there; there can be one. The other end of a `veth` sends no super-segments
/// then. While the interface is down, frames are lost, but for those that its ring has room for: they leave late. Needs Linux 5.9 and
/// CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF.
///
/// ```no_run
/// use netstrata_link::tuntap::Offload;
/// use netstrata_link::xdp::Device;
/// use netstrata_link::Link;
/// use wire::ethernet::MacAddress;
/// let link = Device::open("eth0", MacAddress([2, 0, 0, 0, 0, 7]), Offload::On)?;
/// assert_eq!(link.capabilities().mtu, 1500);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Device {
    socket: XdpSocket,
    /// What the program does not give to the socket.
    rest: packet::Device,
    /// Both descriptors behind one.
    bell: Poll,
    rung: Events,
    station: MacAddress,
    chunk: Chunk,
    /// Unless every frame is to be seen as it is.
    gather: Option<Gather>,
    cutter: Cutter,
    lost: u64,
    retry: Option<Instant>,
    _attachment: OwnedFd,
}

impl Device {
    /// Joins the network of the interface `name` as the station `mac`. The MTU is the interface's, and at most 3822. With
    /// [`Offload::Off`] every frame is one packet with all its checksums; else checksums that a `veth`'s other end left undone are
    /// believed, and packets that follow each other in one stream are handed on as one.
    ///
    /// # Errors
    /// Those of [`packet::Device::open`]; `PermissionDenied` without the three capabilities; `ResourceBusy` if another program or socket is
    /// on the interface; `InvalidInput` for an MTU that is too long; each with what to do about it.
    pub fn open(name: &str, mac: MacAddress, offload: Offload) -> io::Result<Device> {
        let whole = offload != Offload::Off;
        let offload = if whole { Offload::On } else { Offload::Off };
        let options = packet::Options { offload, ..packet::Options::default() };
        let rest = packet::Device::beside(name, mac, options)?;
        let mtu = rest.capabilities().mtu;
        let Opened { socket, attachment } = opening::open(name, mac, mtu)?;
        let bell = Poll::new()?;
        for (token, descriptor) in [rest.as_fd(), socket.as_fd()].into_iter().enumerate() {
            let source = descriptor.as_raw_fd();
            bell.registry().register(&mut SourceFd(&source), Token(token), Interest::READABLE)?;
        }
        let longest = mtu + HEADER_LENGTH + 4;
        Ok(Device {
            socket,
            rest,
            bell,
            rung: Events::with_capacity(2),
            station: mac,
            chunk: Chunk::new(CHUNK, longest),
            gather: whole.then(|| Gather::new(longest, HEADER_LENGTH)),
            cutter: Cutter::new(HEADER_LENGTH),
            lost: 0,
            retry: None,
            _attachment: attachment,
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        self.rest.name()
    }

    /// Frames that the kernel did not take (the interface was down, or they were too long for it), or for which there was no room when
    /// they arrived.
    pub fn lost(&self) -> u64 {
        self.lost + self.socket.lost() + self.rest.lost()
    }

    /// Frames that have arrived at the socket.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> u32 {
        self.socket.waiting()
    }

    /// Frames that it could put on their way now.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.socket.room()
    }

    /// A turn of the socket's frames. Whether there may be more.
    fn take_in(&mut self, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let (mut count, mut bytes) = (0, 0);
        let mut more = true;
        while count < most && bytes < TURN {
            let Some(frame) = self.socket.look() else {
                more = false;
                break;
            };
            let outcome = self.take(frame, arrived);
            self.socket.give_back(frame);
            outcome?;
            count += 1;
            bytes += frame.length;
        }
        arrived.extend(self.gather.as_mut().and_then(Gather::flush));
        if count > 0 {
            self.socket.settle();
        }
        Ok(more)
    }

    #[inline]
    fn take(&mut self, frame: Arrived, arrived: &mut VecDeque<Frame>) -> io::Result<()> {
        let mut head = [0; HEAD];
        self.socket.copy(frame, &mut head);
        let unsummed = is_unsummed(&head[..frame.length.min(HEAD)], HEADER_LENGTH);
        if let (Some(gather), false) = (&mut self.gather, unsummed) {
            return gather.read(arrived, |space| Ok(self.socket.copy(frame, space))).map(drop);
        }
        // What was read before goes first.
        arrived.extend(self.gather.as_mut().and_then(Gather::flush));
        let length = frame.length.min(self.chunk.space(0).len());
        self.socket.copy(frame, &mut self.chunk.space(0)[..length]);
        self.chunk.commit(length);
        let mut taken = self.chunk.take(length);
        match (unsummed, &self.gather) {
            (false, _) => arrived.push_back(taken),
            (true, Some(_)) => {
                taken.checksum = Checksum::Verified;
                arrived.push_back(taken);
            }
            (true, None) => {
                taken.checksum = Checksum::Deferred;
                arrived.extend(Segments::of(lift(taken, HEADER_LENGTH), HEADER_LENGTH));
            }
        }
        Ok(())
    }
}

impl Link for Device {
    fn capabilities(&self) -> Capabilities {
        let medium = Medium::Ethernet(self.station);
        let mtu = self.rest.capabilities().mtu;
        Capabilities { medium, mtu, segmentation: false, checksums: self.gather.is_some() }
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        // Before anything is taken, so that what comes later rings anew.
        match self.bell.poll(&mut self.rung, Some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        // A flood of one kind leaves room for the other.
        let before = arrived.len();
        let own = self.take_in(arrived, (most - most / 4).max(1))?;
        let room = most.saturating_sub(arrived.len() - before);
        if room == 0 {
            return Ok(true);
        }
        Ok(self.rest.receive(now, arrived, room)? || own)
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        self.retry = None;
        loop {
            while self.socket.has_room() {
                let Some(packet) = self.cutter.next(waiting) else { break };
                self.lost += u64::from(!self.socket.put(&packet));
            }
            let all = match self.socket.send() {
                Ok(all) => all,
                Err(_) if !self.rest.is_there() => return Err(crate::interface::gone(self.name())),
                // It is down. What is in the ring leaves when it is up, and what has no room there is lost.
                Err(_) => {
                    while !self.socket.has_room() && self.cutter.next(waiting).is_some() {
                        self.lost += 1;
                    }
                    true
                }
            };
            if waiting.is_empty() && self.cutter.is_empty() && all {
                return Ok(true);
            }
            if !all || !self.socket.has_room() {
                self.retry = Some(now + RETRY);
                return Ok(false);
            }
        }
    }

    fn source(&self) -> Option<RawFdSource> {
        Some(RawFdSource { fd: self.bell.as_raw_fd(), generation: 0 })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.retry, self.rest.poll_timeout()].into_iter().flatten().min()
    }
}
