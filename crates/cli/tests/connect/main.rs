//! The contract of `netstrata connect`, line by line, over our stack and over the operating system's.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

#[path = "../common/mod.rs"]
mod common;
mod peer;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, Lan, Process, netstrata, next_line, pattern, run, run_command, until};
use nix::sys::signal::Signal;
use peer::{networks, read_all};

#[test]
fn when_the_input_ends_the_peer_sees_the_end_and_its_answer_is_still_read() {
    for network in networks() {
        let (outcome, received) = network.hold(&[], b"question", |mut stream| {
            let received = read_all(&mut *stream);
            thread::sleep(Duration::from_millis(100));
            stream.write_all(b"late answer").unwrap();
            received
        });
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert_eq!((received.as_slice(), outcome.text()), (b"question".as_slice(), "late answer"));
    }
}

#[test]
fn when_the_peer_ends_the_command_finishes_though_the_input_is_open() {
    for network in networks() {
        let outcome = network.hold_open(&[], |mut stream| stream.write_all(b"bye").unwrap());
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert_eq!(outcome.text(), "bye");
    }
}

#[test]
fn a_peer_that_ends_first_still_gets_the_whole_input() {
    let sent = pattern(3 << 20);
    for network in networks() {
        let (outcome, received) = network.hold(&[], &sent, |mut stream| {
            stream.write_all(b"the reply comes first").unwrap();
            stream.end();
            thread::sleep(Duration::from_millis(300));
            read_all(&mut *stream)
        });
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert_eq!(outcome.text(), "the reply comes first");
        assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
    }
}

#[test]
fn send_only_forgets_what_arrives_and_delivers_everything() {
    let sent = pattern(1 << 20);
    for network in networks() {
        let (outcome, received) = network.hold(&["--send-only"], &sent, |mut stream| {
            stream.write_all(b"not wanted").unwrap();
            // The peer's end does not end the sending.
            stream.end();
            thread::sleep(Duration::from_millis(100));
            read_all(&mut *stream)
        });
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert!(outcome.stdout.is_empty());
        assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
    }
}

#[test]
fn recv_only_sends_nothing_of_its_input() {
    for network in networks() {
        let (outcome, received) = network.hold(&["--recv-only"], b"not to be sent", |mut stream| {
            stream.write_all(b"news").unwrap();
            stream.end();
            read_all(&mut *stream)
        });
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert_eq!((received.as_slice(), outcome.text()), (b"".as_slice(), "news"));
    }
}

