//! A connected socket, ours or the operating system's.

use std::io::{self, Read, Write};
use std::net::Shutdown;

/// What `connect` needs of a socket. Several threads use it at once.
pub(crate) trait Socket: Send + Sync {
    /// Reads what has arrived; zero bytes: the peer has ended its direction.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of it.
    fn send_all(&self, bytes: &[u8]) -> io::Result<()>;

    /// Ends our direction (FIN).
    fn end(&self) -> io::Result<()>;

    /// Does for a connection that is left what the operating system does for its own when a process ends: whoever still
    /// reads is told of the end, and with `unread` bytes that it was not taken in peace (RFC 1122 4.2.2.13).
    fn leave(&self, unread: bool);
}

macro_rules! socket {
    ($stream:ty, $leave:expr) => {
        impl Socket for $stream {
            fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
                let mut stream: &$stream = self;
                loop {
                    match stream.read(buffer) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        result => return result,
                    }
                }
            }

            fn send_all(&self, bytes: &[u8]) -> io::Result<()> {
                let mut stream: &$stream = self;
                stream.write_all(bytes)
            }

            fn end(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }

            fn leave(&self, unread: bool) {
                let leave: fn(&$stream, bool) = $leave;
                leave(self, unread);
            }
        }
    };
}

socket!(std::net::TcpStream, |_, _| {});
socket!(netstrata::TcpStream, |stream, unread| {
    if unread {
        stream.abort();
    } else {
        // A connection that is over already needs no end.
        let _ = stream.shutdown(Shutdown::Both);
    }
});
