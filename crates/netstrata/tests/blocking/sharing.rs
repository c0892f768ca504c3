//! Who may have a port beside whom (SO_REUSEADDR, SO_REUSEPORT): as the kernel has it.

use crate::LIMIT;
use crate::common::{LEFT, RIGHT, connected, pair, within};
use netstrata::{SocketOptions, TcpListener, TcpStream, UdpSocket};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const EVERYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What comes of one after the other: which of both share, and which of both have every address.
type Kind = Option<ErrorKind>;
const CASES: [[bool; 4]; 16] = {
    let mut cases = [[false; 4]; 16];
    let mut n = 0;
    while n < 16 {
        cases[n] = [n & 1 != 0, n & 2 != 0, n & 4 != 0, n & 8 != 0];
        n += 1;
    }
    cases
};

fn kind<T>(result: &io::Result<T>) -> Kind {
    result.as_ref().err().map(io::Error::kind)
}

/// A socket of the kernel's; one for streams listens, and its connections do not keep others away, as `std::net` has it.
fn kernel(kind: Type, address: SocketAddr, shares: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, kind, None)?;
    socket.set_reuse_port(shares)?;
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    if kind == Type::STREAM {
        socket.listen(9)?;
    }
    Ok(socket)
}

/// Whoever else on this machine has the same port at another of its addresses keeps a wide one away, too: what fails at one port is tried
/// at others.
fn kernels(kind_of: Type, [one, other, one_wide, other_wide]: [bool; 4]) -> Kind {
    let address = |wide: bool, port| SocketAddr::new(if wide { EVERYWHERE } else { LOOPBACK }, port);
    let attempt = || {
        let first = kernel(kind_of, address(one_wide, 0), one).unwrap();
        let port = first.local_addr().unwrap().as_socket().unwrap().port();
        kind(&kernel(kind_of, address(other_wide, port), other))
    };
    let mut last = None;
    for _ in 0..5 {
        last = attempt();
        if last.is_none() {
            break;
        }
    }
    last
}

#[test]
fn listeners_share_a_port_when_the_kernel_s_would() {
    let (left, _right) = pair();
    for case @ [one, other, one_wide, other_wide] in CASES {
        let listen = |wide, reuse_port| {
            let options = SocketOptions { reuse_port, ..SocketOptions::default() };
            TcpListener::bind_with(&left, (if wide { EVERYWHERE } else { LEFT }, 9), 9, options)
        };
        let first = listen(one_wide, one).unwrap();
        assert_eq!(kind(&listen(other_wide, other)), kernels(Type::STREAM, case), "{case:?}");
        drop(first);
    }
}

#[test]
fn sockets_of_datagrams_share_a_port_when_the_kernel_s_would() {
    let (left, _right) = pair();
    for case @ [one, other, one_wide, other_wide] in CASES {
        let bind = |wide, shares: bool| {
            let address = (if wide { EVERYWHERE } else { LEFT }, 9);
            if shares { UdpSocket::bind_shared(&left, address) } else { UdpSocket::bind(&left, address) }
        };
        let first = bind(one_wide, one).unwrap();
        assert_eq!(kind(&bind(other_wide, other)), kernels(Type::DGRAM, case), "{case:?}");
        drop(first);
    }
}

#[test]
fn calls_reach_all_listeners_that_share_a_port() {
    within(LIMIT, || {
        let (left, right) = pair();
        let options = SocketOptions { reuse_port: true, ..SocketOptions::default() };
        let listeners = [(); 3].map(|()| TcpListener::bind_with(&right, (RIGHT, 9), 128, options).unwrap());
        let calls: Vec<_> = (0..90).map(|_| TcpStream::connect(&left, (RIGHT, 9)).unwrap()).collect();
        listeners.iter().for_each(|listener| listener.set_nonblocking(true).unwrap());
        let mut accepted = [0_usize; 3];
        // The last acknowledgments of handshakes may still be under way; what never comes is found by the limit.
        while accepted.iter().sum::<usize>() < calls.len() {
            for (listener, count) in listeners.iter().zip(&mut accepted) {
                while listener.accept().is_ok() {
                    *count += 1;
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(accepted.iter().all(|count| *count > 10), "{accepted:?}");
    });
}

/// SO_REUSEADDR, which `std::net` sets for listeners, and which here needs no setting.
#[test]
fn connections_keep_no_listener_from_their_port() {
    within(LIMIT, || {
        // The kernel's: open, and then in TIME-WAIT at the listener's end.
        let listener = std::net::TcpListener::bind((LOOPBACK, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = std::net::TcpStream::connect(address).unwrap();
        let (server, _) = listener.accept().unwrap();
        drop(listener);
        drop(std::net::TcpListener::bind(address).unwrap());
        drop(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        drop(client);
        assert!(std::net::TcpListener::bind(address).is_ok());
        // Ours.
        let (left, right) = pair();
        let (mut client, server) = connected(&left, &right);
        let address = client.peer_addr().unwrap();
        drop(TcpListener::bind(&right, address).unwrap());
        drop(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        drop(client);
        assert!(TcpListener::bind(&right, address).is_ok());
    });
}
