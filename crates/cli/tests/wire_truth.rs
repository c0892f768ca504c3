//! What is on the wire, as others see it: the Linux kernel's own stack is at the other end of a TAP, its programs are the
//! peers, and tshark judges every frame of the captures.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

mod common;
#[path = "wire_truth/judge.rs"]
mod judge;
#[path = "wire_truth/six.rs"]
mod six;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use common::{Lan, Outcome, Process, Server, netstrata, pattern, run, until};
use judge::{LOSSES, REPEATS, UNSOUND, find, judge, program};

const INSIDE: &str = "NETSTRATA_WIRE_TRUTH_NAMESPACE";
const TAP: &str = "tap:ns0";

/// Runs the test in a network namespace of its own, in which the kernel is 10.7.0.1 and fd07::1 on the TAP `ns0`: it calls itself there.
/// Returns whether this is the inner call.
fn in_namespace(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_none() {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--pid", "--fork", "--mount-proc", "--kill-child", "--"])
            .arg(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--include-ignored", "--nocapture"]).env(INSIDE, "1");
        assert!(command.status().unwrap().success(), "the test failed inside the namespace");
        return false;
    }
    for arguments in [
        "link set lo up",
        "tuntap add dev ns0 mode tap",
        "address add 10.7.0.1/24 dev ns0",
        // A frame that we are too busy to fetch waits; none is lost to the length of the queue.
        "link set ns0 txqueuelen 100000",
        "address add fd07::1/64 dev ns0 nodad",
        "link set ns0 up",
        // A busy machine holds our answers back: that is no loss. The kernel sends nothing again for it before 10 s have passed,
        // by its RTO here, by its tail loss probes (which know no such bound) below.
        "route change 10.7.0.0/24 dev ns0 src 10.7.0.1 rto_min 10s",
        "-6 route change fd07::/64 dev ns0 proto kernel metric 256 rto_min 10s",
    ] {
        assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success(), "ip {arguments}");
    }
    std::fs::write("/proc/sys/net/ipv4/tcp_early_retrans", "0")
        .expect("no tail loss probes in this namespace");
    std::fs::write("/proc/sys/net/ipv4/tcp_timestamps", "2").expect("one clock for all timestamps");
    true
}

/// A server of ours on the TAP that records what passes.
fn serve(directory: &Lan, capture: &Path, arguments: &[&str]) -> Server {
    let control = directory.file("control").display().to_string();
    let fixed =
        ["serve", "--link", TAP, "--pcapng", capture.to_str().unwrap(), "--control", &control, "--service"];
    Server::start(&[&fixed, arguments].concat())
}

/// A call of ours over the TAP that is recorded.
fn connect(capture: &Path, to: &str, input: &[u8]) -> Outcome {
    let capture = capture.to_str().unwrap();
    let outcome = run(&["connect", "--link", TAP, "--pcapng", capture, to], input);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    outcome
}

/// A server among the kernel's programs that is up when something listens at its port.
fn kernels_server(port: u16, name: &str, arguments: &[&str], directory: &Path) -> Process {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null());
    let process = Process::spawn(&mut command);
    listening(port);
    process
}

/// Waits until one of the kernel's programs listens at this port.
fn listening(port: u16) {
    let four = format!(":{port:04X} 00000000:0000 0A");
    let six = format!(":{port:04X} {:032}:0000 0A", 0);
    let table = |name| std::fs::read_to_string(name).unwrap();
    until(&format!("a listener at {port}"), || {
        table("/proc/self/net/tcp").contains(&four) || table("/proc/self/net/tcp6").contains(&six)
    });
}

