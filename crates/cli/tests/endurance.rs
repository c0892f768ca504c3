//! The whole for longer, with more, and against ill will: real processes on a LAN of their own.
//!
//! Sizes are modest unless `NETSTRATA_ENDURANCE_SECONDS` and `NETSTRATA_ENDURANCE_BYTES` say otherwise. The figures are
//! printed: run with `--nocapture --test-threads=1` to read them.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests of real processes live in real time"
)]

mod common;
#[path = "endurance/mischief.rs"]
mod mischief;
#[path = "endurance/noise.rs"]
mod noise;
#[path = "endurance/sizes.rs"]
mod sizes;
#[path = "endurance/talkers.rs"]
mod talkers;
#[path = "endurance/usage.rs"]
mod usage;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use common::{Lan, Process, Server, exchange, netstrata, run, status, until};
use mischief::Mischief;
use nix::sys::signal::Signal;
use usage::{Usage, resident};

const TALK: ([u8; 4], u16) = ([10, 7, 0, 2], 9528);
const BAD_CABLE: &str = "loss=1%,dup=1%,reorder=2%,corrupt=0.1%,seed=7";

fn talk_address() -> SocketAddr {
    TALK.into()
}

/// A server with its control socket, the host's name of which is `control`.
fn serve(lan: &Lan, arguments: &[&str]) -> Server {
    let control = lan.file("control").display().to_string();
    lan.serve(&[&["--control", &control], arguments].concat())
}

/// How many entries a list of the server's report has.
fn count(control: &Path, list: &str) -> usize {
    status(control)[list].as_array().unwrap().len()
}

