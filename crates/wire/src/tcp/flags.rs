//! Control bits.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// The control bits of a segment (RFC 9293 3.1).
///
/// ```
/// use netstrata_wire::tcp::Flags;
/// let flags = Flags::SYN | Flags::ACK;
/// assert!(flags.contains(Flags::SYN) && !flags.intersects(Flags::FIN | Flags::RST));
/// assert_eq!(flags.without(Flags::ACK), Flags::SYN);
/// assert_eq!(format!("{flags:?}"), "S."); // as tcpdump writes them
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// No bit.
    pub const NONE: Flags = Flags(0);
    /// The sender has no more to send.
    pub const FIN: Flags = Flags(0x01);
    /// The sequence number is the initial one.
    pub const SYN: Flags = Flags(0x02);
    /// The connection is to be dropped.
    pub const RST: Flags = Flags(0x04);
    /// What has come so far should be given to the application.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgment number means something.
    pub const ACK: Flags = Flags(0x10);
    /// The urgent pointer means something.
    pub const URG: Flags = Flags(0x20);
    /// Congestion was met on the way here (RFC 3168 6.1).
    pub const ECE: Flags = Flags(0x40);
    /// The sender has slowed down (RFC 3168 6.1).
    pub const CWR: Flags = Flags(0x80);

    /// Whether all bits of `other` are set.
    #[inline]
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[inline]
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// These bits and those of `other`; `|` in constants.
    #[inline]
    #[must_use]
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// These bits but for those of `other`.
    #[inline]
    #[must_use]
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    #[inline]
    fn bitor(self, other: Flags) -> Flags {
        self.with(other)
    }
}

impl BitOrAssign for Flags {
    #[inline]
    fn bitor_assign(&mut self, other: Flags) {
        *self = self.with(other);
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Flags::NONE {
            return f.write_str("none");
        }
        for (bit, letter) in "FSRP.UEW".chars().enumerate() {
            if self.0 >> bit & 1 == 1 {
                fmt::Write::write_char(f, letter)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_writes_the_letters_of_tcpdump() {
        assert_eq!(format!("{:?}", Flags::NONE), "none");
        assert_eq!(format!("{:?}", Flags::FIN | Flags::PSH | Flags::ACK), "FP.");
        assert_eq!(format!("{:?}", Flags::SYN | Flags::ECE | Flags::CWR), "SEW");
        assert_eq!(format!("{:?}", Flags(0xff)), "FSRP.UEW");
    }

    #[test]
    fn contains_wants_all_bits_and_intersects_any() {
        let flags = Flags::SYN | Flags::ACK;
        assert!(flags.contains(Flags::NONE) && !flags.intersects(Flags::NONE));
        assert!(!flags.contains(Flags::SYN | Flags::FIN) && flags.intersects(Flags::SYN | Flags::FIN));
        assert_eq!(flags.without(Flags::SYN | Flags::FIN), Flags::ACK);
    }
}
