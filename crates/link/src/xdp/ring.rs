//! A ring of places by which we and the kernel hand memory to each other (the kernel's `af_xdp` documentation).

use crate::mapping::Mapping;
use crate::socket;
use libc::{SOL_XDP, xdp_ring_offset};
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

/// Which of a socket's four rings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Empty memory for frames that are to arrive.
    Fill,
    /// Frames that have arrived.
    Receive,
    /// Frames that are to leave.
    Transmit,
    /// The memory of those that have left.
    Completion,
}

impl Role {
    fn option(self) -> libc::c_int {
        match self {
            Role::Fill => libc::XDP_UMEM_FILL_RING,
            Role::Receive => libc::XDP_RX_RING,
            Role::Transmit => libc::XDP_TX_RING,
            Role::Completion => libc::XDP_UMEM_COMPLETION_RING,
        }
    }

    fn place(self) -> u64 {
        match self {
            Role::Fill => libc::XDP_UMEM_PGOFF_FILL_RING,
            Role::Receive => libc::XDP_PGOFF_RX_RING as u64,
            Role::Transmit => libc::XDP_PGOFF_TX_RING as u64,
            Role::Completion => libc::XDP_UMEM_PGOFF_COMPLETION_RING,
        }
    }
}

/// A ring of `N` bytes a place, of which we are at one end: one index is ours, the other one the kernel's.
pub(super) struct Ring<const N: usize> {
    memory: Mapping,
    offsets: xdp_ring_offset,
    places: u32,
    /// Our index, which may be ahead of what the kernel was told.
    own: u32,
}

impl<const N: usize> Ring<N> {
    /// Has the kernel make a ring for the socket, of so many places, a power of two.
    pub(super) fn make(socket: &impl AsFd, role: Role, places: u32) -> io::Result<()> {
        socket::set(socket, SOL_XDP, role.option(), &places)
    }

    /// The ring that was made; `offsets` says what lies where.
    pub(super) fn map(
        socket: &impl AsFd,
        role: Role,
        places: u32,
        offsets: xdp_ring_offset,
    ) -> io::Result<Ring<N>> {
        let length = offsets.desc as usize + places as usize * N;
        Ok(Ring { memory: Mapping::new(socket.as_fd(), length, role.place())?, offsets, places, own: 0 })
    }

    fn place(&self, index: u32) -> usize {
        self.offsets.desc as usize + (index & (self.places - 1)) as usize * N
    }

    /// How many the kernel has put in and we have not taken.
    #[inline]
    pub(super) fn filled(&self) -> u32 {
        self.memory.word(self.offsets.producer as usize).load(Ordering::Acquire).wrapping_sub(self.own)
    }

    /// Takes the next one; there must be one.
    #[inline]
    pub(super) fn take(&mut self) -> [u8; N] {
        let entry = self.memory.array(self.place(self.own));
        self.own = self.own.wrapping_add(1);
        entry
    }

    /// Tells the kernel how far we have taken.
    #[inline]
    pub(super) fn publish_taken(&self) {
        self.memory.word(self.offsets.consumer as usize).store(self.own, Ordering::Release);
    }

    /// How many we have put in and the kernel has not taken.
    #[inline]
    pub(super) fn pending(&self) -> u32 {
        self.own.wrapping_sub(self.memory.word(self.offsets.consumer as usize).load(Ordering::Acquire))
    }

    /// Puts one in; there must be room.
    #[inline]
    pub(super) fn put(&mut self, entry: [u8; N]) {
        self.memory.write(self.place(self.own), &entry);
        self.own = self.own.wrapping_add(1);
    }

    /// Tells the kernel how far we have put in.
    #[inline]
    pub(super) fn publish_put(&self) {
        self.memory.word(self.offsets.producer as usize).store(self.own, Ordering::Release);
    }

    /// Whether the kernel looks at the ring only when it is called.
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        let flags = self.memory.word(self.offsets.flags as usize).load(Ordering::Relaxed);
        flags & libc::XDP_RING_NEED_WAKEUP != 0
    }
}
