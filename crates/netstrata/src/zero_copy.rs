//! Writing and reading without a copy, for threads: memory that the stream shares with the application.
//!
//! What these calls spare is the copy into the send queue and out of the receive queue. [`TcpStream::write_bytes`] tells what is shared
//! and what is copied all the same, [`TcpStream::read_bytes`] the same for what has arrived.

use crate::connection::Connection;
use crate::error;
use crate::tcp_stream::TcpStream;
use basis::Instant;
use bytes::Bytes;
use runtime::Awaited;
use stack::Stack;
use std::io;
use std::task::Poll;
use tcp::{ConnectionId, WriteMarks};

impl TcpStream {
    /// Writes memory that is shared with the stream instead of copied, until the peer has acknowledged it. What is taken in is taken
    /// off the front of `bytes`, and returned is how much that is; it may be a part. Beyond `std::net`.
    ///
    /// Segments lie in that memory, but where one begins in one piece and ends in the next: it is copied together, up to 4 KiB or one
    /// segment. Fewer than 16 KiB at once are copied: that costs less than sharing them. The send buffer is charged for the bytes, not
    /// for what else their memory holds, which it cannot know: a slice keeps all of that memory until it is acknowledged. The stream
    /// may drop it at any time, so the drop of an owner given to [`Bytes::from_owner`] must not use the host's sockets.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::{Host, TcpListener, TcpStream};
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let mut picture = Bytes::from(vec![7; 50_000]);
    /// let written = client.write_bytes(&mut picture)?;
    /// assert_eq!(written + picture.len(), 50_000);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write.
    pub fn write_bytes(&self, bytes: &mut Bytes) -> io::Result<usize> {
        self.connection.write_bytes(bytes, WriteMarks::default())
    }

    /// Like [`TcpStream::write_bytes`], and says whether more follows (MSG_MORE) and whether a record ends (MSG_EOR): with the last of
    /// `bytes`, when all of them are taken in. Beyond `std::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::{Host, TcpListener, TcpStream, WriteMarks};
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let record = WriteMarks { end_of_record: true, ..WriteMarks::default() };
    /// client.write_bytes_marked(&mut Bytes::from(vec![7; 20_000]), record)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write.
    pub fn write_bytes_marked(&self, bytes: &mut Bytes, marks: WriteMarks) -> io::Result<usize> {
        self.connection.write_bytes(bytes, marks)
    }

    /// Writes all of `bytes` as [`TcpStream::write_bytes`] does. Beyond `std::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::{Host, TcpListener, TcpStream};
    /// use std::io::Read;
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let (mut server, _) = listener.accept()?;
    /// client.write_all_bytes(Bytes::from_static(&[7; 20_000]))?;
    /// drop(client);
    /// let mut read = Vec::new();
    /// server.read_to_end(&mut read)?;
    /// assert_eq!(read, [7; 20_000]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write. Some of the bytes may have been written then.
    pub fn write_all_bytes(&self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_bytes(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => drop(result?),
            }
        }
        Ok(())
    }

    /// Writes piece after piece as [`TcpStream::write_bytes`] does, as long as each is taken in whole; returns how many bytes that were.
    /// Beyond `std::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::{Host, TcpListener, TcpStream};
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let mut message = [Bytes::from_static(b"length: 20000\n"), Bytes::from(vec![7; 20_000])];
    /// assert_eq!(client.write_bytes_vectored(&mut message)?, 20_014);
    /// assert!(message.iter().all(Bytes::is_empty));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write.
    pub fn write_bytes_vectored(&self, pieces: &mut [Bytes]) -> io::Result<usize> {
        self.connection.write_bytes_vectored(pieces)
    }

    /// Reads up to `most` bytes in the memory that they arrived in. No bytes, if any were wanted, are the end of the stream. Beyond
    /// `std::net`.
    ///
    /// That spares the copy that a read makes. Bytes lie where the link put them if they fill at least half of that memory: those of
    /// a cable in memory, and bulk from a TUN with offload. Else, as from a LAN, a TAP or in small segments, they were copied once on their
    /// arrival, and are handed out as they lie then. Fewer than 256 bytes are copied. It returns what lies together, so it may
    /// return fewer bytes than there are. Whoever keeps some of them keeps the memory that they are a part of, up to 128 KiB, or the
    /// peer's own if it is in the same process and shared it.
    ///
    /// ```
    /// use netstrata::{Host, TcpListener, TcpStream};
    /// use std::io::Write;
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let mut client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let (server, _) = listener.accept()?;
    /// client.write_all(b"hello")?;
    /// assert_eq!(server.read_bytes(65_536)?, "hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a read.
    pub fn read_bytes(&self, most: usize) -> io::Result<Bytes> {
        self.connection.read_bytes(most)
    }

    /// Like [`TcpStream::read_bytes`], with all that is there, up to `most` bytes: appends them to `pieces`, what lies together as one, and
    /// returns how many they are. Beyond `std::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::{Host, TcpListener, TcpStream};
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let (server, _) = listener.accept()?;
    /// client.write_all_bytes(Bytes::from_static(&[7; 20_000]))?;
    /// drop(client);
    /// let mut pieces = Vec::new();
    /// while server.read_bytes_vectored(&mut pieces, 65_536)? > 0 {}
    /// assert_eq!(pieces.concat(), [7; 20_000]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a read.
    pub fn read_bytes_vectored(&self, pieces: &mut Vec<Bytes>, most: usize) -> io::Result<usize> {
        let id = self.connection.id;
        self.connection.run(Awaited::Read(id), &self.connection.read_patience, |stack, now| {
            error::poll_read(stack.tcp_mut().read_bytes_vectored(now, id, pieces, most))
        })
    }
}

impl Connection {
    pub(crate) fn write_bytes(&self, bytes: &mut Bytes, marks: WriteMarks) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Write(id), &self.write_patience, |stack, now| {
            error::poll_write(stack.tcp_mut().write_bytes(now, id, bytes, marks))
        })
    }

    pub(crate) fn write_bytes_vectored(&self, pieces: &mut [Bytes]) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Write(id), &self.write_patience, |stack, now| write_pieces(stack, now, id, pieces))
    }

    pub(crate) fn read_bytes(&self, most: usize) -> io::Result<Bytes> {
        let id = self.id;
        self.run(Awaited::Read(id), &self.read_patience, |stack, now| {
            error::poll_read(stack.tcp_mut().read_bytes(now, id, most))
        })
    }
}

/// Writes piece after piece as long as each is taken in whole.
pub(crate) fn write_pieces(
    stack: &mut Stack,
    now: Instant,
    id: ConnectionId,
    pieces: &mut [Bytes],
) -> Poll<io::Result<usize>> {
    let mut total = 0;
    for piece in pieces.iter_mut().filter(|piece| !piece.is_empty()) {
        match stack.tcp_mut().write_bytes(now, id, piece, WriteMarks::default()) {
            Ok(written) => total += written,
            Err(_) if total > 0 => break,
            result @ Err(_) => return error::poll_write(result),
        }
        if !piece.is_empty() {
            break;
        }
    }
    Poll::Ready(Ok(total))
}
