//! A server under a service manager: it is told when the server is up, hands over sockets, and what the server may open is bounded.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{DEADLINE, Lan, Process, exchange, lines, next_line, program, status};
use nix::sys::signal::Signal;

#[test]
#[ignore = "needs root and Landlock"]
fn the_running_server_cannot_open_what_is_none_of_its_business() {
    let lan = Lan::new();
    let root = lan.file("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("file"), "given").unwrap();
    let control = lan.file("lan.control");
    let root = root.display().to_string();
    let files = ["--service", "talk", "--service", "http", "--root", &root];
    for (flag, is_kept_out) in
        [(None, true), (Some("--no-confinement"), false), (Some("--no-sandbox"), false)]
    {
        let server = lan.serve(&files.iter().copied().chain(flag).collect::<Vec<_>>());
        // The server itself tries, in the thread that answers.
        let report = status(&control);
        assert_eq!(report.pointer("/program/kept_out"), Some(&is_kept_out.into()), "{report}");
        // No program is started and no raw socket opened, though it is root's.
        assert_eq!(report.pointer("/program/sealed"), Some(&is_kept_out.into()), "{report}");
        let request = b"GET /file HTTP/1.0\r\n\r\n";
        let outcome = common::run(&["connect", "--link", &lan.link(), "10.7.0.2:8080"], request);
        assert!(outcome.text().ends_with("given"), "{outcome:?}");
        exchange(&mut server.call(), b"and talks");
        let word = if is_kept_out { " · confined\n" } else { " · not confined\n" };
        let told = common::run(&["status", "--control", control.to_str().unwrap()], b"");
        assert!(told.text().contains(word), "{told:?}");
        // Every thread is bound, that of the log as well.
        let tasks: Vec<_> = fs::read_dir(format!("/proc/{}/task", server.process.pid())).unwrap().collect();
        assert!(tasks.len() > 2, "{tasks:?}");
        for task in tasks {
            let state = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            assert_eq!(state.contains("NoNewPrivs:\t1"), is_kept_out, "{state}");
            assert_eq!(state.contains("Seccomp:\t2"), is_kept_out, "{state}");
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                let is_empty = state.contains(&format!("{set}:\t0000000000000000"));
                assert!(is_empty || !is_kept_out, "{set} in {state}");
            }
        }
        assert_eq!(server.stop().code(), Some(0));
    }
}

#[test]
#[ignore = "needs Landlock"]
fn a_confined_server_records_frames_answers_status_and_shows_its_page() {
    let lan = Lan::new();
    let elsewhere = tempfile::tempdir_in("/tmp").unwrap();
    let (record, control) = (elsewhere.path().join("frames.pcapng"), elsewhere.path().join("control/socket"));
    fs::create_dir(control.parent().unwrap()).unwrap();
    let (record, control) = (record.display().to_string(), control.display().to_string());
    // A record that is not there yet, and then one that is.
    for _ in 0..2 {
        let server = lan.serve(&["--pcapng", &record, "--control", &control, "--web", "127.0.0.1:0"]);
        assert_eq!(status(Path::new(&control)).pointer("/program/kept_out"), Some(&true.into()));
        exchange(&mut server.call(), b"is recorded");
        let page = server.banner.lines().find_map(|line| line.strip_prefix("lab:    http://")).unwrap();
        let mut browser = TcpStream::connect(page).unwrap();
        browser.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(browser, "GET / HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n").unwrap();
        let mut shown = String::new();
        browser.read_to_string(&mut shown).unwrap();
        assert!(shown.starts_with("HTTP/1.1 200") && shown.contains("<html"), "{shown}");
        let log = server.process.stderr();
        assert!(!log.contains("confined") && !log.contains("WARN"), "{log}");
        assert_eq!(server.stop().code(), Some(0));
        let frames = fs::read(&record).unwrap();
        assert!(frames.windows(11).any(|bytes| bytes == b"is recorded"), "{} bytes", frames.len());
        assert!(!Path::new(&control).exists(), "it may take its socket away again");
    }
}

