//! The number of an interface.

/// Names one interface of a stack; also the lane by which TCP's segments leave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InterfaceId(u8);

impl InterfaceId {
    /// The interface with this number: interfaces count from 0 in the order in which they were added.
    pub const fn from_number(number: u8) -> InterfaceId {
        InterfaceId(number)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The scope id by which an address that is valid on this interface's link alone names it (RFC 4007 6); never 0.
    pub const fn scope(self) -> u32 {
        self.0 as u32 + 1
    }

    /// The interface that a scope id names; `None` for 0, which names none.
    pub fn from_scope(scope: u32) -> Option<InterfaceId> {
        u8::try_from(scope.checked_sub(1)?).ok().map(InterfaceId)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}
