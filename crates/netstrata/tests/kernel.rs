//! Our sockets on a TAP, and the Linux kernel at the other end of a poor path.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests fail by panics")]
#![allow(clippy::disallowed_methods, reason = "these hosts live in real time")]

mod common;

use common::namespace::ip;
use netstrata::link::Impairment;
use netstrata::tcp::congestion::Algorithm;
use netstrata::{Host, LinkSpec, Network, TcpStream};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const TAP: &str = "tap0";
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs the test of this name once more in a network namespace of its own. Returns whether this is that inner call.
fn in_namespace(test: &str) -> bool {
    if !common::namespace::in_namespace(test, &["--pid", "--fork", "--mount-proc", "--kill-child"]) {
        return false;
    }
    ip("link set lo up");
    ip(&format!("tuntap add dev {TAP} mode tap"));
    ip(&format!("link set {TAP} txqueuelen 10000"));
    true
}

fn set(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{name}"), value).unwrap();
}

/// A host of ours on the TAP.
fn host(impairment: Option<Impairment>) -> Host {
    let network = Network::new(LinkSpec::Tap(TAP.into())).impairment(impairment);
    let network = network.address([10, 7, 0, 2].into(), 24).gateway(Some([10, 7, 0, 1].into()));
    network.start().unwrap()
}

/// Another namespace, in which somebody echoes what comes to port 7777; both end with this.
struct Far {
    shell: Child,
    echo: Option<Child>,
}

impl Far {
    /// Its end of the cable is `far`; the one here is `near`, and takes packets of 1300 bytes.
    fn new(address: &str) -> Far {
        let shell = Command::new("unshare").args(["--net", "sleep", "600"]).spawn().unwrap();
        let mut far = Far { shell, echo: None };
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        let namespace = format!("/proc/{}/ns/net", far.shell.id());
        until(|| std::fs::read_link(&namespace).is_ok_and(|other| other != own));
        ip("link add near type veth peer name far");
        ip(&format!("link set far netns {}", far.shell.id()));
        ip("link set near mtu 1300 up");
        far.run(&format!("ip address add {address} dev far"));
        // No packet is longer than a segment, so that none is cut only where it has passed what is narrow.
        far.run("ip link set far gso_max_segs 1 up");
        let socat = "socat -t 60 TCP4-LISTEN:7777,fork,reuseaddr EXEC:cat";
        far.echo = Some(far.command(socat).stdin(Stdio::null()).spawn().unwrap());
        let table = format!("/proc/{}/net/tcp", far.shell.id());
        until(|| std::fs::read_to_string(&table).unwrap().contains(":1E61 "));
        far
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.shell.id().to_string(), "-n"]).args(words.split(' '));
        command
    }

    fn run(&self, words: &str) {
        assert!(self.command(words).status().unwrap().success(), "{words}");
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        for child in self.echo.iter_mut().chain([&mut self.shell]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < end, "it never came to that");
        thread::sleep(Duration::from_millis(5));
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Sends all to whoever echoes, and reads it back; returns what the path was believed to carry at the end.
fn echoed(mut stream: TcpStream, sent: &[u8]) -> u32 {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let mut back = Vec::new();
    let mtu = thread::scope(|scope| {
        let (mut writer, reader) = (stream.try_clone().unwrap(), &mut stream);
        scope.spawn(move || writer.write_all(sent).unwrap());
        back.resize(sent.len(), 0);
        reader.read_exact(&mut back).unwrap();
        // Before the end: a connection that is over has found out nothing.
        reader.info().unwrap().path_mtu
    });
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(back == sent, "what came back differs");
    mtu
}

/// What goes out by BBR arrives at the kernel bit for bit, though one frame in a hundred is lost each way.
#[test]
#[ignore = "needs root, /dev/net/tun, unshare and ip"]
fn bbr_brings_a_long_stream_to_the_kernel_through_losses() {
    if !in_namespace("bbr_brings_a_long_stream_to_the_kernel_through_losses") {
        return;
    }
    ip(&format!("address add 10.7.0.1/24 dev {TAP}"));
    ip(&format!("link set {TAP} up"));
    let listener = std::net::TcpListener::bind("10.7.0.1:7777").unwrap();
    let sent = pattern(16_000_000);
    let host = host(Some("loss=1%,delay=10ms,seed=7".parse().unwrap()));
    let received = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        received
    });
    let mut stream = TcpStream::connect(&host, "10.7.0.1:7777").unwrap();
    stream.set_congestion(Algorithm::Bbr).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(&sent).unwrap();
    let info = stream.info().unwrap();
    assert_eq!(info.congestion, Some(Algorithm::Bbr));
    assert!(info.retransmissions > 0, "nothing was lost");
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(received.join().unwrap() == sent, "what arrived differs");
}