/// The server is sound: it said nothing of a panic, and leaves orderly.
fn stop(server: Server) {
    let log = server.process.stderr();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
#[ignore = "takes 10 seconds, or as many as NETSTRATA_ENDURANCE_SECONDS says"]
fn two_hundred_callers_talk_at_once_without_an_error() {
    let (lan, span) = (Lan::new(), sizes::duration());
    let server = serve(&lan, &[]);
    let hosts: Vec<_> = (10..14).map(|last| lan.host(last)).collect();
    // All are connected before the first one talks: then they do talk at once, however slow the machine.
    let streams: Vec<_> = (0..100)
        .map(|n| {
            (talkers::on_lan(&hosts[n % hosts.len()], talk_address()), talkers::on_system(server.published()))
        })
        .collect();
    until("200 calls", || count(&lan.file("control"), "calls") == 200);
    let begun = Instant::now();
    let mut callers = Vec::new();
    for (seed, (on_lan, on_system)) in (0..).zip(streams) {
        callers.push(talkers::talk(on_lan, seed, span, Duration::ZERO));
        callers.push(talkers::talk(on_system, 1000 + seed, span, Duration::ZERO));
    }
    let counts: Vec<u64> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    assert!(counts.iter().all(|count| *count > 0), "somebody never got an answer: {counts:?}");
    println!(
        "200 callers, {:.1} s: {} answers, the least {} and the most {} for one caller",
        begun.elapsed().as_secs_f64(),
        counts.iter().sum::<u64>(),
        counts.iter().min().unwrap(),
        counts.iter().max().unwrap()
    );
    until("the end of all calls", || count(&lan.file("control"), "calls") == 0);
    stop(server);
}

/// Sends a stream to `echo` by `connect` and checks what comes back, both at once.
fn stream_there_and_back(server_arguments: &[&str], client_arguments: &[&str]) {
    let (lan, total) = (Lan::new(), sizes::bytes());
    let server = serve(&lan, &[&["--service", "echo@8002", "--no-publish"], server_arguments].concat());
    let mut command = netstrata();
    command.args(["connect", "--link", &lan.link(), "10.7.0.2:8002"]).args(client_arguments);
    let begun = Instant::now();
    let mut client = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let (mut stdin, mut stdout) = (client.child.stdin.take().unwrap(), client.child.stdout.take().unwrap());
    let writing = thread::spawn(move || noise::write_stream(&mut stdin, 77, total));
    noise::check_stream(&mut stdout, 77, total);
    writing.join().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(client.wait().code(), Some(0), "{}", client.stderr());
    let (megabytes, arguments) =
        (total as f64 / 1e6, [server_arguments, client_arguments].concat().join(" "));
    println!("{total} bytes each way {arguments}: {seconds:.2} s, {:.1} MB/s each way", megabytes / seconds);
    stop(server);
}

#[test]
#[ignore = "moves 64 MiB each way, or as much as NETSTRATA_ENDURANCE_BYTES says"]
fn a_long_stream_arrives_bit_for_bit() {
    stream_there_and_back(&[], &[]);
}

#[test]
#[ignore = "moves 64 MiB each way, or as much as NETSTRATA_ENDURANCE_BYTES says"]
fn a_long_stream_arrives_bit_for_bit_though_the_callers_cable_is_bad() {
    stream_there_and_back(&[], &["--impair", BAD_CABLE]);
}

#[test]
#[ignore = "moves 64 MiB each way, or as much as NETSTRATA_ENDURANCE_BYTES says"]
fn a_long_stream_arrives_bit_for_bit_though_the_servers_cable_is_bad() {
    stream_there_and_back(&["--impair", BAD_CABLE], &[]);
}

#[test]
#[ignore = "starts some thirty processes"]
fn text_comes_back_whole_and_the_end_of_a_call_ends_no_other() {
    let lan = Lan::new();
    let server = serve(&lan, &[]);
    let text = "七层 網路 ñandú 😀🏳️‍🌈 e\u{301}\n".as_bytes();
    let host = lan.host(10);
    let (mut near, mut far) =
        (talkers::on_lan(&host, talk_address()), talkers::on_system(server.published()));
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    // In two parts, cut at every byte, most of them inside a character.
    for cut in 1..text.len() {
        for call in [&mut near as &mut dyn Duplex, &mut far] {
            call.write_all(&text[..cut]).unwrap();
            thread::sleep(Duration::from_millis(2));
            call.write_all(&text[cut..]).unwrap();
            let mut back = vec![0; text.len()];
            call.read_exact(&mut back).unwrap();
            assert_eq!(back, text, "cut at {cut}");
        }
    }
    for farewell in ["q", "q\n", "q\r\n"] {
        // The call that ends is another process's; its input stays open, so that nothing else ends it.
        let mut command = netstrata();
        command.args(["connect", "--link", &lan.link()]);
        let mut leaving = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let mut stdin = leaving.child.stdin.take().unwrap();
        stdin.write_all(farewell.as_bytes()).unwrap();
        assert_eq!(leaving.wait().code(), Some(0), "{}", leaving.stderr());
        near.write_all(text).unwrap();
        let mut back = vec![0; text.len()];
        std::io::Read::read_exact(&mut near, &mut back).unwrap();
        assert_eq!(back, text);
        exchange(&mut far, text);
    }
    drop((near, far));
    stop(server);
}

trait Duplex: std::io::Read + Write {}
impl<T: std::io::Read + Write> Duplex for T {}

/// A caller whose call stays open until somebody kills it.
fn caller(lan: &Lan, arguments: &[&str]) -> Process {
    let mut command = netstrata();
    command.args(["connect", "--link", &lan.link()]).args(arguments);
    Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::null()))
}

