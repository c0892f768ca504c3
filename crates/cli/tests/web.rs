//! The web server of `serve`: the page, the feed of the live network, and what strangers get.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, Lan, Server, netstrata};

const CLIENT: &str = "00112233445566778899aabbccddeeff";
const STRANGER: &str = "ffeeddccbbaa99887766554433221100";

fn page(server: &Server) -> SocketAddr {
    let line = server.banner.lines().find_map(|line| line.strip_prefix("lab:    http://")).unwrap();
    line.parse().unwrap()
}

fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends a request and reads its answer until the server closes.
fn ask(at: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = connect(at);
    let host = if head.contains("\r\nHost:") { String::new() } else { format!("Host: {at}\r\n") };
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    // A refusal may come, and the connection end, before everything is sent.
    let _ = write!(stream, "{head}\r\n{host}{length}Connection: close\r\n\r\n{body}");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn talk(at: SocketAddr, message: &str) -> String {
    let body = format!("{{\"message\":\"{message}\",\"client\":\"{CLIENT}\"}}");
    ask(at, "POST /api/talk HTTP/1.1\r\nContent-Type: application/json", &body)
}

fn feed(at: SocketAddr, client: &str) -> TcpStream {
    let mut stream = connect(at);
    write!(stream, "GET /api/feed?client={client} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stream
}

/// Reads on until `text` has come, or says what came instead.
fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = String::new();
    let began = Instant::now();
    while !seen.contains(text) {
        assert!(began.elapsed() < DEADLINE, "{text:?} did not come: {seen}");
        let mut some = [0; 4096];
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "the feed ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&some[..read]));
    }
    seen
}

#[test]
fn the_page_comes_from_inside_of_the_program_and_may_load_nothing_foreign() {
    let lan = Lan::new();
    let server = lan.serve(&["--web", "127.0.0.1:0"]);
    let at = page(&server);
    let answer = ask(at, "GET / HTTP/1.1", "");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("<title>Netstrata Lab</title>"));
    assert!(
        answer.contains("content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
    );
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = ask(at, &format!("GET / HTTP/1.1\r\nIf-None-Match: {tag}"), "");
    assert!(again.starts_with("HTTP/1.1 304 "), "{again}");
    assert!(ask(at, "GET /lab.wasm HTTP/1.1", "").contains("content-type: application/wasm\r\n"));
    for missing in ["/nothing", "/../Cargo.toml", "/api/nothing"] {
        assert!(ask(at, &format!("GET {missing} HTTP/1.1"), "").starts_with("HTTP/1.1 404 "), "{missing}");
    }
    assert!(ask(at, "GET /api/talk HTTP/1.1", "").starts_with("HTTP/1.1 405 "));
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_message_travels_over_our_stack_and_its_page_alone_sees_what_it_says() {
    let lan = Lan::new();
    let server = lan.serve(&["--web", "127.0.0.1:0"]);
    let at = page(&server);
    assert!(ask(at, "GET /api/status HTTP/1.1", "").contains("\"live\":true"));
    let (mut own, mut other) = (feed(at, CLIENT), feed(at, STRANGER));
    let answer = talk(at, "over seven layers");
    assert!(answer.contains("\"answer\":\"over seven layers\""), "{answer}");
    assert!(answer.contains("\"remote\":\"10.7.0.2:9528\""), "{answer}");
    let hex: String = "over seven layers".bytes().map(|byte| format!("{byte:02x}")).collect();
    // There and back, each seen where it leaves and where it arrives.
    let mut seen = String::new();
    while seen.matches(hex.as_str()).count() < 4 {
        seen.push_str(&read_until(&mut own, "event: frame"));
    }
    // What the second call says arrives behind all of the first one's.
    talk(at, "q");
    let mut hidden = String::new();
    while hidden.matches("event: frame").count() < seen.matches("event: frame").count() {
        hidden.push_str(&read_until(&mut other, "event: frame"));
    }
    assert!(!hidden.contains(&hex), "{hidden}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn strangers_are_refused() {
    let lan = Lan::new();
    let server = lan.serve(&["--web", "127.0.0.1:0"]);
    let at = page(&server);
    for path in ["/", "/api/status", "/api/feed?client=00112233445566778899aabbccddeeff"] {
        let named = ask(at, &format!("GET {path} HTTP/1.1\r\nHost: evil.example:{}", at.port()), "");
        assert!(named.starts_with("HTTP/1.1 403 "), "{path}: {named}");
        let sent = ask(at, &format!("GET {path} HTTP/1.1\r\nOrigin: http://evil.example"), "");
        assert!(sent.starts_with("HTTP/1.1 403 "), "{path}: {sent}");
    }
    let body = format!("{{\"message\":\"x\",\"client\":\"{CLIENT}\"}}");
    let form = ask(at, "POST /api/talk HTTP/1.1\r\nContent-Type: text/plain", &body);
    assert!(form.starts_with("HTTP/1.1 415 "), "{form}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn what_is_too_much_is_refused_and_the_server_goes_on() {
    let lan = Lan::new();
    let server = lan.serve(&["--web", "127.0.0.1:0"]);
    let at = page(&server);
    let kind = "POST /api/talk HTTP/1.1\r\nContent-Type: application/json";
    assert!(ask(at, kind, &" ".repeat(8 * 1024 + 1)).starts_with("HTTP/1.1 413 "));
    assert!(talk(at, &"x".repeat(1024)).starts_with("HTTP/1.1 200 "));
    for bad in ["", &"x".repeat(1025)] {
        assert!(talk(at, bad).starts_with("HTTP/1.1 400 "));
    }
    for bad in ["{", "[]", "{\"message\":1}", "{\"message\":\"x\",\"client\":\"y\"}"] {
        assert!(ask(at, kind, bad).starts_with("HTTP/1.1 400 "), "{bad}");
    }
    assert!(ask(at, "GET /api/feed?client=x HTTP/1.1", "").starts_with("HTTP/1.1 400 "));
    assert!(ask(at, "nonsense", "").starts_with("HTTP/1.1 400 "));
    let long = ask(at, &format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(20_000)), "");
    assert!(!long.starts_with("HTTP/1.1 200 "), "{long}");

    // Sixteen pages are fed; the next one is told, and one that goes makes room.
    let mut feeds: Vec<TcpStream> = (0..16).map(|_| feed(at, CLIENT)).collect();
    assert!(ask(at, &format!("GET /api/feed?client={CLIENT} HTTP/1.1"), "").starts_with("HTTP/1.1 503 "));
    feeds.pop();
    let began = Instant::now();
    loop {
        let mut stream = connect(at);
        write!(stream, "GET /api/feed?client={CLIENT} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        if &first == b"HTTP/1.1 200" {
            break;
        }
        assert!(began.elapsed() < DEADLINE);
        thread::sleep(Duration::from_millis(20));
    }
    drop(feeds);

    // Sixty-four connections that say nothing: the next one waits until one of them goes.
    let mut idle: Vec<TcpStream> = (0..64).map(|_| connect(at)).collect();
    let mut waiting = connect(at);
    waiting.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    write!(waiting, "GET /api/status HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    assert!(waiting.read_to_string(&mut answer).is_err(), "{answer}");
    idle.clear();
    waiting.set_read_timeout(Some(DEADLINE)).unwrap();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"live\":true"), "{answer}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_taken_place_is_a_failure_only_if_it_was_asked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = taken.local_addr().unwrap().to_string();
    let lan = Lan::new();
    let arguments = ["serve", "--link", &lan.link(), "--no-publish", "--web", &place];
    let outcome = netstrata().args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&outcome.stderr).into_owned();
    assert_eq!(outcome.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("the page cannot be at {place}: the port is in use")), "{told}");
}

#[test]
fn a_server_without_a_second_host_says_that_nothing_is_live() {
    let lan = Lan::new();
    let server = lan.serve(&["--no-publish", "--web", "127.0.0.1:0"]);
    let at = page(&server);
    assert!(ask(at, "GET /api/status HTTP/1.1", "").contains("\"reason\":\"unpublished\""));
    assert!(talk(at, "x").starts_with("HTTP/1.1 404 "));
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn the_lab_serves_its_page_by_itself_with_two_hosts_behind_it() {
    let server = Server::start(&["lab", "--web", "127.0.0.1:0"]);
    let at = page(&server);
    assert!(ask(at, "GET / HTTP/1.1", "").contains("<title>Netstrata Lab</title>"));
    let mut own = feed(at, CLIENT);
    assert!(talk(at, "by itself").contains("\"answer\":\"by itself\""));
    read_until(&mut own, "event: frame");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_server_is_watched_and_no_longer_ready_while_it_drains() {
    let lan = Lan::new();
    let mut server = lan.serve(&["--web", "127.0.0.1:0", "--grace", "30s"]);
    let at = page(&server);
    let mut call = server.call();
    common::exchange(&mut call, b"counted");
    let mut ended = server.call();
    ended.write_all(b"q").unwrap();
    assert_eq!(ended.read(&mut [0; 8]).unwrap(), 0);
    common::until("the end of a call in the figures", || {
        let text = ask(at, "GET /metrics HTTP/1.1", "");
        text.contains("netstrata_calls_ended_total{service=\"talk\",reason=\"quit\"} 1\n")
    });
    let figures = ask(at, "GET /metrics HTTP/1.1", "");
    assert!(figures.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    for line in [
        "netstrata_ready 1",
        "netstrata_calls{of=\"services\",what=\"present\"} 1",
        "netstrata_calls_begun_total{service=\"talk\"} 2",
        "netstrata_connections{host=\"services\",state=\"ESTABLISHED\"} 1",
        "netstrata_stack_events_total{host=\"services\",event=\"passive-opens\"} 2",
    ] {
        assert!(figures.lines().any(|found| found == line), "{line} is not in {figures}");
    }
    assert!(figures.contains("netstrata_stack_dropped_total{host=\"services\",reason=\""), "{figures}");
    assert!(figures.ends_with("# EOF\n"));
    let named = |path: &str| ask(at, &format!("GET {path} HTTP/1.1\r\nHost: netstrata.example"), "");
    assert!(named("/healthz").starts_with("HTTP/1.1 200 "));
    // Figures are for who names the server by its address.
    assert!(named("/metrics").starts_with("HTTP/1.1 403 "));
    assert!(ask(at, "POST /metrics HTTP/1.1", "").starts_with("HTTP/1.1 405 "));

    server.process.signal(nix::sys::signal::Signal::SIGTERM);
    server.process.logs("stopping");
    assert!(named("/healthz").starts_with("HTTP/1.1 503 "));
    assert!(named("/livez").starts_with("HTTP/1.1 200 "));
    assert!(ask(at, "GET /metrics HTTP/1.1", "").contains("\nnetstrata_ready 0\n"));
    common::exchange(&mut call, b"still going on");
    call.write_all(b"q").unwrap();
    // A call that is carried ends when both sides have; it would be waited for as long as the grace lasts.
    drop((call, ended));
    assert_eq!(server.process.wait().code(), Some(0));
}
