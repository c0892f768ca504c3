//! The time to live, which `std::net` counts in 32 bits and IP in 8.

use crate::error::invalid_input;
use std::io;

/// The time to live in hops.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it is not in 1..=255, as setsockopt(2) says.
pub(crate) fn from_u32(ttl: u32) -> io::Result<u8> {
    match u8::try_from(ttl) {
        Ok(ttl) if ttl > 0 => Ok(ttl),
        _ => Err(invalid_input("the time to live must lie between 1 and 255")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ip_can_carry_is_taken() {
        assert_eq!(from_u32(1).unwrap(), 1);
        assert_eq!(from_u32(255).unwrap(), 255);
        assert!(from_u32(0).is_err() && from_u32(256).is_err());
    }
}
