//! The socket with its memory: frames are copied in and out here.

use super::ring::{Ring, Role};
use crate::mapping::Mapping;
use crate::socket;
use basis::Frame;
use libc::{SOL_XDP, sockaddr_xdp, xdp_mmap_offsets, xdp_statistics, xdp_umem_reg};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};

/// Frames that may wait for us, and that may be on their way out: powers of two.
pub(super) const ARRIVING: u32 = 2048;
pub(super) const LEAVING: u32 = 1024;
/// Bytes of memory for a frame; where frames are longer than this leaves room for, a page. The kernel keeps [`HEADROOM`] for itself.
const PIECE: usize = 2048;
const LONG_PIECE: usize = 4096;
const HEADROOM: usize = 256;
/// The longest frame that can be taken in at all.
pub(super) const LONGEST: usize = LONG_PIECE - HEADROOM;

/// A place among `ARRIVING + LEAVING` pieces of memory, and how many bytes there are a frame (`struct xdp_desc`).
type Descriptor = [u8; 16];

/// An XDP socket that is bound to a queue of an interface.
pub(super) struct XdpSocket {
    socket: Socket,
    memory: Mapping,
    piece: usize,
    fill: Ring<8>,
    receive: Ring<16>,
    transmit: Ring<16>,
    completion: Ring<8>,
    /// Pieces for frames that are to leave.
    free: Vec<u64>,
}

/// A frame that has arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Arrived {
    place: usize,
    pub(super) length: usize,
}

