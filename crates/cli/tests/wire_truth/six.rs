//! The same truth by IPv6: neighbours, duplicate addresses, routers, fragments and path MTUs, with the kernel at the other end.

use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::common::{DEADLINE, Lan, Process, pattern, run, until};
use crate::judge::{UNSOUND, find, judge, program};
use crate::{TAP, connect, in_namespace, kernels_server, listening, serve};

const KERNEL: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 1);
const OURS: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2);

/// Runs `ip` with these words.
fn ip(words: &str) -> String {
    String::from_utf8(program("ip", &words.split(' ').collect::<Vec<_>>(), b"")).unwrap()
}

/// A host of our own in this process, recorded.
fn host(
    lan: &Lan,
    name: &str,
    build: impl FnOnce(netstrata::Network) -> netstrata::Network,
) -> (netstrata::Host, PathBuf) {
    let capture = lan.file(&format!("{name}.pcapng"));
    let network = netstrata::Network::new(TAP.parse().unwrap()).pcapng(Some(capture.clone()));
    (build(network).start().unwrap(), capture)
}

/// Every frame is sound; of the packets that an error quotes only the beginning is there, which tshark takes for a fault.
fn no_unsound(capture: &std::path::Path) {
    let unsound =
        find(capture, &format!("({UNSOUND}) && !(icmpv6.type == 2 && icmpv6.checksum.status == 1)"));
    assert!(unsound.is_empty(), "{} unsound frames:\n{}", unsound.len(), unsound.join("\n"));
}

const SOCKETS: &str = r#"
import random, socket, threading
address = "fd07::2"
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
calls = [threading.Thread(target=call, args=(seed,)) for seed in range(10)]
[c.start() for c in calls]
[c.join() for c in calls]
# Nobody there: TCP and UDP.
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET6, kind) as s:
        s.settimeout(30)
        try:
            s.connect((address, 4444))
            s.send(b"x")
            s.recv(10)
            raise SystemExit("somebody is there")
        except ConnectionRefusedError:
            pass
print("all is well")
"#;