const SOCKETS: &str = r#"
import os, random, socket, struct, threading, time
address = "10.7.0.2"
# Many calls at once, messages of every size, and half-closes.
def call(seed):
    dice = random.Random(seed)
    with socket.create_connection((address, 8002)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, seed % 2)
        for _ in range(50):
            sent = dice.randbytes(dice.randint(1, 20000))
            s.sendall(sent)
            back = b""
            while len(back) < len(sent):
                back += s.recv(65536)
            assert back == sent
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1) == b""
calls = [threading.Thread(target=call, args=(seed,)) for seed in range(20)]
[c.start() for c in calls]
[c.join() for c in calls]
# A text, and the farewell.
with socket.create_connection((address, 9528)) as s:
    s.sendall("网络编程".encode())
    assert s.recv(1024).decode() == "网络编程"
    s.sendall(b"q")
    assert s.recv(1024) == b""
# A reset.
s = socket.create_connection((address, 9528))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
# Nobody there: TCP and UDP.
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(30)
        try:
            s.connect((address, 4444))
            s.send(b"x")
            s.recv(10)
            raise SystemExit("somebody is there")
        except ConnectionRefusedError:
            pass
# Requests for an echo of every size up to several fragments.
ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
ping.settimeout(30)
for number, size in enumerate((0, 1, 56, 1471, 1472, 1473, 8000, 60000)):
    request = struct.pack("!BBHHH", 8, 0, 0, 77, number) + os.urandom(size)
    padded = request + b"\0" * (len(request) % 2)
    total = sum(struct.unpack("!%dH" % (len(padded) // 2), padded))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    request = request[:2] + struct.pack("!H", ~total & 0xffff) + request[4:]
    ping.sendto(request, (address, 0))
    while True:
        reply = ping.recv(65535)[20:]
        if reply[0] == 0 and reply[4:8] == request[4:8]:
            break
    assert reply[8:] == request[8:], size
print("all is well")
"#;

#[test]
#[ignore = "needs root, /dev/net/tun, ip, nc, python3 and tshark"]
fn the_kernels_clients_and_our_services_leave_a_clean_record() {
    if !in_namespace("the_kernels_clients_and_our_services_leave_a_clean_record") {
        return;
    }
    let lan = Lan::new();
    let capture = lan.file("serve.pcapng");
    let server = serve(&lan, &capture, &["talk", "--service", "echo"]);
    assert_eq!(
        program("nc", &["-N", "10.7.0.2", "9528"], b"hello from the kernel\n"),
        b"hello from the kernel\n"
    );
    let sent = pattern(20_000_000);
    assert!(program("nc", &["-N", "10.7.0.2", "8002"], &sent) == sent, "what came back differs");
    let script = lan.file("sockets.py");
    std::fs::write(&script, SOCKETS).unwrap();
    assert_eq!(program("python3", &[script.to_str().unwrap()], b""), b"all is well\n");
    assert_eq!(server.stop().code(), Some(0));
    judge(&capture, 20_000);
    assert!(!find(&capture, "icmp.type == 3 && icmp.code == 3").is_empty(), "no port was unreachable");
    assert!(!find(&capture, "tcp.options.wscale && tcp.flags.ack == 1").is_empty(), "no window scale");
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip, socat, python3 and tshark"]
fn our_clients_and_the_kernels_services_leave_a_clean_record() {
    if !in_namespace("our_clients_and_the_kernels_services_leave_a_clean_record") {
        return;
    }
    let lan = Lan::new();
    let capture = |name: &str| lan.file(&format!("{name}.pcapng"));
    let directory = lan.path().parent().unwrap().to_path_buf();

    let page = pattern(300_000);
    std::fs::write(lan.file("page.bin"), &page).unwrap();
    let http = ["-m", "http.server", "--bind", "10.7.0.1", "8000"];
    let http = kernels_server(8000, "python3", &http, &directory);
    let reply = connect(&capture("http"), "10.7.0.1:8000", b"GET /page.bin HTTP/1.0\r\n\r\n").stdout;
    assert!(reply.starts_with(b"HTTP/1.0 200 OK\r\n") && reply.ends_with(&page), "{} bytes", reply.len());
    drop(http);
    judge(&capture("http"), 100);

    // Both directions at once.
    let sent = pattern(20_000_000);
    // A listening nc would leave when it has read all, though it has more to send; socat stays.
    let mut listener = Command::new("socat");
    listener.args(["-t", "60", "STDIO", "TCP-LISTEN:7777,bind=10.7.0.1"]);
    listener.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut listener = Process::spawn(&mut listener);
    let (mut to, mut from) = (listener.child.stdin.take().unwrap(), listener.child.stdout.take().unwrap());
    listening(7777);
    let reply = sent.clone();
    let writing = thread::spawn(move || to.write_all(&reply).unwrap());
    let reading = thread::spawn(move || {
        let mut received = Vec::new();
        std::io::Read::read_to_end(&mut from, &mut received).unwrap();
        received
    });
    let back = connect(&capture("socat"), "10.7.0.1:7777", &sent).stdout;
    writing.join().unwrap();
    assert!(reading.join().unwrap() == sent && back == sent, "what arrived differs");
    judge(&capture("socat"), 20_000);

    // A call that is refused, and pings.
    let file = capture("refused");
    let refused = run(&["connect", "--link", TAP, "--pcapng", file.to_str().unwrap(), "10.7.0.1:7778"], b"");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    judge(&file, 2);
    let file = capture("ping");
    let arguments = ["ping", "--link", TAP, "-c", "3", "-i", "0.1", "-s", "4000", "10.7.0.1"];
    let ping = run(&[&arguments[..], &["--pcapng", file.to_str().unwrap()]].concat(), b"");
    assert!(ping.text().contains("3 packets transmitted, 3 received"), "{ping:?}");
    judge(&file, 0);
    assert!(find(&file, "icmp.type == 0").len() == 3, "the record of the pings");
}

/// A host of our own in this process, which answers every request with the same page.
#[test]
#[ignore = "needs root, /dev/net/tun, ip, curl and tshark"]
fn curl_gets_a_page_from_our_sockets() {
    if !in_namespace("curl_gets_a_page_from_our_sockets") {
        return;
    }
    let (lan, page) = (Lan::new(), pattern(1_000_000));
    let capture: PathBuf = lan.file("curl.pcapng");
    let network = netstrata::Network::new(TAP.parse().unwrap()).pcapng(Some(capture.clone()));
    let host = network.address([10, 7, 0, 2].into(), 24).start().unwrap();
    let listener = netstrata::TcpListener::bind(&host, SocketAddr::from(([10, 7, 0, 2], 80))).unwrap();
    let body = page.clone();
    let serving = thread::spawn(move || {
        for _ in 0..3 {
            let (mut call, _) = listener.accept().unwrap();
            let request: Vec<String> = BufReader::new(&mut call)
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            assert_eq!(request[0], "GET /page HTTP/1.1");
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            call.write_all(head.as_bytes()).unwrap();
            call.write_all(&body).unwrap();
        }
    });
    for _ in 0..3 {
        let got =
            program("curl", &["--silent", "--show-error", "--max-time", "30", "http://10.7.0.2/page"], b"");
        assert!(got == page, "{} bytes", got.len());
    }
    serving.join().unwrap();
    host.shutdown(common::DEADLINE);
    judge(&capture, 1000);
}

/// The judge sees what there is to see.
#[test]
#[ignore = "needs root, /dev/net/tun, ip, nc and tshark"]
fn a_bad_cable_shows_in_the_record() {
    if !in_namespace("a_bad_cable_shows_in_the_record") {
        return;
    }
    let lan = Lan::new();
    let capture = lan.file("bad.pcapng");
    let server = serve(&lan, &capture, &["echo", "--impair", "loss=1%,corrupt=1%,seed=3"]);
    let sent = pattern(2_000_000);
    assert!(program("nc", &["-N", "10.7.0.2", "8002"], &sent) == sent, "what came back differs");
    assert_eq!(server.stop().code(), Some(0));
    assert!(!find(&capture, UNSOUND).is_empty(), "no bad frame");
    assert!(!find(&capture, LOSSES).is_empty(), "nothing was lost");
    assert!(!find(&capture, REPEATS).is_empty(), "nothing was sent again");
    // The command itself is unharmed.
    assert!(netstrata().arg("--version").status().unwrap().success());
}
