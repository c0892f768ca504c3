//! The course of a call: standard input goes out, what comes back goes to standard output.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::socket::Socket;
use crate::signals::{OnFirst, Stopped};

/// Bytes moved at once.
const CHUNK: usize = 64 * 1024;

/// When the peer has ended and the input gives nothing for so long, nothing more is to be sent.
const IDLE: Duration = Duration::from_millis(200);

/// How long a peer that has ended may leave what we send unread, when nothing else says how long.
const STUCK: Duration = Duration::from_secs(10);

/// How long a call that only sends listens for the peer's end, when nothing else says how long.
const FAREWELL: Duration = Duration::from_secs(2);

/// Gives the next bytes to send; zero bytes: the end.
pub(crate) type Input = Box<dyn FnMut(&mut [u8]) -> io::Result<usize> + Send>;

/// Takes bytes that have arrived.
pub(crate) type Output = Box<dyn FnMut(&[u8]) -> io::Result<()> + Send>;

/// What is to be sent, and where what arrives is to go.
pub(crate) struct Ends {
    /// Where the bytes to send come from.
    pub(crate) input: Input,
    /// Where the bytes that arrive go.
    pub(crate) output: Output,
}

/// How a call is to be held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Whether what arrives is of no interest.
    pub(crate) send_only: bool,
    /// Whether there is nothing to send.
    pub(crate) recv_only: bool,
    /// Whether the end of the input is kept from the peer.
    pub(crate) no_shutdown: bool,
    /// The longest silence to bear once the input has ended.
    pub(crate) wait: Option<Duration>,
}

/// Why a call ended before its time.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection failed.
    Connection(io::Error),
    /// Standard input could not be read.
    Input(io::Error),
    /// Standard output could not be written.
    Output(io::Error),
    /// A signal asked us to end.
    Stopped(Stopped),
}

enum Event {
    Sent(Result<(), Trouble>),
    Received(Result<(), Trouble>),
    Stopped(Stopped),
}

/// What the threads of a call tell each other.
#[derive(Default)]
struct Progress {
    /// Whether bytes are being written to the connection right now.
    writing: AtomicBool,
    /// Bytes that were written.
    written: AtomicU64,
    /// Bytes that have arrived.
    arrived: AtomicU64,
}

/// Holds the call until it ends; see the module `connect` for when that is. From here on signals end the call, not the
/// process: our stack lives in it, and the peer would never hear of the end.
///
/// Threads that still wait for input or for the peer are left behind: the process is about to end.
pub(crate) fn hold(
    socket: &Arc<dyn Socket>,
    ends: Ends,
    manner: Manner,
    on_signal: &OnFirst,
) -> Result<(), Trouble> {
    let progress = Arc::new(Progress::default());
    let (sender, events) = channel();
    {
        let sender = sender.clone();
        on_signal.instead(move |signal| {
            let _ = sender.send(Event::Stopped(signal));
        });
    }
    let Ends { input, output } = ends;
    if !manner.recv_only {
        let (socket, progress, sender) = (Arc::clone(socket), Arc::clone(&progress), sender.clone());
        spawn("send", move || {
            let result = send(&*socket, input, manner, &progress);
            let _ = sender.send(Event::Sent(result));
        })?;
    }
    {
        let (socket, progress) = (Arc::clone(socket), Arc::clone(&progress));
        spawn("receive", move || {
            let result = receive(&*socket, output, manner, &progress);
            let _ = sender.send(Event::Received(result));
        })?;
    }
    if manner.send_only {
        conclude_sending(&events, manner, &progress)
    } else {
        conclude(&events, manner, &progress)
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Trouble> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop).map_err(Trouble::Connection)
}

/// Waits for the peer's end or, when our input has ended, for a long silence.
fn conclude(events: &Receiver<Event>, manner: Manner, progress: &Progress) -> Result<(), Trouble> {
    let mut input_ended = manner.recv_only;
    // A failed connection still gives what had arrived before, so the receiving side ends the call in any case.
    let mut failed = None;
    loop {
        let event = match manner.wait.filter(|_| input_ended) {
            None => events.recv().ok(),
            Some(patience) => next_or_silence(events, progress, patience),
        };
        match event {
            None => break,
            Some(Event::Sent(result)) => {
                input_ended = true;
                match result {
                    Ok(()) => {}
                    Err(Trouble::Connection(error)) => failed = Some(error),
                    Err(trouble) => return Err(trouble),
                }
            }
            Some(Event::Stopped(signal)) => return Err(Trouble::Stopped(signal)),
            Some(Event::Received(result)) => {
                result?;
                if !input_ended {
                    return finish_sending(events, progress, manner.wait.unwrap_or(STUCK));
                }
                break;
            }
        }
    }
    match failed {
        // The peer has ended, and does not want what we still had: a peaceful end.
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(Trouble::Connection(error)),
        _ => Ok(()),
    }
}

