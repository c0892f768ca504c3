//! `netstrata status`: asks a running server through its control socket.

pub(crate) mod place;
mod render;
pub(crate) mod report;

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::arguments::StatusArguments;
use crate::failure::Failure;
use crate::invocation::program;
use crate::output;
use report::{Answer, Report, Request};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer to take in: well above what the most calls make.
const LONGEST: u64 = 256 << 20;

/// Prints a server's report.
pub(crate) fn run(arguments: &StatusArguments) -> Result<(), Failure> {
    let path: PathBuf = match &arguments.control {
        Some(path) => path.clone(),
        None => place::control_path(&arguments.link)?,
    };
    if let Some(why) = place::unfit(&path) {
        let cause = format!("{} cannot be a server's control socket: {why}", path.display());
        return Err(Failure::usage(
            cause,
            "name the server's --control, or give server and status a shorter --link",
        ));
    }
    let line = ask(&path).map_err(|error| unanswered(&path, &error))?;
    let answer: Answer = serde_json::from_str(&line).map_err(|_| {
        Failure::new(
            format!("what answers at {} is no server of this version", path.display()),
            "use the server's own binary",
        )
    })?;
    let report = match answer {
        Answer::Status(report) => report,
        Answer::Error { message } => return Err(Failure::new(format!("the server says: {message}"), "")),
    };
    print(&report, arguments.json)
}

fn ask(path: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut question = serde_json::to_string(&Request::Status)?;
    question.push('\n');
    stream.write_all(question.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    Ok(line)
}

fn print(report: &Report, json: bool) -> Result<(), Failure> {
    let text = if json {
        serde_json::to_string(report).map_err(|error| Failure::new(format!("no JSON: {error}"), ""))? + "\n"
    } else {
        report.to_string()
    };
    output::print(&text).map(drop)
}

fn unanswered(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Failure::new(
            format!("no server is running that answers at {path}"),
            format!("start one with `{} serve`, or name its --link or --control", program()),
        ),
        ErrorKind::PermissionDenied => {
            Failure::new(format!("the server at {path} belongs to another user"), "ask as that user")
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::new(
            format!("the server at {path} did not answer within {} s", PATIENCE.as_secs()),
            "see whether it is stopped or busy",
        ),
        _ => Failure::new(format!("cannot ask the server at {path}: {error}"), "see whether it is running"),
    }
}
