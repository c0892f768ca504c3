//! Logs that cannot be written.

use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;

use crate::common::{DEADLINE, Lan, exchange, lines, netstrata, next_line, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server whose log goes there, the rest of its banner, and where it is called.
fn serve_with_log(lan: &Lan, log: impl Into<Stdio>) -> (Child, Receiver<String>, String) {
    let mut serve = netstrata();
    serve.args(["serve", "--no-web", "--publish", "127.0.0.1:0=9528", "--link", &lan.link()]);
    let mut child = serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let banner = lines(child.stdout.take().unwrap());
    let place = next_line(&banner, "nc ").trim().strip_prefix("nc ").unwrap().replace(' ', ":");
    (child, banner, place)
}

fn call_at(place: &str) {
    let mut call = TcpStream::connect(place).unwrap();
    call.set_read_timeout(Some(DEADLINE)).unwrap();
    exchange(&mut call, b"still there?");
}

#[test]
#[cfg(target_os = "linux")]
fn a_log_that_cannot_be_written_costs_nothing_but_the_log() {
    let lan = Lan::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (mut child, _banner, place) = serve_with_log(&lan, full);
    for _ in 0..3 {
        call_at(&place);
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_log_that_nobody_reads_stops_neither_the_calls_nor_the_end() {
    let lan = Lan::new();
    let (unread, log) = std::io::pipe().unwrap();
    let (mut child, _banner, place) = serve_with_log(&lan, log);
    // Two lines a call, more than a pipe holds.
    for _ in 0..1000 {
        call_at(&place);
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    until("the server's end", || child.try_wait().unwrap().is_some());
    assert!(child.wait().unwrap().success());
    drop(unread);
}
