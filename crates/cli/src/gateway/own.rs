//! Which addresses this host has itself, which may change at any time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// A port to ask about: nothing is sent there.
const DISCARD: u16 = 9;

/// Whether `address` is this host's. The operating system is asked from which address it would send there: from that very one, if it
/// has it.
pub(crate) fn is_own(address: IpAddr) -> bool {
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
        assert!(!is_own([192, 0, 2, 1].into()));
        assert!(!is_own("2001:db8::1".parse().unwrap()));
    }
}