#[test]
#[ignore = "takes ten seconds"]
fn of_callers_that_were_killed_nothing_is_left() {
    let lan = Lan::new();
    let control = lan.file("control");
    let server = serve(&lan, &["--keepalive", "2s/1s/3"]);
    let mut callers: Vec<Process> = (0..10).map(|_| caller(&lan, &[])).collect();
    for _ in 0..5 {
        let mut command = netstrata();
        command.args(["connect", "--link", "host", &server.published().to_string()]);
        callers.push(Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::null())));
    }
    until("fifteen calls", || count(&control, "calls") == 15);
    callers.iter().for_each(|caller| caller.signal(Signal::SIGKILL));
    let begun = Instant::now();
    until("no calls", || count(&control, "calls") == 0);
    let ended = begun.elapsed();
    until("no connections", || {
        let report = status(&control);
        let hosts = report["hosts"].as_array().unwrap();
        let mut connections = hosts.iter().flat_map(|host| host["connections"].as_array().unwrap());
        // Who ended first keeps the addresses for a while.
        connections.all(|connection| connection["state"] == "TIME-WAIT")
    });
    println!("15 callers killed: no call after {ended:.1?}, no connection after {:.1?}", begun.elapsed());
    stop(server);
}

/// What a caller says before it is killed, and how its call ends when another station has its address.
fn succeeded(server_arguments: &[&str], input: impl Fn() -> Stdio) {
    let lan = Lan::new();
    let control = lan.file("control");
    // By keepalive alone this would take five minutes.
    let fixed = ["--no-publish", "--keepalive", "2s/5s/60"];
    let server = serve(&lan, &[&fixed, server_arguments].concat());
    let call = |input| {
        let mut command = netstrata();
        command.args(["connect", "--link", &lan.link(), "--address", "10.7.0.77/24"]);
        Process::spawn(command.stdin(input).stdout(Stdio::null()))
    };
    let first = call(input());
    until("a call", || status(&control)["calls"][0]["sent"].as_u64().is_some_and(|sent| sent > 0));
    // Let it acknowledge what it got.
    thread::sleep(Duration::from_millis(500));
    drop(first);
    let begun = Instant::now();
    let second = call(Stdio::piped());
    until("the first call's end", || {
        count(&control, "calls") == 1 && server.process.stderr().contains("how=")
    });
    let log = server.process.stderr();
    let line = log.lines().find(|line| line.contains("how=")).unwrap();
    assert!(line.contains("peer=10.7.0.77:") && line.contains("reset"), "{line}");
    println!("reset {:.1?} after the caller was killed", begun.elapsed());
    drop(second);
    server.process.signal(Signal::SIGTERM);
    stop(server);
}

#[test]
#[ignore = "takes some seconds"]
fn a_killed_callers_successor_resets_its_silent_call() {
    succeeded(&[], || {
        let (read, write) = std::io::pipe().unwrap();
        (&write).write_all(b"just this").unwrap();
        // Its input never ends.
        std::mem::forget(write);
        read.into()
    });
}

#[test]
#[ignore = "takes some seconds"]
fn a_killed_callers_successor_resets_its_stream() {
    let zeros = || std::fs::File::open("/dev/zero").unwrap().into();
    succeeded(&["--service", "echo@9528"], zeros);
}

#[test]
#[ignore = "takes 25 seconds, or 15 more than NETSTRATA_ENDURANCE_SECONDS says"]
fn a_thousand_silent_calls_cost_no_time() {
    let (lan, span) = (Lan::new(), sizes::duration());
    let control = lan.file("control");
    let server = serve(&lan, &[]);
    let hosts: Vec<_> = (10..12).map(|last| lan.host(last)).collect();
    let mut near: Vec<_> =
        (0..600).map(|number| talkers::on_lan(&hosts[number % 2], talk_address())).collect();
    let mut far: Vec<_> = (0..400).map(|_| talkers::on_system(server.published())).collect();
    // So many at once overflow the backlog, and SYN cookies (RFC 4987 3.6) remember nobody: whose last acknowledgment found the
    // queue full is heard when he speaks.
    near.iter_mut().for_each(|call| say(call, b"there?"));
    far.iter_mut().for_each(|call| say(call, b"there?"));
    until("a thousand calls", || count(&control, "calls") == 1000);
    // Delayed acknowledgments are over soon; after five seconds ARP asks for its entries again; after ten a thread that
    // blocked for a report is let go.
    thread::sleep(Duration::from_secs(15));
    let pid = server.process.pid();
    let (before, memory) = (Usage::of(pid), resident(pid));
    thread::sleep(span);
    let used = Usage::of(pid).since(&before);
    println!("1000 silent calls, {span:?}: {used:?}, {memory} KiB resident");
    let tens = span.as_secs().div_ceil(10);
    assert!(used.ticks <= 2 * tens, "{used:?}");
    // No timer is due for two hours. Only the machine itself may interfere.
    assert!(used.voluntary + used.involuntary <= 2 * tens, "{used:?}");
    // They are all still there.
    near.iter_mut().for_each(|call| say(call, b"still there?"));
    far.iter_mut().for_each(|call| say(call, b"still there?"));
    assert_eq!(count(&control, "calls"), 1000);
    stop_now(server);
}

