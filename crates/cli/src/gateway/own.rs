//! Which addresses this host has itself, which may change at any time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// A port to ask about: nothing is sent there.
const DISCARD: u16 = 9;

/// Nobody's addresses (RFC 5737, RFC 3849).
const NOBODYS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];

/// Whether `address` is this host's. The operating system is asked whether a socket may have it, and from which address it would send
/// there: from that very one, if it has it. Where sockets may have foreign addresses (`ip_nonlocal_bind`), only the second tells.
pub(crate) fn is_own(address: IpAddr) -> bool {
    let [v4, v6] = NOBODYS;
    let nobodys = if address.is_ipv4() { v4 } else { v6 };
    address.is_loopback() || sends_from(address) || may_have(address) && !may_have(nobodys)
}

fn may_have(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

fn sends_from(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let chosen = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(SocketAddr::new(address, DISCARD))?;
        socket.local_addr()
    });
    chosen.is_ok_and(|chosen| chosen.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_ours_and_what_nobody_may_have_is_not() {
        assert!(is_own([127, 0, 0, 1].into()));
        assert!(is_own([127, 3, 2, 1].into()));
        assert!(is_own(Ipv6Addr::LOCALHOST.into()));
        for address in NOBODYS {
            assert!(!is_own(address), "{address}");
        }
        assert!(!is_own([198, 51, 100, 1].into()));
    }
}
