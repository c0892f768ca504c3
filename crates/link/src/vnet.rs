//! The header by which a frame and the work left to do on it are exchanged with the kernel (`struct virtio_net_hdr`, VIRTIO 1.3
//! 5.1.6): over TUN and TAP, and over packet sockets.

use basis::{Checksum, Frame};
use wire::segmentation;

/// Whether super-segments and unfinished checksums cross the border between this process and the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Offload {
    /// They do, both ways: the kernel cuts and sums only what leaves the machine, so most of the work is never done.
    #[default]
    On,
    /// Every frame is one packet with all its checksums, as on a cable. Those that arrive in a row and are one stream's are handed on as
    /// the super-segment that they are together. On a TAP or a TUN the kernel does the same with what it receives, while that is much, if
    /// this process is root where the interface is (Linux 5.12 and later): in a thread of its own (`threaded` of the interface in sysfs).
    Gathered,
    /// Every frame is one packet with all its checksums, as on a cable, for who wants to see each as it is.
    Off,
}

/// Bytes of the header.
pub(crate) const LENGTH: usize = 10;

const NEEDS_CHECKSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const NOT_SUPER: u8 = 0;
const TCP_V4: u8 = 1;
const TCP_V6: u8 = 4;
const UDP: u8 = 5;
/// Beside the kind: the first packet alone bears CWR (RFC 3168 6.1.2).
const ECN: u8 = 0x80;

/// The header for `frame`, which then has its checksum's field made ready for the kernel. `None` for a frame that the kernel
/// could not finish: it must be cut here.
#[inline]
pub(crate) fn outgoing(frame: &mut Frame, link_header: usize) -> Option<[u8; LENGTH]> {
    if segmentation::is_finished(frame) {
        return Some([0; LENGTH]);
    }
    segmentation::prepare(frame, link_header).map(header)
}

/// The header that leaves this work to the kernel.
#[inline]
pub(crate) fn header(offload: segmentation::Offload) -> [u8; LENGTH] {
    let kind = match (offload.segment_size, offload.udp, offload.ipv6) {
        (0, ..) => NOT_SUPER,
        (_, true, _) => UDP,
        (_, false, false) => TCP_V4 | ECN,
        (_, false, true) => TCP_V6 | ECN,
    };
    let mut header = [0; LENGTH];
    (header[0], header[1]) = (NEEDS_CHECKSUM, kind);
    // In the machine's own order of bytes, as the device is opened.
    header[2..4].copy_from_slice(&offload.headers.to_ne_bytes());
    header[4..6].copy_from_slice(&offload.segment_size.to_ne_bytes());
    header[6..8].copy_from_slice(&offload.checksum_start.to_ne_bytes());
    header[8..10].copy_from_slice(&offload.checksum_offset.to_ne_bytes());
    header
}

/// What came with a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Came {
    /// A packet, or a super-segment of TCP.
    Segment,
    /// Datagrams of UDP under one header.
    Datagrams,
    /// A super-packet of a kind that was not asked for.
    Strange,
}

/// Marks `frame` as `header` says that it came.
#[inline]
pub(crate) fn incoming(frame: &mut Frame, header: [u8; LENGTH]) -> Came {
    if header[0] & (NEEDS_CHECKSUM | DATA_VALID) != 0 {
        // It never left this machine's memory, or the kernel has verified it.
        frame.checksum = Checksum::Verified;
    }
    match header[1] & !ECN {
        NOT_SUPER => Came::Segment,
        kind @ (TCP_V4 | TCP_V6 | UDP) => {
            frame.segment_size = u16::from_ne_bytes([header[4], header[5]]);
            match (frame.segment_size, kind) {
                (0, _) => Came::Strange,
                (_, UDP) => Came::Datagrams,
                _ => Came::Segment,
            }
        }
        _ => Came::Strange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_marked_as_its_header_says() {
        // flags, kind, segment size -> checksum, segment size, taken
        let table = [
            (0, 0, 0, Checksum::Complete, 0, Came::Segment),
            (NEEDS_CHECKSUM, 0, 0, Checksum::Verified, 0, Came::Segment),
            (DATA_VALID, 0, 0, Checksum::Verified, 0, Came::Segment),
            (NEEDS_CHECKSUM, TCP_V4, 1448_u16, Checksum::Verified, 1448, Came::Segment),
            (NEEDS_CHECKSUM, TCP_V6 | ECN, 1428, Checksum::Verified, 1428, Came::Segment),
            (NEEDS_CHECKSUM, TCP_V4, 0, Checksum::Verified, 0, Came::Strange),
            (NEEDS_CHECKSUM, UDP, 1448, Checksum::Verified, 1448, Came::Datagrams),
            (NEEDS_CHECKSUM, UDP, 0, Checksum::Verified, 0, Came::Strange),
            (NEEDS_CHECKSUM, 3, 1448, Checksum::Verified, 0, Came::Strange),
            (0, 6, 1448, Checksum::Complete, 0, Came::Strange),
        ];
        for (flags, kind, size, checksum, segment_size, taken) in table {
            let mut header = [0; LENGTH];
            (header[0], header[1]) = (flags, kind);
            header[4..6].copy_from_slice(&size.to_ne_bytes());
            let mut frame = Frame::copy_of(&[0x45; 40]);
            assert_eq!(incoming(&mut frame, header), taken, "{flags} {kind}");
            assert_eq!((frame.checksum, frame.segment_size), (checksum, segment_size), "{flags} {kind}");
        }
    }

    #[test]
    fn a_finished_frame_leaves_nothing_to_do() {
        assert_eq!(outgoing(&mut Frame::copy_of(&[0x45; 40]), 0), Some([0; LENGTH]));
        let mut strange = Frame::copy_of(&[0x45; 40]);
        strange.checksum = Checksum::Deferred;
        assert_eq!(outgoing(&mut strange, 0), None);
    }
}