#[test]
#[ignore = "needs root, /dev/net/tun, ip, ping, nc, python3 and tshark"]
fn the_kernels_clients_and_our_services_leave_a_clean_record() {
    if !in_namespace("six::the_kernels_clients_and_our_services_leave_a_clean_record") {
        return;
    }
    let lan = Lan::new();
    let capture = lan.file("serve.pcapng");
    let server = serve(&lan, &capture, &["talk", "--service", "echo"]);
    for size in ["0", "56", "1452", "1453", "8000", "60000"] {
        let told =
            program("ping", &["-6", "-n", "-c", "2", "-i", "0.1", "-W", "10", "-s", size, "fd07::2"], b"");
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("2 packets transmitted, 2 received"), "{size}: {told}");
    }
    assert_eq!(program("nc", &["-6", "-N", "fd07::2", "9528"], "网络编程".as_bytes()), "网络编程".as_bytes());
    let sent = pattern(20_000_000);
    assert!(program("nc", &["-6", "-N", "fd07::2", "8002"], &sent) == sent, "what came back differs");
    let script = lan.file("sockets.py");
    std::fs::write(&script, SOCKETS).unwrap();
    assert_eq!(program("python3", &[script.to_str().unwrap()], b""), b"all is well\n");
    // The kernel has found its neighbour and keeps it.
    let neighbours = ip("-6 neighbour show dev ns0");
    let ours = neighbours.lines().find(|line| line.starts_with("fd07::2 ")).unwrap();
    assert!(ours.contains("lladdr") && !ours.contains("FAILED"), "{neighbours}");
    assert_eq!(server.stop().code(), Some(0));
    judge(&capture, 15_000);
    for (what, filter) in [
        ("a neighbour asked for by the kernel", "icmpv6.type == 135 && ipv6.src == fd07::1"),
        ("a neighbour told by us", "icmpv6.type == 136 && ipv6.src == fd07::2"),
        ("an address asked for before its use", "icmpv6.type == 135 && ipv6.src == ::"),
        ("a report of groups", "icmpv6.type == 143"),
        ("fragments of ours", "ipv6.fraghdr && ipv6.src == fd07::2"),
        ("an unreachable port", "icmpv6.type == 1 && icmpv6.code == 4"),
        ("a window scale", "ipv6 && tcp.options.wscale && tcp.flags.ack == 1"),
    ] {
        assert!(!find(&capture, filter).is_empty(), "{what} is not on the record");
    }
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip, socat, python3 and tshark"]
fn our_clients_and_the_kernels_services_leave_a_clean_record() {
    if !in_namespace("six::our_clients_and_the_kernels_services_leave_a_clean_record") {
        return;
    }
    let lan = Lan::new();
    let capture = |name: &str| lan.file(&format!("{name}.pcapng"));
    let directory = lan.path().parent().unwrap().to_path_buf();

    let page = pattern(300_000);
    std::fs::write(lan.file("page.bin"), &page).unwrap();
    let http = ["-m", "http.server", "--bind", "fd07::1", "8000"];
    let http = kernels_server(8000, "python3", &http, &directory);
    let reply = connect(&capture("http"), "[fd07::1]:8000", b"GET /page.bin HTTP/1.0\r\n\r\n").stdout;
    assert!(reply.starts_with(b"HTTP/1.0 200 OK\r\n") && reply.ends_with(&page), "{} bytes", reply.len());
    drop(http);
    judge(&capture("http"), 100);

    let sent = pattern(10_000_000);
    let echo = ["-t", "60", "TCP6-LISTEN:7777,bind=[fd07::1]", "EXEC:cat"];
    let echo = kernels_server(7777, "socat", &echo, &directory);
    let back = connect(&capture("socat"), "[fd07::1]:7777", &sent).stdout;
    assert!(back == sent, "what came back differs");
    drop(echo);
    judge(&capture("socat"), 8_000);

    let file = capture("refused");
    let refused = run(&["connect", "--link", TAP, "--pcapng", file.to_str().unwrap(), "[fd07::1]:7778"], b"");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    judge(&file, 2);
    let file = capture("ping");
    let arguments = ["ping", "--link", TAP, "-c", "3", "-i", "0.1", "-s", "4000", "fd07::1"];
    let ping = run(&[&arguments[..], &["--pcapng", file.to_str().unwrap()]].concat(), b"");
    assert!(ping.text().contains("3 packets transmitted, 3 received"), "{ping:?}");
    judge(&file, 0);
    assert!(find(&file, "icmpv6.type == 129").len() == 3, "the record of the pings");
}

/// Datagrams of every size both ways: the kernel's program asks, and what it gets back is what it sent.
#[test]
#[ignore = "needs root, /dev/net/tun, ip, curl, python3 and tshark"]
fn pages_by_curl_and_datagrams_of_every_size() {
    if !in_namespace("six::pages_by_curl_and_datagrams_of_every_size") {
        return;
    }
    let lan = Lan::new();
    let (host, capture) = host(&lan, "datagrams", |network| network.address(OURS.into(), 64));
    let (socket, listener) = (
        netstrata::UdpSocket::bind(&host, (OURS, 7)).unwrap(),
        netstrata::TcpListener::bind(&host, (OURS, 80)).unwrap(),
    );
    thread::spawn(move || {
        let mut bytes = vec![0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            socket.send_to(&bytes[..length], from).unwrap();
        }
    });
    thread::spawn(move || {
        for mut call in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Read::read(&mut call, &mut [0; 4096]);
            let body = pattern(1_000_000);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            call.write_all(head.as_bytes()).and_then(|()| call.write_all(&body)).unwrap();
        }
    });
    let script = r#"
import os, socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(30)
for size in (0, 1, 1000, 1452, 1453, 2000, 8000, 65527):
    sent = os.urandom(size)
    s.sendto(sent, ("fd07::2", 7))
    back, peer = s.recvfrom(65536)
    assert back == sent and peer[:2] == ("fd07::2", 7), (size, len(back), peer)
