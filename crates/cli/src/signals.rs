//! Requests to stop.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// Listens for SIGINT and SIGTERM, and for SIGHUP: the terminal has gone away.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

/// A signal that asked the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// The signal's name.
    pub(crate) name: &'static str,
    /// The exit code that tells of it, by the shells' custom.
    pub(crate) code: u8,
}

/// Calls `act` in a thread of its own on the first of these signals; they no longer end the process by themselves.
fn on_first(act: impl FnOnce(Stopped) + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen()?
    };
    let wait = move || act(runtime.block_on(signals.next()));
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// What is done on the first of these signals, which may change: at first the process is left at once.
#[derive(Default)]
pub(crate) struct OnFirst(Arc<Mutex<Option<Act>>>);

type Act = Box<dyn FnOnce(Stopped) + Send>;

/// Leaves the process, with the exit code that tells of the signal, on the first one. Begun before anything else is, it holds from the
/// first moments on.
pub(crate) fn leave_on_first() -> Result<OnFirst, Failure> {
    let wanted = OnFirst::default();
    let listening = on_first({
        let wanted = OnFirst(Arc::clone(&wanted.0));
        move |stopped| wanted.act(stopped)
    });
    listening.map_err(|error| Failure::new(format!("cannot listen to signals: {error}"), ""))?;
    Ok(wanted)
}

impl OnFirst {
    /// From now on does this instead.
    pub(crate) fn instead(&self, act: impl FnOnce(Stopped) + Send + 'static) {
        *self.wanted() = Some(Box::new(act));
    }

    /// Does what is wanted.
    fn act(&self, stopped: Stopped) {
        // It may take its time, and others may say meanwhile what they want.
        let act = self.wanted().take();
        match act {
            Some(act) => act(stopped),
            None => std::process::exit(stopped.code.into()),
        }
    }

    fn wanted(&self) -> MutexGuard<'_, Option<Act>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signals {
    /// From here on these signals no longer end the process by themselves.
    pub(crate) fn listen() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if minds_hangup() { Some(signal(SignalKind::hangup())?) } else { None },
        })
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) -> Stopped {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Stopped { name: "SIGINT", code: 130 },
            Some(()) = self.terminate.recv() => Stopped { name: "SIGTERM", code: 143 },
            Some(()) = next_of(&mut self.hangup) => Stopped { name: "SIGHUP", code: 129 },
            else => std::future::pending().await,
        }
    }
}

async fn next_of(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP would end this process: whoever was started by nohup(1) ignores it, and goes on doing so. Only Linux says so; elsewhere
/// the signal is left as it is.
fn minds_hangup() -> bool {
    /// By the number of the signal, from 1.
    const SIGHUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & SIGHUP == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn what_is_done_keeps_nobody_from_wanting_something_else() {
        let wanted = OnFirst::default();
        let table = Arc::clone(&wanted.0);
        let (free, was_free) = channel();
        wanted.instead(move |stopped| free.send((stopped.code, table.try_lock().is_ok())).unwrap());
        wanted.act(Stopped { name: "SIGINT", code: 130 });
        assert_eq!(was_free.recv(), Ok((130, true)));
    }
}
