//! Names on a LAN: services are found, called, renamed and forgotten; other names are asked of a name server.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::io::{Read, Write};
use std::thread;
use std::time::Instant;

use common::{DEADLINE, Lan, Outcome, run, until};
use names::{Data, Message, Record};
use netstrata::{TcpListener, UdpSocket};

fn find(lan: &Lan, arguments: &[&str]) -> Outcome {
    run(&[&["find", "--link", &lan.link()], arguments].concat(), b"")
}

fn rows(lan: &Lan) -> Vec<(String, String)> {
    let outcome = find(lan, &["--json", "--wait", "1s"]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&outcome.stdout).unwrap_or_default();
    let text =
        |row: &serde_json::Value, place: &str| row.pointer(place).unwrap().as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "/instance"), text(row, "/places/0"))).collect()
}

#[test]
fn a_service_is_found_by_its_name_and_called() {
    let lan = Lan::new();
    let server = lan.serve(&["--service", "talk", "--service", "echo"]);
    server.process.logs("found by these names");
    let listed = find(&lan, &[]);
    assert!(listed.is_quiet_success(), "{listed:?}");
    let lines: Vec<Vec<&str>> = listed.text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines,
        [
            ["echo", "_netstrata-echo._tcp", "netstrata.local", "10.7.0.2:8002", "[fd07::2]:8002"].as_slice(),
            &["talk", "_netstrata-talk._tcp", "netstrata.local", "10.7.0.2:9528", "[fd07::2]:9528"]
        ],
        "{listed:?}"
    );
    let talk = find(&lan, &["talk"]);
    assert_eq!(talk.text().lines().count(), 1, "{talk:?}");
    let link = lan.link();
    for whom in ["talk", "netstrata.local", "NetStrata.local:9528", "netstrata"] {
        let outcome = run(&["connect", "--link", &link, whom], b"by name");
        assert!(outcome.is_quiet_success(), "{whom}: {outcome:?}");
        assert_eq!(outcome.stdout, b"by name", "{whom}");
    }
    let outcome = run(&["connect", "--link", &link, "--address", "fd07::77/64", "talk"], b"by IPv6");
    assert_eq!(outcome.stdout, b"by IPv6", "{outcome:?}");
    let echo = run(&["connect", "--link", &link, "echo"], b"q");
    assert_eq!(echo.stdout, b"q", "the port is the service's own: {echo:?}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_name_that_nobody_has_is_told_in_one_line() {
    let lan = Lan::new();
    let server = lan.serve(&["--no-discovery"]);
    let link = lan.link();
    for whom in ["talk", "nobody.local", "www.example"] {
        let outcome = run(&["connect", "--link", &link, whom], b"");
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        let told = format!("nothing on this network has the name \"{whom}\"; ");
        assert!(outcome.stderr.contains(&told) && outcome.stderr.lines().count() == 1, "{outcome:?}");
    }
    let listed = find(&lan, &["--wait", "300ms"]);
    assert_eq!(listed.code, Some(1), "{listed:?}");
    assert!(listed.stderr.contains("no service was found on this network; start one with"), "{listed:?}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn of_two_servers_the_second_gets_another_name_and_who_stops_is_forgotten() {
    let lan = Lan::new();
    let first = lan.serve(&[]);
    first.process.logs("found by these names");
    let control = lan.file("second.control").display().to_string();
    let second = lan.serve(&["--no-publish", "--address", "10.7.0.3/24", "--control", &control]);
    second.process.logs("netstrata-2.local");
    let both = [("talk".to_owned(), "10.7.0.2:9528".to_owned()), ("talk (2)".into(), "10.7.0.3:9528".into())];
    let begun = Instant::now();
    while rows(&lan) != both {
        assert!(begun.elapsed() < DEADLINE, "{:?}", rows(&lan));
    }
    assert_eq!(second.stop().code(), Some(0));
    until("the second server to be forgotten", || rows(&lan) == both[..1]);
    assert_eq!(first.stop().code(), Some(0));
}

#[test]
fn other_names_are_asked_of_a_name_server() {
    let lan = Lan::new();
    let host = lan.host(53);
    let socket = UdpSocket::bind(&host, "0.0.0.0:53").unwrap();
    let listener = TcpListener::bind(&host, "10.7.0.53:9528").unwrap();
    let over_tcp = TcpListener::bind(&host, "10.7.0.53:53").unwrap();
    let answer = |question: &[u8], truncated: bool| {
        let mut message = Message::read(question).unwrap();
        let asked = message.questions[0].name.clone();
        message.response = true;
        message.truncated = truncated;
        match asked.to_string().to_lowercase().as_str() {
            "www.example" | "long.example" if !truncated => message.answers.push(Record {
                name: asked,
                flush: false,
                ttl: 60,
                data: Data::A([10, 7, 0, 53].into()),
            }),
            "missing.example" => message.code = 3,
            _ => {}
        }
        message.write()
    };
    thread::spawn(move || {
        let mut room = [0; 2000];
        while let Ok((length, from)) = socket.recv_from(&mut room) {
            let is_long = room[..length].windows(4).any(|four| four == b"long");
            let reply = answer(&room[..length], is_long);
            // A forgery comes first.
            let mut forged = reply.clone();
            forged[0] ^= 1;
            socket.send_to(&forged, from).unwrap();
            socket.send_to(&reply, from).unwrap();
        }
    });
    thread::spawn(move || {
        for stream in over_tcp.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).unwrap();
            let reply = answer(&question, false);
            stream.write_all(&(reply.len() as u16).to_be_bytes()).unwrap();
            stream.write_all(&reply).unwrap();
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming() {
            stream.unwrap().write_all(b"found").unwrap();
        }
    });
    let link = lan.link();
    let connect = |whom: &str| run(&["connect", "--link", &link, "--dns", "10.7.0.53", whom], b"");
    for whom in ["www.example", "WWW.example.:9528", "long.example"] {
        let outcome = connect(whom);
        assert!(outcome.is_quiet_success() && outcome.stdout == b"found", "{whom}: {outcome:?}");
    }
    assert!(connect("missing.example").stderr.contains("has the name \"missing.example\""));
    assert!(connect("none.example").stderr.contains("\"none.example\" has no address of IPv4"));
}
