//! What lies on the way outside, and what it says.

use crate::machine::{on_a_machine, says};

/// A router and a host behind this machine: the link between those takes packets of 1400 bytes.
const ROUTER: &str = r#"
        unshare -n sleep infinity & router=$!
        unshare -n sleep infinity & far=$!
        apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
        until_true apart $router; until_true apart $far
        at_router() { nsenter -n -t $router "$@"; }
        at_far() { nsenter -n -t $far "$@"; }
        ip link add out0 type veth peer name in0 netns $router
        at_router ip link add out0 type veth peer name in0 netns $far
        ip address add 192.0.2.1/24 dev out0; ip address add 2001:db8:1::1/64 dev out0 nodad; ip link set out0 up
        at_router ip link set lo up
        at_router ip address add 192.0.2.2/24 dev in0; at_router ip address add 2001:db8:1::2/64 dev in0 nodad; at_router ip link set in0 up
        at_router ip address add 203.0.113.1/24 dev out0; at_router ip address add 2001:db8:2::1/64 dev out0 nodad
        at_router ip link set out0 mtu 1400 up
        at_router sh -c "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
        at_far ip link set lo up
        at_far ip address add 203.0.113.2/24 dev in0; at_far ip address add 2001:db8:2::2/64 dev in0 nodad; at_far ip link set in0 mtu 1400 up
        at_far ip route add default via 203.0.113.1; at_far ip route add default via 2001:db8:2::1
        ip route add default via 192.0.2.2; ip route add default via 2001:db8:1::2
        at_far python3 -c '
import socket, threading
def echo(family, at):
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.bind((at, 7))
    while True:
        end.sendto(*end.recvfrom(65535))
threading.Thread(target=echo, args=(socket.AF_INET, "203.0.113.2")).start()
echo(socket.AF_INET6, "2001:db8:2::2")' &
        until_true ping -c 1 -W 1 203.0.113.2; until_true ping -c 1 -W 1 2001:db8:2::2
"#;

#[test]
#[ignore = "needs a network namespace, ping, busybox and python3"]
fn a_guest_sees_the_hops_on_its_way_and_learns_how_long_its_packets_may_be() {
    let script = r#"
        gateway --configure
        hops() { guest busybox traceroute "$@" | sed -nE 's/^ *([0-9]+)  ([0-9a-f.:]+).*/\1 \2/p' | paste -sd,; }
        echo "hops $(hops -n -q 1 -w 20 -m 5 203.0.113.2)"
        echo "hops $(hops -6 -n -q 1 -w 20 -m 5 2001:db8:2::2)"
        for far in 203.0.113.2 2001:db8:2::2; do
          for hops in 1 2; do
            guest ping -n -t $hops -c 1 -W 20 $far | grep -oE "From [0-9a-f:.]+ icmp_seq=1 Time.*" || true
          done
          guest ping -n -t 3 -c 1 -W 20 $far | grep -o "1 received"
          guest ping -n -M do -s 1400 -c 1 -W 20 $far 2>&1 | grep -oE "From .* icmp_seq=1 (Frag needed|Packet too big).*" || true
        done
        # What the guest knows of its ways by now it shall find out once more, by datagrams.
        guest ip route flush cache; guest ip -6 route flush cache
        guest python3 -c '
import errno, socket
for family, far, header in (socket.AF_INET, "203.0.113.2", 28), (socket.AF_INET6, "2001:db8:2::2", 48):
    level, discover, mtu = (socket.IPPROTO_IP, 10, 14) if family == socket.AF_INET else (socket.IPPROTO_IPV6, 23, 24)
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.settimeout(1)
    end.connect((far, 7))
    # Whole or not at all: what is too long for the second link comes back as an error, until the length is found.
    end.setsockopt(level, discover, 2)
    length = 1500 - header
    while True:
        try:
            end.send(b"x" * length)
            back = end.recv(1500)
            break
        except TimeoutError:
            pass
        except OSError as error:
            assert error.errno == errno.EMSGSIZE, error
            length = min(length, end.getsockopt(level, mtu) - header)
    print(family.name, "found", len(back), "mtu", end.getsockopt(level, mtu))
    # Who lets its datagrams be cut gets them through whatever their length.
    end.setsockopt(level, discover, 0)
    end.settimeout(60)
    end.send(b"x" * 5000)
    print(family.name, "cut", len(end.recv(9000)))'
        told '"too long", report["not_done"]["datagrams too long for their way"]'
    "#;
    let outcome = on_a_machine(&format!("{ROUTER}{script}"));
    says(
        &outcome,
        &[
            "hops 1 10.7.0.1,2 192.0.2.2,3 203.0.113.2",
            "hops 1 fd07::1,2 2001:db8:1::2,3 2001:db8:2::2",
            "From 10.7.0.1 icmp_seq=1 Time to live exceeded",
            "From 192.0.2.2 icmp_seq=1 Time to live exceeded",
            "From fd07::1 icmp_seq=1 Time exceeded: Hop limit",
            "From 2001:db8:1::2 icmp_seq=1 Time exceeded: Hop limit",
            "1 received",
            "From 192.0.2.2 icmp_seq=1 Frag needed and DF set (mtu = 1400)",
            "From 2001:db8:1::2 icmp_seq=1 Packet too big: mtu=1400",
            "AF_INET found 1372 mtu 1400",
            "AF_INET cut 5000",
            "AF_INET6 found 1352 mtu 1400",
            "AF_INET6 cut 5000",
            "too long 4",
        ],
    );
}