/// The peer has ended its direction and may still read: what the input has at hand still goes to it, and an input that
/// gives nothing is not waited for. A peer that has closed altogether refuses the rest, which is its right.
fn finish_sending(events: &Receiver<Event>, progress: &Progress, patience: Duration) -> Result<(), Trouble> {
    let (mut written, mut since) = (progress.written.load(SeqCst), Instant::now());
    loop {
        match events.recv_timeout(IDLE) {
            Ok(Event::Sent(Err(Trouble::Input(error)))) => return Err(Trouble::Input(error)),
            Ok(Event::Stopped(signal)) => return Err(Trouble::Stopped(signal)),
            Ok(Event::Sent(_)) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(Event::Received(_)) => {}
            Err(RecvTimeoutError::Timeout) => {
                let now = progress.written.load(SeqCst);
                if now != written {
                    (written, since) = (now, Instant::now());
                } else if !progress.writing.load(SeqCst) {
                    return Ok(());
                } else if since.elapsed() >= patience {
                    return Err(Trouble::Connection(ErrorKind::TimedOut.into()));
                }
            }
        }
    }
}

/// Waits until everything is sent, then a little for the peer's end.
fn conclude_sending(events: &Receiver<Event>, manner: Manner, progress: &Progress) -> Result<(), Trouble> {
    let mut peer_ended = false;
    loop {
        match events.recv() {
            Err(_) => return Ok(()),
            Ok(Event::Sent(Err(trouble))) => return Err(trouble),
            Ok(Event::Sent(Ok(()))) => break,
            Ok(Event::Received(Err(trouble))) => return Err(trouble),
            Ok(Event::Received(Ok(()))) => peer_ended = true,
            Ok(Event::Stopped(signal)) => return Err(Trouble::Stopped(signal)),
        }
    }
    // Closing with bytes unread would reset the connection, and bytes under way would be lost (RFC 1122 4.2.2.13).
    if peer_ended {
        return Ok(());
    }
    match next_or_silence(events, progress, manner.wait.unwrap_or(FAREWELL)) {
        Some(Event::Received(Err(trouble))) => Err(trouble),
        Some(Event::Stopped(signal)) => Err(Trouble::Stopped(signal)),
        _ => Ok(()),
    }
}

/// The next event, or None if nothing has arrived for as long as `patience`.
fn next_or_silence(events: &Receiver<Event>, progress: &Progress, patience: Duration) -> Option<Event> {
    let mut arrived = progress.arrived.load(SeqCst);
    let mut since = Instant::now();
    loop {
        match events.recv_timeout(patience.saturating_sub(since.elapsed())) {
            Ok(event) => return Some(event),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                let now = progress.arrived.load(SeqCst);
                if now == arrived {
                    return None;
                }
                (arrived, since) = (now, Instant::now());
            }
        }
    }
}

fn send(socket: &dyn Socket, mut input: Input, manner: Manner, progress: &Progress) -> Result<(), Trouble> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = input(&mut chunk).map_err(Trouble::Input)?;
        if read == 0 {
            break;
        }
        progress.writing.store(true, SeqCst);
        let result = socket.send_all(chunk.get(..read).unwrap_or_default());
        progress.written.fetch_add(read as u64, SeqCst);
        progress.writing.store(false, SeqCst);
        result.map_err(Trouble::Connection)?;
    }
    if manner.no_shutdown {
        return Ok(());
    }
    match socket.end() {
        // The peer is gone already: there is nobody to tell.
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
        result => result.map_err(Trouble::Connection),
    }
}

fn receive(
    socket: &dyn Socket,
    mut output: Output,
    manner: Manner,
    progress: &Progress,
) -> Result<(), Trouble> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = socket.receive(&mut chunk).map_err(Trouble::Connection)?;
        if read == 0 {
            return Ok(());
        }
        progress.arrived.fetch_add(read as u64, SeqCst);
        if !manner.send_only {
            output(chunk.get(..read).unwrap_or_default()).map_err(Trouble::Output)?;
        }
    }
}

#[cfg(test)]
mod tests;
