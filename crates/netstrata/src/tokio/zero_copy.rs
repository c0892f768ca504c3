//! Writing and reading without a copy, for tasks; what is shared and what is copied all the same is told with the blocking stream's
//! [`write_bytes`](crate::TcpStream::write_bytes) and [`read_bytes`](crate::TcpStream::read_bytes).

use super::tcp_stream::TcpStream;
use crate::budget;
use crate::error::{self, or_would_block};
use crate::zero_copy::write_pieces;
use bytes::Bytes;
use runtime::Awaited;
use std::io;
use std::task::{Context, Poll};
use tcp::WriteMarks;

impl TcpStream {
    /// Writes memory that is shared with the stream instead of copied; see [`crate::TcpStream::write_bytes`]. What is taken in is taken
    /// off the front of `bytes`, and returned is how much that is. If it is cancelled, nothing was taken. Beyond `tokio::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::Host;
    /// use netstrata::tokio::{TcpListener, TcpStream};
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0").await?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?).await?;
    /// let mut picture = Bytes::from(vec![7; 50_000]);
    /// let written = client.write_bytes(&mut picture).await?;
    /// assert_eq!(written + picture.len(), 50_000);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write.
    pub async fn write_bytes(&self, bytes: &mut Bytes) -> io::Result<usize> {
        self.write_bytes_marked(bytes, WriteMarks::default()).await
    }

    /// Like [`TcpStream::write_bytes`], and says whether more follows (MSG_MORE) and whether a record ends (MSG_EOR): with the last of
    /// `bytes`, when all of them are taken in. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of a write.
    pub async fn write_bytes_marked(&self, bytes: &mut Bytes, marks: WriteMarks) -> io::Result<usize> {
        let id = self.connection.id;
        let write = budget::until(self.host(), Awaited::Write(id), |stack, now| {
            error::poll_write(stack.tcp_mut().write_bytes(now, id, bytes, marks))
        });
        write.await
    }

    /// Writes all of `bytes` as [`TcpStream::write_bytes`] does. If it is cancelled, some may have been written. Beyond `tokio::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::Host;
    /// use netstrata::tokio::{TcpListener, TcpStream};
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0").await?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?).await?;
    /// client.write_all_bytes(Bytes::from_static(&[7; 20_000])).await?;
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write. Some of the bytes may have been written then.
    pub async fn write_all_bytes(&self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            self.write_bytes(&mut bytes).await?;
        }
        Ok(())
    }

    /// Writes piece after piece as [`TcpStream::write_bytes`] does, as long as each is taken in whole; returns how many bytes that were.
    /// Beyond `tokio::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::Host;
    /// use netstrata::tokio::{TcpListener, TcpStream};
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0").await?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?).await?;
    /// let mut message = [Bytes::from_static(b"length: 20000\n"), Bytes::from(vec![7; 20_000])];
    /// assert_eq!(client.write_bytes_vectored(&mut message).await?, 20_014);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write.
    pub async fn write_bytes_vectored(&self, pieces: &mut [Bytes]) -> io::Result<usize> {
        let id = self.connection.id;
        budget::until(self.host(), Awaited::Write(id), |stack, now| write_pieces(stack, now, id, pieces))
            .await
    }

    /// Writes as much of `bytes` as there is room for; see [`TcpStream::write_bytes`].
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none, and those of a write.
    pub fn try_write_bytes(&self, bytes: &mut Bytes) -> io::Result<usize> {
        let id = self.connection.id;
        or_would_block(self.host().attempt(|stack, now| {
            error::poll_write(stack.tcp_mut().write_bytes(now, id, bytes, WriteMarks::default()))
        }))
    }

    /// Polls for room for some of `bytes`; see [`TcpStream::write_bytes`].
    ///
    /// # Errors
    /// Those of a write.
    pub fn poll_write_bytes(&self, context: &mut Context<'_>, bytes: &mut Bytes) -> Poll<io::Result<usize>> {
        let id = self.connection.id;
        budget::poll(self.host(), Awaited::Write(id), context, |stack, now| {
            error::poll_write(stack.tcp_mut().write_bytes(now, id, bytes, WriteMarks::default()))
        })
    }

    /// Reads up to `most` bytes in the memory that they arrived in; see [`crate::TcpStream::read_bytes`]. No bytes, if any were wanted,
    /// are the end of the stream. Beyond `tokio::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::Host;
    /// use netstrata::tokio::{TcpListener, TcpStream};
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0").await?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?).await?;
    /// let (server, _) = listener.accept().await?;
    /// client.write_all_bytes(Bytes::from_static(b"hello")).await?;
    /// assert_eq!(server.read_bytes(65_536).await?, "hello");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a read.
    pub async fn read_bytes(&self, most: usize) -> io::Result<Bytes> {
        let id = self.connection.id;
        let read = budget::until(self.host(), Awaited::Read(id), |stack, now| {
            error::poll_read(stack.tcp_mut().read_bytes(now, id, most))
        });
        read.await
    }

    /// Like [`TcpStream::read_bytes`], with all that is there, up to `most` bytes: appends them to `pieces`, what lies together as one, and
    /// returns how many they are. Beyond `tokio::net`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use netstrata::Host;
    /// use netstrata::tokio::{TcpListener, TcpStream};
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0").await?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?).await?;
    /// let (server, _) = listener.accept().await?;
    /// client.write_all_bytes(Bytes::from_static(&[7; 20_000])).await?;
    /// drop(client);
    /// let mut pieces = Vec::new();
    /// while server.read_bytes_vectored(&mut pieces, 65_536).await? > 0 {}
    /// assert_eq!(pieces.concat(), [7; 20_000]);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a read.
    pub async fn read_bytes_vectored(&self, pieces: &mut Vec<Bytes>, most: usize) -> io::Result<usize> {
        let id = self.connection.id;
        let read = budget::until(self.host(), Awaited::Read(id), |stack, now| {
            error::poll_read(stack.tcp_mut().read_bytes_vectored(now, id, pieces, most))
        });
        read.await
    }

    /// Reads what is there, up to `most` bytes that lie together; see [`TcpStream::read_bytes`].
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing is, and those of a read.
    pub fn try_read_bytes(&self, most: usize) -> io::Result<Bytes> {
        let id = self.connection.id;
        or_would_block(
            self.host().attempt(|stack, now| error::poll_read(stack.tcp_mut().read_bytes(now, id, most))),
        )
    }

    /// Polls for up to `most` bytes that lie together; see [`TcpStream::read_bytes`].
    ///
    /// # Errors
    /// Those of a read.
    pub fn poll_read_bytes(&self, context: &mut Context<'_>, most: usize) -> Poll<io::Result<Bytes>> {
        let id = self.connection.id;
        budget::poll(self.host(), Awaited::Read(id), context, |stack, now| {
            error::poll_read(stack.tcp_mut().read_bytes(now, id, most))
        })
    }
}
