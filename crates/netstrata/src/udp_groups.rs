//! The groups of a UDP socket, for threads and for tasks alike.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

macro_rules! groups {
    ($socket:ty, $v4:ty) => {
        impl $socket {
            /// Hears what is sent to a group, on the interface with that address, or on the first that can reach the group if it is
            /// unspecified.
            ///
            /// # Errors
            /// [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no group, [`AddrInUse`](io::ErrorKind::AddrInUse) if it was joined.
            pub fn join_multicast_v4(&self, multiaddr: $v4, interface: $v4) -> io::Result<()> {
                self.datagrams.group_v4(multiaddr.to_owned(), interface.to_owned(), true)
            }

            /// The same by IPv6, on the interface with that scope id, or on the first that can reach the group for 0.
            ///
            /// # Errors
            /// As above.
            pub fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
                self.datagrams.group_v6(*multiaddr, interface, true)
            }

            /// Hears it no more.
            ///
            /// # Errors
            /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) if it was not joined.
            pub fn leave_multicast_v4(&self, multiaddr: $v4, interface: $v4) -> io::Result<()> {
                self.datagrams.group_v4(multiaddr.to_owned(), interface.to_owned(), false)
            }

            /// The same by IPv6, on the interface with that scope id, or on the first that can reach the group for 0.
            ///
            /// # Errors
            /// As above.
            pub fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
                self.datagrams.group_v6(*multiaddr, interface, false)
            }

            /// Sets whether what is sent to groups by IPv4 comes back to this host's own listeners; at first it does.
            ///
            /// # Errors
            /// None while the socket exists.
            pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
                self.datagrams.set_multicast_loop(false, on)
            }

            /// Whether it does.
            ///
            /// # Errors
            /// None while the socket exists.
            pub fn multicast_loop_v4(&self) -> io::Result<bool> {
                self.datagrams.multicast_loop(false)
            }

            /// Sets whether what is sent to groups by IPv6 comes back to this host's own listeners; at first it does.
            ///
            /// # Errors
            /// None while the socket exists.
            pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
                self.datagrams.set_multicast_loop(true, on)
            }

            /// Whether it does.
            ///
            /// # Errors
            /// None while the socket exists.
            pub fn multicast_loop_v6(&self) -> io::Result<bool> {
                self.datagrams.multicast_loop(true)
            }

            /// Sets the hops that datagrams to groups may go by IPv4; at first 1.
            ///
            /// # Errors
            /// [`InvalidInput`](io::ErrorKind::InvalidInput) beyond 255.
            pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
                self.datagrams.set_multicast_time_to_live(ttl)
            }

            /// The hops that datagrams to groups may go by IPv4.
            ///
            /// # Errors
            /// None while the socket exists.
            pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
                self.datagrams.multicast_time_to_live()
            }
        }
    };
}

// std takes the addresses by reference, tokio by value.
groups!(crate::UdpSocket, &Ipv4Addr);
groups!(crate::tokio::UdpSocket, Ipv4Addr);
