//! What a UDP socket can do.

/// What a UDP socket can do at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UdpReadiness(u8);

impl UdpReadiness {
    /// Nothing.
    pub const NONE: UdpReadiness = UdpReadiness(0);
    /// A datagram waits, or an error does.
    pub const READABLE: UdpReadiness = UdpReadiness(1);
    /// There is room for a datagram.
    pub const WRITABLE: UdpReadiness = UdpReadiness(2);
    /// An error waits to be taken.
    pub const FAILED: UdpReadiness = UdpReadiness(4);

    /// Whether all of `other` holds.
    #[inline]
    pub const fn contains(self, other: UdpReadiness) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` holds.
    #[inline]
    pub const fn intersects(self, other: UdpReadiness) -> bool {
        self.0 & other.0 != 0
    }
}

impl core::ops::BitOr for UdpReadiness {
    type Output = UdpReadiness;
    fn bitor(self, other: UdpReadiness) -> UdpReadiness {
        UdpReadiness(self.0 | other.0)
    }
}

impl core::ops::BitOrAssign for UdpReadiness {
    fn bitor_assign(&mut self, other: UdpReadiness) {
        self.0 |= other.0;
    }
}
