//! Frames from the kernel in shared memory: a ring of slots (TPACKET_V2, the kernel's `packet_mmap` documentation).
//!
//! The third version of the ring packs frames of any length, but hands them over in blocks, after a millisecond or more: an answer
//! would wait that long. So each frame has a slot of the second version, long enough for a super-segment, and is seen at once.

use crate::mapping::Mapping;
use crate::socket;
use crate::vnet;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

/// Bytes of a slot: the kernel's header, that of the work left, and the longest super-segment.
const SLOT: usize = 66 << 10;
/// Bytes of a block, which lie together in the kernel's memory too.
const BLOCK: usize = 1 << 20;
const SLOTS_OF_BLOCK: usize = BLOCK / SLOT;
/// Where the kernel's header (`struct tpacket2_hdr`) has what; the address (`struct sockaddr_ll`) is behind it.
const LENGTH: usize = 4;
const TAKEN: usize = 8;
const MAC: usize = 12;
const PACKET_TYPE: usize = 32 + 10;

/// The ring, and which slot is to be filled next.
pub(super) struct Ring {
    memory: Mapping,
    slots: usize,
    next: usize,
}

/// A frame in its slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slot {
    /// Where the frame begins, behind the header of the work left.
    begin: usize,
    /// Bytes of the frame.
    pub(super) length: usize,
    /// Whether the slot holds all of it, and it is one that came from the network, without a tag of a VLAN.
    pub(super) verdict: Verdict,
}

/// What is to become of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is taken.
    Taken,
    /// It is none of ours.
    Strange,
    /// It was too long for its slot.
    Torn,
}

impl Ring {
    /// Makes a ring of so many blocks of a mebibyte for the socket, which has the second version of it already.
    pub(super) fn new(socket: &impl AsFd, blocks: usize) -> io::Result<Ring> {
        let slots = blocks * SLOTS_OF_BLOCK;
        let request = libc::tpacket_req {
            tp_block_size: BLOCK as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: SLOT as u32,
            tp_frame_nr: slots as u32,
        };
        socket::set(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let memory = Mapping::new(socket.as_fd(), blocks * BLOCK, 0)?;
        Ok(Ring { memory, slots, next: 0 })
    }

    fn place(&self) -> usize {
        self.next / SLOTS_OF_BLOCK * BLOCK + self.next % SLOTS_OF_BLOCK * SLOT
    }

    /// The frame whose turn it is, if it has arrived.
    #[inline]
    pub(super) fn look(&self) -> Option<Slot> {
        let place = self.place();
        let status = self.memory.word(place).load(Ordering::Acquire);
        if status & libc::TP_STATUS_USER == 0 {
            return None;
        }
        let length = u32::from_ne_bytes(self.memory.array(place + LENGTH)) as usize;
        let taken = u32::from_ne_bytes(self.memory.array(place + TAKEN)) as usize;
        let mac = usize::from(u16::from_ne_bytes(self.memory.array(place + MAC)));
        let [packet_type] = self.memory.array(place + PACKET_TYPE);
        let verdict = if status & libc::TP_STATUS_VLAN_VALID != 0 || packet_type == libc::PACKET_OUTGOING {
            Verdict::Strange
        } else if taken < length || mac < vnet::LENGTH || mac + length > SLOT {
            Verdict::Torn
        } else {
            Verdict::Taken
        };
        Some(Slot { begin: place + mac, length, verdict })
    }

    /// The header of the work left on the frame.
    #[inline]
    pub(super) fn header(&self, slot: Slot) -> [u8; vnet::LENGTH] {
        self.memory.array(slot.begin - vnet::LENGTH)
    }

    /// Copies the frame out.
    #[inline]
    pub(super) fn copy(&self, slot: Slot, to: &mut [u8]) {
        self.memory.read(slot.begin, to);
    }

    /// Gives the slot whose turn it was back to the kernel.
    #[inline]
    pub(super) fn give_back(&mut self) {
        self.memory.word(self.place()).store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % self.slots;
    }

    /// How many frames it has room for.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.slots
    }
}