/// The kernel routes to a link that takes less, and says so (RFC 1191).
#[test]
#[ignore = "needs root, /dev/net/tun, unshare, nsenter, ip and socat"]
fn the_kernel_tells_of_a_narrow_link_and_we_keep_to_it() {
    if !in_namespace("the_kernel_tells_of_a_narrow_link_and_we_keep_to_it") {
        return;
    }
    ip(&format!("address add 10.7.0.1/24 dev {TAP}"));
    ip(&format!("link set {TAP} up"));
    set("ipv4/ip_forward", "1");
    let far = Far::new("10.8.0.2/24");
    ip("address add 10.8.0.1/24 dev near");
    // It sends no more than the link takes: what is longer vanishes at the other end of the cable.
    far.run("ip route add default via 10.8.0.1 mtu 1300 advmss 1460");
    let stream = TcpStream::connect(&host(None), "10.8.0.2:7777").unwrap();
    assert_eq!(echoed(stream, &pattern(2_000_000)), 1_300);
}

/// A bridge to a link that takes less says nothing: long packets vanish. We find out by ourselves what arrives (RFC 4821, RFC 8899).
#[test]
#[ignore = "needs root, /dev/net/tun, unshare, nsenter, ip and socat"]
fn we_find_out_what_a_bridge_carries_that_says_nothing() {
    if !in_namespace("we_find_out_what_a_bridge_carries_that_says_nothing") {
        return;
    }
    let far = Far::new("10.7.0.9/24");
    far.run("ip route change 10.7.0.0/24 dev far proto kernel scope link src 10.7.0.9 mtu 1300 advmss 1460");
    ip("link add bridge0 type bridge forward_delay 0 mcast_snooping 0");
    for name in [TAP, "near"] {
        ip(&format!("link set {name} master bridge0"));
        ip(&format!("link set {name} up"));
    }
    ip("link set bridge0 up");
    let stream = TcpStream::connect(&host(None), "10.7.0.9:7777").unwrap();
    let found = echoed(stream, &pattern(1_000_000));
    assert!((1_000..=1_300).contains(&found), "{found} bytes are believed to get through");
}

/// So does the kernel, if it is told to probe. The narrow link lies between two bridges: a kernel whose own device refuses a packet takes
/// that for a full queue, not for a path that swallows.
#[test]
#[ignore = "needs root, /dev/net/tun, unshare, nsenter, ip, sysctl and socat"]
fn the_kernel_finds_out_as_well_if_it_is_told_to() {
    if !in_namespace("the_kernel_finds_out_as_well_if_it_is_told_to") {
        return;
    }
    let far = Far::new("10.7.0.9/24");
    far.run("sysctl -q -w net.ipv4.tcp_mtu_probing=1");
    ip("link set near mtu 1500");
    ip("link add one type veth peer name two");
    for (bridge, ports) in [("bridge0", [TAP, "one"]), ("bridge1", ["two", "near"])] {
        ip(&format!("link add {bridge} type bridge forward_delay 0 mcast_snooping 0"));
        for name in ports {
            ip(&format!("link set {name} master {bridge}"));
            ip(&format!("link set {name} up"));
        }
        ip(&format!("link set {bridge} up"));
    }
    ip("link set one mtu 1300");
    ip("link set two mtu 1300");
    let stream = TcpStream::connect(&host(None), "10.7.0.9:7777").unwrap();
    let found = echoed(stream, &pattern(1_000_000));
    assert!((1_000..=1_300).contains(&found), "{found} bytes are believed to get through");
}
