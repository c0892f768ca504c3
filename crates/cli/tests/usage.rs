//! What the command says when it is used wrongly: one line with cause and remedy, exit code 2.

mod common;

use common::run;

/// Longer than a socket's path may be.
macro_rules! long {
    () => {
        concat!(
            "/tmp/0123456789012345678901234567890123456789012345678901234567890123456789",
            "01234567890123456789012345678901234567890123456789"
        )
    };
}

#[test]
fn wrong_usage_is_one_line_and_exit_code_two() {
    let table: &[(&[&str], &str)] = &[
        (&["serv"], "a similar subcommand exists: 'serve'"),
        (&["serve", "--servise", "talk"], "a similar argument exists: '--service'"),
        (&["serve", "--service", "tolk"], "services are talk, echo, http, ftp; did you mean \"talk\"?"),
        (&["serve", "--service", "talk@70000"], "ports go from 1 to 65535"),
        (&["serve", "--service", "talk@x"], "is not a port"),
        (&["serve", "--service", "talk@0"], "give a port such as 9528"),
        (&["serve", "--service", "talk", "--service", "echo@9528"], "two services are to be on port 9528"),
        (&["serve", "--publish", "127.0.0.2:8000=8000"], "no service is on port 8000"),
        (&["serve", "--publish", "localhost:8000=9528"], "is not an IP address"),
        (&["serve", "--publish", "127.0.0.2:1", "--no-publish"], "cannot be used with"),
        (
            &["serve", "--publish", "9600=9528", "--publish", "127.0.0.2:9600=9528"],
            "two services are to be published on 127.0.0.2:9600",
        ),
        (&["serve", "--web", "8001"], "give ADDRESS:PORT, such as 127.0.0.1:8001"),
        (&["serve", "--gateway", "10.8.0.1"], "is in no network of one's own"),
        (&["connect", "--address", "10.9.0.5/16", "--gateway", "10.7.0.1"], "10.9.0.5/16"),
        (&["serve", "--control", "/"], "give it another --control PATH"),
        (&["connect", "--link", "lan:/"], "is not a socket lies there"),
        (&["connect", "--link", "lan:/nonexistent/x/lan.sock"], "there is no directory /nonexistent/x for"),
        (&["serve", "--no-publish", "--link", "lan:/nonexistent/a.sock"], "make it with `mkdir`"),
        (&["gateway", "--link", "lan:/nonexistent/a.sock"], "there is no directory /nonexistent for"),
        (&["connect", "--link", concat!("lan:", long!())], "is too long for a socket: it has 125 bytes"),
        (&["lan", "--path", "/"], "is not a socket lies there"),
        (&["lan", "--path", "/nonexistent/a.sock"], "give another --path, or make it with `mkdir`"),
        (&["lan", "--path", long!()], "give a shorter --path"),
        (&["serve", "--link", "host", "--publish", "9528"], "leave --publish away"),
        (&["serve", "--link", "tap:x", "--publish", "9528"], "use --link lan"),
        (&["serve", "--link", "host", "--impair", "loss=1%"], "leave --impair away"),
        (&["serve", "--link", "host", "--pcapng", "x"], "leave --pcapng away"),
        (&["serve", "--link", "lam"], "did you mean \"lan\"?"),
        (
            &["serve", "--link", "memory"],
            "take lan[:PATH], tap:NAME, tun:NAME, packet:NAME, xdp:NAME or host",
        ),
        (&["serve", "--link", "tap"], "tap:net0"),
        (&["serve", "--link", "packet:"], "cannot name an interface"),
        (&["connect", "--link", "packet:x", "--address", "127.0.0.1/8"], "loopback address"),
        (&["gateway", "--link", "packet:x", "--netns", "1"], "give --link tap:NAME or tun:NAME"),
        (&["serve", "--address", "10.7.0.300"], "is not an address; give four numbers from 0 to 255"),
        (&["serve", "--address", "10.7.0.255/24"], "broadcast address"),
        (&["serve", "--address", "10.7.0.2/40"], "is not a prefix length"),
        (&["serve", "--address", "::1"], "is a loopback address"),
        (&["serve", "--address", "ff02::1"], "is not the address of one host"),
        (&["connect", "[fd07::2"], "lacks a \"]\""),
        (&["serve", "--gateway-address", "10.7.0.2/24"], "give another --gateway-address"),
        (&["serve", "--grace", "soon"], "such as 500ms, 10s"),
        (&["serve", "--keepalive", "5s/0"], "give from 1s"),
        (&["serve", "--backlog", "0"], "0 is out of range; give from 1 to 65535"),
        (&["serve", "--shards", "65"], "65 is out of range; give from 1 to 64"),
        (&["serve", "--shards", "2", "--link", "host"], "leave --shards away"),
        (&["serve", "--name", "a.local"], "1 to 63 letters, digits and hyphens"),
        (&["serve", "--name", "a", "--link", "host"], "leave --name away"),
        (&["serve", "--name", "a", "--no-discovery"], "cannot be used with '--no-discovery'"),
        (&["serve", "--impair", "lose=1%"], "loss"),
        (&["connect", "10.7.0:80"], "is not an IPv4 address"),
        (&["connect", "10.7.0.2:http"], "is not a port"),
        (&["connect", "10.7.0.2:0"], "port 0 cannot be called"),
        (&["connect", "0.0.0.0:80"], "0.0.0.0 is not the address of one host"),
        (&["connect", "[fe80::1%9]:80"], "leave the % and what follows away"),
        (&["lab", "--web", "8001"], "give ADDRESS:PORT, such as 127.0.0.1:8001"),
        (&["connect", "[ff02::1]:80"], "ff02::1 is not the address of one host"),
        (&["connect", "--send-only", "--recv-only"], "cannot be used with '--recv-only'"),
        (&["connect", "x", "--dns", "10.7.0.1", "--link", "host"], "leave --dns away"),
        (&["find", "--link", "host"], "find asks over a stack of our own"),
        (&["find", "a..b"], "names no kind of service"),
        (&["find", ""], "names no kind of service"),
        (&["find", "--wait", "-1"], "is not a span of time"),
        (&["connect", "--wait", "-1"], "is not a span of time"),
        (&["connect", "a", "b"], "unexpected argument 'b'"),
        (&["ping"], "<HOST>"),
        (&["ping", "nowhere"], "or one of IPv6, such as fd07::2"),
        (&["ping", "10.7.0.2", "--link", "host"], "the system's own ping"),
        (&["ping", "10.7.0.2", "-i", "0"], "at least 1ms"),
        (&["ping", "10.7.0.2", "-s", "65508"], "65508 is out of range; give from 0 to 65507"),
        (&["ping", "10.7.0.2", "-c", "-1"], "-1 is out of range; give from 1 to"),
        (&["gateway", "--guest-memory", "4g"], "\"4g\" is not a whole number; give one from 1 to 65535"),
        (
            &["gateway", "--guest-memory", "64", "--max-memory", "63"],
            "give --guest-memory at most 63, or --max-memory at least 64",
        ),
        (&["gateway", "--publish", "8080=10.7.0.1:80"], "10.7.0.1 is the gateway itself"),
        (
            &["gateway", "--publish", "8080=192.0.2.9:80"],
            "no route leads to 192.0.2.9, which is to be published: guests are in 10.7.0.0/24 and fd07::/64; give --publish a guest's address, such as 10.7.0.100",
        ),
        (&["gateway", "--publish", "8080=10.7.0.255:80/udp"], "10.7.0.255 is the address of no one guest"),
        (
            &["gateway", "--address", "fd07::1/64", "--publish", "8080=10.7.0.9:80"],
            "guests are in fd07::/64;",
        ),
        (&["gateway", "--address", "10.7.0.1/32"], "give a shorter prefix, such as --address 10.7.0.1/24"),
        (&["gateway", "--address", "fd07::1/128"], "no guest has an address"),
        (&["gateway", "--dns", "192.0.2.53:0"], "port 0 cannot be asked"),
        (&["gateway", "--netns", "", "--link", "tap:x"], "names no network namespace"),
        (&["serve", "--data-ports", "9000"], "are for callers of ftp"),
        (&["serve", "--service", "talk", "--certificate", "x", "--key", "x"], "are for callers of ftp"),
        (&["status", "--link", "x"], "there is no link \"x\"; take lan[:PATH]"),
        (&["lan", "x"], "unexpected argument"),
    ];
    for (arguments, expected) in table {
        let outcome = run(arguments, b"");
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert!(outcome.stdout.is_empty(), "{arguments:?}");
        let line = outcome.stderr.trim_end();
        assert!(line.starts_with("netstrata: ") && !line.contains('\n'), "{arguments:?}: {line}");
        assert!(line.contains(expected) && line.contains("; "), "{arguments:?}: {line}");
    }
}

/// Of a path that was mistyped nothing is left.
#[test]
fn no_directory_is_made_for_a_lan_that_was_named() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let missing = directory.path().join("missing");
    let path = missing.join("a.sock");
    let link = format!("lan:{}", path.display());
    let path = path.to_str().unwrap();
    for arguments in [&["connect", "--link", &link][..], &["find", "--link", &link], &["lan", "--path", path]]
    {
        let outcome = run(arguments, b"");
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{outcome:?}");
        assert!(!missing.exists(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"], &["connect", "-h"]] {
        let outcome = run(arguments, b"");
        assert!(outcome.is_quiet_success(), "{arguments:?}: {outcome:?}");
        assert!(outcome.text().contains("netstrata"), "{}", outcome.text());
    }
    let outcome = run(&[], b"");
    assert_eq!(outcome.code, Some(2));
    for command in ["serve", "connect", "ping", "lan", "status", "bench"] {
        assert!(outcome.stderr.contains(command), "{}", outcome.stderr);
    }
}
