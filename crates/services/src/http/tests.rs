use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::service::Ended;
use crate::stop::Stopper;

struct Site {
    _directory: tempfile::TempDir,
    http: Http,
    stopper: Stopper,
}

fn site() -> Site {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::create_dir_all(root.join("home")).unwrap();
    fs::write(directory.path().join("secret"), "secret").unwrap();
    symlink("../secret", root.join("way-out")).unwrap();
    fs::write(root.join("digits"), "0123456789").unwrap();
    fs::write(root.join("long.txt"), "the same again and again\n".repeat(1000)).unwrap();
    fs::write(root.join("sub/名.txt"), "name").unwrap();
    fs::write(root.join("home/index.html"), "<p>home").unwrap();
    let (stopper, stop) = Stopper::new();
    Site { http: Http::new(Tree::open(&root).unwrap(), stop), _directory: directory, stopper }
}

impl Site {
    fn call(&self) -> (DuplexStream, JoinHandle<Ended>) {
        let (near, far) = duplex(1 << 16);
        let http = self.http.clone();
        (near, tokio::spawn(async move { http.call(far).await }))
    }

    /// One request; its answer's head, and its body as it came.
    async fn ask(&self, request: &str) -> (String, Vec<u8>) {
        let (mut near, _running) = self.call();
        let request = request.replacen('\n', "\r\n", 100);
        near.write_all(format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        (String::from_utf8(answer[..end + 2].to_vec()).unwrap(), answer[end + 4..].to_vec())
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

#[tokio::test]
async fn files_come_whole_by_head_and_in_ranges() {
    let site = site();
    let (head, body) = site.ask("GET /digits HTTP/1.1").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!((body.as_slice(), field(&head, "accept-ranges")), (b"0123456789".as_slice(), Some("bytes")));
    assert_eq!(field(&head, "x-content-type-options"), Some("nosniff"));
    let (head, body) = site.ask("HEAD /digits HTTP/1.1").await;
    assert_eq!((field(&head, "content-length"), body.len()), (Some("10"), 0));
    for (range, bytes, told) in [
        ("2-4", "234", "bytes 2-4/10"),
        ("7-", "789", "bytes 7-9/10"),
        ("-2", "89", "bytes 8-9/10"),
        ("9-100", "9", "bytes 9-9/10"),
        ("8-99999999999999999999", "89", "bytes 8-9/10"),
        ("-10", "0123456789", "bytes 0-9/10"),
        (", 2-4 ,", "234", "bytes 2-4/10"),
    ] {
        let (head, body) = site.ask(&format!("GET /digits HTTP/1.1\nRange: bytes={range}")).await;
        assert!(head.starts_with("HTTP/1.1 206 "), "{head}");
        assert_eq!((body.as_slice(), field(&head, "content-range")), (bytes.as_bytes(), Some(told)));
    }
    // RFC 9110 14.1.1 has no white space but around commas.
    for range in ["10-", " 2-4", "2 -4", "2- 4", ","] {
        let (head, _) = site.ask(&format!("GET /digits HTTP/1.1\nRange: bytes={range}")).await;
        assert!(head.starts_with("HTTP/1.1 416 "), "{range}: {head}");
        assert_eq!(field(&head, "content-range"), Some("bytes */10"));
    }
    // RFC 9110 14.2: an unknown unit is ignored, and so is a range of what is not a GET. 14.1.2: who wants more last bytes than
    // there are gets all.
    for range in ["lines=0-1", "bytes=-11", "bytes=-99999999999999999999"] {
        let (head, body) = site.ask(&format!("GET /digits HTTP/1.1\nRange: {range}")).await;
        assert_eq!((&head[9..12], body.len()), ("200", 10), "{range}: {head}");
    }
    let (head, _) = site.ask("HEAD /digits HTTP/1.1\nRange: bytes=0-1").await;
    assert_eq!((&head[9..12], field(&head, "content-length")), ("200", Some("10")), "{head}");
    // Many ranges at once cost the server more than they are worth: the whole file comes.
    for range in ["0-1,3-4", "0-1, 3-4", "0-1 ,\t3-4", "0-1, 3-99999999999999999999"] {
        let (head, body) = site.ask(&format!("GET /digits HTTP/1.1\nRange: bytes={range}")).await;
        assert_eq!((&head[9..12], body.len()), ("200", 10), "{range}: {head}");
    }
}

#[tokio::test]
async fn conditions_are_heeded() {
    let site = site();
    let (head, _) = site.ask("HEAD /digits HTTP/1.1").await;
    let (tag, date) = (field(&head, "etag").unwrap(), field(&head, "last-modified").unwrap());
    for (condition, code) in [
        (format!("If-None-Match: {tag}"), "304"),
        (format!("If-None-Match: W/{tag}"), "304"),
        ("If-None-Match: \"other\"".into(), "200"),
        (format!("If-Modified-Since: {date}"), "304"),
        ("If-Match: \"other\"".into(), "412"),
        (format!("Range: bytes=5-\nIf-Range: {tag}"), "206"),
        (format!("Range: bytes=5-\nIf-Range: {date}"), "206"),
        (format!("Range: bytes=5-\nIf-Range: W/{tag}"), "200"),
        ("Range: bytes=5-\nIf-Range: \"older\"".into(), "200"),
        ("Range: bytes=5-\nIf-Range: Thu, 01 Jan 1970 00:00:00 GMT".into(), "200"),
    ] {
        let (head, body) = site.ask(&format!("GET /digits HTTP/1.1\n{condition}")).await;
        assert_eq!(&head[9..12], code, "{condition}: {head}");
        let length = match code {
            "200" => 10,
            "206" => 5,
            _ => 0,
        };
        assert_eq!(body.len(), length, "{condition}");
    }
}

#[tokio::test]
async fn text_is_compressed_for_who_understands_it_and_is_another_version() {
    let site = site();
    let (plain, _) = site.ask("GET /long.txt HTTP/1.1").await;
    let (head, body) = site.ask("GET /long.txt HTTP/1.1\nAccept-Encoding: gzip").await;
    assert_eq!(field(&head, "content-encoding"), Some("gzip"));
    assert_eq!(field(&head, "etag"), field(&plain, "etag").map(|tag| format!("W/{tag}")).as_deref());
    assert!(field(&head, "vary").unwrap().eq_ignore_ascii_case("accept-encoding"));
    assert!(body.len() < 2500, "25 000 bytes became {}", body.len());
    // A part of a file is a part of the file itself.
    let (head, body) = site.ask("GET /long.txt HTTP/1.1\nAccept-Encoding: gzip\nRange: bytes=0-999").await;
    assert_eq!((field(&head, "content-encoding"), body.len()), (None, 1000));
    let (head, _) = site.ask("GET /digits HTTP/1.1\nAccept-Encoding: gzip").await;
    assert_eq!(field(&head, "content-encoding"), None, "short, and of no known kind");
}

#[tokio::test]
async fn a_directory_is_its_index_or_a_list() {
    let site = site();
    let (head, body) = site.ask("GET / HTTP/1.1").await;
    let page = String::from_utf8(body).unwrap();
    assert_eq!(field(&head, "content-type"), Some("text/html; charset=utf-8"));
    assert!(page.contains("./sub/") && page.contains("./digits") && !page.contains("way-out"), "{page}");
    assert_eq!(site.ask("GET /home/ HTTP/1.1").await.1, b"<p>home");
    let (head, _) = site.ask("GET /sub HTTP/1.1").await;
    assert_eq!((&head[9..12], field(&head, "location")), ("307", Some("/sub/")), "{head}");
    assert!(String::from_utf8(site.ask("GET /sub/ HTTP/1.1").await.1).unwrap().contains("./%E5%90%8D.txt"));
    assert_eq!(site.ask("GET /sub/%E5%90%8D.txt HTTP/1.1").await.1, b"name");
    let (head, body) = site.ask("HEAD / HTTP/1.1").await;
    assert_eq!((field(&head, "content-length").unwrap(), body.len()), (page.len().to_string().as_str(), 0));
}

#[tokio::test]
async fn ways_out_and_other_methods_are_refused() {
    let site = site();
    for path in [
        "/way-out",
        "/../secret",
        "/%2e%2e/secret",
        "/sub/../../secret",
        "/..%2fsecret",
        "/sub/%2e%2e/%2e%2e/secret",
        "//secret",
        "//sub",
        "/%00",
        "/nothing",
        "/digits/",
        "/../",
        "/sub/../",
        "/%ff",
    ] {
        let (head, body) = site.ask(&format!("GET {path} HTTP/1.1")).await;
        assert!(head.starts_with("HTTP/1.1 404 "), "{path}: {head}");
        assert!(!body.windows(6).any(|six| six == b"secret"));
    }
    for method in ["POST", "PUT", "DELETE", "TRACE"] {
        let (head, _) = site.ask(&format!("{method} /digits HTTP/1.1")).await;
        assert!(head.starts_with("HTTP/1.1 405 ") && field(&head, "allow").is_some(), "{method}: {head}");
    }
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let site = site();
    let long = format!("GET / HTTP/1.1\nX: {}", "x".repeat(HEAD));
    assert!(site.ask(&long).await.0.starts_with("HTTP/1.1 431 "));
    let many = format!("GET / HTTP/1.1{}", "\nX: y".repeat(FIELDS));
    assert!(site.ask(&many).await.0.starts_with("HTTP/1.1 431 "));
    let name = format!("GET /{} HTTP/1.1", "x".repeat(HEAD));
    assert!(site.ask(&name).await.0.starts_with("HTTP/1.1 4"));
    assert!(site.ask("nonsense").await.0.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn heads_that_no_client_sends_are_bad_requests() {
    let site = site();
    let raw = async |request: &str| {
        let (mut near, _running) = site.call();
        near.write_all(request.as_bytes()).await.unwrap();
        near.shutdown().await.unwrap();
        let mut answer = String::new();
        near.read_to_string(&mut answer).await.unwrap();
        answer[9..12].to_owned()
    };
    // RFC 9112 3.2: one Host, and none only from before HTTP/1.1.
    assert_eq!(raw("GET /digits HTTP/1.1\r\n\r\n").await, "400");
    assert_eq!(raw("GET /digits HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n").await, "400");
    assert_eq!(raw("GET /digits HTTP/1.0\r\n\r\n").await, "200");
    assert_eq!(raw("GET /digits HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n").await, "400");
    // RFC 9112 3.2.3: an authority alone is CONNECT's.
    assert_eq!(raw("GET digits HTTP/1.1\r\nHost: x\r\n\r\n").await, "400");
    assert_eq!(raw("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n").await, "405");
    assert_eq!(raw("GET http://x/digits HTTP/1.1\r\nHost: x\r\n\r\n").await, "200");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_slow_to_ask_is_let_go() {
    let site = site();
    let (mut near, running) = site.call();
    near.write_all(b"GET / HT").await.unwrap();
    let ended = timeout(HEAD_PATIENCE * 2, running).await.unwrap().unwrap();
    assert!(matches!(&ended.how, How::Error(error) if error.kind() == ErrorKind::TimedOut), "{ended:?}");
}

#[tokio::test]
async fn connections_are_kept_and_end_in_order_when_the_server_stops() {
    let site = site();
    let (mut near, running) = site.call();
    for _ in 0..3 {
        near.write_all(b"GET /digits HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"0123456789") {
            assert!(near.read_buf(&mut answer).await.unwrap() > 0);
        }
    }
    site.stopper.drain(Duration::from_secs(3600));
    assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0);
    drop(near);
    let ended = running.await.unwrap();
    assert!(matches!(ended.how, How::PeerClosed), "{ended:?}");
    assert_eq!(ended.received, 3 * 33);
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_waits_for_no_caller_that_has_its_last_answer() {
    let site = site();
    let (mut near, running) = site.call();
    near.write_all(b"NONSENSE\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    near.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let began = tokio::time::Instant::now();
    site.stopper.drain(Duration::from_secs(3600));
    running.await.unwrap();
    assert!(began.elapsed().is_zero());
}

/// A caller that sends all before it reads, over sockets, where unread bytes make a reset of the end.
#[tokio::test]
async fn a_head_or_a_body_of_a_megabyte_gets_its_answer_all_the_same() {
    let site = site();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stopper, stop) = Stopper::new();
    let calls = crate::Calls::new(9);
    tokio::spawn(crate::serve(listener, std::sync::Arc::new(site.http.clone()), calls, stop));
    let megabyte = "x".repeat(1 << 20);
    for (request, code) in [
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX: {megabyte}\r\n\r\n"), "431"),
        (format!("GET /{megabyte} HTTP/1.1\r\nHost: x\r\n\r\n"), "431"),
        (format!("POST /digits HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n{megabyte}"), "405"),
    ] {
        let mut caller = tokio::net::TcpStream::connect(address).await.unwrap();
        caller.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        caller.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {code}")), "{answer}");
    }
}
