//! A call held by hand: a prompt, line editing, and answers that do not spoil the line being typed.

use std::io::{self, Write};

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};

use super::terminal;
use super::text::Decoder;
use super::transfer::{Ends, Output};

const PROMPT: &str = "> ";

/// The ends of a call at a terminal. The word `q` on a line of its own, or the end of the input, leaves.
pub(crate) fn ends() -> io::Result<Ends> {
    terminal::remember();
    let mut editor =
        Editor::<(), _>::with_history(Config::builder().build(), MemHistory::new()).map_err(other)?;
    let printer = editor.create_external_printer();
    let mut pending: Vec<u8> = Vec::new();
    let mut left = false;
    let input = move |room: &mut [u8]| {
        if pending.is_empty() && !left {
            match editor.readline(PROMPT) {
                Ok(line) => {
                    left = line == "q";
                    // Only a missing memory could make this fail, and a line not remembered is no harm.
                    let _ = editor.add_history_entry(line.as_str());
                    pending.extend_from_slice(line.as_bytes());
                    pending.push(b'\n');
                }
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => left = true,
                Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(io::Error::new(error.kind(), "this terminal sends bytes that are no UTF-8"));
                }
                Err(error) => return Err(other(error)),
            }
        }
        let length = pending.len().min(room.len());
        for (place, byte) in room.iter_mut().zip(pending.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    };
    let mut decoder = Decoder::default();
    let output: Output = match printer {
        Ok(mut printer) => Box::new(move |bytes| printer.print(decoder.decode(bytes)).map_err(other)),
        // A terminal without line editing.
        Err(_) => Box::new(move |bytes| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(decoder.decode(bytes).as_bytes())?;
            stdout.flush()
        }),
    };
    Ok(Ends { input: Box::new(input), output })
}

fn other(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        error => io::Error::other(error),
    }
}