impl XdpSocket {
    /// Opens a socket for frames of up to `longest` bytes on the queue of the interface of this number. All that arrives is copied, as
    /// every driver can.
    pub(super) fn open(interface: u32, queue: u32, longest: usize) -> io::Result<XdpSocket> {
        let socket = Socket::new(Domain::from(libc::AF_XDP), Type::from(libc::SOCK_RAW), None)?;
        let piece = if longest + HEADROOM <= PIECE { PIECE } else { LONG_PIECE };
        let memory = Mapping::anonymous((ARRIVING + LEAVING) as usize * piece)?;
        let registered = xdp_umem_reg {
            addr: memory.address(),
            len: memory.length() as u64,
            chunk_size: piece as u32,
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        };
        socket::set(&socket, SOL_XDP, libc::XDP_UMEM_REG, &registered)?;
        Ring::<8>::make(&socket, Role::Fill, ARRIVING)?;
        Ring::<16>::make(&socket, Role::Receive, ARRIVING)?;
        Ring::<16>::make(&socket, Role::Transmit, LEAVING)?;
        Ring::<8>::make(&socket, Role::Completion, LEAVING)?;
        let offsets = offsets(&socket)?;
        let mut fill = Ring::map(&socket, Role::Fill, ARRIVING, offsets.fr)?;
        let receive = Ring::map(&socket, Role::Receive, ARRIVING, offsets.rx)?;
        let transmit = Ring::map(&socket, Role::Transmit, LEAVING, offsets.tx)?;
        let completion = Ring::map(&socket, Role::Completion, LEAVING, offsets.cr)?;
        let place = |index: u32| u64::from(index) * piece as u64;
        (0..ARRIVING).for_each(|index| fill.put(place(index).to_ne_bytes()));
        fill.publish_put();
        let free = (ARRIVING..ARRIVING + LEAVING).map(place).collect();
        let address = sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: libc::XDP_COPY | libc::XDP_USE_NEED_WAKEUP,
            sxdp_ifindex: interface,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: 0,
        };
        socket::bind(&socket, &address)?;
        Ok(XdpSocket { socket, memory, piece, fill, receive, transmit, completion, free })
    }

    /// Frames that have arrived.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> u32 {
        self.receive.filled()
    }

    /// Pieces that are free, once those of frames that have left are taken back.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.free.len() + self.completion.filled() as usize
    }

    /// The frame that has waited longest.
    #[inline]
    pub(super) fn look(&mut self) -> Option<Arrived> {
        if self.receive.filled() == 0 {
            return None;
        }
        let descriptor = self.receive.take();
        let (place, rest) = descriptor.split_at(8);
        let place = u64::from_ne_bytes(place.try_into().unwrap_or_default()) as usize;
        let length = u32::from_ne_bytes(rest[..4].try_into().unwrap_or_default()) as usize;
        Some(Arrived { place, length })
    }

    /// Copies from the frame's beginning, as much as there is room for; tells how many bytes that is.
    #[inline]
    pub(super) fn copy(&self, frame: Arrived, to: &mut [u8]) -> usize {
        let length = frame.length.min(to.len());
        self.memory.read(frame.place, &mut to[..length]);
        length
    }

    /// The frame's memory may be filled anew.
    #[inline]
    pub(super) fn give_back(&mut self, frame: Arrived) {
        let piece = frame.place / self.piece * self.piece;
        // There is a place for every piece.
        self.fill.put((piece as u64).to_ne_bytes());
    }

    /// The kernel may see what was given back.
    pub(super) fn settle(&self) {
        self.receive.publish_taken();
        self.fill.publish_put();
        if self.fill.needs_wakeup() {
            // Whatever it says: it is asked again with the next frames.
            let _ = self.socket.recv_with_flags(&mut [], libc::MSG_DONTWAIT);
        }
    }

    /// Whether another frame can be put on its way.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        if self.free.is_empty() {
            self.reclaim();
        }
        !self.free.is_empty() && self.transmit.pending() < LEAVING
    }

    /// Puts a frame on its way. There must be room; false if the frame is too long.
    #[inline]
    pub(super) fn put(&mut self, frame: &Frame) -> bool {
        let length = frame.len();
        let Some(place) = (length <= self.piece).then(|| self.free.pop()).flatten() else { return false };
        let mut at = place as usize;
        for part in frame.parts() {
            self.memory.write(at, part);
            at += part.len();
        }
        let mut descriptor: Descriptor = [0; 16];
        descriptor[..8].copy_from_slice(&place.to_ne_bytes());
        descriptor[8..12].copy_from_slice(&(length as u32).to_ne_bytes());
        self.transmit.put(descriptor);
        true
    }

    /// Has the kernel send what was put on its way. True if it has taken all.
    ///
    /// # Errors
    /// What keeps it from sending for longer than a moment.
    pub(super) fn send(&self) -> io::Result<bool> {
        self.transmit.publish_put();
        // Each call sends some tens, and says that it would block if there are more.
        for _ in 0..LEAVING {
            let before = self.transmit.pending();
            if before == 0 || !self.transmit.needs_wakeup() {
                return Ok(before == 0);
            }
            match self.socket.send_with_flags(&[], libc::MSG_DONTWAIT) {
                Err(error) if !is_passing(&error) => return Err(error),
                _ if self.transmit.pending() == before => return Ok(false),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Takes back the memory of frames that have left.
    fn reclaim(&mut self) {
        for _ in 0..self.completion.filled() {
            self.free.push(u64::from_ne_bytes(self.completion.take()));
        }
        self.completion.publish_taken();
    }

    /// Frames for which there was no room, as far as the kernel counts them.
    pub(super) fn lost(&self) -> u64 {
        let mut told = xdp_statistics {
            rx_dropped: 0,
            rx_invalid_descs: 0,
            tx_invalid_descs: 0,
            rx_ring_full: 0,
            rx_fill_ring_empty_descs: 0,
            tx_ring_empty_descs: 0,
        };
        let asked = socket::get(&self.socket, SOL_XDP, libc::XDP_STATISTICS, &mut told);
        asked.map_or(0, |()| told.rx_dropped + told.rx_ring_full)
    }
}

impl AsFd for XdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether the kernel or its device is only busy.
fn is_passing(error: &io::Error) -> bool {
    let busy = matches!(error.raw_os_error(), Some(libc::EBUSY | libc::ENOBUFS));
    busy || matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// What lies where in the rings.
fn offsets(socket: &Socket) -> io::Result<xdp_mmap_offsets> {
    let none = libc::xdp_ring_offset { producer: 0, consumer: 0, desc: 0, flags: 0 };
    let mut offsets = xdp_mmap_offsets { rx: none, tx: none, fr: none, cr: none };
    socket::get(socket, SOL_XDP, libc::XDP_MMAP_OFFSETS, &mut offsets)?;
    Ok(offsets)
}
