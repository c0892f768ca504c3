//! The frames of the running hosts, for whoever has the page open.
//!
//! The hosts' threads put each frame into one ring and never wait. Each page reads the ring at its own pace: one that is too
//! slow, or asks for more than a person can look at, loses frames and is told how many. What a frame carries is shown only to
//! the page whose own call it belongs to; of all others the headers.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use netstrata::link::watch::{Direction, Watch};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::interval;

/// Frames in the ring: what a slow page may lag behind.
pub(super) const RING: usize = 1024;
/// Events that wait for one page's connection.
const WAITING: usize = 32;
/// Frames for one page in each second.
pub(super) const PACE: u32 = 500;
/// Bytes of a frame that are shown at most.
pub(super) const SHOWN: usize = 2048;
/// How often a quiet feed says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Where frames come in, and pages look.
#[derive(Debug)]
pub(crate) struct Feed {
    ring: broadcast::Sender<Arc<Passed>>,
    began: Instant,
    /// The calls that pages have opened: the caller's port, and who may see what it says.
    calls: Mutex<Vec<(u16, String)>>,
}

/// One frame on a host's cable.
#[derive(Debug)]
struct Passed {
    host: usize,
    direction: Direction,
    at: Duration,
    length: usize,
    /// Bytes of headers, which everybody may see.
    headers: usize,
    bytes: Vec<u8>,
    owner: Option<String>,
}

impl Feed {
    /// A feed that nobody looks at yet.
    pub(crate) fn new() -> Arc<Feed> {
        let (ring, _) = broadcast::channel(RING);
        Arc::new(Feed { ring, began: Instant::now(), calls: Mutex::default() })
    }

    /// What shows the frames of one host; `host` is its place in the list of hosts.
    pub(crate) fn watch(self: &Arc<Feed>, host: usize) -> Arc<dyn Watch> {
        Arc::new(Eye { feed: Arc::clone(self), host })
    }

    /// Shows `owner` what the calls from `port` say, for as long as the result lives.
    pub(super) fn reveal(self: &Arc<Feed>, port: u16, owner: &str) -> Revealed {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push((port, owner.to_owned()));
        Revealed { feed: Arc::clone(self), port }
    }

    /// Begins to feed a page, as server-sent events.
    pub(super) fn subscribe(&self, client: String, permit: impl Send + 'static) -> mpsc::Receiver<Bytes> {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(tell(self.ring.subscribe(), sender, client, permit));
        receiver
    }

    fn owner(&self, ports: Option<(u16, u16)>) -> Option<String> {
        let (source, destination) = ports?;
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let own = calls.iter().find(|(port, _)| *port == source || *port == destination);
        own.map(|(_, owner)| owner.clone())
    }
}

/// Ends the view of a call's contents.
pub(super) struct Revealed {
    feed: Arc<Feed>,
    port: u16,
}

impl Drop for Revealed {
    fn drop(&mut self) {
        let mut calls = self.feed.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = calls.iter().position(|(port, _)| *port == self.port) {
            calls.swap_remove(place);
        }
    }
}

#[derive(Debug)]
struct Eye {
    feed: Arc<Feed>,
    host: usize,
}

impl Watch for Eye {
    fn is_watching(&self) -> bool {
        self.feed.ring.receiver_count() > 0
    }

    fn packet(&self, direction: Direction, packet: &[u8]) {
        let (headers, ports) = headers(packet);
        let passed = Passed {
            host: self.host,
            direction,
            at: self.feed.began.elapsed(),
            length: packet.len(),
            headers,
            bytes: packet.get(..SHOWN).unwrap_or(packet).to_vec(),
            owner: self.feed.owner(ports),
        };
        // Nobody looks any more: nothing is lost.
        let _ = self.feed.ring.send(Arc::new(passed));
    }
}

/// How many bytes of a frame are headers, and the ports of both ends. What is no TCP in IPv4 carries nothing that a person
/// has said, and UDP is cut behind its header.
fn headers(packet: &[u8]) -> (usize, Option<(u16, u16)>) {
    const ETHERNET: usize = 14;
    let word = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
    let byte = |at: usize| packet.get(at).copied().unwrap_or(0);
    if word(12) == Some(0x0806) {
        return (packet.len(), None);
    }
    if word(12) != Some(0x0800) {
        return (ETHERNET, None);
    }
    let transport = ETHERNET + usize::from(byte(ETHERNET) & 15) * 4;
    let ports = word(transport).zip(word(transport + 2));
    match byte(ETHERNET + 9) {
        6 => (transport + usize::from(byte(transport + 12) >> 4) * 4, ports),
        1 | 17 => (transport + 8, None),
        _ => (transport, None),
    }
}

/// Tells one page what passes, until it goes.
async fn tell(
    mut ring: broadcast::Receiver<Arc<Passed>>,
    page: mpsc::Sender<Bytes>,
    client: String,
    _permit: impl Send,
) {
    let mut heartbeat = interval(HEARTBEAT);
    let mut second = tokio::time::Instant::now();
    let (mut told, mut lost) = (0_u32, 0_u64);
    loop {
        let passed = tokio::select! {
            passed = ring.recv() => passed,
            _ = heartbeat.tick() => {
                if page.send(Bytes::from_static(b": still here\n\n")).await.is_err() {
                    return;
                }
                continue;
            }
            () = page.closed() => return,
        };
        if second.elapsed() >= Duration::from_secs(1) {
            (second, told) = (tokio::time::Instant::now(), 0);
        }
        let passed = match passed {
            Ok(passed) => passed,
            Err(RecvError::Lagged(missed)) => {
                lost += missed;
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if told >= PACE {
            lost += 1;
            continue;
        }
        told += 1;
        let mut event = String::new();
        if lost > 0 {
            // Writing to a string cannot fail.
            let _ = write!(event, "event: lost\ndata: {lost}\n\n");
            lost = 0;
        }
        write_frame(&mut event, &passed, &client);
        if page.send(event.into()).await.is_err() {
            return;
        }
    }
}

fn write_frame(event: &mut String, passed: &Passed, client: &str) {
    let own = passed.owner.as_deref() == Some(client);
    let shown = if own { passed.bytes.len() } else { passed.headers.min(passed.bytes.len()) };
    let out = passed.direction == Direction::Outbound;
    let (host, at, length) = (passed.host, passed.at.as_nanos(), passed.length);
    let _ = write!(
        event,
        "event: frame\ndata: {{\"host\":{host},\"out\":{out},\"at\":{at},\"length\":{length},\"bytes\":\""
    );
    for byte in passed.bytes.iter().take(shown) {
        let _ = write!(event, "{byte:02x}");
    }
    event.push_str("\"}\n\n");
}

#[cfg(test)]
mod tests;
