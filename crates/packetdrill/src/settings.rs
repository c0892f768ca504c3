//! What sockets begin with.

use tcp::{HostConfig, Keepalive, SocketOptions};

/// The host's settings, and those of a socket before anything was set.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) host: HostConfig,
    pub(crate) options: SocketOptions,
    pub(crate) keepalive: Keepalive,
    /// Bytes of the usual and of the largest receive buffer.
    pub(crate) receive_buffers: (u32, u32),
    /// Bytes of the usual and of the largest send buffer.
    pub(crate) send_buffers: (u32, u32),
    /// Bytes of the largest receive and of the largest send buffer that a socket may choose, as it says them.
    pub(crate) largest_buffers: (u32, u32),
    /// How data on SYNs is treated.
    pub(crate) fast_open: FastOpen,
    /// Unsent bytes from which on a socket takes in nothing.
    pub(crate) unsent_limit: u32,
}

impl Default for Defaults {
    fn default() -> Defaults {
        let options = SocketOptions::default();
        let host = HostConfig::default();
        let (receive, send) = (host.receive_buffer, host.send_buffer);
        Defaults {
            host,
            options,
            keepalive: Keepalive::default(),
            receive_buffers: (receive.initial, receive.most),
            send_buffers: (send.initial, send.most),
            largest_buffers: (4 << 20, 4 << 20),
            fast_open: FastOpen::default(),
            unsent_limit: u32::MAX,
        }
    }
}

/// Data on SYNs (RFC 7413).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FastOpen {
    /// Listeners take it in, if they ask for it.
    pub(crate) server: bool,
    /// All listeners do.
    pub(crate) all_listeners: bool,
    /// Without a cookie, too.
    pub(crate) without_cookie: bool,
    /// Connections that are begun may send it, and do so without a cookie.
    pub(crate) client: bool,
    pub(crate) client_without_cookie: bool,
    /// The key of the cookies.
    pub(crate) key: Option<[u8; 16]>,
}
