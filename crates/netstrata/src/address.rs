//! Addresses as the caller names them.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

/// Tries `act` with each address that `addresses` names until one works; the last one's error if none does, as std does.
pub(crate) fn each<T>(
    addresses: impl ToSocketAddrs,
    mut act: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses.to_socket_addrs()? {
        match act(address) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(none))
}

/// The first address that `addresses` names.
pub(crate) fn first(addresses: impl ToSocketAddrs) -> io::Result<SocketAddr> {
    addresses.to_socket_addrs()?.next().ok_or_else(none)
}

/// Every address of IPv6, as one that is bound there sees it: an IPv4 address is mapped (RFC 4291 2.5.5.2).
pub(crate) fn as_v6(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(four) => SocketAddr::new(four.ip().to_ipv6_mapped().into(), four.port()),
        SocketAddr::V6(_) => address,
    }
}

/// An address as a socket sees it whose owner speaks IPv6, or does not.
pub(crate) fn seen(address: SocketAddr, by_v6: bool) -> SocketAddr {
    if by_v6 { as_v6(address) } else { address }
}

pub(crate) fn none() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "could not resolve to any addresses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_works_is_taken_and_otherwise_the_last_error() {
        let addresses = [SocketAddr::from(([10, 0, 0, 1], 1)), SocketAddr::from(([10, 0, 0, 2], 2))];
        let taken = each(&addresses[..], |address| match address.port() {
            2 => Ok(address),
            _ => Err(ErrorKind::TimedOut.into()),
        });
        assert_eq!(taken.unwrap(), addresses[1]);
        let failed = each(&addresses[..], |address| match address.port() {
            1 => Err::<(), _>(ErrorKind::TimedOut.into()),
            _ => Err(ErrorKind::ConnectionRefused.into()),
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(each(&[][..], Ok).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