print("all is well")
"#;
    let file = lan.file("datagrams.py");
    std::fs::write(&file, script).unwrap();
    assert_eq!(program("python3", &[file.to_str().unwrap()], b""), b"all is well\n");
    for _ in 0..2 {
        let words = ["--silent", "--show-error", "--max-time", "60", "-g", "http://[fd07::2]/page"];
        assert!(program("curl", &words, b"") == pattern(1_000_000), "the page differs");
    }
    host.shutdown(DEADLINE);
    judge(&capture, 500);
    assert!(!find(&capture, "ipv6.fraghdr && ipv6.src == fd07::1").is_empty(), "fragments of the kernel's");
    assert!(!find(&capture, "ipv6.fraghdr && ipv6.src == fd07::2").is_empty(), "fragments of ours");
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and tshark"]
fn an_address_is_had_by_one_of_us_alone() {
    if !in_namespace("six::an_address_is_had_by_one_of_us_alone") {
        return;
    }
    let lan = Lan::new();
    // The kernel was there first.
    let network = netstrata::Network::new(TAP.parse().unwrap()).address(KERNEL.into(), 64);
    let error = network.start().map(|host| host.name().to_owned()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "{error}");
    // We were there first.
    let (host, capture) = host(&lan, "duplicate", |network| network.address(OURS.into(), 64));
    ip("address add fd07::2/64 dev ns0");
    until("the kernel's giving up", || {
        ip("-6 address show dev ns0").contains("fd07::2/64 scope global dadfailed")
    });
    ip("address del fd07::2/64 dev ns0");
    assert!(host.with(|stack, _| stack.addresses().any(|own| own.address.addr() == IpAddr::V6(OURS))));
    program("ping", &["-6", "-n", "-c", "1", "-W", "10", "fd07::2"], b"");
    host.shutdown(Duration::ZERO);
    judge(&capture, 0);
    assert!(
        !find(&capture, "icmpv6.type == 135 && ipv6.src == :: && icmpv6.nd.ns.target_address == fd07::2")
            .is_empty()
    );
    assert!(!find(&capture, "icmpv6.type == 136 && ipv6.src == fd07::2 && ipv6.dst == ff02::1").is_empty());
}

