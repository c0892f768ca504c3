//! The link over an interface.

use super::ioctl;
use super::kind::{DEVICE, Kind, Queues};
use super::napi::{Interfaces, Switch};
use super::outlet::Outlet;
use super::rests::Rests;
use super::writer::Writer;
use crate::arrival::Arrival;
use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::chunk::Chunk;
use crate::departure::Form;
use crate::gather::Gather;
use crate::intake::{Intake, SHARED};
use crate::interface;
use crate::vnet::{self, Offload};
use basis::{Frame, Instant};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::ethernet::MacAddress;

/// Bytes of memory that packets from the kernel share.
const CHUNK: usize = 64 << 10;
/// Bytes taken in one call at most: what was read is still in the processor's cache when the stack gets it.
const TURN: usize = 512 << 10;
/// Calls to the kernel in one turn at most, whatever they bring.
const READS: usize = 512;
/// Frames that leave at once and are worth a second thread.
const MANY: usize = 8;

/// A TAP or a TUN interface: what this link sends, the kernel receives on the interface, and the other way round.
///
/// The interface is made if there is none and goes with the link, unless it was made to stay (`ip tuntap add`). While it is
/// not up, frames are lost.
pub struct Device {
    file: Arc<File>,
    name: String,
    medium: Medium,
    mtu: usize,
    incoming: Incoming,
    outlet: Arc<Mutex<Outlet>>,
    /// Hands over frames while this thread reads, once there have been many.
    writer: Option<Writer>,
    /// Whether it may be started.
    two: bool,
    /// For the writer: whether the kernel takes in what it writes in a thread of its own.
    switch: Option<Switch>,
    /// There was more to read than one turn takes.
    pressed: bool,
    /// Where packets are large: when to leave it alone.
    rests: Option<Rests>,
}

/// Memory that fits what the kernel sends.
enum Incoming {
    /// One packet a read.
    Packets(Chunk),
    /// The same, of an MTU with which a packet is as much memory as a chunk.
    Large(Intake),
    /// The same, and what follows on is one frame.
    Gathered(Gather),
    /// A header for the work left, and up to 64 KiB.
    Super(Intake, Box<Arrival>),
}

impl Device {
    /// Opens the TAP interface `name`, of at most 15 bytes: an Ethernet, on which our station is `mac` and the kernel's has an
    /// address of its own. The MTU is the interface's.
    ///
    /// # Errors
    /// `NotFound` if this system has no such interfaces; `PermissionDenied` if we may not open one; `ResourceBusy` if another
    /// process has it open; `InvalidInput` for a name or an address that cannot be; each with what to do about it.
    pub fn tap(name: &str, mac: MacAddress, offload: Offload) -> io::Result<Device> {
        Device::open(Kind::Tap, name, Medium::Ethernet(mac), offload, Queues::One)
    }

    /// The same with `count` queues, each of which carries a part of the frames: the kernel puts what it sends into the queue by which the
    /// flow's last frame came, or into any. One queue is that of [`Device::tap`].
    ///
    /// # Errors
    /// Those of [`Device::tap`]; `InvalidInput` too for an interface that was made to stay without several queues, or for one that has
    /// no more.
    pub fn tap_queues(
        name: &str,
        mac: MacAddress,
        count: usize,
        offload: Offload,
    ) -> io::Result<Vec<Device>> {
        match count {
            0 | 1 => Ok(vec![Device::tap(name, mac, offload)?]),
            _ => Device::queues(count, || {
                Device::open(Kind::Tap, name, Medium::Ethernet(mac), offload, Queues::Several)
            }),
        }
    }

    /// Opens the TUN interface `name`, of at most 15 bytes: IP packets without a link header, as virtual private networks use
    /// it. What the kernel routes there, this link receives. The MTU is the interface's.
    ///
    /// # Errors
    /// Those of [`Device::tap`].
    pub fn tun(name: &str, offload: Offload) -> io::Result<Device> {
        Device::open(Kind::Tun, name, Medium::Ip, offload, Queues::One)
    }

