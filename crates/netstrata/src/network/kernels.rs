//! Which addresses the kernel of this machine has itself, which may change at any time.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// A port to ask about: nothing is sent there.
const DISCARD: u16 = 9;

/// Nobody's addresses (RFC 5737, RFC 3849).
const NOBODYS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];

/// Whether `address` is one of the kernel's of this machine, now. The kernel is asked whether a socket may have it, and from which address
/// it would send there: from that very one, if it has it. Where sockets may have foreign addresses (`ip_nonlocal_bind`), only the second
/// tells.
///
/// ```
/// assert!(netstrata::network::is_kernels([127, 0, 0, 1].into()));
/// assert!(!netstrata::network::is_kernels([192, 0, 2, 1].into())); // for documentation (RFC 5737)
/// ```
pub fn is_kernels(address: IpAddr) -> bool {
    let [v4, v6] = NOBODYS;
    let nobodys = if address.is_ipv4() { v4 } else { v6 };
    address.is_loopback() || sends_from(address) || may_have(address) && !may_have(nobodys)
}

/// A station beside the kernel cannot have its addresses: the kernel would answer for them, too, and does not hear our probes.
pub(super) fn refuse_kernels(addresses: &[IpAddr]) -> io::Result<()> {
    let Some(address) = addresses.iter().copied().find(|address| is_kernels(*address)) else {
        return Ok(());
    };
    let text = format!("the kernel of this machine has {address} itself, and would answer for it as well");
    Err(io::Error::new(ErrorKind::AddrNotAvailable, text))
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
    fn the_loopback_is_the_kernels_and_what_nobody_may_have_is_not() {
        assert!(is_kernels([127, 0, 0, 1].into()));
        assert!(is_kernels([127, 3, 2, 1].into()));
        assert!(is_kernels(Ipv6Addr::LOCALHOST.into()));
        for address in NOBODYS {
            assert!(!is_kernels(address), "{address}");
        }
        assert!(!is_kernels([198, 51, 100, 1].into()));
        let [first, second] = NOBODYS;
        refuse_kernels(&[first, second]).unwrap();
        let error = refuse_kernels(&[first, Ipv6Addr::LOCALHOST.into()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        assert!(error.to_string().contains("has ::1 itself"), "{error}");
    }
}
