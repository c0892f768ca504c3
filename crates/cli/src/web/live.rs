//! The live network behind the page: its hosts, its feed, and calls that carry what is typed.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netstrata::tokio::TcpStream;
use netstrata::{Host, SocketOptions};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::feed::Feed;

/// Bytes of a message at most.
pub(super) const LONGEST: usize = 1024;
/// How long a call may take altogether.
const PATIENCE: Duration = Duration::from_secs(10);

/// A network that a page can watch, and call the talk service on.
#[derive(Debug)]
pub(crate) struct Live {
    /// Where its frames are fed to.
    pub(crate) feed: Arc<Feed>,
    /// The host that calls.
    pub(crate) caller: Host,
    /// The talk service.
    pub(crate) talk: SocketAddr,
    /// The names and addresses of the hosts, in the feed's order.
    pub(crate) hosts: Vec<(String, String)>,
}

/// Why there is no live network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The services are on the operating system's sockets.
    SystemSockets,
    /// The link has room for one host.
    OneHost,
    /// Nothing is published, so there is no second host.
    Unpublished,
    /// No talk service runs.
    NoTalk,
}

impl Absent {
    pub(super) fn code(self) -> &'static str {
        match self {
            Absent::SystemSockets => "system-sockets",
            Absent::OneHost => "one-host",
            Absent::Unpublished => "unpublished",
            Absent::NoTalk => "no-talk",
        }
    }
}

/// What came back.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    answer: String,
    local: String,
    remote: String,
    milliseconds: u64,
}

impl Live {
    /// Says `message` to the talk service over our own stack; `client` names the page that may see it pass.
    pub(super) async fn say(&self, message: &str, client: &str) -> io::Result<Answer> {
        let began = Instant::now();
        let call = async {
            let options = SocketOptions { no_delay: true, ..SocketOptions::default() };
            let mut stream = TcpStream::open(&self.caller, None, self.talk, Some(options)).await?;
            let local = stream.local_addr()?;
            let _revealed = self.feed.reveal(local.port(), client);
            stream.write_all(message.as_bytes()).await?;
            // All that was said, or the end: a single `q` ends the call without an answer.
            let mut answer = vec![0; message.len()];
            let mut filled = 0;
            while let Some(room) = answer.get_mut(filled..).filter(|room| !room.is_empty()) {
                match stream.read(room).await? {
                    0 => break,
                    read => filled += read,
                }
            }
            answer.truncate(filled);
            stream.shutdown().await?;
            let mut rest = [0; 64];
            while stream.read(&mut rest).await? > 0 {}
            Ok::<_, io::Error>((answer, local))
        };
        let (answer, local) =
            timeout(PATIENCE, call).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?;
        Ok(Answer {
            answer: String::from_utf8_lossy(&answer).into_owned(),
            local: local.to_string(),
            remote: self.talk.to_string(),
            milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}