#[test]
#[ignore = "needs root and /dev/net/tun"]
fn a_confined_server_opens_its_device() {
    for (link, device) in [
        ("tap:ns0", "ip tuntap add ns0 mode tap"),
        ("tun:ns0", "ip tuntap add ns0 mode tun"),
        ("packet:near", "ip link add ns0 type veth peer name near; ip link set near up"),
        ("xdp:near", "ip link add ns0 type veth peer name near; ip link set near up"),
    ] {
        let lan = Lan::new();
        let script = format!(
            "set -e; ip link set lo up; {device}; ip address add 10.7.0.1/24 dev ns0; ip link set ns0 up
            exec \"$NETSTRATA\" serve --link {link} --no-web --control \"$PLACE\""
        );
        let control = lan.file("control");
        let mut command = Command::new("unshare");
        command.args(["-n", "sh", "-c", &script]).env("NETSTRATA", program()).env("PLACE", &control);
        let mut server = Process::spawn(command.stdout(Stdio::piped()).stdin(Stdio::null()));
        let output = lines(server.child.stdout.take().unwrap());
        next_line(&output, "stop:");
        assert_eq!(status(&control).pointer("/program/kept_out"), Some(&true.into()), "{link}");
        assert_eq!(status(&control).pointer("/program/sealed"), Some(&true.into()), "{link}");
        server.signal(Signal::SIGTERM);
        assert_eq!(server.wait().code(), Some(0), "{link}");
    }
}

#[test]
#[ignore = "needs root and Landlock"]
fn a_server_that_cannot_be_confined_goes_on_and_says_so() {
    let lan = Lan::new();
    let control = format!("/ns-{}.control", std::process::id());
    let server = lan.serve(&["--control", &control]);
    server.process.logs("this server is not confined");
    assert_eq!(status(Path::new(&control)).pointer("/program/kept_out"), Some(&false.into()));
    exchange(&mut server.call(), b"talks");
    assert_eq!(server.stop().code(), Some(0));
}

/// Hands a listening socket over, as systemd does.
const MANAGER: &str = "
import os, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
print('handed', listener.getsockname()[1], flush=True)
os.dup2(listener.fileno(), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
place = '127.0.0.1:%d=9528' % listener.getsockname()[1]
os.execv(sys.argv[1], sys.argv[1:] + ['--publish', place])
";

#[test]
#[ignore = "needs python3"]
fn a_manager_hands_over_sockets_and_is_told_of_the_state() {
    let lan = Lan::new();
    let place = lan.file("notify");
    let manager = UnixDatagram::bind(&place).unwrap();
    manager.set_read_timeout(Some(DEADLINE)).unwrap();
    let told = || {
        let mut room = [0; 100];
        let length = manager.recv(&mut room).unwrap();
        String::from_utf8(room[..length].to_vec()).unwrap()
    };
    let mut command = Command::new("python3");
    command.args(["-c", MANAGER]).arg(program()).args(["serve", "--no-web", "--link", &lan.link()]);
    command.env("NOTIFY_SOCKET", &place).stdout(Stdio::piped()).stdin(Stdio::null());
    let mut server = Process::spawn(&mut command);
    let output = lines(server.child.stdout.take().unwrap());
    let line = next_line(&output, "handed ");
    let port: u16 = line.trim_start_matches("handed ").parse().unwrap();
    assert_eq!(told(), "READY=1");
    let mut call = TcpStream::connect(("127.0.0.1", port)).unwrap();
    call.set_read_timeout(Some(DEADLINE)).unwrap();
    exchange(&mut call, b"by a socket that was handed over");
    drop(call);
    server.signal(Signal::SIGTERM);
    assert_eq!(told(), "STOPPING=1");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
#[ignore = "needs systemd-analyze"]
fn the_units_are_what_systemd_understands() {
    let lan = Lan::new();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let mut copies = Vec::new();
    for name in ["netstrata.service", "netstrata.socket"] {
        let text = fs::read_to_string(deploy.join(name)).unwrap();
        // A program that is there.
        let text = text.replace("/usr/local/bin/netstrata", &program().display().to_string());
        fs::write(lan.file(name), text).unwrap();
        copies.push(lan.file(name));
    }
    let output = Command::new("systemd-analyze").arg("verify").args(&copies).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
    // The command line in it is one that this program takes.
    let unit = fs::read_to_string(&copies[0]).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let mut words = line.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).arg("--help").output().unwrap();
    assert!(output.status.success());
}
