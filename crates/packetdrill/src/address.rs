//! Socket addresses as C has them.

use nix::errno::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The family of a socket, as its maker asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    Ipv4,
    /// Also for IPv4, by mapped addresses (RFC 4291 2.5.5.2).
    Ipv6,
}

/// Bytes of a `sockaddr_in6`, the longest that is written.
pub(crate) const LONGEST: usize = 28;
const IPV4_LENGTH: usize = 16;

/// What a `sockaddr` names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    /// `AF_UNSPEC`: nobody.
    Nobody,
    Address(SocketAddr),
}

/// Reads a `sockaddr`. A mapped address is read as the IPv4 address that it maps.
pub(crate) fn read(bytes: &[u8]) -> Result<Named, Errno> {
    let family = u16::from_ne_bytes(field(bytes, 0)?);
    if family == libc::AF_UNSPEC as u16 {
        return Ok(Named::Nobody);
    }
    let port = u16::from_be_bytes(field(bytes, 2)?);
    let ip = match i32::from(family) {
        libc::AF_INET => IpAddr::V4(Ipv4Addr::from(field::<4>(bytes, 4)?)),
        libc::AF_INET6 => IpAddr::V6(Ipv6Addr::from(field::<16>(bytes, 8)?)).to_canonical(),
        _ => return Err(Errno::EAFNOSUPPORT),
    };
    Ok(Named::Address(SocketAddr::new(ip, port)))
}

/// Writes `address` as a socket of `family` sees it; returns the bytes that count.
pub(crate) fn write(address: SocketAddr, family: Family, out: &mut [u8; LONGEST]) -> usize {
    let (port, ip) = (address.port().to_be_bytes(), address.ip());
    out[2..4].copy_from_slice(&port);
    let ipv6 = match (family, ip) {
        (Family::Ipv4, IpAddr::V4(ip)) => {
            out[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
            out[4..8].copy_from_slice(&ip.octets());
            return IPV4_LENGTH;
        }
        (_, IpAddr::V4(ip)) => ip.to_ipv6_mapped(),
        (_, IpAddr::V6(ip)) => ip,
    };
    out[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
    out[8..24].copy_from_slice(&ipv6.octets());
    LONGEST
}

/// The unspecified address that a socket of `family` is bound to before it is bound.
pub(crate) fn unspecified(family: Family) -> SocketAddr {
    match family {
        Family::Ipv4 => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0).into(),
        Family::Ipv6 => SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0).into(),
    }
}

fn field<const LENGTH: usize>(bytes: &[u8], at: usize) -> Result<[u8; LENGTH], Errno> {
    bytes.get(at..at + LENGTH).and_then(|field| field.try_into().ok()).ok_or(Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_their_form_in_memory() {
        let mut out = [0; LONGEST];
        let cases = [
            ("192.0.2.1:8080", Family::Ipv4, 16),
            ("192.0.2.1:8080", Family::Ipv6, 28),
            ("[2001:db8::1]:80", Family::Ipv6, 28),
        ];
        for (text, family, length) in cases {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(write(address, family, &mut out), length);
            assert_eq!(read(&out[..length]), Ok(Named::Address(address)));
        }
        assert_eq!(read(&[0; 16]), Ok(Named::Nobody));
        assert_eq!(read(&[2, 0, 1]), Err(Errno::EINVAL));
        assert_eq!(read(&[99, 0, 1, 2]), Err(Errno::EAFNOSUPPORT));
    }
}
