//! What went wrong, in one line: its cause and its remedy.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// Tells the user a line. Whoever has closed standard error need not read it.
pub(crate) fn tell(line: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The end of a command that did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u8,
    cause: String,
    remedy: String,
}

impl Failure {
    /// Something did not work: exit code 1.
    pub(crate) fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Failure {
        Failure { code: 1, cause: cause.into(), remedy: remedy.into() }
    }

    /// The command was used wrongly: exit code 2.
    pub(crate) fn usage(cause: impl Into<String>, remedy: impl Into<String>) -> Failure {
        Failure { code: 2, cause: cause.into(), remedy: remedy.into() }
    }

    /// There is nothing to say but the exit code.
    pub(crate) fn silent(code: u8) -> Failure {
        Failure { code, cause: String::new(), remedy: String::new() }
    }

    /// Tells the user, if there is something to say.
    pub(crate) fn report(&self) {
        if !self.cause.is_empty() {
            tell(format_args!("netstrata: {self}"));
        }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// What to do about an error that is not of what was asked for, but of what this system still has.
pub(crate) fn of_the_system(error: &io::Error) -> Option<&'static str> {
    use nix::libc::{EMFILE, ENFILE};
    match (error.kind(), error.raw_os_error().or_else(|| number_in(&error.to_string()))) {
        (io::ErrorKind::StorageFull, _) => Some("make room on that disk, or choose another"),
        (_, Some(EMFILE)) => Some("allow this process more open files with `ulimit -n`"),
        (_, Some(ENFILE)) => {
            Some("the whole system has too many open files: end a program, or raise fs.file-max")
        }
        _ => None,
    }
}

/// The system's number of an error, where somebody has only its text, which says more.
fn number_in(text: &str) -> Option<i32> {
    let (_, rest) = text.rsplit_once("(os error ")?;
    rest.split_once(')')?.0.parse().ok()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line even if a cause from elsewhere has several.
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        f.write_str(&line(&self.cause))?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", line(&self.remedy)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_cause_and_remedy() {
        let failure = Failure::new("no\nlight", "press the\n  switch");
        assert_eq!(failure.to_string(), "no light; press the switch");
        assert_eq!(Failure::usage("no light", "").to_string(), "no light");
    }

    #[test]
    fn what_the_system_lacks_is_not_blamed_on_what_was_asked_for() {
        let remedy = |number| of_the_system(&io::Error::from_raw_os_error(number));
        assert!(remedy(nix::libc::EMFILE).unwrap().contains("ulimit -n"));
        assert!(remedy(nix::libc::ENOSPC).unwrap().contains("disk"));
        assert_eq!(remedy(nix::libc::EACCES), None);
        let told =
            io::Error::other(format!("cannot open x: {}", io::Error::from_raw_os_error(nix::libc::EMFILE)));
        assert!(of_the_system(&told).unwrap().contains("ulimit -n"));
        assert_eq!(of_the_system(&io::Error::other("nothing (os error x)")), None);
        let told = io::Error::new(io::ErrorKind::StorageFull, "cannot record to x: no space left");
        assert!(of_the_system(&told).unwrap().contains("disk"));
        assert_eq!(of_the_system(&io::ErrorKind::AddrInUse.into()), None);
    }
}
