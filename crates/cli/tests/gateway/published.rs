//! Guests' ports that others reach.

use crate::machine::{on_a_machine, says};

#[test]
#[ignore = "needs a network namespace, curl and python3"]
fn a_guests_port_is_published() {
    let outcome = on_a_machine(
        r#"
        gateway --configure --publish 127.0.0.1:18080=10.7.0.100:80 --publish 18081=10.7.0.100:81
        guest python3 -m http.server -b 10.7.0.100 80 > /dev/null 2>&1 &
        until_true curl -sS -o /dev/null http://127.0.0.1:18080/
        curl -sS http://127.0.0.1:18080/file | cmp - file && echo published
        # The reset may come before curl has seen that it is connected.
        code=0; curl -sS http://127.0.0.1:18081/ || code=$?
        [[ $code = 56 || $code = 7 ]] && echo "nobody there"
        told 'report["published"][0], report["published"][1][0]'
    "#,
    );
    says(&outcome, &["published", "nobody there", "['127.0.0.1:18080', '10.7.0.100:80'] 127.0.0.1:18081"]);
}

#[test]
#[ignore = "needs a network namespace and python3"]
fn a_guests_udp_port_is_published() {
    let outcome = on_a_machine(
        r#"
        gateway --configure --publish 18053=10.7.0.100:4000/udp --publish 198.51.100.1:18053=10.7.0.100:4000/udp \
          --publish "[::1]:18053=10.7.0.100:4000/udp"
        grep -o "publish 127.0.0.1:18053 to 10.7.0.100:4000/udp" run/banner
        cat > listen.py <<'END'
import socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.bind(("10.7.0.100", 4000))
# Its own datagrams leave by the port that others reach it at.
end.settimeout(60)
end.sendto(b"", ("198.51.100.2", 4000))
print("seen outside as", end.recv(1500).decode(), flush=True)
open("listening", "w").close()
while True:
    end.settimeout(None)
    what, sender = end.recvfrom(65535)
    end.sendto(what + repr(sender).encode(), sender)
END
        guest rm -f listening; chown 65534 .
        guest python3 listen.py &
        until_true test -e listening
        python3 -c '
import socket
def call(own, to, family=socket.AF_INET):
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.settimeout(60)
    end.bind(own)
    for what in b"once", b"twice":
        end.sendto(what, to)
        told, sender = end.recvfrom(1500)
        assert sender[:2] == to, sender
    print(own[0], told.decode())
    return end
kept = [call(("127.0.0.1", 5000), ("127.0.0.1", 18053)), call(("127.0.0.2", 5000), ("127.0.0.1", 18053)),
    call(("198.51.100.2", 5000), ("198.51.100.1", 18053)), call(("::1", 6000), ("::1", 18053), socket.AF_INET6)]
end = kept[0]
end.sendto(b"y" * 60000, ("127.0.0.1", 18053))
print("long", len(end.recv(65535)) > 60000)'
        # Taken ports are told of at once.
        "$NETSTRATA" gateway --netns "$guest" --link tap:net1 --publish 18053=10.7.0.100:4000/udp 2>&1 | grep -o "UDP at 127.0.0.1:18053 is already in use" || true
    "#,
    );
    says(
        &outcome,
        &[
            "publish 127.0.0.1:18053 to 10.7.0.100:4000/udp",
            "seen outside as ('198.51.100.1', 18053)",
            "127.0.0.1 twice('10.7.0.1', 5000)",
            "127.0.0.2 twice('10.7.0.1', 5001)",
            "198.51.100.2 twice('198.51.100.2', 5000)",
            "::1 twice('10.7.0.1', 6000)",
            "long True",
            "UDP at 127.0.0.1:18053 is already in use",
        ],
    );
}

/// RFC 4787 REQ-9, RFC 5382 REQ-8: what is published is there for guests, too, though all else that this host has is closed to them.
#[test]
#[ignore = "needs a network namespace, curl and python3"]
fn guests_reach_each_other_by_what_is_published() {
    let outcome = on_a_machine(
        r#"
        OWN= gateway --configure --publish 198.51.100.1:18080=10.7.0.100:80 --publish 198.51.100.1:18053=10.7.0.100:4000/udp
        guest python3 -m http.server -b 10.7.0.100 80 > /dev/null 2>&1 &
        until_true curl -sS -o /dev/null http://198.51.100.1:18080/
        guest curl -sS http://198.51.100.1:18080/file | cmp - file && echo the published port
        guest curl -sS http://198.51.100.1:8080/file 2> /dev/null || echo no other port
        guest python3 -c '
import socket
called, caller = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
for end in called, caller:
    end.settimeout(60)
called.bind(("10.7.0.100", 4000))
for _ in range(2):
    caller.sendto(b"out and in", ("198.51.100.1", 18053))
    what, seen = called.recvfrom(100)
    called.sendto(what + b" and back", seen)
    what, sender = caller.recvfrom(100)
    print("seen as", seen[0], "told", what.decode(), "by", sender)
# Who may be sent to at one port may not at all of them: the server there would answer.
caller.sendto(b"", ("198.51.100.1", 4000))
caller.sendto(b"again", ("198.51.100.1", 18053))
called.sendto(b"after that", called.recvfrom(100)[1])
print(caller.recv(100).decode())'
        told '"denied", report["not_done"]["denied by a rule"]'
    "#,
    );
    let twice = "seen as 198.51.100.1 told out and in and back by ('198.51.100.1', 18053)";
    says(&outcome, &["the published port", "no other port", twice, "after that", "denied 2"]);
}
