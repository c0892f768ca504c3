//! `netstrata serve` and its kin as their users see them: real processes, a LAN of its own for each test.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

#[path = "../common/mod.rs"]
mod common;
mod control;
mod logs;
mod stopping;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use common::{DEADLINE, Lan, Process, Server, exchange, netstrata, pattern, run, status, until};
use nix::sys::signal::Signal;

fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn many_calls_at_once_and_q_ends_only_its_own() {
    let lan = Lan::new();
    let on_lan = lan.serve(&[]);
    let other = Lan::new();
    let on_system = Server::on_system("talk@0", &other, &[]);
    for server in [&on_lan, &on_system] {
        let address = server.banner.contains("nc ").then(|| server.published());
        let address = address.unwrap_or_else(|| server.address().parse().unwrap());
        let mut calls: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
        for (number, call) in calls.iter_mut().enumerate() {
            call.set_read_timeout(Some(DEADLINE)).unwrap();
            exchange(call, format!("call {number}\n").as_bytes());
        }
        for farewell in [b"q".as_slice(), b"q\n", b"q\r\n"] {
            let mut leaving = calls.remove(7);
            leaving.write_all(farewell).unwrap();
            assert_eq!(leaving.read(&mut [0; 8]).unwrap(), 0);
        }
        for call in &mut calls {
            exchange(call, "还在\n".as_bytes());
        }
    }
    // A client of our own among them.
    let outcome = run(&["connect", "--link", &lan.link()], b"from the LAN\nq\n");
    assert!(outcome.is_quiet_success(), "{outcome:?}");
    assert!(on_lan.stop().success());
    assert!(on_system.stop().success());
}

#[test]
fn a_lan_left_by_a_dead_process_is_taken_over() {
    let lan = Lan::new();
    // A socket that nobody listens to.
    drop(std::os::unix::net::UnixListener::bind(lan.path()).unwrap());
    let mut first = lan.serve(&[]);
    exchange(&mut first.call(), b"on a stale socket");
    // A server that could not clean up, with its control socket.
    first.process.signal(Signal::SIGKILL);
    first.process.wait();
    assert!(lan.path().exists());
    let second = lan.serve(&[]);
    exchange(&mut second.call(), b"after a kill");
    let outcome = run(&["status", "--link", &lan.link()], b"");
    assert!(outcome.is_quiet_success(), "{outcome:?}");
    assert!(outcome.text().contains(&format!("pid {}", second.process.pid())), "{}", outcome.text());
}

#[test]
fn a_port_in_use_is_told_with_its_holder() {
    let lan = Lan::new();
    let first = lan.serve(&[]);
    let taken = first.published();
    let other = Lan::new();
    let publish = format!("{taken}=9528");
    let outcome = run(&["serve", "--link", &other.link(), "--publish", &publish], b"");
    assert_eq!(outcome.code, Some(1));
    let line = outcome.stderr.trim_end();
    assert!(!line.contains('\n'), "{line}");
    if cfg!(target_os = "linux") {
        let holder = format!("{taken} is already in use by netstrata (pid {})", first.process.pid());
        assert!(line.contains(&holder), "{line}");
        assert!(line.contains(&format!("`kill {}`", first.process.pid())), "{line}");
    }
    assert!(line.contains("--publish 127.0.0.1:"), "{line}");
    // The same on the operating system's sockets.
    let service = format!("talk@{}", taken.port());
    let outcome = run(&["serve", "--link", "host", "--address", "127.0.0.1", "--service", &service], b"");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("already in use") && outcome.stderr.contains("--service talk@"),
        "{outcome:?}"
    );
}

#[test]
fn two_servers_on_one_lan_need_two_addresses() {
    let lan = Lan::new();
    let first = lan.serve(&[]);
    let outcome = run(&["serve", "--link", &lan.link(), "--no-publish"], b"");
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    // It is told of whichever of the two the other server has defended first.
    let taken = ["10.7.0.2 is in use", "fd07::2 is in use"];
    assert!(taken.iter().any(|taken| outcome.stderr.contains(taken)), "{outcome:?}");
    assert!(
        outcome.stderr.contains("--address") && outcome.stderr.lines().last().unwrap().contains("status"),
        "{outcome:?}"
    );
    let control = lan.file("second.control");
    let second =
        lan.serve(&["--address", "10.7.0.3/24", "--no-publish", "--control", control.to_str().unwrap()]);
    for address in ["10.7.0.2:9528", "10.7.0.3:9528"] {
        let outcome = run(&["connect", address, "--link", &lan.link()], address.as_bytes());
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert_eq!(outcome.text(), address);
    }
    assert_eq!(status(&control)["program"]["pid"], second.process.pid());
    drop(first);
}

