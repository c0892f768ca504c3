//! `netstrata connect`: a call to a service, by hand or through a pipe.
//!
//! When standard input ends, so does our direction (FIN), and reading goes on. When the peer ends, the command
//! finishes with exit code 0: what the input has at hand is still sent, but nothing more is waited for. `--send-only` forgets what arrives and leaves when all is delivered; `--recv-only` leaves standard
//! input alone; `--no-shutdown` keeps the end of the input from the peer; `--wait` bounds the waiting for the call to be
//! taken and, after the input's end, every silence. Whoever closes our standard output ends the command quietly.

mod dial;
mod interactive;
mod socket;
mod terminal;
mod text;
mod transfer;

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::time::Duration;

use crate::arguments::ConnectArguments;
use crate::failure::{Failure, tell};
use crate::output::unwritten;
use crate::signals;
use dial::{Call, dial};
use transfer::{Ends, Manner, Trouble, hold};

/// How long to wait for the peer's end after leaving by hand, when nothing else says how long.
const LEAVING: Duration = Duration::from_secs(1);

/// How long what was sent may take to be delivered at the end, when nothing else says how long.
const DELIVERY: Duration = Duration::from_secs(10);

/// Holds a call.
pub(crate) fn run(arguments: ConnectArguments) -> Result<(), Failure> {
    let on_signal = signals::leave_on_first()?;
    let is_interactive = stdin().is_terminal() && stdout().is_terminal() && !arguments.recv_only;
    let call = dial(&arguments)?;
    let mut manner = Manner {
        send_only: arguments.send_only,
        recv_only: arguments.recv_only,
        no_shutdown: arguments.no_shutdown,
        wait: arguments.wait,
    };
    let ends = if is_interactive {
        tell(format_args!("connected to {} from {}; q leaves", call.remote, call.local));
        manner.wait = manner.wait.or(Some(LEAVING));
        on_signal.instead(|stopped| {
            terminal::restore();
            std::process::exit(stopped.code.into());
        });
        interactive::ends()
    } else {
        piped()
    };
    let ends =
        ends.map_err(|error| Failure::new(format!("cannot use standard input and output: {error}"), ""))?;
    let result = hold(&call.socket, ends, manner, &on_signal);
    terminal::restore();
    let unread = matches!(result, Err(Trouble::Output(_) | Trouble::Stopped(_)));
    let outcome = judge(result, &call);
    let delivered = call.finish(unread, arguments.wait.unwrap_or(DELIVERY));
    match outcome {
        Ok(()) if !delivered => Err(Failure::new(
            "not everything was delivered in time: the peer does not read",
            "allow more time with --wait SECONDS",
        )),
        outcome => outcome,
    }
}

/// What the end of a call means to the user.
fn judge(result: Result<(), Trouble>, call: &Call) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        // Whoever reads our output has seen enough.
        Err(Trouble::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Trouble::Output(error)) => Err(unwritten(&error)),
        Err(Trouble::Input(error)) => {
            Err(Failure::new(format!("cannot read standard input: {error}"), "see where it comes from"))
        }
        Err(Trouble::Connection(error)) => Err(call.broken(&error)),
        Err(Trouble::Stopped(signal)) => Err(Failure::silent(signal.code)),
    }
}

/// Standard input and output as they are: unbuffered, byte by byte what the peer gets and sends.
fn piped() -> io::Result<Ends> {
    let mut input = File::from(stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(stdout().as_fd().try_clone_to_owned()?);
    let read = move |room: &mut [u8]| {
        loop {
            match input.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    };
    Ok(Ends { input: Box::new(read), output: Box::new(move |bytes| output.write_all(bytes)) })
}
