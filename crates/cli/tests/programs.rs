//! Programs that know nothing of us are clients of a published port, and servers that `connect` calls.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::process::{Command, Stdio};

use common::{Lan, Process, run, run_command};

/// The page's server. Mended: the indentation that the page lost and the missing brackets of `bind`. Its address may be
/// given, so that tests do not meet; its two faults are left as they are.
const SERVER: &str = r#"
import socket
import sys
server = socket.socket()
server.bind(('127.0.0.1', int(sys.argv[1])))
server.listen(10)
print(server.getsockname()[1], flush=True)
conn, addr = server.accept()
print(addr)
while True:
    try:
        date = conn.recv(1024).decode('utf-8')
        print(addr)
        if len(date) == 0:
            continue
        if date == 'q':
            break
        conn.send(date.encode('utf-8'))
    except Exception as e:
        print(e)
        break
conn.close()
server.close()
"#;

/// The page's client. Mended: `scoket`, `cliend`, the brackets and quotes of the address, `bind` where it means `connect`.
const CLIENT: &str = r#"
import socket
import sys
client = socket.socket()
client.connect((sys.argv[1], int(sys.argv[2])))
while True:
    send_msg = input('请输入')
    client.send(send_msg.encode('utf-8'))
    if send_msg == 'q':
        break
    date = client.recv(1024).decode('utf-8')
    print(date)
client.close()
"#;

fn python(lan: &Lan, name: &str, program: &str, arguments: &[&str]) -> Command {
    let path = lan.file(name);
    std::fs::write(&path, program).unwrap();
    let mut command = Command::new("python3");
    command.arg("-u").arg(path).args(arguments).env("PYTHONIOENCODING", "utf-8");
    command
}

#[test]
#[ignore = "needs python3"]
fn the_pages_client_talks_to_the_published_port() {
    let lan = Lan::new();
    let server = lan.serve(&[]);
    let address = server.published();
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    // Two calls one after the other: the service goes on, as the page's server did not.
    for _ in 0..2 {
        let mut client = python(&lan, "client.py", CLIENT, &[&host, &port]);
        let outcome = run_command(&mut client, "你好\n网络编程\nhello\nq\n".as_bytes());
        assert!(outcome.is_quiet_success(), "{outcome:?}");
        assert_eq!(outcome.text(), "请输入你好\n请输入网络编程\n请输入hello\n请输入");
    }
    server.process.logs("the peer quit");
    assert!(server.stop().success());
}

#[test]
#[ignore = "needs python3"]
fn connect_talks_to_the_pages_server() {
    let lan = Lan::new();
    let mut server = Process::spawn(python(&lan, "server.py", SERVER, &["0"]).stdout(Stdio::piped()));
    let lines = common::lines(server.child.stdout.take().unwrap());
    let port: u16 = lines.recv_timeout(common::DEADLINE).unwrap().parse().unwrap();
    let mut command = common::netstrata();
    command.args(["connect", "--link", "host", &format!("127.0.0.1:{port}")]);
    let mut client = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let mut stdin = client.child.stdin.take().unwrap();
    let answers = common::lines(client.child.stdout.take().unwrap());
    use std::io::Write;
    stdin.write_all("你好，服务端\n".as_bytes()).unwrap();
    assert_eq!(common::next_line(&answers, "你好"), "你好，服务端");
    stdin.write_all(b"q").unwrap();
    // The page's server ends the call and itself, and so does the client.
    assert_eq!(client.wait().code(), Some(0));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
#[ignore = "needs nc"]
fn nc_is_a_client() {
    let lan = Lan::new();
    let server = lan.serve(&[
        "--service",
        "talk@9528",
        "--service",
        "echo@8002",
        "--publish",
        "127.0.0.1:0=9528",
        "--publish",
        "127.0.0.1:0=8002",
    ]);
    for address in server.published_all() {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let outcome = run_command(Command::new("nc").args(["-N", &host, &port]), b"by way of nc\n");
        assert_eq!((outcome.code, outcome.text()), (Some(0), "by way of nc\n"), "{outcome:?}");
    }
}

#[test]
#[ignore = "needs socat"]
fn socat_is_a_client() {
    let lan = Lan::new();
    let server = lan.serve(&["--service", "echo@9528"]);
    let target = format!("TCP:{}", server.published());
    let sent = common::pattern(3 << 20);
    let outcome = run_command(Command::new("socat").args(["-t", "30", "-", &target]), &sent);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout == sent, "{} of {} bytes", outcome.stdout.len(), sent.len());
}

#[test]
#[ignore = "needs nc"]
fn connect_calls_nc() {
    let lan = Lan::new();
    // It takes the port itself, and tells which.
    let mut nc = Process::spawn(
        Command::new("nc")
            .args(["-N", "-n", "-v", "-l", "127.0.0.1", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::from(std::fs::File::create(lan.file("received")).unwrap())),
    );
    nc.logs("\n");
    let told = nc.stderr();
    let port = told.lines().next().unwrap().rsplit(' ').next().unwrap();
    let outcome =
        run(&["connect", "--link", "host", &format!("127.0.0.1:{port}"), "--send-only"], b"for nc\n");
    assert!(outcome.is_quiet_success(), "{outcome:?}, {told}");
    assert!(nc.wait().success());
    assert_eq!(std::fs::read(lan.file("received")).unwrap(), b"for nc\n");
}