    /// The same with `count` queues, as [`Device::tap_queues`] has them.
    ///
    /// # Errors
    /// Those of [`Device::tap_queues`].
    pub fn tun_queues(name: &str, count: usize, offload: Offload) -> io::Result<Vec<Device>> {
        match count {
            0 | 1 => Ok(vec![Device::tun(name, offload)?]),
            _ => {
                Device::queues(count, || Device::open(Kind::Tun, name, Medium::Ip, offload, Queues::Several))
            }
        }
    }

    fn queues(count: usize, open: impl Fn() -> io::Result<Device>) -> io::Result<Vec<Device>> {
        // They are several threads' already.
        (0..count).map(|_| open().map(|device| Device { two: false, ..device })).collect()
    }

    fn open(kind: Kind, name: &str, medium: Medium, offload: Offload, queues: Queues) -> io::Result<Device> {
        if let Medium::Ethernet(mac) = medium
            && !mac.is_unicast()
        {
            let text = format!("{mac} cannot be the address of one station");
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        let explained = |error: io::Error| kind.explained(name, queues, &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
        let file = options.open(DEVICE).map_err(explained)?;
        // Only a writer turns the switch.
        let is_one = offload == Offload::Gathered && matches!(queues, Queues::One) && has_processors();
        let interfaces = if is_one { Interfaces::open() } else { None };
        ioctl::attach(&file, kind, name, offload, queues, interfaces.is_some()).map_err(explained)?;
        let mtu = interface::mtu(name).map_err(explained)?;
        let switch = interfaces.and_then(|interfaces| interfaces.switch(name));
        Ok(Device { switch, ..Device::handed(file.into(), name, medium, mtu, offload) })
    }

    /// A device that another process has opened, perhaps in another network namespace, and whose descriptor it has handed over: the
    /// interface `name`, opened with this offload.
    pub fn handed(descriptor: OwnedFd, name: &str, medium: Medium, mtu: usize, offload: Offload) -> Device {
        let file = Arc::new(File::from(descriptor));
        let link_header = medium.header_length();
        let longest = mtu + link_header + 4;
        let (incoming, form) = match offload {
            Offload::On => {
                let arrival = Box::new(Arrival::new(true, link_header));
                let form = Form::Whole { datagrams: ioctl::take_datagrams(&file) };
                (Incoming::Super(Intake::new(), arrival), form)
            }
            // Of packets that long there is nothing to gather: two would be longer than any packet.
            Offload::Gathered | Offload::Off if longest > SHARED => {
                (Incoming::Large(Intake::new()), Form::Packets)
            }
            Offload::Gathered => (Incoming::Gathered(Gather::new(longest, link_header)), Form::Packets),
            Offload::Off => (Incoming::Packets(Chunk::new(CHUNK, longest)), Form::Packets),
        };
        let is_small = matches!(incoming, Incoming::Packets(_) | Incoming::Gathered(_));
        let outlet = Outlet::new(Arc::clone(&file), name, form, link_header);
        Device {
            file,
            name: name.to_owned(),
            medium,
            mtu,
            incoming,
            outlet: Arc::new(Mutex::new(outlet)),
            writer: None,
            two: is_small && has_processors(),
            switch: None,
            pressed: false,
            rests: if is_small { None } else { Rests::new() },
        }
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames that the kernel did not take (the interface was down, or they were too long for it), or that it sent in a form
    /// that was not asked for.
    pub fn lost(&self) -> u64 {
        let strange = match &self.incoming {
            Incoming::Super(_, arrival) => arrival.strange(),
            Incoming::Packets(_) | Incoming::Large(_) | Incoming::Gathered(_) => 0,
        };
        self.outlet().lost + strange
    }

    /// Whether datagrams of UDP cross many at a time (Linux 6.2 and later): those that follow each other to one destination leave
    /// by one call, and what the kernel sends by UDP_SEGMENT comes by one, to be taken apart here.
    pub fn has_super_datagrams(&self) -> bool {
        self.outlet().form() == Form::Whole { datagrams: true }
    }

    fn has_offload(&self) -> bool {
        matches!(self.incoming, Incoming::Super(..))
    }

    fn outlet(&self) -> MutexGuard<'_, Outlet> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One read: a frame, unless it is left out or held for what may follow, and how long it was.
    #[inline]
    fn read(&mut self, arrived: &mut VecDeque<Frame>) -> io::Result<usize> {
        match &mut self.incoming {
            Incoming::Packets(chunk) => {
                let length = self.file.read(chunk.space(0))?;
                chunk.commit(length);
                arrived.push_back(chunk.take(length));
                Ok(length)
            }
            Incoming::Large(intake) => {
                let length = self.file.read(intake.space())?;
                arrived.push_back(intake.take(length));
                Ok(length)
            }
            Incoming::Gathered(gather) => gather.read(arrived, |space| self.file.read(space)),
            Incoming::Super(intake, arrival) => {
                let mut header = [0; vnet::LENGTH];
                let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(intake.space())];
                let length = self.file.read_vectored(&mut parts)?;
                let Some(length) = length.checked_sub(vnet::LENGTH) else { return Ok(0) };
                arrived.extend(arrival.open(intake.take(length), header));
                Ok(length)
            }
        }
    }

    /// A turn of reading. Whether there may be more.
    fn take_in(&mut self, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let most = arrived.len() + most;
        let (mut reads, mut bytes) = (0, 0);
        // What is held is complete soon, or more than a turn was read.
        while arrived.len() < most && reads < READS && (bytes < TURN || self.holds()) {
            if let Some(frame) = self.left() {
                arrived.push_back(frame);
                continue;
            }
            match self.read(arrived) {
                Ok(0) => return Err(interface::gone(&self.name)),
                Ok(length) => {
                    reads += 1;
                    bytes += length;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // If it is only down, it will be heard of when it is up.
                Err(error) => return interface::broken(&self.name, &error).map_or(Ok(false), Err),
            }
        }
        Ok(true)
    }

    /// Whether more may follow what was read last.
    #[inline]
    fn holds(&self) -> bool {
        matches!(&self.incoming, Incoming::Gathered(gather) if gather.holds())
    }

    /// What is left of a super-packet that was read before.
    #[inline]
    fn left(&mut self) -> Option<Frame> {
        match &mut self.incoming {
            Incoming::Super(_, arrival) => arrival.next(),
            Incoming::Packets(_) | Incoming::Large(_) | Incoming::Gathered(_) => None,
        }
    }
}

/// Whether two threads are more than one.
fn has_processors() -> bool {
    std::thread::available_parallelism().is_ok_and(|count| count.get() > 1)
}

impl AsFd for Device {
    /// For whoever waits by other means than an event loop over [`Link::source`].
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Link for Device {
    fn capabilities(&self) -> Capabilities {
        let offload = self.has_offload();
        Capabilities { medium: self.medium, mtu: self.mtu, segmentation: offload, checksums: offload }
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let before = arrived.len();
        let more = self.take_in(arrived, most);
        if let Incoming::Gathered(gather) = &mut self.incoming {
            arrived.extend(gather.flush());
        }
        self.pressed = matches!(more, Ok(true));
        if let Some(rests) = &mut self.rests {
            let bytes = arrived.iter().skip(before).map(|frame| frame.len() as u64).sum();
            rests.on_turn(now, bytes, self.pressed);
        }
        more
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        let many = self.pressed || waiting.len() >= MANY;
        if many && self.two && self.writer.is_none() {
            self.writer = Writer::start(&self.outlet, self.switch.take()).ok();
            self.two = self.writer.is_some();
        }
        if let Some(writer) = &self.writer
            && (many || !writer.is_idle())
        {
            writer.give(now, waiting)?;
            return Ok(true);
        }
        self.outlet().send(waiting)
    }

    fn source(&self) -> Option<RawFdSource> {
        let resting = self.rests.as_ref().and_then(Rests::source);
        Some(RawFdSource { fd: resting.unwrap_or_else(|| self.file.as_raw_fd()), generation: 0 })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
