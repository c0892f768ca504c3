//! A file into a stream, for threads.

use crate::file_memory::FileMemory;
use crate::tcp_stream::TcpStream;
use std::fs::File;
use std::io;
use tcp::WriteMarks;

impl TcpStream {
    /// Sends `length` bytes of `file` from `offset` on, or up to its end if that comes first; returns how many that were. As sendfile(2)
    /// with an offset, it leaves the file's own position alone (but on Windows). Beyond `std::net`.
    ///
    /// The file is read into memory that segments lie in until they are acknowledged, and which is used again then: one copy, from
    /// the operating system's memory. A non-blocking stream, or one with a write time-out, may send fewer bytes than it could read; they
    /// are read again when they are sent.
    ///
    /// ```
    /// use netstrata::{Host, TcpListener, TcpStream};
    /// use std::fs::File;
    /// use std::io::Read;
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let (mut server, _) = listener.accept()?;
    /// let file = File::open("Cargo.toml")?;
    /// let length = file.metadata()?.len();
    /// assert_eq!(client.send_file(&file, 0, length)?, length);
    /// drop(client);
    /// let mut text = String::new();
    /// server.read_to_string(&mut text)?;
    /// assert!(text.starts_with("[package]"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write, and of reading the file. Some of the bytes may have been sent then.
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) only if nothing was.
    pub fn send_file(&self, file: &File, offset: u64, length: u64) -> io::Result<u64> {
        let memory = FileMemory::new(self.connection.info()?.segment_size);
        let mut sent = 0;
        while sent < length {
            let mut piece = memory.take(length - sent);
            let wanted = piece.len().min(usize::try_from(length - sent).unwrap_or(usize::MAX));
            let filled = read_at(file, piece.get_mut(..wanted).unwrap_or_default(), offset + sent)?;
            if filled == 0 {
                break;
            }
            let mut bytes = memory.lend(piece, filled);
            while !bytes.is_empty() {
                match self.connection.write_bytes(&mut bytes, WriteMarks::default()) {
                    Ok(written) => sent += written as u64,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock && sent > 0 => return Ok(sent),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(sent)
    }
}

/// Fills `out` from `offset` of the file on, as far as it goes.
fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, rest, offset + filled as u64);
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, rest, offset + filled as u64);
        match read {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