#[test]
fn a_published_port_keeps_the_half_close_and_the_reset() {
    let lan = Lan::new();
    let server = lan.serve(&["--service", "echo@9528", "--max-calls", "2"]);
    // Our end, and still the whole answer.
    let sent = pattern(1 << 20);
    let call = server.call();
    let (mut writer, payload) = (call.try_clone().unwrap(), sent.clone());
    let writing = thread::spawn(move || {
        writer.write_all(&payload).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    (&call).read_to_end(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
    drop(call);
    server.process.logs("how=drained");

    // A caller's reset reaches the service.
    let mut call = server.call();
    exchange(&mut call, b"x");
    reset(call);
    server.process.logs("service=\"echo\"");
    until("the reset", || {
        let log = server.process.stderr();
        log.lines().any(|line| line.contains("service=\"echo\"") && line.contains("reset"))
    });

    // And the service's the caller: there is room for two.
    let mut calls: Vec<TcpStream> = (0..2).map(|_| server.call()).collect();
    calls.iter_mut().for_each(|call| exchange(call, b"in"));
    let error = server.call().read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    calls.iter_mut().for_each(|call| exchange(call, b"still in"));
}

#[test]
fn every_byte_survives_a_bad_cable() {
    let lan = Lan::new();
    let impairment = "loss=1%,dup=1%,reorder=2%,corrupt=0.1%,seed=7";
    let server = lan.serve(&["--service", "echo@9528", "--impair", impairment]);
    let sent = pattern(1 << 20);
    let call = server.call();
    let (mut writer, payload) = (call.try_clone().unwrap(), sent.clone());
    let writing = thread::spawn(move || {
        writer.write_all(&payload).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    (&call).read_to_end(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
}

#[test]
fn callers_that_are_killed_leave_no_call_behind() {
    let lan = Lan::new();
    let control = lan.file("it.control");
    let path = control.to_str().unwrap();
    let server = lan.serve(&["--keepalive", "1s/1s/2", "--no-publish", "--control", path]);
    let mut callers: Vec<Process> = (0..5)
        .map(|_| {
            let mut command = netstrata();
            command.args(["connect", "--link", &lan.link()]);
            Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::null()))
        })
        .collect();
    until("five calls", || status(&control)["calls"].as_array().unwrap().len() == 5);
    // Their stacks die with them: nobody sends a FIN or a reset.
    callers.iter_mut().for_each(|caller| caller.signal(Signal::SIGKILL));
    until("no calls", || status(&control)["calls"].as_array().unwrap().is_empty());
    let connections = &status(&control)["hosts"][0]["connections"];
    assert_eq!(connections.as_array().unwrap().len(), 0, "{connections}");
    drop(server);
}

#[test]
fn frames_are_recorded() {
    let lan = Lan::new();
    let file = lan.file("frames.pcapng");
    let server = lan.serve(&["--pcapng", file.to_str().unwrap()]);
    exchange(&mut server.call(), b"to be found in the file");
    assert!(server.stop().success());
    let bytes = std::fs::read(&file).unwrap();
    // A section header block comes first, and what was said is somewhere behind it.
    assert_eq!(bytes[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    let said = b"to be found in the file";
    assert_eq!(bytes.windows(said.len()).filter(|window| window == said).count(), 2, "once in and once out");
}

#[test]
fn a_record_that_cannot_be_made_is_told_before_anything_is_joined() {
    let lan = Lan::new();
    let link = lan.link();
    let directory = lan.file("");
    for file in ["/nonexistent/x", directory.to_str().unwrap()] {
        for command in [&["serve", "--no-publish"][..], &["connect", "10.7.0.2:9528"], &["ping", "10.7.0.2"]]
        {
            let outcome = run(&[command, &["--link", &link, "--pcapng", file]].concat(), b"");
            assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{outcome:?}");
            assert!(outcome.stderr.contains(&format!("cannot record to {file}: ")), "{outcome:?}");
            assert!(!lan.path().exists(), "{command:?} joined the LAN");
        }
    }
}

#[test]
fn an_address_that_the_system_lacks_is_told() {
    let lan = Lan::new();
    let outcome = run(&["serve", "--link", &lan.link(), "--publish", "192.0.2.7:9528"], b"");
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{outcome:?}");
    assert!(!lan.path().exists(), "it joined the LAN");
    assert!(outcome.stderr.contains("this system has no address 192.0.2.7; use 127.0.0.1"), "{outcome:?}");
    // A port that is free is not the server's fault.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = lan.serve(&["--publish", &format!("{free}=9528")]);
    assert_eq!(server.published(), free);
    exchange(&mut server.call(), b"x");
}

#[test]
fn by_default_talk_is_published_at_the_pages_address() {
    // The address is the whole system's: nothing else in these tests may use it.
    let free = ["127.0.0.2:9528", "127.0.0.1:9528"].iter().all(|address| TcpListener::bind(address).is_ok());
    let lan = Lan::new();
    if !free && cfg!(target_os = "linux") {
        let outcome = run(&["serve", "--link", &lan.link()], b"");
        assert!(outcome.stderr.contains("127.0.0.2:9528 is already in use"), "{outcome:?}");
        return;
    }
    let server = Server::start(&["serve", "--link", &lan.link()]);
    assert_eq!(server.published().port(), 9528);
    if cfg!(target_os = "linux") {
        assert_eq!(server.published().ip().to_string(), "127.0.0.2");
    }
    exchange(&mut server.call(), b"hello");
}

#[test]
fn four_hundred_callers_at_once_are_taken_though_they_say_nothing() {
    let lan = Lan::new();
    let control = lan.file("control");
    let server = lan.serve(&["--control", control.to_str().unwrap()]);
    let host = lan.host(10);
    // A backlog that is too short answers by SYN cookies, and whose last acknowledgment finds the queue full is forgotten. They
    // come at once: the server wakes up to all their SYNs.
    server.process.pause();
    let calling: Vec<_> = (0..400)
        .map(|_| {
            let host = host.clone();
            thread::spawn(move || netstrata::TcpStream::connect(&host, "10.7.0.2:9528"))
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    server.process.signal(Signal::SIGCONT);
    let callers: Vec<_> = calling.into_iter().map(|call| call.join().unwrap().unwrap()).collect();
    until("four hundred calls", || status(&control)["calls"].as_array().unwrap().len() == callers.len());
    assert_eq!(status(&control)["hosts"][0]["listeners"][0]["backlog"], 1024);
}