#[test]
fn no_shutdown_keeps_the_end_from_the_peer_and_wait_bounds_the_silence() {
    for network in networks() {
        let begun = Instant::now();
        let (outcome, ()) = network.hold(&["--no-shutdown", "--wait", "3s"], b"x", |mut stream| {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            let mut last = Instant::now();
            for _ in 0..8 {
                // Far from the end of the time: this thread may come late on a busy machine.
                thread::sleep(Duration::from_millis(400));
                last = Instant::now();
                // Every byte starts the silence anew.
                stream.write_all(b".").unwrap();
            }
            // The end comes when the command leaves, not when its input ended.
            assert_eq!(stream.read(&mut byte).unwrap_or(0), 0);
            assert!(last.elapsed() >= Duration::from_secs(3), "{:?}", last.elapsed());
        });
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert_eq!(outcome.text(), "........");
        assert!(begun.elapsed() >= Duration::from_millis(8 * 400 + 3000), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_reset_is_one_line_and_exit_code_one() {
    for network in networks() {
        let mut command = netstrata();
        command.args(["connect", &network.address, "--link", &network.link]);
        let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let mut stream = network.listener.accept();
        stream.write_all(b"so far").unwrap();
        let mut so_far = [0; 6];
        process.child.stdout.as_mut().unwrap().read_exact(&mut so_far).unwrap();
        assert_eq!(&so_far, b"so far");
        stream.reset();
        assert_eq!(process.wait().code(), Some(1), "{}", process.stderr());
        let told = process.stderr();
        assert!(told.contains("was reset by") && told.lines().count() == 1, "{told}");
    }
}

#[test]
fn a_command_that_is_stopped_leaves_no_call_behind() {
    for network in networks() {
        for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
            let mut command = netstrata();
            command.args(["connect", &network.address, "--link", &network.link]);
            let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
            let mut stream = network.listener.accept();
            stream.write_all(b"x").unwrap();
            process.child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
            process.signal(signal);
            // Neither a wait for the keepalive nor a word to the user.
            assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
            assert_eq!((process.wait().code(), process.stderr().as_str()), (Some(code), ""));
        }
    }
}

/// With and without a terminal's hangup being minded, as nohup(1) has it not. The kernel would tell the peer; our stack has to itself.
#[test]
fn a_terminal_that_goes_away_ends_the_call_unless_it_is_ignored() {
    for network in networks() {
        for minds in [true, false] {
            let mut command = Command::new("env");
            command.arg(if minds { "--default-signal=HUP" } else { "--ignore-signal=HUP" });
            command.arg(netstrata().get_program());
            command.args(["connect", &network.address, "--link", &network.link]);
            let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
            let mut stream = network.listener.accept();
            stream.write_all(b"x").unwrap();
            process.child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
            process.signal(Signal::SIGHUP);
            if !minds {
                process.child.stdin.as_mut().unwrap().write_all(b"y").unwrap();
                assert_eq!(stream.read(&mut [0]).unwrap(), 1);
                process.signal(Signal::SIGTERM);
            }
            assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
            assert_eq!(process.wait().code(), Some(if minds { 129 } else { 143 }));
        }
    }
}

#[test]
fn a_closed_output_ends_the_command_quietly() {
    for network in networks() {
        thread::scope(|scope| {
            let peer = scope.spawn(|| {
                let mut stream = network.listener.accept();
                while stream.write_all(&[b'x'; 4096]).is_ok() {}
            });
            let mut command = netstrata();
            command.args(["connect", &network.address, "--link", &network.link]);
            let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
            let _open = process.child.stdin.take();
            let mut some = [0; 100];
            process.child.stdout.take().unwrap().read_exact(&mut some).unwrap();
            assert_eq!(process.wait().code(), Some(0));
            assert_eq!(process.stderr(), "");
            peer.join().unwrap();
        });
    }
}

#[test]
fn bytes_of_every_value_come_back_through_echo_bit_for_bit() {
    let lan = Lan::new();
    let ours = lan.serve(&["--service", "echo", "--no-publish"]);
    let system = common::Server::on_system("echo@0", &lan, &[]);
    let sent = pattern(8 << 20);
    for (server, link) in [(&ours, lan.link()), (&system, "host".to_owned())] {
        let outcome = run(&["connect", &server.address(), "--link", &link], &sent);
        assert!(outcome.is_quiet_success(), "{:?} {}", outcome.code, outcome.stderr);
        assert!(outcome.stdout == sent, "{link}: {} of {} bytes", outcome.stdout.len(), sent.len());
    }
}

#[test]
fn text_that_is_split_anywhere_arrives_whole() {
    let lan = Lan::new();
    let _server = lan.serve(&["--no-publish"]);
    let text = "网络编程，七层协议，三次握手，四次挥手 😀\n";
    let mut command = netstrata();
    command.args(["connect", "--link", &lan.link()]);
    let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let mut stdin = process.child.stdin.take().unwrap();
    let lines = common::lines(process.child.stdout.take().unwrap());
    // Every split at once: each byte is a message of its own.
    for byte in text.as_bytes() {
        stdin.write_all(std::slice::from_ref(byte)).unwrap();
        thread::sleep(Duration::from_millis(3));
    }
    assert_eq!(next_line(&lines, "网络"), text.trim_end());
    drop(stdin);
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn calls_that_are_not_taken_are_told_in_one_line_with_a_remedy() {
    let lan = Lan::new();
    let link = lan.link();
    let host = lan.host(9);
    // A listener that has no room any more: who calls it gets no answer.
    let full = netstrata::TcpListener::bind_with_backlog(&host, "10.7.0.9:7777", 1).unwrap();
    let _waiting = netstrata::TcpStream::connect(&host, full.local_addr().unwrap()).unwrap();
    let waiting = || host.with(|stack, _| stack.tcp().listeners().map(|row| row.waiting).sum::<u32>());
    until("a full queue", || waiting() == 1);
    // Nobody listens at a port that is held so, and nobody else gets it meanwhile.
    let held = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    held.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let free = held.local_addr().unwrap().as_socket().unwrap().to_string();
    let table: &[(&[&str], &str, &str)] = &[
        (&["10.7.0.9:1234", "--link", &link], "10.7.0.9:1234 refused the call", "serve`"),
        (&[&free, "--link", "host"], "refused the call", "serve --link host`"),
        (&["10.7.0.77:9528", "--link", &link], "10.7.0.77 is not reachable", "serve`"),
        (&["192.0.2.1:80", "--link", &link], "no route leads to 192.0.2.1", "--gateway"),
        (&["10.7.0.9:7777", "--link", &link, "--wait", "300ms"], "did not answer in time", "--wait"),
        (&["no-such-host.invalid:80", "--link", "host"], "nothing is known of a host", "spelling"),
        (&["10.7.0.9:1234", "--link", &link, "--address", "10.7.0.9/24"], "10.7.0.9 is in use", "--address"),
    ];
    for (arguments, cause, remedy) in table {
        let outcome = run(&[&["connect"], *arguments].concat(), b"");
        assert_eq!(outcome.code, Some(1), "{arguments:?}: {outcome:?}");
        assert!(outcome.stdout.is_empty());
        let line = outcome.stderr.trim_end();
        assert!(line.starts_with("netstrata: ") && !line.contains('\n'), "{arguments:?}: {line}");
        assert!(line.contains(cause) && line.contains(remedy), "{arguments:?}: {line}");
    }
}

#[test]
fn a_client_takes_a_free_address_of_its_own() {
    let lan = Lan::new();
    let host = lan.host(9);
    let listener = netstrata::TcpListener::bind(&host, "10.7.0.9:7777").unwrap();
    let link = lan.link();
    let callers: Vec<_> = (0..6)
        .map(|_| {
            let mut command = netstrata();
            command.args(["connect", "10.7.0.9:7777", "--link", &link]);
            Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::null()))
        })
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut streams = Vec::new();
    for _ in &callers {
        let (stream, peer) = listener.accept().unwrap();
        let std::net::IpAddr::V4(peer) = peer.ip() else { panic!("{peer}") };
        assert!(matches!(peer.octets(), [10, 7, 0, 100..=250]), "{peer}");
        seen.insert(peer);
        streams.push(stream);
    }
    assert_eq!(seen.len(), callers.len(), "two stations with one address");
}

#[test]
fn a_call_through_a_pipe_may_be_given_its_input_by_a_file() {
    let lan = Lan::new();
    let _server = lan.serve(&["--no-publish"]);
    let path = lan.file("input");
    std::fs::write(&path, b"from a file\n").unwrap();
    let mut command = netstrata();
    command
        .args(["connect", "--link", &lan.link()])
        .stdin(std::fs::File::open(&path).unwrap())
        .stdout(Stdio::piped());
    let begun = Instant::now();
    let mut process = Process::spawn(&mut command);
    let mut text = String::new();
    process.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((process.wait().code(), text.as_str()), (Some(0), "from a file\n"));
    assert!(begun.elapsed() < DEADLINE / 2);
    // A directory cannot be read.
    let mut command = netstrata();
    command.args(["connect", "--link", &lan.link()]);
    let mut process = Process::spawn(command.stdin(std::fs::File::open("/").unwrap()).stdout(Stdio::null()));
    assert_eq!(process.wait().code(), Some(1));
    assert!(process.stderr().contains("cannot read standard input"), "{}", process.stderr());
    // Without any input the call is still made.
    let outcome = run_command(netstrata().args(["connect", "--link", &lan.link()]), b"");
    assert!(outcome.is_quiet_success(), "{outcome:?}");
}

#[test]
fn what_was_not_delivered_is_told_though_waiting_was_bounded() {
    let lan = Lan::new();
    // The switch outlives the server's silence.
    let _switch = lan.host(10);
    let server = lan.serve(&["--no-publish"]);
    let mut connect = netstrata();
    connect.args(["connect", "--link", &lan.link(), "--wait", "5"]);
    let mut process = Process::spawn(connect.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let (mut input, mut output) = (process.child.stdin.take().unwrap(), process.child.stdout.take().unwrap());
    input.write_all(b"heard").unwrap();
    output.read_exact(&mut [0; 5]).unwrap();
    server.process.pause();
    input.write_all(b"lost").unwrap();
    drop(input);
    let code = process.wait().code();
    server.process.signal(Signal::SIGCONT);
    assert_eq!((code, process.stderr().lines().count()), (Some(1), 1), "{}", process.stderr());
    assert!(process.stderr().contains("not everything was delivered in time"), "{}", process.stderr());
}
