//! Each example runs as a user runs it, and says what it should.
#![allow(clippy::unwrap_used, reason = "a failure is a failed test")]

use std::path::PathBuf;
use std::process::Command;

/// What the example `name` prints; `cargo test` has built it beside this test.
fn output(name: &str) -> String {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(&path).output().unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo test -p netstrata-examples` builds it", path.display())
    });
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn web_server() {
    let text = "/: HTTP/1.1 200 OK a page over seven layers\n\
                /hello/network: HTTP/1.1 200 OK hello network\n\
                /nowhere: HTTP/1.1 404 Not Found \n";
    assert_eq!(output("web_server"), text);
}

#[test]
fn http_client() {
    let text = "200 OK: 0 bytes arrived\n200 OK: 1000 bytes arrived\n200 OK: 1000000 bytes arrived\n";
    assert_eq!(output("http_client"), text);
}

#[test]
fn tls() {
    assert_eq!(output("tls"), "TLSv1_3\n700000 bytes came back, the same\n");
}

#[test]
fn websocket() {
    assert_eq!(output("websocket"), "a call from 10.7.0.3\nhello\nover seven layers\n网络编程\n");
}

#[test]
fn relay() {
    let text = "heard 5000000 bytes to their end\n5000000 bytes were carried out and 32 back\n";
    assert_eq!(output("relay"), text);
}

#[test]
fn proxy() {
    assert_eq!(output("proxy"), "welcome from outside\nconnection refused\n");
}
