//! An Ethernet cable to the kernel of this machine (Linux).

mod ioctl;

use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::chunk::Chunk;
use crate::cut::Cutter;
use basis::{Frame, Instant};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use wire::ethernet::{self, MacAddress};

const DEVICE: &str = "/dev/net/tun";
/// Bytes of memory that frames from the kernel share.
const CHUNK: usize = 64 << 10;

/// A TAP interface: what this link sends, the kernel receives on the interface, and the other way round.
///
/// The kernel's end has an address of its own; `mac` is that of our stack. The interface is made if there is none and
/// goes with the link, unless it was made to stay (`ip tuntap add`). While it is not up, frames are lost.
pub struct Tap {
    file: File,
    name: String,
    mac: MacAddress,
    mtu: usize,
    cutter: Cutter,
    incoming: Chunk,
    lost: u64,
}

impl Tap {
    /// Opens the interface `name`, of at most 15 bytes, as our station `mac`. The MTU is the interface's.
    ///
    /// # Errors
    /// `NotFound` if this system has no TAP; `PermissionDenied` if we may not open one; `ResourceBusy` if another process
    /// has it open; `InvalidInput` for a name or an address that cannot be; each with what to do about it.
    pub fn open(name: &str, mac: MacAddress) -> io::Result<Tap> {
        if !mac.is_unicast() {
            let text = format!("{mac} cannot be the address of one station");
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
        let file = options.open(DEVICE).map_err(|error| explained(name, &error))?;
        ioctl::attach_tap(&file, name).map_err(|error| explained(name, &error))?;
        let mtu = ioctl::mtu(name).map_err(|error| explained(name, &error))?;
        Ok(Tap {
            file,
            name: name.to_owned(),
            mac,
            mtu,
            cutter: Cutter::new(ethernet::HEADER_LENGTH),
            incoming: Chunk::new(CHUNK, mtu + ethernet::HEADER_LENGTH + 4),
            lost: 0,
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames that the kernel did not take: the interface was down, or they were too long for it.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

/// Whether the interface itself is gone.
fn is_broken(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBADFD | libc::EBADF | libc::ENODEV | libc::ENXIO))
}

fn explained(name: &str, error: &io::Error) -> io::Error {
    let remedy = match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
            format!("this system has no {DEVICE}: load the module with `modprobe tun`")
        }
        Some(libc::EPERM | libc::EACCES) => format!(
            "opening it needs root (CAP_NET_ADMIN), or an interface that is yours: `ip tuntap add {name} mode tap user $USER`"
        ),
        Some(libc::EBUSY) => "another process has it open: stop that, or give another name".to_owned(),
        Some(libc::EINVAL) => {
            "there is an interface of that name that is no TAP: give another name".to_owned()
        }
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot open the TAP {name}: {remedy}"))
}

impl Link for Tap {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            medium: Medium::Ethernet(self.mac),
            mtu: self.mtu,
            segmentation: false,
            checksums: false,
        }
    }

    fn receive(&mut self, _now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let mut count = 0;
        while count < most {
            // Each read is one frame.
            match self.file.read(self.incoming.space(0)) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.incoming.commit(length);
                    arrived.push_back(self.incoming.take(length));
                    count += 1;
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

    fn transmit(&mut self, _now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        while let Some(frame) = self.cutter.next(waiting) {
            let [head, body] = frame.parts();
            match self.file.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.cutter.put_back(frame);
                    return Ok(false);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => self.cutter.put_back(frame),
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

#[cfg(test)]
mod tests;
