//! Programs that call out.

use crate::machine::{on_a_machine, says};

#[test]
#[ignore = "needs a network namespace, redis-server, curl, wget, lftp, apt and python3"]
fn programs_download_through_it_as_if_it_were_not_there() {
    let outcome = on_a_machine(
        r#"
        gateway --configure
        guest curl -sS http://files.example.test:8080/file | cmp - file && echo curl by name
        guest curl -sS http://198.51.100.1:8080/file | cmp - file && echo curl
        guest wget -q -O - http://files.example.test:8080/file | cmp - file && echo wget
        guest python3 -c '
import ftplib
ftp = ftplib.FTP()
ftp.connect("198.51.100.1", 2121)
ftp.login()
parts = []
ftp.retrbinary("RETR file", parts.append)
ftp.quit()
print("ftp", b"".join(parts) == open("file", "rb").read())'
        guest env HOME="$DIR/run" lftp -c "set net:max-retries 1; get ftp://198.51.100.1:2121/file -o run/by-lftp" 2> run/lftp
        cmp run/by-lftp file && echo lftp
        guest /usr/lib/apt/apt-helper -o Acquire::http::Proxy=false -o APT::Sandbox::User=root download-file http://files.example.test:8080/file run/by-apt > /dev/null
        cmp run/by-apt file && echo apt
        redis-server --bind 198.51.100.1 --port 6379 --save "" --protected-mode no > redis.log 2>&1 &
        until_true redis-cli -h 198.51.100.1 ping
        echo "redis $(guest redis-cli -h 198.51.100.1 set key value) $(guest redis-cli -h 198.51.100.1 get key)"
        guest python3 -c '
import socket, threading
call = socket.create_connection(("198.51.100.1", 7))
sent = open("file", "rb").read()
threading.Thread(target=lambda: (call.sendall(sent), call.shutdown(socket.SHUT_WR))).start()
back = b""
while piece := call.recv(1 << 20): back += piece
print("both ways to the end", back == sent)
datagrams = socket.socket(type=socket.SOCK_DGRAM)
datagrams.settimeout(20)
for length in 0, 1, 1400, 8000:
    datagrams.sendto(b"x" * length, ("198.51.100.1", 7))
    back, sender = datagrams.recvfrom(65535)
    assert (len(back), sender) == (length, ("198.51.100.1", 7)), (length, len(back), sender)
print("datagrams")'
        flows() { [ "$(told 'len([flow for flow in report["flows"] if flow["protocol"] == "tcp"])')" = 0 ]; }
        until_true flows && echo no flow is left
        kill -TERM $gateway && wait $gateway && echo ended in order
    "#,
    );
    says(
        &outcome,
        &[
            "curl by name",
            "curl",
            "wget",
            "ftp True",
            "lftp",
            "apt",
            "redis OK value",
            "both ways to the end True",
            "datagrams",
            "no flow is left",
            "ended in order",
        ],
    );
}

#[test]
#[ignore = "needs a network namespace, curl and python3"]
fn a_tun_carries_super_segments_to_it() {
    let outcome = on_a_machine(
        r#"
        LINK=tun gateway --configure --host-loopback
        guest curl -sS http://198.51.100.1:8080/file | cmp - file && echo outside
        guest curl -sS http://10.7.0.1:8080/file | cmp - file && echo the loopback of this host
    "#,
    );
    says(&outcome, &["outside", "the loopback of this host"]);
}

#[test]
#[ignore = "needs a network namespace and python3"]
fn a_host_on_its_lan_goes_out_by_it() {
    let outcome = on_a_machine(
        r#"
        lan="lan:$DIR/run/lan"
        "${as_user[@]}" "$NETSTRATA" gateway --link "$lan" --host-addresses --no-dns --control run/control > run/banner 2> run/log &
        gateway=$!
        until_true grep -q stop: run/banner
        head -c 300000 file > part
        out() { user "$NETSTRATA" connect --link "$lan" "$@" < part | cmp - part; }
        out --address 10.7.0.77/24 --gateway 10.7.0.1 198.51.100.1:7 && echo by IPv4
        out --address fd07::77/64 --gateway fd07::1 "[2001:db8::1]:7" && echo by IPv6
        told '"stations", len({guest["station"] for guest in report["guests"]})'
        kill -TERM $gateway && wait $gateway && echo ended in order
    "#,
    );
    says(&outcome, &["by IPv4", "by IPv6", "stations 2", "ended in order"]);
}

#[test]
#[ignore = "needs a network namespace and python3"]
fn a_call_that_is_broken_off_is_counted_by_who_did_it() {
    let outcome = on_a_machine(
        r#"
        gateway --configure --grace 0s
        cat > resetting.py <<'END'
import socket, struct
listener = socket.create_server(("198.51.100.1", 7777))
while True:
    call, _ = listener.accept()
    call.recv(1)
    call.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.close()
END
        python3 resetting.py &
        listens() { grep -q ":1E61 " /proc/net/tcp; }
        until_true listens
        cat > calls.py <<'END'
import socket, struct, time
outside = socket.create_connection(("198.51.100.1", 7777), 60)
outside.send(b"x")
try:
    outside.recv(1)
except ConnectionResetError:
    print("reset outside")
for _ in range(2):
    own = socket.create_connection(("198.51.100.1", 7), 60)
    own.send(b"x")
    own.recv(1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    own.close()
held = socket.create_connection(("198.51.100.1", 7), 60)
held.send(b"x")
held.recv(1)
open("held", "w").close()
try:
    print("held", held.recv(1))
except ConnectionResetError:
    print("cut off")
END
        chown 65534 . && guest python3 calls.py & calls=$!
        until_true test -e held
        broken() { told 'sum(report["broken_off"].values())' | grep -qx 3; }
        until_true broken
        told '"broken off", sorted(report["broken_off"].items()), report["not_done"]'
        kill -TERM $gateway; wait $gateway; wait $calls
        grep -c "cut off at the end of the gateway" run/log
    "#,
    );
    says(
        &outcome,
        &["reset outside", "broken off [('reset by the guest', 2), ('reset outside', 1)] {}", "cut off", "1"],
    );
}
