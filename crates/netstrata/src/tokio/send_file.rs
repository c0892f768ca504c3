//! A file into a stream, for tasks.

use super::tcp_stream::TcpStream;
use crate::file_memory::FileMemory;
use ::tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use std::future::poll_fn;
use std::io::{self, SeekFrom};
use std::pin::Pin;

impl TcpStream {
    /// Sends `length` bytes of `file` from `offset` on, or up to its end if that comes first; returns how many that were. Unlike
    /// sendfile(2) it moves the file's position. Beyond `tokio::net`.
    ///
    /// The file is read into memory that segments lie in until they are acknowledged, and which is used again then. (A
    /// `tokio::fs::File` copies once more, out of its own buffer.)
    ///
    /// ```
    /// use netstrata::Host;
    /// use netstrata::tokio::{TcpListener, TcpStream};
    /// use tokio::io::AsyncReadExt;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0").await?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?).await?;
    /// let (mut server, _) = listener.accept().await?;
    /// // As a `tokio::fs::File` is.
    /// let mut file = std::io::Cursor::new("a file's text");
    /// assert_eq!(client.send_file(&mut file, 2, 100).await?, 11);
    /// drop(client);
    /// let mut text = String::new();
    /// server.read_to_string(&mut text).await?;
    /// assert_eq!(text, "file's text");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Cancel safety
    /// It is not cancel safe: dropped before it is done, it has sent an unknown part of the bytes, from `offset` on and without a gap, and the file's
    /// position may be beyond that part. Who may have to stop sends less at a time and counts what each call returns.
    ///
    /// # Errors
    /// Those of a write, and of reading the file. Some of the bytes may have been sent then.
    pub async fn send_file<F>(&self, file: &mut F, offset: u64, length: u64) -> io::Result<u64>
    where
        F: AsyncRead + AsyncSeek + Unpin + ?Sized,
    {
        let memory = FileMemory::new(self.connection.info()?.segment_size);
        seek(file, offset).await?;
        let mut sent = 0;
        while sent < length {
            let mut piece = memory.take(length - sent);
            let wanted = piece.len().min(usize::try_from(length - sent).unwrap_or(usize::MAX));
            let filled = fill(file, piece.get_mut(..wanted).unwrap_or_default()).await?;
            if filled == 0 {
                break;
            }
            self.write_all_bytes(memory.lend(piece, filled)).await?;
            sent += filled as u64;
        }
        Ok(sent)
    }
}

async fn seek<F: AsyncSeek + Unpin + ?Sized>(file: &mut F, offset: u64) -> io::Result<()> {
    // What may still go on from before comes first.
    poll_fn(|context| Pin::new(&mut *file).poll_complete(context)).await?;
    Pin::new(&mut *file).start_seek(SeekFrom::Start(offset))?;
    poll_fn(|context| Pin::new(&mut *file).poll_complete(context)).await.map(drop)
}

/// Fills `out` from the file's position on, as far as it goes.
async fn fill<F: AsyncRead + Unpin + ?Sized>(file: &mut F, out: &mut [u8]) -> io::Result<usize> {
    let mut buffer = ReadBuf::new(out);
    while buffer.remaining() > 0 {
        let before = buffer.filled().len();
        poll_fn(|context| Pin::new(&mut *file).poll_read(context, &mut buffer)).await?;
        if buffer.filled().len() == before {
            break;
        }
    }
    Ok(buffer.filled().len())
}
