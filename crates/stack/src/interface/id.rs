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

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}
