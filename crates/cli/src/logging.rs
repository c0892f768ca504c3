//! Logs go to standard error, so that standard output carries data only.

mod writer;

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::failure;

use writer::{LogWriter, Start};

/// How long the end of the process waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a server logs by.
static WRITER: OnceLock<LogWriter> = OnceLock::new();

/// The thread that writes it, until it is started.
static START: Mutex<Option<Start>> = Mutex::new(None);

/// Starts logging: what `RUST_LOG` says, else by `verbose`, else what a server's owner or a client's user wants to know.
///
/// A server never waits for who reads its log, be it a pipe that is full or a terminal that was halted by Ctrl-S: a thread writes it,
/// which [`write_on`] starts.
pub(crate) fn start(verbose: u8, is_server: bool) {
    let level = match (verbose, is_server) {
        (0, false) => "warn",
        (0, true) => "info",
        (1, _) => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        // A line that cannot be written (a full disk, a pipe that nobody reads) is lost; told of it, the logger would panic.
        .log_internal_errors(false);
    if is_server {
        let (writer, start) = LogWriter::new(stderr());
        *START.lock().unwrap_or_else(PoisonError::into_inner) = Some(start);
        let writer = WRITER.get_or_init(|| writer).clone();
        log.with_writer(move || writer.clone()).init();
    } else {
        log.with_writer(stderr).init();
    }
}

/// Lets a server's log be written from now on. Its thread inherits what this one is confined to.
pub(crate) fn write_on() {
    let start = START.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Err(error)) = start.map(Start::run) {
        failure::tell(format_args!("netstrata: there is no thread to write the log: {error}"));
    }
}

/// Waits until what was logged is written, though not for long: the process is about to end.
pub(crate) fn finish() {
    write_on();
    if let Some(writer) = WRITER.get() {
        writer.finish(PATIENCE);
    }
}
