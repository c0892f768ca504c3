//! Reads the command line. What is wrong with it is said in one line.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::arguments::Arguments;
use crate::failure::Failure;

/// The arguments, or the exit code of a command line that was wrong or only asked for help.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Whoever closed the pipe has seen enough.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => {
            let failure = Failure::usage(one_line(&error.to_string()), "");
            failure.report();
            failure.exit_code()
        }
    })
}

/// Cause and remedies of clap's message, without the usage that follows them.
fn one_line(message: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut in_cause = true;
    for line in message.lines().map(str::trim) {
        if line.starts_with("Usage:") || line.starts_with("For more information") {
            break;
        }
        if let Some(tip) = line.strip_prefix("tip: ") {
            in_cause = false;
            parts.push(tip.to_owned());
        } else if line.is_empty() {
            in_cause &= parts.is_empty();
        } else if let (true, Some(cause)) = (in_cause, parts.last_mut()) {
            cause.push(' ');
            cause.push_str(line);
        } else {
            parts.push(line.strip_prefix("error: ").unwrap_or(line).to_owned());
        }
    }
    if parts.iter().all(|part| !part.contains("; ")) && parts.len() == 1 {
        parts.push("try --help".to_owned());
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(arguments: &[&str]) -> String {
        let all = std::iter::once(&"netstrata").chain(arguments);
        one_line(&Arguments::try_parse_from(all).unwrap_err().to_string())
    }

    #[test]
    fn wrong_command_lines_are_told_in_one_line() {
        assert_eq!(line(&["serv"]), "unrecognized subcommand 'serv'; a similar subcommand exists: 'serve'");
        assert_eq!(
            line(&["serve", "--grac", "1s"]),
            "unexpected argument '--grac' found; a similar argument exists: '--grace'"
        );
        assert_eq!(
            line(&["serve", "--service", "tolk"]),
            "invalid value 'tolk' for '--service <NAME[@PORT]>': there is no service \"tolk\"; services are talk, echo, http, ftp; did you mean \"talk\"?"
        );
        assert_eq!(
            line(&["connect", "--send-only", "--recv-only"]),
            "the argument '--send-only' cannot be used with '--recv-only'; try --help"
        );
        assert_eq!(line(&["ping"]), "the following required arguments were not provided: <HOST>; try --help");
    }
}
