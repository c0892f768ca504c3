//! Where guests may go.

use crate::machine::{on_a_machine, says};

/// Calls from the guest, each told with what came of it.
const CALLS: &str = r#"
        cat > calls.py <<'END'
import errno, socket, sys
for place in sys.argv[1:]:
    host, port = place.rsplit(":", 1)
    call = socket.socket()
    call.settimeout(30)
    number = call.connect_ex((host, int(port)))
    print(place, errno.errorcode.get(number, number))
END
        calls() { guest python3 calls.py "$@"; }
"#;

#[test]
#[ignore = "needs a network namespace and python3"]
fn guests_go_only_where_they_may() {
    let script = r#"
        gateway --configure --deny 198.51.100.2
        calls 198.51.100.1:8080 198.51.100.1:9 198.51.100.2:8080 10.7.0.1:8080 203.0.113.9:80
        kill -TERM $gateway && wait $gateway
        OWN= gateway --configure --allow 198.51.100.2
        echo "of this host: $(calls 198.51.100.1:8080)"
        echo "opened: $(calls 198.51.100.2:8080)"
        echo "nobody's: $(calls 203.0.113.77:7)"
        ip address add 203.0.113.77/32 dev lo
        echo "got meanwhile: $(calls 203.0.113.77:7)"
        ip address del 203.0.113.77/32 dev lo
        echo "lost again: $(calls 203.0.113.77:7)"
        kill -TERM $gateway && wait $gateway
        echo again
        gateway --configure --deny all --allow files.example.test
        echo "before its name was asked for: $(calls 198.51.100.1:8080)"
        calls files.example.test:8080
        echo "after: $(calls 198.51.100.1:8080)"
        echo "others: $(calls 198.51.100.2:8080)"
        told 'report["not_done"]["denied by a rule"]'
        echo "said $(grep -c 'denied by a rule' run/log) times"
        guest ip address add 192.0.2.77/32 dev net0
        guest python3 -c '
import socket
for place in (("198.51.100.1", 9), ("198.51.100.1", 10), ("10.7.0.1", 53)):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("192.0.2.77", 0))
    datagrams.sendto(b"x", place)'
        calls 198.51.100.2:8080 > /dev/null
        told '"foreign", report["not_done"]["sources of no guest"], "of guests", len(report["guests"])'
    "#;
    let outcome = on_a_machine(&format!("{CALLS}{script}"));
    says(
        &outcome,
        &[
            "198.51.100.1:8080 0",
            "198.51.100.1:9 ECONNREFUSED",
            "198.51.100.2:8080 ECONNREFUSED",
            "10.7.0.1:8080 ECONNREFUSED",
            "203.0.113.9:80 ENETUNREACH",
            "of this host: 198.51.100.1:8080 ECONNREFUSED",
            "opened: 198.51.100.2:8080 0",
            "nobody's: 203.0.113.77:7 ENETUNREACH",
            "got meanwhile: 203.0.113.77:7 ECONNREFUSED",
            "lost again: 203.0.113.77:7 ENETUNREACH",
            "before its name was asked for: 198.51.100.1:8080 ECONNREFUSED",
            "files.example.test:8080 0",
            "after: 198.51.100.1:8080 0",
            "others: 198.51.100.2:8080 ECONNREFUSED",
            "2",
            "said 1 times",
            "foreign 3 of guests 1",
        ],
    );
}
