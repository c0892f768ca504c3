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
            unsent_limit: u32::MAX,
        }
    }
}
