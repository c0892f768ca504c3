//! One TCP connection, and a host's many of them.
