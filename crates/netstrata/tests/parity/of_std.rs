//! The blocking sockets beside those of `std::net`.

use crate::has;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::time::Duration;

macro_rules! tcp_stream_of_std {
    ($name:ident, $type:ty) => {
        #[allow(dead_code, reason = "it only has to compile")]
        fn $name(stream: &$type, mut owned: $type) {
            let _: fn(&$type) -> io::Result<SocketAddr> = <$type>::peer_addr;
            let _: fn(&$type) -> io::Result<SocketAddr> = <$type>::local_addr;
            let _: fn(&$type, Shutdown) -> io::Result<()> = <$type>::shutdown;
            let _: fn(&$type) -> io::Result<$type> = <$type>::try_clone;
            let _: fn(&$type, Option<Duration>) -> io::Result<()> = <$type>::set_read_timeout;
            let _: fn(&$type, Option<Duration>) -> io::Result<()> = <$type>::set_write_timeout;
            let _: fn(&$type) -> io::Result<Option<Duration>> = <$type>::read_timeout;
            let _: fn(&$type) -> io::Result<Option<Duration>> = <$type>::write_timeout;
            let _: fn(&$type, &mut [u8]) -> io::Result<usize> = <$type>::peek;
            let _: fn(&$type, bool) -> io::Result<()> = <$type>::set_nodelay;
            let _: fn(&$type) -> io::Result<bool> = <$type>::nodelay;
            let _: fn(&$type, u32) -> io::Result<()> = <$type>::set_ttl;
            let _: fn(&$type) -> io::Result<u32> = <$type>::ttl;
            let _: fn(&$type) -> io::Result<Option<io::Error>> = <$type>::take_error;
            let _: fn(&$type, bool) -> io::Result<()> = <$type>::set_nonblocking;
            let mut shared = stream;
            let _: io::Result<usize> = shared.read(&mut []);
            let _: io::Result<usize> = shared.write(&[]);
            let _: io::Result<usize> = shared.read_vectored(&mut [IoSliceMut::new(&mut [])]);
            let _: io::Result<usize> = shared.write_vectored(&[IoSlice::new(&[])]);
            let _: io::Result<usize> = owned.read(&mut []);
            let _: io::Result<usize> = owned.write(&[]);
            let _: io::Result<()> = owned.flush();
            has::<$type>();
        }
    };
}

macro_rules! tcp_listener_of_std {
    ($name:ident, $type:ty, $stream:ty) => {
        #[allow(dead_code, reason = "it only has to compile")]
        fn $name(listener: &$type) {
            let _: fn(&$type) -> io::Result<SocketAddr> = <$type>::local_addr;
            let _: fn(&$type) -> io::Result<$type> = <$type>::try_clone;
            let _: fn(&$type) -> io::Result<($stream, SocketAddr)> = <$type>::accept;
            let _: Option<io::Result<$stream>> = listener.incoming().next();
            let _: fn(&$type, u32) -> io::Result<()> = <$type>::set_ttl;
            let _: fn(&$type) -> io::Result<u32> = <$type>::ttl;
            let _: fn(&$type) -> io::Result<Option<io::Error>> = <$type>::take_error;
            let _: fn(&$type, bool) -> io::Result<()> = <$type>::set_nonblocking;
            has::<$type>();
        }
    };
}

