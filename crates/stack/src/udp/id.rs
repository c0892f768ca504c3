//! The name of a UDP socket.

use basis::Key;

/// Names one UDP socket; it finds nothing once the socket was closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UdpId(pub(crate) Key);

impl UdpId {
    /// The id as a number, for a token of an outer layer.
    pub const fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    /// The id that [`UdpId::to_bits`] made `bits` of.
    pub const fn from_bits(bits: u64) -> UdpId {
        UdpId(Key::from_bits(bits))
    }
}
