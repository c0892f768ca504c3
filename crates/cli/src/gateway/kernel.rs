//! Linux' error queue, which tells of datagrams that were sent, and what else its sockets let us say of them (ip(7), ipv6(7)).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};

use netstrata::Unreachable;
use nix::libc::{self, sock_extended_err};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use rustix::net::sockopt::{set_ip_mtu_discover, set_ip_ttl, set_ipv6_mtu_discover, set_ipv6_unicast_hops};
use services::gateway::Cause;

use super::notice::{Hop, Notice};
use super::outcome;

/// Whether there is word of datagrams that were sent.
pub(crate) const NOTICES: bool = true;
/// Bytes of a datagram's beginning that are looked at: more than an ICMP error quotes (RFC 1812 4.3.2.3, RFC 4443 2.4 c).
const BEGINNING: usize = 1280;
/// Codes of unreachable destinations (RFC 792, RFC 1812 5.2.7.1) and of ICMPv6 (RFC 4443 3.1).
const UNREACHABLE: u8 = 3;
const TIME_EXCEEDED: u8 = 11;
const UNREACHABLE_V6: u8 = 1;
const TOO_BIG_V6: u8 = 2;
const TIME_EXCEEDED_V6: u8 = 3;

/// Has errors told with the datagrams that they are about, also where the socket is not connected.
pub(crate) fn ask_for_notices(socket: &impl AsFd, v4: bool) -> io::Result<()> {
    let asked = match v4 {
        true => setsockopt(socket, sockopt::Ipv4RecvErr, &true),
        false => setsockopt(socket, sockopt::Ipv6RecvErr, &true),
    };
    Ok(asked?)
}

/// From now on datagrams leave so.
pub(crate) fn leave_by(socket: &impl AsFd, v4: bool, hop: Hop) -> io::Result<()> {
    if v4 {
        let how = if hop.whole { Ipv4PathMtuDiscovery::DO } else { Ipv4PathMtuDiscovery::WANT };
        set_ip_ttl(socket, hop.time_to_live.into())?;
        set_ip_mtu_discover(socket, how)?;
    } else {
        let how = if hop.whole { Ipv6PathMtuDiscovery::DO } else { Ipv6PathMtuDiscovery::WANT };
        set_ipv6_unicast_hops(socket, Some(hop.time_to_live))?;
        set_ipv6_mtu_discover(socket, how)?;
    }
    Ok(())
}

/// Whether a datagram was not sent because it is too long for its way.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMSGSIZE)
}

/// The next notice.
///
/// # Errors
/// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none.
pub(crate) fn next(socket: &impl AsRawFd) -> io::Result<Notice> {
    loop {
        let mut beginning = [0; BEGINNING];
        let mut control = nix::cmsg_space!(sock_extended_err, libc::sockaddr_in6);
        let mut parts = [IoSliceMut::new(&mut beginning)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let told = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags);
        let told = told.map_err(io::Error::from)?;
        let to = told.address.as_ref().and_then(address);
        let said = told.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::Ipv4RecvErr(error, teller) => {
                let teller = teller.filter(|teller| teller.sin_family == libc::AF_INET as libc::sa_family_t);
                let teller = teller.map(|teller| IpAddr::from(teller.sin_addr.s_addr.to_ne_bytes()));
                Some((error, teller))
            }
            ControlMessageOwned::Ipv6RecvErr(error, teller) => {
                let teller =
                    teller.filter(|teller| teller.sin6_family == libc::AF_INET6 as libc::sa_family_t);
                Some((error, teller.map(|teller| IpAddr::from(teller.sin6_addr.s6_addr))))
            }
            _ => None,
        });
        let length = told.bytes;
        // What is told of other things than datagrams is of no use here, and some errors say nothing that anybody acts on.
        if let (Some(to), Some((error, teller))) = (to, said)
            && let Some((cause, why)) = meaning(&error)
        {
            let payload = beginning.get(..length).unwrap_or_default().to_vec();
            return Ok(Notice { to, cause, why, teller, payload });
        }
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddr::new(v4.ip().into(), v4.port()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| SocketAddr::new(v6.ip().into(), v6.port())))
}

