//! Our services and clients on a TAP, a TUN or an interface beside the kernel, with the Linux kernel's own stack at the other end of the
//! cable.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::process::Command;

use common::{Lan, run_command};

/// Runs a script in a network namespace of its own, in which the kernel is 10.7.0.1 on the interface `ns0`, a TAP or TUN of the kind `mode`.
fn in_namespace(lan: &Lan, mode: &str, script: &str) -> common::Outcome {
    with_cable(lan, &format!("tuntap add dev ns0 mode {mode}"), script)
}

/// The same with an interface that `ip` makes by these words.
fn with_cable(lan: &Lan, made: &str, script: &str) -> common::Outcome {
    let path = lan.file("script");
    let begin = "set -eu
        ip link set lo up
        ip $MADE
        ip address add 10.7.0.1/24 dev ns0
        ip link set ns0 up
        # Waits until a file says something.
        until_says() { for _ in $(seq 600); do grep -q \"$2\" \"$1\" 2>/dev/null && return; sleep 0.05; done; exit 9; }
        # Takes a call to port 7777: sends a file, whenever the caller ends, and keeps what comes in another. `nc -l` ends with its caller.
        both_ways() { exec python3 -c '
import socket, sys, threading
listener = socket.create_server((\"10.7.0.1\", 7777))
print(\"ready\", flush=True)
call, _ = listener.accept()
def send():
    call.sendall(open(sys.argv[1], \"rb\").read())
    call.shutdown(socket.SHUT_WR)
sending = threading.Thread(target=send)
sending.start()
with open(sys.argv[2], \"wb\") as received:
    while piece := call.recv(1 << 16):
        received.write(piece)
sending.join()' \"$@\"; }
        ";
    std::fs::write(&path, format!("{begin}{script}")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--net", "--pid", "--mount-proc", "--fork", "--kill-child", "sh"]).arg(&path);
    command.env("NETSTRATA", common::program()).env("MADE", made).current_dir(lan.file("").as_path());
    run_command(&mut command, b"")
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip, nc and python3"]
fn the_kernels_clients_reach_our_services() {
    let lan = Lan::new();
    let script = r#"
        "$NETSTRATA" serve --link tap:ns0 --service talk --service echo --control control > banner &
        until_says banner stop:
        python3 -c '
import socket, struct
ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
ping.settimeout(30)
request = struct.pack("!BBHHH", 8, 0, 0, 77, 1) + b"payload!"
total = sum(struct.unpack("!8H", request))
total = (total & 0xffff) + (total >> 16)
ping.sendto(request[:2] + struct.pack("!H", ~total & 0xffff) + request[4:], ("10.7.0.2", 0))
reply = ping.recv(1500)[20:]
print("echo reply", reply[0] == 0 and reply[4:] == request[4:])'
        printf 'hello from the kernel\n' | nc -N 10.7.0.2 9528
        head -c 3000000 /dev/urandom > sent
        nc -N 10.7.0.2 8002 < sent > back
        cmp sent back && echo three million bytes
        python3 -c '
import socket
call = socket.create_connection(("10.7.0.2", 9528))
call.sendall("网络编程".encode())
print(call.recv(1024).decode())
call.sendall(b"q")
print(call.recv(1024))'
        "$NETSTRATA" status --control control | grep -c 'LISTEN'
    "#;
    let outcome = in_namespace(&lan, "tap", script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    for part in
        ["echo reply True", "hello from the kernel", "three million bytes", "网络编程", "b''", "\n4\n"]
    {
        assert!(outcome.text().contains(part), "{part} in {}", outcome.text());
    }
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and python3"]
fn our_clients_reach_the_kernels_services() {
    let lan = Lan::new();
    let script = r#"
        "$NETSTRATA" ping --link tap:ns0 -c 3 -i 0.2 10.7.0.1
        head -c 3000000 /dev/urandom > sent
        head -c 2000000 /dev/urandom > reply
        both_ways reply received > answering &
        until_says answering ready
        "$NETSTRATA" connect --link tap:ns0 10.7.0.1:7777 < sent > back
        wait $!
        cmp sent received && cmp reply back && echo both directions
        "$NETSTRATA" connect --link tap:ns0 10.7.0.1:7778 < /dev/null || echo "code $?"
    "#;
    let outcome = in_namespace(&lan, "tap", script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    for part in ["3 packets transmitted, 3 received", "both directions", "code 1"] {
        assert!(outcome.text().contains(part), "{part} in {}", outcome.text());
    }
    assert!(outcome.stderr.contains("10.7.0.1:7778 refused the call"), "{}", outcome.stderr);
}

/// Echoes 32 MB and tells how many packets the interface counted for them, and how many bad checksums the kernel found.
const BULK: &str = r#"
        "$NETSTRATA" serve --link tun:ns0 --service echo --control control MORE > banner 2> log &
        until_says banner stop:
        python3 -c '
import os, socket, threading
for address in ["10.7.0.2"]:
    call = socket.create_connection((address, 8002))
    sent = os.urandom(1 << 20) * 32
    threading.Thread(target=lambda: (call.sendall(sent), call.shutdown(socket.SHUT_WR))).start()
    back = bytearray()
    while piece := call.recv(1 << 20):
        back += piece
    print("the same", back == sent)
counts = [line.split() for line in open("/proc/net/dev") if "ns0" in line][0]
for way, count in ("rx", int(counts[2])), ("tx", int(counts[10])):
    print(way, "few" if count < 10_000 else "many", count)
names, values = [line.split() for line in open("/proc/net/snmp") if line.startswith("Tcp:")]
print("bad checksums", values[names.index("InCsumErrors")])'
    "#;

#[test]
#[ignore = "needs root, /dev/net/tun, ip and python3"]
fn two_cores_serve_over_a_tun_with_two_queues() {
    let lan = Lan::new();
    let script = BULK.replace("[\"10.7.0.2\"]", "[\"10.7.0.2\"] * 16").replace("MORE", "--no-web --shards 2");
    let script = script
        + r#"
        "$NETSTRATA" status --control control --json | python3 -c '
import json, sys
host = json.load(sys.stdin)["hosts"][0]
print("opens", host["counters"]["passive-opens"], "listeners", len(host["listeners"]))'
        ls /proc/$!/task | wc -l
        grep -h -o 'net1\?-services' /proc/$!/task/*/comm | sort"#;
    let outcome = in_namespace(&lan, "tun multi_queue", &script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    for part in ["bad checksums 0", "opens 16 listeners 2", "net-services\nnet1-services"] {
        assert!(outcome.text().contains(part), "{part} in {}", outcome.text());
    }
    assert_eq!(outcome.text().matches("the same True").count(), 16, "{}", outcome.text());
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and python3"]
fn super_segments_pass_whole_over_a_tun() {
    let lan = Lan::new();
    let outcome = in_namespace(&lan, "tun", &BULK.replace("MORE", "--no-web"));
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    // 32 MB are more than 22 000 packets of 1500 bytes.
    for part in ["the same True", "rx few", "tx few", "bad checksums 0"] {
        assert!(outcome.text().contains(part), "{part} in {}", outcome.text());
    }
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and python3"]
fn a_recorded_tun_carries_packets() {
    let lan = Lan::new();
    let script = BULK.replace("MORE", "--pcapng frames.pcapng");
    let outcome = in_namespace(&lan, "tun", &script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    for part in ["the same True", "rx many", "tx many", "bad checksums 0"] {
        assert!(outcome.text().contains(part), "{part} in {}", outcome.text());
    }
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and busybox"]
fn another_dhcp_server_gives_our_client_its_address() {
    let lan = Lan::new();
    let script = r#"
        cat > conf <<END
start 10.7.0.20
end 10.7.0.29
interface ns0
lease_file leases
pidfile pid
option subnet 255.255.255.0
option router 10.7.0.1
option lease 600
END
        touch leases
        busybox udhcpd -f "$PWD/conf" > server 2>&1 &
        until_says server started
        "$NETSTRATA" ping --link tap:ns0 --address dhcp -c 1 10.7.0.1 > asked
        grep -c 'bytes from 10.7.0.1' asked
        grep 'sending ACK to' server
        "#;
    let outcome = in_namespace(&lan, "tap", script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    let text = outcome.text();
    assert!(text.starts_with("1\n") && text.contains("sending ACK to 10.7.0.2"), "{text}");
}

/// A server on `LINK`, whose interface goes down for long enough to be looked after, and comes back.
const BESIDE: &str = r#"
        ip link set near up
        "$NETSTRATA" serve --link LINK --no-web --service echo --control control > banner 2> log &
        server=$!
        until_says banner stop:
        ping -q -c 1 -W 10 10.7.0.2 > pinged
        head -c 3000000 /dev/urandom > sent
        nc -N 10.7.0.2 8002 < sent > back
        cmp sent back && echo three million bytes
        ip link set near down
        sleep 1.2
        ip link set near up
        nc -N 10.7.0.2 8002 < sent > back
        cmp sent back && echo up again
        "$NETSTRATA" status --control control | grep -c 'the link is broken' || true
        "#;

/// A client on `LINK`.
const CLIENT: &str = r#"
        both_ways sent received > answering &
        until_says answering ready
        "$NETSTRATA" connect --link LINK 10.7.0.1:7777 < back > answer
        wait $!
        cmp sent received && cmp back answer && echo both directions
        "#;

#[test]
#[ignore = "needs root, ip, ping, nc and python3"]
fn our_services_and_clients_are_on_an_interface_beside_the_kernel() {
    let lan = Lan::new();
    let end = r#"
        "$NETSTRATA" connect --link packet:near --address 10.7.0.1/24 10.7.0.9:7 < /dev/null || echo "code $?"
        "$NETSTRATA" ping --link packet:absent -c 1 10.7.0.1 || echo "code $?"
        ip link set near down
        "$NETSTRATA" ping --link packet:near -c 1 10.7.0.1 || echo "code $?"
        grep -E 'WARN|ERROR' log >&2 || true
        "#;
    let script = format!("{BESIDE}{CLIENT}{end}").replace("LINK", "packet:near");
    let outcome = with_cable(&lan, "link add ns0 type veth peer name near", &script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    let expected = "three million bytes\nup again\n0\nboth directions\ncode 2\ncode 2\ncode 1\n";
    assert_eq!(outcome.text(), expected, "{outcome:?}");
    let told: Vec<&str> = outcome.stderr.lines().collect();
    let expected = [
        "netstrata: cannot join packet:near: the kernel of this machine has 10.7.0.1 itself, and would answer for it as well; give another \
         --address ADDRESS/PREFIX",
        "netstrata: cannot join packet:absent: cannot open a packet socket on absent: there is no such interface: `ip link` lists those \
         that there are; give the name of one with --link",
        "netstrata: cannot join packet:near: cannot open a packet socket on near: it is down; `ip link set near up` sets it up",
    ];
    assert_eq!(told, expected, "and no word of the server's log");
}

#[test]
#[ignore = "needs root, ip, ping, nc and python3"]
fn our_services_and_clients_are_on_an_interface_by_xdp() {
    let lan = Lan::new();
    let middle = r#"
        "$NETSTRATA" ping --link xdp:near -c 1 10.7.0.1 || echo "code $?"
        kill $server
        wait $server
        "#;
    let end = "grep -E 'WARN|ERROR' log >&2 || true";
    let script = format!("{BESIDE}{middle}{CLIENT}{end}").replace("LINK", "xdp:near");
    let outcome = with_cable(&lan, "link add ns0 type veth peer name near", &script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    assert_eq!(outcome.text(), "three million bytes\nup again\n0\ncode 1\nboth directions\n", "{outcome:?}");
    let told: Vec<&str> = outcome.stderr.lines().collect();
    let expected = [
        "netstrata: cannot join xdp:near: cannot open an XDP socket on near: another XDP program or socket is on it; end that one, or use \
         packet:near; check --link, --pcapng and this user's rights",
    ];
    assert_eq!(told, expected, "and no word of the server's log");
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and nc"]
fn an_interface_that_is_taken_away_ends_who_is_on_it_with_one_line() {
    let lan = Lan::new();
    let script = r#"
        "$NETSTRATA" serve --link tap:ns0 --no-web --service echo --control control > banner 2> log &
        server=$!
        until_says banner stop:
        nc -N 10.7.0.2 8002 < banner > back
        cmp banner back
        ip link delete ns0
        wait $server || echo "code $?"
        tail -n 1 log
        ip link add ns0 type veth peer name near
        ip address add 10.7.0.1/24 dev ns0
        ip link set ns0 up
        ip link set near up
        nc -l 10.7.0.1 7777 < /dev/zero > received &
        sleep 0.3
        mkfifo typed
        (echo here; sleep 60) > typed &
        "$NETSTRATA" connect --link packet:near 10.7.0.1:7777 < typed > /dev/null 2> log &
        client=$!
        until_says received here
        ip link delete near
        wait $client || echo "code $?"
        cat log
    "#;
    let outcome = in_namespace(&lan, "tap", script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    let expected = "code 1
netstrata: the link is broken: the interface ns0 has been taken away; make the interface again, and start the server again
code 1
netstrata: the call to 10.7.0.1:7777 has ended: the link is broken: the interface near has been taken away; make the interface again, and \
         call again\n";
    assert_eq!(outcome.text(), expected, "{outcome:?}");
}

#[test]
#[ignore = "needs root, /dev/net/tun and ip"]
fn a_gateway_and_a_ping_end_with_their_interface_and_one_line() {
    let lan = Lan::new();
    let script = r#"
        "$NETSTRATA" ping --link tap:ns0 -i 0.1 10.7.0.1 > replies 2> log &
        ping=$!
        until_says replies icmp_seq=2
        ip link delete ns0
        wait $ping || echo "code $?"
        cat log
        ip tuntap add dev ns1 mode tun
        ip address add 10.8.0.2/24 dev ns1
        ip link set ns1 up
        "$NETSTRATA" gateway --link tun:ns1 --address 10.8.0.1/24 --dns 10.8.0.2 --control control > banner 2> log &
        gateway=$!
        until_says banner stop:
        ip link delete ns1
        wait $gateway || echo "code $?"
        tail -n 1 log
    "#;
    let outcome = in_namespace(&lan, "tap", script);
    assert_eq!(outcome.code, Some(0), "{outcome:?} {}", outcome.text());
    let expected = "code 1
netstrata: the link is broken: the interface ns0 has been taken away; make the interface again, and ask again
code 1
netstrata: the link is broken: the interface ns1 has been taken away; make the interface again, and start the gateway again\n";
    assert_eq!(outcome.text(), expected, "{outcome:?}");
}
