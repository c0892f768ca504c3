//! A way into a LAN: by its switch, or by becoming its switch.

use super::address::LanAddress;
use super::claim::{self, Claim, Claimed};
use super::port::size_buffers;
use super::switch::{Switch, SwitchHandle};
use mio::net::UnixStream;
use std::io::{self, ErrorKind};
use std::thread::{self, JoinHandle};

/// A switch in a thread of this process. Dropping it stops it.
pub(super) struct EmbeddedSwitch {
    handle: SwitchHandle,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedSwitch {
    fn start(claimed: Claimed) -> io::Result<EmbeddedSwitch> {
        let switch = Switch::new(claimed)?;
        let handle = switch.handle();
        let thread = thread::Builder::new().name("lan-switch".into()).spawn(move || {
            if let Err(error) = switch.run() {
                tracing::error!(%error, "the embedded lan switch has failed");
            }
        })?;
        Ok(EmbeddedSwitch { handle, thread: Some(thread) })
    }
}

impl Drop for EmbeddedSwitch {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            // The thread never panics on purpose; if it did, there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

/// A way into a LAN.
pub(super) enum Entry {
    /// Somebody's switch has a port for us.
    Joined(UnixStream),
    /// We are the switch now, and have a port at it.
    Opened(UnixStream, EmbeddedSwitch),
    /// Somebody is just becoming the switch, or has too many knocking: try again soon.
    Later,
}

/// Connects to the switch at the address, or embeds one if there is none. Does not wait.
pub(super) fn enter(address: &LanAddress) -> io::Result<Entry> {
    if let Some(stream) = connect(address)? {
        return Ok(stream.map_or(Entry::Later, Entry::Joined));
    }
    match claim::claim(address)? {
        Claim::Taken => Ok(Entry::Later),
        Claim::Ours(claimed) => {
            let switch = EmbeddedSwitch::start(claimed)?;
            tracing::info!(%address, "nobody had opened the lan: this process is its switch now");
            let stream = connect(address)?.flatten();
            Ok(stream.map_or(Entry::Later, |stream| Entry::Opened(stream, switch)))
        }
    }
}

/// `None`: nobody listens. `Some(None)`: somebody does, and is busy.
fn connect(address: &LanAddress) -> io::Result<Option<Option<UnixStream>>> {
    address.prepare()?;
    match UnixStream::connect(&address.path) {
        Ok(stream) => {
            size_buffers(&stream);
            Ok(Some(Some(stream)))
        }
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(None),
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(Some(None)),
            ErrorKind::PermissionDenied => {
                let text = format!("may not join the LAN at {address}: it belongs to another user");
                Err(io::Error::new(ErrorKind::PermissionDenied, text))
            }
            kind => Err(io::Error::new(kind, format!("cannot join the LAN at {address}: {error}"))),
        },
    }
}