/// The kernel routes between us and a namespace behind it, to which its own link is narrower than either end knows.
#[test]
#[ignore = "needs root, /dev/net/tun, ip, nsenter, socat and tshark"]
fn the_kernel_tells_of_a_narrow_path_and_we_keep_to_it() {
    if !in_namespace("six::the_kernel_tells_of_a_narrow_path_and_we_keep_to_it") {
        return;
    }
    std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
    let far = Process::spawn(Command::new("unshare").args(["--net", "sleep", "600"]));
    let pid = far.pid().to_string();
    until("the far namespace", || {
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        std::fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|net| net != own)
    });
    ip("link add near type veth peer name far");
    ip(&format!("link set far netns {pid}"));
    ip("address add 2001:db8:9::1/64 dev near nodad");
    ip("link set near mtu 1300 up");
    let inside = |words: &str| {
        let words: Vec<&str> = ["-t", &pid, "-n", "ip"].into_iter().chain(words.split(' ')).collect();
        program("nsenter", &words, b"");
    };
    inside("address add 2001:db8:9::2/64 dev far nodad");
    inside("link set far up");
    // It offers long segments and sends short ones: its own long ones would vanish on the link, whose other end takes none.
    inside("-6 route add default via 2001:db8:9::1 mtu 1300 advmss 1440");
    let mut echo = Command::new("nsenter");
    echo.args(["-t", &pid, "-n", "socat", "-t", "60", "TCP6-LISTEN:7777,fork", "EXEC:cat"]);
    let echo = Process::spawn(echo.stdin(Stdio::null()).stdout(Stdio::null()));
    let table = format!("/proc/{pid}/net/tcp6");
    until("socat", || std::fs::read_to_string(&table).unwrap().contains(":1E61 "));

    let lan = Lan::new();
    let capture = lan.file("narrow.pcapng");
    let sent = pattern(1_000_000);
    let words = ["connect", "--link", TAP, "--address", "fd07::43/64", "--gateway", "fd07::1", "--pcapng"];
    let outcome = run(&[&words[..], &[capture.to_str().unwrap(), "[2001:db8:9::2]:7777"]].concat(), &sent);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout == sent, "what came back differs");
    drop(echo);
    no_unsound(&capture);
    let told = find(&capture, "icmpv6.type == 2 && icmpv6.mtu == 1300");
    assert!(!told.is_empty() && told.len() < 50, "told {} times that the path is narrow", told.len());
    // Once told, what is longer is not sent any more.
    let long = find(&capture, "ipv6.src == fd07::43 && tcp && ipv6.plen > 1260");
    let right = find(&capture, "ipv6.src == fd07::43 && tcp && ipv6.plen <= 1260 && tcp.len > 1000");
    assert!(long.len() < right.len() / 2, "{} too long, {} not", long.len(), right.len());
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip, ping, radvd and tshark"]
fn radvd_gives_us_an_address_and_a_route() {
    if !in_namespace("six::radvd_gives_us_an_address_and_a_route") {
        return;
    }
    std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
    ip("address add 2001:db8:7::1/64 dev ns0 nodad");
    ip("link add beyond type veth peer name beyond-it");
    ip("link set beyond up");
    ip("link set beyond-it up");
    ip("address add 2001:db8:8::1/64 dev beyond nodad");
    let lan = Lan::new();
    let file = lan.file("radvd.conf");
    let advertised = "interface ns0 {
        AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvCurHopLimit 61; AdvLinkMTU 1400;
        prefix 2001:db8:7::/64 { AdvOnLink on; AdvAutonomous on; };
        RDNSS 2001:db8:8::53 { };
    };";
    std::fs::write(&file, advertised).unwrap();
    let pid = lan.file("radvd.pid").display().to_string();
    let words = ["-n", "-C", file.to_str().unwrap(), "-p", &pid, "-m", "stderr", "-u", "root"];
    let mut router = Process::spawn(Command::new("radvd").args(words).stdout(Stdio::null()));

    let (host, capture) = host(&lan, "routers", |network| network.routers(true));
    let prefix =
        |address: &IpAddr| matches!(address, IpAddr::V6(six) if six.segments()[..4] == [0x2001, 0xdb8, 7, 0]);
    let own =
        || host.with(|stack, _| stack.addresses().map(|own| own.address.addr()).find(|own| prefix(own)));
    until("an address of the router's prefix", || own().is_some());
    let address = own().unwrap();
    host.wait_address(&[address], DEADLINE).unwrap();
    // Beyond the link, by the route that the router gave.
    let listener = netstrata::TcpListener::bind(&host, (address, 80)).unwrap();
    let mut waiting = Command::new("socat");
    waiting
        .args(["STDIO", "TCP6-LISTEN:7777,bind=[2001:db8:8::1]"])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let waiting = Process::spawn(&mut waiting);
    listening(7777);
    let beyond = SocketAddr::new("2001:db8:8::1".parse().unwrap(), 7777);
    let call = netstrata::TcpStream::connect(&host, beyond).unwrap();
    assert_eq!(call.local_addr().unwrap().ip(), address);
    // The router's MTU: 1400 less the headers and timestamps.
    assert_eq!(call.info().unwrap().segment_size, 1400 - 40 - 20 - 12);
    drop((call, listener, waiting));
    program("ping", &["-6", "-n", "-c", "1", "-W", "10", &address.to_string()], b"");
    let servers =
        host.with(|stack, now| stack.name_servers(now).map(|(_, server)| server).collect::<Vec<_>>());
    assert_eq!(servers, ["2001:db8:8::53".parse::<Ipv6Addr>().unwrap()]);
    // It says that it goes, and no way leads beyond the link any more.
    router.signal(nix::sys::signal::Signal::SIGTERM);
    router.wait();
    until("the end of the route", || {
        let error = netstrata::TcpStream::connect_timeout(&host, &beyond, Duration::from_secs(5));
        error.is_err_and(|error| error.kind() == std::io::ErrorKind::NetworkUnreachable)
    });
    host.shutdown(Duration::ZERO);
    no_unsound(&capture);
    for (what, filter) in [
        ("our question for routers", "icmpv6.type == 133 && ipv6.dst == ff02::2"),
        ("the router's answer", "icmpv6.type == 134"),
        ("the router's hop limit", "ipv6.hlim == 61 && tcp"),
        (
            "our address asked for",
            "icmpv6.type == 135 && ipv6.src == :: && icmpv6.nd.ns.target_address == 2001:db8:7::/64",
        ),
    ] {
        assert!(!find(&capture, filter).is_empty(), "{what} is not on the record");
    }
}
