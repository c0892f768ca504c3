//! Sockets of a user-space TCP/IP stack, shaped like std::net and tokio::net.
