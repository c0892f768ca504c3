//! How guests' datagrams are mapped, and what comes back for them.

use crate::machine::{on_a_machine, says};

/// RFC 4787: one port outside for all to whom an endpoint sends (REQ-1), which is even or odd as its own is (REQ-4); what comes from an
/// address that it has sent to is for it, whatever the port (REQ-8), and nothing else; it ends some time after the last of its own (REQ-5).
#[test]
#[ignore = "needs a network namespace and python3"]
fn a_guests_endpoint_has_one_port_outside_for_all_and_lets_in_whom_it_has_sent_to() {
    let outcome = on_a_machine(
        r#"
        gateway --configure --host-loopback
        cat > endpoint.py <<'END'
import ast, socket
def again(end, what, to, take):
    # Datagrams may get lost on a busy machine.
    end.settimeout(3)
    for _ in range(20):
        end.sendto(what, to)
        try:
            return take()
        except TimeoutError:
            pass
    raise TimeoutError(to)
def ask(end, to, what=b""):
    told, sender = again(end, what, to, lambda: end.recvfrom(1500))
    return ast.literal_eval(told.decode()), sender[:2]
for family, own, places in (
    (socket.AF_INET, "", [("198.51.100.1", 4000), ("198.51.100.2", 4000), ("10.7.0.1", 4000)]),
    (socket.AF_INET6, "::", [("2001:db8::1", 4000)] * 2)):
    for port in 6000, 6001:
        end = socket.socket(family, socket.SOCK_DGRAM)
        end.settimeout(60)
        end.bind((own, port))
        told = [ask(end, place) for place in places]
        assert [sender for _, sender in told] == places, told
        ports = {outside[1] for outside, _ in told}
        print(family.name, "ports", len(ports), "alike", ports.pop() % 2 == port % 2)
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.settimeout(60)
end.bind(("", 6002))
print("another port", ask(end, ("198.51.100.1", 4000), b"198.51.100.1 5000")[1])
# Nothing comes of this one: what is told next is of the question behind it.
end.sendto(b"198.51.100.2 5001", ("198.51.100.1", 4000))
print("another address", ask(end, ("198.51.100.1", 4000))[1])
# Errors name what they are about, also to who is not connected.
for family, place in (socket.AF_INET, ("198.51.100.1", 9)), (socket.AF_INET6, ("2001:db8::1", 9)):
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.settimeout(60)
    end.setsockopt(*((socket.IPPROTO_IP, 11, 1) if family == socket.AF_INET else (socket.IPPROTO_IPV6, 25, 1)))
    try:
        again(end, b"is anybody there", place, lambda: end.recv(9))
    except ConnectionRefusedError as error:
        print("error", error.strerror)
    about, _, _, to = end.recvmsg(1500, 1500, socket.MSG_ERRQUEUE)
    print("about", about, to[:2])
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.connect(("198.51.100.1", 9))
try:
    again(end, b"once more", ("198.51.100.1", 9), lambda: end.recv(9))
except ConnectionRefusedError:
    print("refused")
END
        guest python3 endpoint.py
        told '"unasked", report["not_done"]["datagrams from outside that nobody asked for"]'
        kill -TERM $gateway && wait $gateway
        gateway --configure --udp-idle 1s
        guest python3 -c 'import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("198.51.100.1", 4000))'
        begun() { [ "$(told 'report["flows_begun"]')" = 1 ]; }
        until_true begun
        over() { [ "$(told 'len([flow for flow in report["flows"] if flow["protocol"] == "udp"])')" = 0 ]; }
        until_true over && echo no flow is left
    "#,
    );
    says(
        &outcome,
        &[
            "AF_INET ports 1 alike True",
            "AF_INET6 ports 1 alike True",
            "another port ('198.51.100.1', 5000)",
            "another address ('198.51.100.1', 4000)",
            "error Connection refused",
            "about b'is anybody there' ('198.51.100.1', 9)",
            "about b'is anybody there' ('2001:db8::1', 9)",
            "refused",
            "no flow is left",
            "unasked 1",
        ],
    );
    assert!(!outcome.text().contains("False"), "{}", outcome.text());
}

/// Sends what a stranger makes up: an ICMP error about a datagram from this host's port to some other place, or a second answer to each
/// echo request, from elsewhere.
const FORGER: &str = r#"
        cat > forge.py <<'END'
import socket, struct, sys
def checked(message):
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return message[:2] + struct.pack("!H", total ^ 0xffff) + message[4:]
link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
if sys.argv[1] == "error":
    own, there = (socket.inet_aton(address) for address in ("198.51.100.1", sys.argv[3]))
    quoted = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, own, there)
    quoted += struct.pack("!HHHH", int(sys.argv[2]), int(sys.argv[4]), 8, 0)
    link.sendto(checked(struct.pack("!BBHI", 3, 3, 0, 0) + quoted), ("198.51.100.1", 0))
    sys.exit()
