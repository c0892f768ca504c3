//! `netstrata connect` at a terminal, as a user has it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use common::{Lan, Process, netstrata, until};
use nix::pty::openpty;
use nix::sys::termios::tcgetattr;

#[test]
fn by_hand_there_is_a_prompt_and_q_leaves() {
    let lan = Lan::new();
    let server = lan.serve(&["--no-publish"]);
    let pty = openpty(None, None).unwrap();
    let before = tcgetattr(&pty.slave).unwrap();
    let slave = |()| Stdio::from(pty.slave.try_clone().unwrap());
    let mut command = netstrata();
    command.args(["connect", "--link", &lan.link()]).env("TERM", "xterm");
    let mut process = Process::spawn(command.stdin(slave(())).stdout(slave(())));

    let screen = Arc::new(Mutex::new(Vec::new()));
    let (mut reader, shown) = (File::from(pty.master.try_clone().unwrap()), Arc::clone(&screen));
    thread::spawn(move || {
        let mut chunk = [0; 1024];
        while let Ok(read @ 1..) = reader.read(&mut chunk) {
            shown.lock().unwrap().extend_from_slice(&chunk[..read]);
        }
    });
    let shows = |text: &str| String::from_utf8_lossy(&screen.lock().unwrap()).matches(text).count();
    let mut keys = File::from(pty.master);
    process.logs("q leaves");
    until("the prompt", || shows("> ") > 0);
    keys.write_all("你好，服务端\r".as_bytes()).unwrap();
    // Once as it was typed, once as it came back.
    until("the answer", || shows("你好，服务端") >= 2);
    // A slip, mended with the line's editor.
    keys.write_all(b"wolrd\x7f\x7f\x7frld\r").unwrap();
    until("the mended answer", || shows("world") >= 1);
    keys.write_all(b"q\r").unwrap();
    assert_eq!(process.wait().code(), Some(0));
    server.process.logs("the peer quit");
    assert_eq!(tcgetattr(&pty.slave).unwrap(), before, "the terminal is not as it was");
}

#[test]
fn by_hand_the_peers_end_leaves_the_terminal_as_it_was() {
    let lan = Lan::new();
    let listener = netstrata::TcpListener::bind(&lan.host(9), "10.7.0.9:7777").unwrap();
    let pty = openpty(None, None).unwrap();
    let before = tcgetattr(&pty.slave).unwrap();
    let slave = |()| Stdio::from(pty.slave.try_clone().unwrap());
    let mut command = netstrata();
    command.args(["connect", "10.7.0.9:7777", "--link", &lan.link()]).env("TERM", "xterm");
    let mut process = Process::spawn(command.stdin(slave(())).stdout(slave(())));
    let stream = listener.accept().unwrap();
    until("line editing", || tcgetattr(&pty.slave).unwrap() != before);
    drop(stream);
    assert_eq!(process.wait().code(), Some(0));
    assert_eq!(tcgetattr(&pty.slave).unwrap(), before, "the terminal is not as it was");
}
