//! What guests are told: their address, their router, names, and who is there.

use crate::machine::{on_a_machine, says};

#[test]
#[ignore = "needs a network namespace, curl, ping, busybox and python3"]
fn a_guest_of_ipv6_forms_its_address_and_goes_out_by_it() {
    let outcome = on_a_machine(
        r#"
        # It is told nothing by hand: network and router come by advertisements, and the kernel itself forms the address.
        gateway
        guest ip link set lo up && guest ip link set net0 up
        formed() { guest ip -6 address show dev net0 scope global -tentative | grep -q "inet6 fd07::"; }
        until_true formed
        guest ip -6 route show default | grep -o "default via fe80:.* dev net0 proto ra" | sed "s/fe80:[^ ]*/fe80/"
        guest python3 -c '
import socket, struct
asking = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
asking.settimeout(60)
asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
asking.sendto(struct.pack("!BBHI", 133, 0, 0, 0), ("ff02::2", 0, 0, socket.if_nametoindex("net0")))
while True:
    told, (hops, *_), _, sender = asking.recvmsg(1500, 100)
    if told[0] == 134: break
options, rest = {}, told[16:]
while rest: options[rest[0]], rest = rest[:rest[1] * 8], rest[rest[1] * 8:]
print("hops", struct.unpack("i", hops[2])[0], "mtu", struct.unpack("!I", options[5][4:])[0],
    "prefix", socket.inet_ntop(socket.AF_INET6, options[3][16:]), options[3][2], "names", socket.inet_ntop(socket.AF_INET6, options[25][8:]))'
        guest curl -sS "http://[2001:db8::1]:8080/file" | cmp - file && echo curl
        guest ping -c 2 -W 20 2001:db8::1 > pinged && grep -o "2 received" pinged
        guest busybox nslookup -type=a files.example.test fd07::1 | grep -o "Address: 198.51.100.1"
        guest python3 -c '
import socket
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.settimeout(20)
datagrams.sendto(b"x" * 1400, ("2001:db8::1", 7))
back, sender = datagrams.recvfrom(65535)
print("datagrams", len(back), sender[:2])
call = socket.socket(socket.AF_INET6)
print("nobody there", call.connect_ex(("2001:db8::1", 9)) != 0)'
    "#,
    );
    says(
        &outcome,
        &[
            "default via fe80 dev net0 proto ra",
            "hops 255 mtu 1500 prefix fd07:: 64 names fd07::1",
            "curl",
            "2 received",
            "Address: 198.51.100.1",
            "datagrams 1400 ('2001:db8::1', 7)",
            "nobody there True",
        ],
    );
}

/// What udhcpc calls with what it was told.
const LEASE: &str = r#"
        cat > lease.sh <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip link set net0 mtu "$mtu" && ip address add "$ip/$mask" dev net0 && ip route add default via "$router"
echo "lease $ip/$mask router $router dns $dns mtu $mtu for $lease"
END
        chmod 755 lease.sh
"#;

#[test]
#[ignore = "needs a network namespace, udhcpc, busybox, ping and python3"]
fn a_guest_gets_an_address_pings_and_asks_for_names() {
    let script = r#"
        gateway --deny denied.example.test
        guest ip link set lo up && guest ip link set net0 up
        guest busybox udhcpc -i net0 -n -q -f -t 10 -s ./lease.sh 2> /dev/null
        guest ping -c 2 -W 20 198.51.100.1 > pinged && grep -o "2 received" pinged
        guest ping -c 1 -W 20 203.0.113.9 2>&1 | grep -o -m 1 "Destination.*Unreachable" || true
        guest busybox nslookup -type=a files.example.test 10.7.0.1 | grep -o "Address: 198.51.100.1"
        guest busybox nslookup -type=a nowhere.example.test 10.7.0.1 2>&1 | grep -o "NXDOMAIN" || true
        guest busybox nslookup -type=a denied.example.test 10.7.0.1 2>&1 | grep -o "REFUSED" || true
        guest python3 -c '
import socket, struct
call = socket.create_connection(("10.7.0.1", 53))
for _ in range(3):
    question = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\5files\7example\4test\0" + struct.pack("!HH", 1, 1)
    call.sendall(struct.pack("!H", len(question)) + question)
    length = struct.unpack("!H", call.recv(2, socket.MSG_WAITALL))[0]
    answer = call.recv(length, socket.MSG_WAITALL)
    assert answer[:2] == question[:2] and answer.endswith(socket.inet_aton("198.51.100.1")), answer
print("names by a stream")'
        echo 1 0 > /proc/sys/net/ipv4/ping_group_range
        guest ping -c 3 -i 0.2 -W 5 198.51.100.2 > pinged || true
        grep -o -m 1 "Packet filtered" pinged
        echo "said $(grep -c 'echo not permitted' run/log) times"
        told 'report["not_done"]["echo not permitted to this user"] >= 1'
    "#;
    let outcome = on_a_machine(&format!("{LEASE}{script}"));
    says(
        &outcome,
        &[
            "lease 10.7.0.100/24 router 10.7.0.1 dns 10.7.0.1 mtu 1500 for 3600",
            "2 received",
            "Destination Net Unreachable",
            "Address: 198.51.100.1",
            "NXDOMAIN",
            "REFUSED",
            "names by a stream",
            "Packet filtered",
            "said 1 times",
            "True",
        ],
    );
}
