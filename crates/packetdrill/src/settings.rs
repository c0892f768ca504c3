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
}

impl Default for Defaults {
    fn default() -> Defaults {
        let options = SocketOptions::default();
        Defaults {
            host: HostConfig::default(),
            options,
            keepalive: Keepalive::default(),
            receive_buffers: (options.receive_buffer, options.receive_buffer),
            send_buffers: (options.send_buffer, options.send_buffer),
        }
    }
}
