//! Logs go to standard error, so that standard output carries data only.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Starts logging: what `RUST_LOG` says, else by `verbose`, else what a server's owner or a client's user wants to know.
pub(crate) fn start(verbose: u8, is_server: bool) {
    let level = match (verbose, is_server) {
        (0, false) => "warn",
        (0, true) => "info",
        (1, _) => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        // A line that cannot be written (a full disk, a pipe that nobody reads) is lost; told of it, the logger would panic.
        .log_internal_errors(false)
        .init();
}
