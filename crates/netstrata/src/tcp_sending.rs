//! When a TCP stream sends and how much it holds: corks, pacing, quick acknowledgments, buffer sizes, for threads and for tasks alike. But
//! for `quickack` of tokio's, these are beyond `std::net` and `tokio::net`.

use std::io;
use std::time::Duration;

macro_rules! options_of_sending {
    ($($stream:ty),*) => {$(
        impl $stream {
            /// Whether small segments are held back until they are full.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn cork(&self) -> io::Result<bool> {
                self.connection.options().map(|options| options.cork)
            }

            /// Holds small segments back until they are full (true), for up to a retransmission time-out, or lets them go (TCP_CORK).
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_cork(&self, cork: bool) -> io::Result<()> {
                self.connection.change_options(|options| options.cork = cork)
            }

            /// Whether acknowledgments are not delayed at present.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn quickack(&self) -> io::Result<bool> {
                self.connection.quick_acknowledgments()
            }

            /// Acknowledges at once (true) or with delay, until the connection's own judgment changes it (TCP_QUICKACK).
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
                self.connection.set_quick_acknowledgments(quickack)
            }

            /// How long FIN-WAIT-2 lasts once this socket is closed; `None` as long as the host says.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn fin_wait_2(&self) -> io::Result<Option<Duration>> {
                self.connection.options().map(|options| options.fin_wait_2)
            }

            /// Sets how long FIN-WAIT-2 lasts once this socket is closed (TCP_LINGER2).
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_fin_wait_2(&self, time: Option<Duration>) -> io::Result<()> {
                self.connection.change_options(|options| options.fin_wait_2 = time)
            }

            /// The traffic class of the packets: the DSCP in its upper six bits, and 0 in the lower two.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn traffic_class(&self) -> io::Result<u8> {
                self.connection.options().map(|options| options.traffic_class)
            }

            /// Sets the traffic class of the packets (IP_TOS, IPV6_TCLASS), of which TCP keeps the lower two bits for itself. For the
            /// handshake, and for a listener, see [`SocketOptions`](crate::SocketOptions).
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_traffic_class(&self, traffic_class: u8) -> io::Result<()> {
                self.connection.change_options(|options| options.traffic_class = traffic_class)
            }

            /// The largest window that the peer is offered, if it has a bound of its own.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn window_clamp(&self) -> io::Result<Option<u32>> {
                self.connection.options().map(|options| options.window_clamp)
            }

            /// Sets the largest window that the peer is offered, 2 KiB to 64 MiB (TCP_WINDOW_CLAMP). What was offered is not taken back. A
            /// receive buffer that is chosen, before or later, counts as no larger.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_window_clamp(&self, most: Option<u32>) -> io::Result<()> {
                self.connection.change_options(|options| options.window_clamp = most)
            }

            /// Bytes that may be received and not yet read, at present.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn recv_buffer_size(&self) -> io::Result<u32> {
                self.connection.info().map(|info| info.receive_buffer)
            }

            /// Sets how many bytes may be received and not yet read, 2 KiB to 64 MiB (SO_RCVBUF): the connection tunes that no more. For the
            /// window scale of the handshake, and for a listener, see [`SocketOptions`](crate::SocketOptions).
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
                self.connection.change_options(|options| options.receive_buffer = Some(size))
            }

            /// Bytes that may be written and not yet acknowledged, at present.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn send_buffer_size(&self) -> io::Result<u32> {
                self.connection.info().map(|info| info.send_buffer)
            }

            /// Sets how many bytes may be written and not yet acknowledged, 2 KiB to 64 MiB (SO_SNDBUF): the connection tunes that no more.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
                self.connection.change_options(|options| options.send_buffer = Some(size))
            }

            /// The most payload that leaves in a second, in bytes, if that is bounded.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn max_pacing_rate(&self) -> io::Result<Option<u64>> {
                self.connection.options().map(|options| options.max_pacing_rate)
            }

            /// Spreads segments over the time, so that no more than `rate` bytes of payload leave in a second (SO_MAX_PACING_RATE), or
            /// lets them leave as the congestion control says (`None`). What leaves at once is what the rate is in a millisecond, two
            /// segments at least.
            ///
            /// # Errors
            /// [`NotConnected`](io::ErrorKind::NotConnected).
            pub fn set_max_pacing_rate(&self, rate: Option<u64>) -> io::Result<()> {
                self.connection.change_options(|options| options.max_pacing_rate = rate)
            }
        }
    )*};
}

options_of_sending!(crate::TcpStream, crate::tokio::TcpStream);