macro_rules! udp_socket_of_std {
    ($name:ident, $type:ty) => {
        #[allow(dead_code, reason = "it only has to compile")]
        fn $name() {
            let _: fn(&$type, &mut [u8]) -> io::Result<(usize, SocketAddr)> = <$type>::recv_from;
            let _: fn(&$type, &mut [u8]) -> io::Result<(usize, SocketAddr)> = <$type>::peek_from;
            let _: fn(&$type, &[u8], SocketAddr) -> io::Result<usize> = <$type>::send_to;
            let _: fn(&$type) -> io::Result<SocketAddr> = <$type>::peer_addr;
            let _: fn(&$type) -> io::Result<SocketAddr> = <$type>::local_addr;
            let _: fn(&$type) -> io::Result<$type> = <$type>::try_clone;
            let _: fn(&$type, Option<Duration>) -> io::Result<()> = <$type>::set_read_timeout;
            let _: fn(&$type, Option<Duration>) -> io::Result<()> = <$type>::set_write_timeout;
            let _: fn(&$type) -> io::Result<Option<Duration>> = <$type>::read_timeout;
            let _: fn(&$type) -> io::Result<Option<Duration>> = <$type>::write_timeout;
            let _: fn(&$type, &Ipv4Addr, &Ipv4Addr) -> io::Result<()> = <$type>::join_multicast_v4;
            let _: fn(&$type, &Ipv4Addr, &Ipv4Addr) -> io::Result<()> = <$type>::leave_multicast_v4;
            let _: fn(&$type, &Ipv6Addr, u32) -> io::Result<()> = <$type>::join_multicast_v6;
            let _: fn(&$type, &Ipv6Addr, u32) -> io::Result<()> = <$type>::leave_multicast_v6;
            let _: fn(&$type, bool) -> io::Result<()> = <$type>::set_multicast_loop_v4;
            let _: fn(&$type) -> io::Result<bool> = <$type>::multicast_loop_v4;
            let _: fn(&$type, bool) -> io::Result<()> = <$type>::set_multicast_loop_v6;
            let _: fn(&$type) -> io::Result<bool> = <$type>::multicast_loop_v6;
            let _: fn(&$type, u32) -> io::Result<()> = <$type>::set_multicast_ttl_v4;
            let _: fn(&$type) -> io::Result<u32> = <$type>::multicast_ttl_v4;
            let _: fn(&$type, bool) -> io::Result<()> = <$type>::set_broadcast;
            let _: fn(&$type) -> io::Result<bool> = <$type>::broadcast;
            let _: fn(&$type, u32) -> io::Result<()> = <$type>::set_ttl;
            let _: fn(&$type) -> io::Result<u32> = <$type>::ttl;
            let _: fn(&$type) -> io::Result<Option<io::Error>> = <$type>::take_error;
            let _: fn(&$type, SocketAddr) -> io::Result<()> = <$type>::connect;
            let _: fn(&$type, &[u8]) -> io::Result<usize> = <$type>::send;
            let _: fn(&$type, &mut [u8]) -> io::Result<usize> = <$type>::recv;
            let _: fn(&$type, &mut [u8]) -> io::Result<usize> = <$type>::peek;
            let _: fn(&$type, bool) -> io::Result<()> = <$type>::set_nonblocking;
            has::<$type>();
        }
    };
}

tcp_stream_of_std!(std_stream_theirs, std::net::TcpStream);
tcp_stream_of_std!(std_stream_ours, netstrata::TcpStream);
tcp_listener_of_std!(std_listener_theirs, std::net::TcpListener, std::net::TcpStream);
tcp_listener_of_std!(std_listener_ours, netstrata::TcpListener, netstrata::TcpStream);
udp_socket_of_std!(std_udp_theirs, std::net::UdpSocket);
udp_socket_of_std!(std_udp_ours, netstrata::UdpSocket);

/// The constructors differ in the host that ours take first.
#[allow(dead_code, clippy::type_complexity, reason = "it only has to compile")]
fn constructors_of_std() {
    use netstrata::Host;
    let _: fn(SocketAddr) -> io::Result<std::net::TcpStream> = std::net::TcpStream::connect;
    let _: fn(&Host, SocketAddr) -> io::Result<netstrata::TcpStream> = netstrata::TcpStream::connect;
    let _: fn(&SocketAddr, Duration) -> io::Result<std::net::TcpStream> =
        std::net::TcpStream::connect_timeout;
    let _: fn(&Host, &SocketAddr, Duration) -> io::Result<netstrata::TcpStream> =
        netstrata::TcpStream::connect_timeout;
    let _: fn(SocketAddr) -> io::Result<std::net::TcpListener> = std::net::TcpListener::bind;
    let _: fn(&Host, SocketAddr) -> io::Result<netstrata::TcpListener> = netstrata::TcpListener::bind;
    let _: fn(SocketAddr) -> io::Result<std::net::UdpSocket> = std::net::UdpSocket::bind;
    let _: fn(&Host, SocketAddr) -> io::Result<netstrata::UdpSocket> = netstrata::UdpSocket::bind;
    // Not stable in std yet; here under the names that they are to have.
    let _: fn(&netstrata::TcpStream, Option<Duration>) -> io::Result<()> = netstrata::TcpStream::set_linger;
    let _: fn(&netstrata::TcpStream) -> io::Result<Option<Duration>> = netstrata::TcpStream::linger;
    let _: fn(netstrata::TcpListener) -> netstrata::IntoIncoming = netstrata::TcpListener::into_incoming;
}
