//! A signal ends a command in order from its first moments on.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::process::Stdio;

use common::{Lan, Process, netstrata, until};
use netstrata::TcpListener;
use nix::sys::signal::Signal;

/// Whether a process has a thread of this name.
fn has_thread(process: &Process, name: &str) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.pid())).unwrap();
    let names = tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("comm")));
    names.flatten().any(|found| found.trim() == name)
}

/// While their hosts are still starting, as their threads tell: nobody has answered yet, and nothing was printed. Whoever `connect` calls
/// is there, and says neither yes nor no.
#[test]
fn a_command_that_is_still_starting_ends_in_order() {
    let lan = Lan::new();
    let link = lan.link();
    let called = TcpListener::bind(&lan.host(77), "10.7.0.77:9528").unwrap();
    called.set_admission(true).unwrap();
    let connect = ["connect", "10.7.0.77:9528", "--wait", "60s", "--link", &link];
    let find = ["find", "--wait", "60s", "--link", &link];
    for (arguments, thread, code) in [
        (&connect[..], "net-client", 130),
        (&find, "net-client", 130),
        (&["lab", "--web", "127.0.0.1:0"], "net-gateway", 0),
    ] {
        let mut command = netstrata();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = Process::spawn(&mut command);
        until("a host", || has_thread(&process, thread));
        process.signal(Signal::SIGINT);
        assert_eq!(process.wait().code(), Some(code), "{arguments:?}");
        assert_eq!(process.stderr(), "", "{arguments:?}");
    }
}
