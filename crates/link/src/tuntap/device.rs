//! The link over an interface.

use super::intake::Intake;
use super::ioctl;
use super::kind::{DEVICE, Kind, Queues};
use super::offload::{self, Offload};
use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::chunk::Chunk;
use crate::cut::Cutter;
use crate::gather::Gather;
use basis::{Frame, Instant};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use wire::ethernet::MacAddress;

/// Bytes of memory that packets from the kernel share.
const CHUNK: usize = 64 << 10;
/// Bytes taken in one call at most: what was read is still in the processor's cache when the stack gets it.
const TURN: usize = 512 << 10;

/// A TAP or a TUN interface: what this link sends, the kernel receives on the interface, and the other way round.
///
/// The interface is made if there is none and goes with the link, unless it was made to stay (`ip tuntap add`). While it is
/// not up, frames are lost.
pub struct Device {
    file: File,
    name: String,
    medium: Medium,
    mtu: usize,
    incoming: Incoming,
    cutter: Cutter,
    /// What the kernel did not take yet, ready as it is.
    kept: Option<Frame>,
    lost: u64,
}

/// Memory that fits what the kernel sends.
enum Incoming {
    /// One packet a read.
    Packets(Chunk),
    /// The same, and what follows on is one frame.
    Gathered(Gather),
    /// A header for the work left, and up to 64 KiB.
    Super(Intake),
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
        (0..count).map(|_| open()).collect()
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
        ioctl::attach(&file, kind, name, offload, queues).map_err(explained)?;
        let mtu = ioctl::mtu(name).map_err(explained)?;
        Ok(Device::handed(file.into(), name, medium, mtu, offload))
    }

    /// A device that another process has opened, perhaps in another network namespace, and whose descriptor it has handed over: the
    /// interface `name`, opened with this offload.
    pub fn handed(descriptor: OwnedFd, name: &str, medium: Medium, mtu: usize, offload: Offload) -> Device {
        let incoming = match offload {
            Offload::On => Incoming::Super(Intake::new()),
            Offload::Gathered => {
                Incoming::Gathered(Gather::new(mtu + medium.header_length() + 4, medium.header_length()))
            }
            Offload::Off => Incoming::Packets(Chunk::new(CHUNK, mtu + medium.header_length() + 4)),
        };
        let cutter = Cutter::new(medium.header_length());
        let file = File::from(descriptor);
        Device { file, name: name.to_owned(), medium, mtu, incoming, cutter, kept: None, lost: 0 }
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames that the kernel did not take (the interface was down, or they were too long for it), or that it sent in a form
    /// that was not asked for.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn has_offload(&self) -> bool {
        matches!(self.incoming, Incoming::Super(_))
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
            Incoming::Gathered(gather) => gather.read(arrived, |parts| self.file.read_vectored(parts)),
            Incoming::Super(intake) => {
                let mut header = [0; offload::LENGTH];
                let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(intake.space())];
                let length = self.file.read_vectored(&mut parts)?;
                let Some(length) = length.checked_sub(offload::LENGTH) else { return Ok(0) };
                let mut frame = intake.take(length);
                match offload::incoming(&mut frame, header) {
                    true => arrived.push_back(frame),
                    false => self.lost += 1,
                }
                Ok(length)
            }
        }
    }

    /// A turn of reading. Whether there may be more.
    fn take_in(&mut self, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let (mut count, mut bytes) = (0, 0);
        while count < most && bytes < TURN {
            match self.read(arrived) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    count += 1;
                    bytes += length;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_broken(&error) => return Err(error),
                // The interface is down: it will be heard of when it is up.
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The next frame as the kernel wants it.
    #[inline]
    fn next_outgoing(&mut self, waiting: &mut VecDeque<Frame>) -> Option<Frame> {
        if self.kept.is_some() {
            return self.kept.take();
        }
        if !self.has_offload() {
            return self.cutter.next(waiting);
        }
        let mut header = [0; offload::LENGTH];
        let mut frame = None;
        if self.cutter.is_empty() {
            let mut front = waiting.pop_front()?;
            match offload::outgoing(&mut front, self.medium.header_length()) {
                Some(work) => (header, frame) = (work, Some(front)),
                // The kernel could not finish it.
                None => waiting.push_front(front),
            }
        }
        let mut frame = frame.or_else(|| self.cutter.next(waiting))?;
        *frame.prepend_array() = header;
        Some(frame)
    }
}

impl AsFd for Device {
    /// For whoever waits by other means than an event loop over [`Link::source`].
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Whether the interface itself is gone.
fn is_broken(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBADFD | libc::EBADF | libc::ENODEV | libc::ENXIO))
}

impl Link for Device {
    fn capabilities(&self) -> Capabilities {
        let offload = self.has_offload();
        Capabilities { medium: self.medium, mtu: self.mtu, segmentation: offload, checksums: offload }
    }

    fn receive(&mut self, _now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let more = self.take_in(arrived, most);
        if let Incoming::Gathered(gather) = &mut self.incoming {
            arrived.extend(gather.flush());
        }
        more
    }

    fn transmit(&mut self, _now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        while let Some(frame) = self.next_outgoing(waiting) {
            let [head, body] = frame.parts();
            match self.file.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.kept = Some(frame);
                    return Ok(false);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => self.kept = Some(frame),
                Err(error) if is_broken(&error) => return Err(error),
                Err(_) => self.lost += 1,
            }
        }
        Ok(true)
    }

    fn source(&self) -> Option<RawFdSource> {
        Some(RawFdSource { fd: self.file.as_raw_fd(), generation: 0 })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