/// What an error is counted as, and what the datagram's sender is told of it.
fn meaning(error: &sock_extended_err) -> Option<(Cause, Unreachable)> {
    let number = i32::try_from(error.ee_errno).unwrap_or(libc::EIO);
    let (mtu, code) = (error.ee_info, error.ee_code);
    let why = match (error.ee_origin, error.ee_type) {
        (libc::SO_EE_ORIGIN_LOCAL, _) if number == libc::EMSGSIZE => Unreachable::TooLong { mtu },
        (libc::SO_EE_ORIGIN_LOCAL, _) => return Some(outcome::of(&io::Error::from_raw_os_error(number))),
        (libc::SO_EE_ORIGIN_ICMP, UNREACHABLE) => match code {
            0 | 5 | 6 | 11 => Unreachable::Network,
            2 | 3 => Unreachable::Port,
            4 => Unreachable::TooLong { mtu },
            9 | 10 | 13 => Unreachable::Prohibited,
            _ => Unreachable::Host,
        },
        (libc::SO_EE_ORIGIN_ICMP6, UNREACHABLE_V6) => match code {
            0 => Unreachable::Network,
            1 | 5 | 6 => Unreachable::Prohibited,
            4 => Unreachable::Port,
            _ => Unreachable::Host,
        },
        (libc::SO_EE_ORIGIN_ICMP6, TOO_BIG_V6) => Unreachable::TooLong { mtu },
        (libc::SO_EE_ORIGIN_ICMP, TIME_EXCEEDED) | (libc::SO_EE_ORIGIN_ICMP6, TIME_EXCEEDED_V6)
            if code == 0 =>
        {
            Unreachable::TimeExceeded
        }
        _ => return None,
    };
    let cause = match why {
        Unreachable::Port => Cause::Refused,
        Unreachable::Prohibited => Cause::Denied,
        Unreachable::TooLong { .. } => Cause::TooLong,
        Unreachable::TimeExceeded => Cause::TimeExceeded,
        Unreachable::Network | Unreachable::Host => Cause::Unreachable,
    };
    Some((cause, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: i32, origin: u8, kind: u8, code: u8) -> sock_extended_err {
        sock_extended_err {
            ee_errno: number.cast_unsigned(),
            ee_origin: origin,
            ee_type: kind,
            ee_code: code,
            ee_pad: 0,
            ee_info: 1400,
            ee_data: 0,
        }
    }

    #[test]
    fn what_icmp_says_is_told_as_it_was_said() {
        use libc::{SO_EE_ORIGIN_ICMP as V4, SO_EE_ORIGIN_ICMP6 as V6, SO_EE_ORIGIN_LOCAL as HERE};
        let table = [
            (error(libc::ECONNREFUSED, V4, 3, 3), Some((Cause::Refused, Unreachable::Port))),
            (error(libc::ENETUNREACH, V4, 3, 0), Some((Cause::Unreachable, Unreachable::Network))),
            (error(libc::EHOSTUNREACH, V4, 3, 1), Some((Cause::Unreachable, Unreachable::Host))),
            (error(libc::EHOSTUNREACH, V4, 3, 13), Some((Cause::Denied, Unreachable::Prohibited))),
            (error(libc::EMSGSIZE, V4, 3, 4), Some((Cause::TooLong, Unreachable::TooLong { mtu: 1400 }))),
            (error(libc::EHOSTUNREACH, V4, 11, 0), Some((Cause::TimeExceeded, Unreachable::TimeExceeded))),
            (error(libc::EHOSTUNREACH, V4, 11, 1), None),
            (error(libc::EPROTO, V4, 12, 0), None),
            (error(libc::ECONNREFUSED, V6, 1, 4), Some((Cause::Refused, Unreachable::Port))),
            (error(libc::ENETUNREACH, V6, 1, 0), Some((Cause::Unreachable, Unreachable::Network))),
            (error(libc::EACCES, V6, 1, 1), Some((Cause::Denied, Unreachable::Prohibited))),
            (error(libc::EHOSTUNREACH, V6, 1, 3), Some((Cause::Unreachable, Unreachable::Host))),
            (error(libc::EMSGSIZE, V6, 2, 0), Some((Cause::TooLong, Unreachable::TooLong { mtu: 1400 }))),
            (error(libc::EHOSTUNREACH, V6, 3, 0), Some((Cause::TimeExceeded, Unreachable::TimeExceeded))),
            (error(libc::EMSGSIZE, HERE, 0, 0), Some((Cause::TooLong, Unreachable::TooLong { mtu: 1400 }))),
            (error(libc::EHOSTUNREACH, HERE, 0, 0), Some((Cause::Unreachable, Unreachable::Host))),
            (error(0, libc::SO_EE_ORIGIN_TIMESTAMPING, 0, 0), None),
        ];
        for (error, expected) in table {
            assert_eq!(meaning(&error), expected, "{error:?}");
        }
    }
}
