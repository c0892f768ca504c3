//! The cable between two hosts of smoltcp: frames are handed over by ownership and their memory is used again.

use smoltcp::phy::{self, ChecksumCapabilities, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use std::collections::VecDeque;

/// Bytes of an Ethernet header, which smoltcp counts into the MTU.
const LINK_HEADER: usize = 14;

/// A frame in memory of the longest frame's size, which is never cleared in between.
struct Buffer {
    bytes: Box<[u8]>,
    length: usize,
}

/// Both directions, and memory that waits to be used again.
pub(crate) struct Cable {
    to_server: VecDeque<Buffer>,
    to_client: VecDeque<Buffer>,
    free: Vec<Buffer>,
    longest: usize,
    checksums: bool,
}

impl Cable {
    pub(crate) fn new(mtu: usize, checksums: bool) -> Cable {
        Cable {
            to_server: VecDeque::with_capacity(512),
            to_client: VecDeque::with_capacity(512),
            free: Vec::with_capacity(512),
            longest: mtu + LINK_HEADER,
            checksums,
        }
    }

    pub(crate) fn client(&mut self) -> End<'_> {
        End {
            inbox: &mut self.to_client,
            outbox: &mut self.to_server,
            free: &mut self.free,
            open: None,
            longest: self.longest,
            checksums: self.checksums,
        }
    }

    pub(crate) fn server(&mut self) -> End<'_> {
        End {
            inbox: &mut self.to_server,
            outbox: &mut self.to_client,
            free: &mut self.free,
            open: None,
            longest: self.longest,
            checksums: self.checksums,
        }
    }
}

/// One end, for the length of one poll.
pub(crate) struct End<'a> {
    inbox: &'a mut VecDeque<Buffer>,
    outbox: &'a mut VecDeque<Buffer>,
    free: &'a mut Vec<Buffer>,
    /// The frame that is being received.
    open: Option<Buffer>,
    longest: usize,
    checksums: bool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.free.extend(self.open.take());
    }
}

impl phy::Device for End<'_> {
    type RxToken<'b>
        = RxToken<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = TxToken<'b>
    where
        Self: 'b;

    #[inline]
    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let next = self.inbox.pop_front()?;
        self.free.extend(self.open.replace(next));
        let open = self.open.as_ref()?;
        let receive = RxToken { bytes: &open.bytes[..open.length] };
        Some((receive, TxToken { outbox: self.outbox, free: self.free, longest: self.longest }))
    }

    #[inline]
    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        Some(TxToken { outbox: self.outbox, free: self.free, longest: self.longest })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.longest;
        capabilities.checksum = match self.checksums {
            true => ChecksumCapabilities::default(),
            false => ChecksumCapabilities::ignored(),
        };
        capabilities
    }
}

pub(crate) struct RxToken<'a> {
    bytes: &'a [u8],
}

impl phy::RxToken for RxToken<'_> {
    #[inline]
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.bytes)
    }
}

pub(crate) struct TxToken<'a> {
    outbox: &'a mut VecDeque<Buffer>,
    free: &'a mut Vec<Buffer>,
    longest: usize,
}

impl phy::TxToken for TxToken<'_> {
    #[inline]
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let fresh = || Buffer { bytes: vec![0; self.longest].into_boxed_slice(), length };
        let mut buffer = self.free.pop().unwrap_or_else(fresh);
        buffer.length = length;
        let result = write(&mut buffer.bytes[..length]);
        self.outbox.push_back(buffer);
        result
    }
}
