//! How a server comes to its end.

use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{Lan, Process, exchange, netstrata, until};
use nix::sys::signal::Signal;

#[test]
fn stopping_takes_no_new_calls_and_lets_the_old_finish() {
    let lan = Lan::new();
    let mut server = lan.serve(&["--grace", "60s"]);
    let mut call = server.call();
    exchange(&mut call, b"before");
    let begun = Instant::now();
    server.process.signal(Signal::SIGINT);
    server.process.logs("no more calls are taken");
    until("the refusal of new calls", || TcpStream::connect(server.published()).is_err());
    exchange(&mut call, b"after");
    call.shutdown(Shutdown::Write).unwrap();
    assert_eq!(call.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(server.process.wait().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(30), "the grace was waited out: {:?}", begun.elapsed());
    let log = server.process.stderr();
    // Each call is told with its two addresses, its bytes and its end.
    let line = log.lines().find(|line| line.contains("service=\"talk\"")).unwrap();
    assert!(line.contains("local=10.7.0.2:9528 peer=10.7.0.1:"), "{line}");
    assert!(line.contains("received=11 sent=11") && line.contains("how=closed by the peer"), "{line}");
    let line = log.lines().find(|line| line.contains("service=\"publish\"")).unwrap();
    assert!(line.contains(&format!("local={} peer=127.0.0.1:", server.published())), "{line}");
}

#[test]
fn what_goes_on_after_the_grace_is_ended_and_the_exit_is_still_zero() {
    let lan = Lan::new();
    let mut server = lan.serve(&["--grace", "300ms"]);
    let mut call = server.call();
    exchange(&mut call, b"idle from now on");
    let begun = Instant::now();
    server.process.signal(Signal::SIGTERM);
    assert_eq!(call.read(&mut [0; 8]).unwrap_or(0), 0);
    assert_eq!(server.process.wait().code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(server.process.stderr().contains("how=stopped here"), "{}", server.process.stderr());
}

#[test]
fn a_second_signal_does_not_wait_for_the_grace() {
    let lan = Lan::new();
    let mut server = lan.serve(&["--grace", "1h"]);
    let mut call = server.call();
    exchange(&mut call, b"x");
    server.process.signal(Signal::SIGINT);
    server.process.logs("stopping");
    assert!(server.process.is_running());
    server.process.signal(Signal::SIGINT);
    assert_eq!(server.process.wait().code(), Some(0));
}

/// Nobody answers its question for an address, which it would wait twenty seconds for.
#[test]
fn a_server_that_is_still_starting_stops_at_once_and_says_nothing_more() {
    let lan = Lan::new();
    let mut command = netstrata();
    command.args(["serve", "--no-publish", "--no-web", "--address", "dhcp", "--link", &lan.link()]);
    let mut process = Process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()));
    process.logs("this process is its switch now");
    process.signal(Signal::SIGTERM);
    assert_eq!(process.wait().code(), Some(0));
    assert!(process.stderr().contains("stopped before it was up"), "{}", process.stderr());
    let mut banner = String::new();
    process.child.stdout.take().unwrap().read_to_string(&mut banner).unwrap();
    assert_eq!(banner, "");
    // Whoever comes next has the LAN.
    assert!(lan.serve(&["--no-publish"]).stop().success());
}