/// Says something and hears it back.
fn say(call: &mut dyn Duplex, message: &[u8]) {
    call.write_all(message).unwrap();
    let mut back = vec![0; message.len()];
    call.read_exact(&mut back).unwrap();
    assert_eq!(back, message);
}

/// The same as [`stop`] without waiting for the calls.
fn stop_now(server: Server) {
    server.process.signal(Signal::SIGTERM);
    stop(server);
}

#[test]
#[ignore = "takes 10 seconds, or as many as NETSTRATA_ENDURANCE_SECONDS says"]
fn ten_thousand_bad_frames_a_second_cost_calls_nothing_but_time() {
    const RATE: u32 = 10_000;
    let (lan, span) = (Lan::new(), sizes::duration());
    let control = lan.file("control");
    let server = serve(&lan, &["--service", "talk", "--service", "echo"]);
    let host = lan.host(10);
    let (mut callers, mut victims) = (Vec::new(), Vec::new());
    let pause = Duration::from_millis(2);
    for seed in 0..10 {
        let near = talkers::on_lan(&host, talk_address());
        victims.push((near.local_addr().unwrap(), talk_address()));
        callers.push(talkers::talk(near, seed, span, pause));
        callers.push(talkers::talk(talkers::on_system(server.published()), 100 + seed, span, pause));
    }
    for connection in status(&control)["hosts"][0]["connections"].as_array().unwrap() {
        let end = |name: &str| connection[name].as_str().unwrap().parse::<SocketAddr>().unwrap();
        victims.push((end("remote"), end("local")));
    }
    let pid = server.process.pid();
    let (memory, usage) = (resident(pid), Usage::of(pid));
    let mut mischief = Mischief::join(&lan.path(), victims);
    let mut peak = memory;
    let begun = Instant::now();
    // A machine that is too slow for the rate takes longer for the same frames.
    let all = span.as_secs_f64() * f64::from(RATE);
    while (mischief.sent() as f64) < all {
        let due = (begun.elapsed().as_secs_f64() * f64::from(RATE)).min(all);
        while (mischief.sent() as f64) < due {
            mischief.send();
        }
        peak = peak.max(resident(pid));
        thread::sleep(Duration::from_millis(5));
    }
    let rate = mischief.sent() as f64 / begun.elapsed().as_secs_f64();
    let answers: u64 = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
    println!(
        "{} bad frames, {rate:.0}/s: {answers} answers for 20 callers; {memory} KiB resident before, {peak} at most, {} after; {:?}",
        mischief.sent(),
        resident(pid),
        Usage::of(pid).since(&usage)
    );
    let counters = &status(&control)["hosts"][0]["counters"];
    println!("{counters}");
    assert!(peak < memory + (64 << 10), "{memory} KiB before, {peak} KiB at most");
    // Whoever is new is welcome too.
    let outcome = run(&["connect", "--link", &lan.link(), "--wait", "10s"], b"anybody there?");
    assert_eq!(outcome.text(), "anybody there?", "{outcome:?}");
    stop_now(server);
}
