//! A machine with a guest and servers, in namespaces of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::{Lan, Outcome, SCRIPT, program, run_within};

/// Runs a script on a machine with a guest and servers, all in namespaces of its own. What it prints is a line for each thing that worked.
pub(crate) fn on_a_machine(script: &str) -> Outcome {
    on_a_machine_within(SCRIPT, script)
}

pub(crate) fn on_a_machine_within(time: Duration, script: &str) -> Outcome {
    let lan = Lan::new();
    // A place where the guest's user finds it, whoever may read the one it was built in.
    let copy = lan.file("netstrata");
    std::fs::copy(program(), &copy).unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway");
    let prelude = std::fs::read_to_string(tests.join("prelude.sh")).unwrap();
    let mut command = Command::new("unshare");
    // The process numbers are the machine's own, too: all that it started ends with it.
    command.args([
        "-n",
        "-m",
        "-p",
        "-f",
        "--mount-proc",
        "--kill-child",
        "bash",
        "-c",
        &format!("{prelude}\n{script}"),
    ]);
    command
        .env("NETSTRATA", &copy)
        .env("SERVERS", tests.join("servers.py"))
        .env("DIR", lan.file(""))
        .env_remove("RUST_LOG");
    let outcome = run_within(time, &mut command, b"");
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    outcome
}

pub(crate) fn says(outcome: &Outcome, lines: &[&str]) {
    for line in lines {
        assert!(
            outcome.text().lines().any(|said| said == *line),
            "{line:?} in {} {}",
            outcome.text(),
            outcome.stderr
        );
    }
}
