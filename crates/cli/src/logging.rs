//! Logs go to standard error, so that standard output carries data only.

mod writer;

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use writer::LogWriter;

/// How long the end of the process waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a server logs by.
static WRITER: OnceLock<LogWriter> = OnceLock::new();

/// Starts logging: what `RUST_LOG` says, else by `verbose`, else what a server's owner or a client's user wants to know.
///
/// A server never waits for who reads its log, be it a pipe that is full or a terminal that was halted by Ctrl-S.
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
    // Without a thread for it, the log is written as it comes.
    match is_server.then(|| LogWriter::start(stderr()).ok()).flatten() {
        Some(writer) => {
            let writer = WRITER.get_or_init(|| writer).clone();
            log.with_writer(move || writer.clone()).init();
        }
        None => log.with_writer(stderr).init(),
    }
}

/// Waits until what was logged is written, though not for long: the process is about to end.
pub(crate) fn finish() {
    if let Some(writer) = WRITER.get() {
        writer.finish(PATIENCE);
    }
}
