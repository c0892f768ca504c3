//! The link over a packet socket.

use super::opening::{self, Opened, Options, Sharing};
use super::ring::{Ring, Verdict};
use crate::arrival::Arrival;
use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::departure::{Departure, Form};
use crate::intake::Intake;
use crate::interface;
use crate::socket;
use crate::vnet::Offload;
use basis::{Frame, Instant};
use socket2::Socket;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;
use wire::ethernet::MacAddress;

/// Bytes taken in one call at most: what was copied is still in the processor's cache when the stack gets it.
const TURN: usize = 512 << 10;
/// How often is looked whether an interface that is down is still there: of its end then nothing tells.
const LOOK: Duration = Duration::from_millis(500);

/// A station of our own on the network of an interface: it has a hardware address beside the kernel's, and sees what is for it and for
/// groups. What the kernel itself sends by the interface does not come back, so the two do not hear each other there. With an address of
/// IP that is the kernel's as well, both would answer.
///
/// A network that lets only known stations in (wireless ones, those of many virtual machines) does not carry another one's frames.
///
/// While the interface is down, frames are lost. Needs CAP_NET_RAW.
///
/// ```no_run
/// use netstrata_link::packet::{Device, Options};
/// use netstrata_link::Link;
/// use wire::ethernet::MacAddress;
/// let link = Device::open("eth0", MacAddress([2, 0, 0, 0, 0, 7]), Options::default())?;
/// assert_eq!(link.capabilities().mtu, 1500);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Device {
    socket: Socket,
    ring: Ring,
    name: String,
    station: MacAddress,
    mtu: usize,
    whole: bool,
    intake: Intake,
    arrival: Arrival,
    departure: Departure,
    lost: u64,
    /// What the kernel had no room for in the ring, as far as it was asked.
    dropped: Cell<u64>,
    /// When to look after an interface that is down.
    look: Option<Instant>,
}

impl Device {
    /// Joins the network of the interface `name` as the station `mac`. The MTU is the interface's.
    ///
    /// # Errors
    /// `PermissionDenied` without CAP_NET_RAW; the system's error for an interface that is not there; `NetworkDown` for one that is
    /// down; `InvalidInput` for a name or an address that cannot be, and for an interface that is no Ethernet; each with what to do about
    /// it.
    pub fn open(name: &str, mac: MacAddress, options: Options) -> io::Result<Device> {
        let opened = opening::open(name, mac, options, Sharing::Alone, 1)?;
        Ok(Device::new(opened, name, mac, options))
    }

    /// The same with `count` sockets, each of which carries a part of the frames, by the hash of both ends of their flows
    /// (PACKET_FANOUT). One socket is that of [`Device::open`].
    ///
    /// # Errors
    /// Those of [`Device::open`].
    pub fn queues(name: &str, mac: MacAddress, count: usize, options: Options) -> io::Result<Vec<Device>> {
        if count < 2 {
            return Ok(vec![Device::open(name, mac, options)?]);
        }
        let first = opening::open(name, mac, options, Sharing::First, count)?;
        let group = opening::group(&first.socket)?;
        let mut devices = vec![Device::new(first, name, mac, options)];
        for _ in 1..count {
            let next = opening::open(name, mac, options, Sharing::Next(group), count)?;
            devices.push(Device::new(next, name, mac, options));
        }
        Ok(devices)
    }

    /// The same with a smaller ring, for what others leave of an interface's frames.
    pub(crate) fn beside(name: &str, mac: MacAddress, options: Options) -> io::Result<Device> {
        /// As if so many shared the frames.
        const OTHERS: usize = 4;
        let opened = opening::open(name, mac, options, Sharing::Alone, OTHERS)?;
        Ok(Device::new(opened, name, mac, options))
    }

    /// Whether the interface is still there.
    pub(crate) fn is_there(&self) -> bool {
        opening::is_there(&self.socket)
    }

    fn new(opened: Opened, name: &str, station: MacAddress, options: Options) -> Device {
        let Opened { socket, ring, mtu } = opened;
        let whole = options.offload == Offload::On;
        let link_header = Medium::Ethernet(station).header_length();
        // The kernel knows super-datagrams since 4.18, but hands them to packet sockets since 6.2 only; taken apart they are here.
        let form = if whole { Form::Whole { datagrams: true } } else { Form::HeadedPackets };
        Device {
            socket,
            ring,
            name: name.to_owned(),
            station,
            mtu,
            whole,
            intake: Intake::new(),
            arrival: Arrival::new(whole, link_header),
            departure: Departure::new(form, link_header),
            lost: 0,
            dropped: Cell::new(0),
            look: None,
        }
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames that the kernel did not take (the interface was down, its queue full, or they were too long for it), for which there was
    /// no room when they arrived, or that came in a form that nobody can read.
    pub fn lost(&self) -> u64 {
        let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        // The kernel counts anew from each question on.
        if socket::get(&self.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS, &mut statistics).is_ok() {
            self.dropped.set(self.dropped.get() + u64::from(statistics.tp_drops));
        }
        self.lost + self.arrival.strange() + self.dropped.get()
    }

    /// The next frame, and how long it was; `Ok(None)` if there is none.
    #[inline]
    fn take(&mut self) -> Option<(usize, Option<Frame>)> {
        let slot = self.ring.look()?;
        let frame = match slot.verdict {
            Verdict::Taken => {
                let header = self.ring.header(slot);
                let space = self.intake.space().get_mut(..slot.length).unwrap_or_default();
                self.ring.copy(slot, space);
                Some((self.intake.take(slot.length), header))
            }
            Verdict::Strange => None,
            Verdict::Torn => {
                self.lost += 1;
                None
            }
        };
        self.ring.give_back();
        Some((slot.length, frame.and_then(|(frame, header)| self.arrival.open(frame, header))))
    }

    /// Nothing is there: perhaps because the interface has gone down, or has gone.
    fn look_after(&mut self, now: Instant) -> io::Result<()> {
        let told = self.socket.take_error()?.is_some();
        if !told && self.look.is_none_or(|look| now < look) {
            return Ok(());
        }
        if !self.is_there() {
            return Err(interface::gone(&self.name));
        }
        let is_up = interface::is_up(&self.name).unwrap_or(false);
        self.look = (!is_up).then(|| now + LOOK);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.ring.slots()
    }
}

impl AsFd for Device {
    /// For whoever waits by other means than an event loop over [`Link::source`].
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Link for Device {
    fn capabilities(&self) -> Capabilities {
        let medium = Medium::Ethernet(self.station);
        Capabilities { medium, mtu: self.mtu, segmentation: self.whole, checksums: self.whole }
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let (mut count, mut bytes) = (0, 0);
        while count < most && bytes < TURN {
            if let Some(frame) = self.arrival.next() {
                arrived.push_back(frame);
                count += 1;
            } else if let Some((length, frame)) = self.take() {
                arrived.extend(frame);
                count += 1;
                bytes += length;
            } else {
                return self.look_after(now).map(|()| false);
            }
        }
        Ok(true)
    }

    fn transmit(&mut self, _now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        while self.departure.prepare(waiting) {
            let result = self.socket.send_vectored(&self.departure.parts());
            match result {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if self.departure.refused(&error, waiting) => continue,
                Err(_) if !self.is_there() => return Err(interface::gone(&self.name)),
                // Its queue is full, or it is down.
                Err(_) => self.lost += self.departure.count() as u64,
            }
            self.departure.clear();
        }
        Ok(true)
    }

    fn source(&self) -> Option<RawFdSource> {
        Some(RawFdSource { fd: self.socket.as_raw_fd(), generation: 0 })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.look
    }
}