elsewhere = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
elsewhere.bind(("198.51.100.2", 0))
print("ready", flush=True)
while True:
    packet, (sender, _) = link.recvfrom(2000)
    message = packet[20:]
    if message[0] == 8 and packet[16:20] == socket.inet_aton("198.51.100.1"):
        elsewhere.sendto(checked(b"\0\0\0\0" + message[4:]), (sender, 0))
END
"#;

#[test]
#[ignore = "needs a network namespace, ping and python3"]
fn what_others_make_up_is_not_believed() {
    let script = r#"
        gateway --configure
        unasked() { told 'report["not_done"].get("datagrams from outside that nobody asked for", 0)'; }
        mkfifo asks answers; chmod 666 asks answers
        guest python3 -c '
import ast, socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.settimeout(60)
end.setsockopt(socket.IPPROTO_IP, 11, 1)
end.sendto(b"", ("198.51.100.1", 4000))
port = ast.literal_eval(end.recv(1500).decode())[1]
open("asks", "w").write(str(port))
open("answers").read()
try:
    end.recv(100)
except ConnectionRefusedError:
    print("about", end.recvmsg(1500, 1500, socket.MSG_ERRQUEUE)[3])' &
        asking=$! port=$(cat asks)
        python3 forge.py error $port 203.0.113.50 7
        known() { [ "$(unasked)" -ge "$1" ]; }
        until_true known 1 && echo one made up
        python3 forge.py error $port 198.51.100.1 4000
        echo go > answers
        wait $asking
        python3 forge.py echoes > forging &
        until_true grep -q ready forging
        guest ping -n -c 3 -i 0.2 -W 20 198.51.100.1 > pinged || true
        grep -o "3 received" pinged
        until_true known 4 && echo none of the others
        grep -c DUP pinged || true
    "#;
    let outcome = on_a_machine(&format!("{FORGER}{script}"));
    says(&outcome, &["one made up", "about ('198.51.100.1', 4000)", "3 received", "none of the others", "0"]);
}

/// A guest that has as many flows as it may gets a new one for its datagrams in the place of one that it seems not to need; a call is refused.
#[test]
#[ignore = "needs a network namespace and python3"]
fn a_guest_at_its_limit_ends_a_silent_mapping_for_a_new_one_and_has_a_call_refused() {
    let outcome = on_a_machine(
        r#"
        gateway --configure --guest-flows 8
        cat > limit.py <<'END'
import socket, time
def ask(end, tries=20):
    end.settimeout(1)
    for _ in range(tries):
        end.sendto(b"", ("198.51.100.1", 4000))
        try:
            return end.recv(1500)
        except TimeoutError:
            pass
def open():
    return socket.socket(type=socket.SOCK_DGRAM)
kept = open()
before = ask(kept)
silent = [open() for _ in range(7)]
for end in silent:
    end.sendto(b"nobody answers", ("198.51.100.1", 9))
time.sleep(1.5)
# Each of many takes the place of one that nobody answered, and then of none: those that were are too young.
many = [open() for _ in range(7)]
print("answered", [ask(end) is not None for end in many] == [True] * 7, ask(open(), 2))
print("kept", ask(kept) == before)
try:
    socket.create_connection(("198.51.100.1", 7), 9)
except ConnectionRefusedError:
    print("a call is refused")
END
        guest python3 limit.py
        told '"flows", report["guests"][0]["flows"], report["not_done"]["idle mappings ended for newer ones of the same guest"]'
        until_true grep -q "flows of one guest" run/log && echo told of
    "#,
    );
    let lines = ["answered True None", "kept True", "a call is refused", "flows 8 7", "told of"];
    says(&outcome, &lines);
}

/// The mappings that it has are not ended for datagrams that its rate keeps back.
#[test]
#[ignore = "needs a network namespace and python3"]
fn a_guest_at_its_limit_that_is_too_fast_keeps_its_silent_mappings() {
    let outcome = on_a_machine(
        r#"
        gateway --configure --guest-flows 8 --guest-rate 1
        cat > fast.py <<'END'
import socket, time
def send():
    end = socket.socket(type=socket.SOCK_DGRAM)
    end.sendto(b"nobody answers", ("198.51.100.1", 9))
    return end
held = []
for _ in range(8):
    held.append(send())
    time.sleep(1.1)
for _ in range(20):
    held.append(send())
open("fast", "w").close()
time.sleep(1000)
END
        chown 65534 . && guest python3 fast.py & fast=$!
        until_true test -e fast
        refused() { [ "$(told 'report["not_done"].get("rate of new flows of one guest", 0)')" -ge 15 ]; }
        until_true refused && echo too fast
        told '"flows", report["guests"][0]["flows"]'
        kill $fast
    "#,
    );
    says(&outcome, &["too fast", "flows 8"]);
}
