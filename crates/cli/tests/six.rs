//! The command over IPv6: the default LAN's network, calls, pings, published ports, and what wrong addresses get.
#![allow(clippy::unwrap_used, reason = "tests fail by panics")]

mod common;

use std::net::{IpAddr, SocketAddr};

use common::{Lan, exchange, pattern, run, status};

#[test]
fn a_server_is_called_asked_and_published_by_ipv6() {
    let lan = Lan::new();
    let control = lan.file("it.control");
    let publish = ["--publish", "[::1]:0=9528", "--publish", "127.0.0.1:0=9528"];
    let server = lan.serve(&[&publish[..], &["--control", control.to_str().unwrap()]].concat());
    assert!(server.banner.contains(" connect --link "), "{}", server.banner);
    assert!(server.banner.contains(" '[fd07::2]:9528'\n"), "{}", server.banner);

    let link = lan.link();
    let sent = pattern(300_000);
    let outcome = run(&["connect", "--link", &link, "[fd07::2]:9528"], &sent);
    assert!(outcome.is_quiet_success() && outcome.stdout == sent, "{}", outcome.stderr);
    // The usual port, and no brackets where there is none.
    let outcome = run(&["connect", "--link", &link, "fd07::2"], "网络编程".as_bytes());
    assert!(outcome.is_quiet_success() && outcome.text() == "网络编程", "{outcome:?}");
    // A caller of IPv6 alone finds the services by itself.
    let outcome = run(&["connect", "--link", &link, "--address", "fd07::43/64"], b"hello");
    assert!(outcome.is_quiet_success() && outcome.text() == "hello", "{outcome:?}");

    // Published on both families, and carried by the one that a call comes by.
    let mut published = server.published_all();
    published.sort();
    assert!(published.len() == 2 && published[0].is_ipv4() && published[1].is_ipv6(), "{published:?}");
    for place in &published {
        let mut call = std::net::TcpStream::connect(place).unwrap();
        call.set_read_timeout(Some(common::DEADLINE)).unwrap();
        exchange(&mut call, b"by a published port");
        let calls = status(&control)["calls"].to_string();
        let gateway = if place.is_ipv6() { "[fd07::1]:" } else { "10.7.0.1:" };
        assert!(calls.contains(gateway), "{place}: {calls}");
    }

    let report = status(&control);
    let addresses = &report["hosts"][0]["addresses"];
    assert!(addresses.to_string().contains("\"fd07::2/64\""), "{addresses}");
    let listeners = report["hosts"][0]["listeners"].to_string();
    assert!(listeners.contains("[fd07::2]:9528") && listeners.contains("10.7.0.2:9528"), "{listeners}");
    let text = run(&["status", "--control", control.to_str().unwrap()], b"");
    assert!(text.text().contains("talk   [fd07::2]:9528"), "{}", text.text());

    // Every address answers, that of the link too.
    let link_local = addresses.as_array().unwrap().iter().map(|address| address.as_str().unwrap());
    let link_local = link_local.filter_map(|address| address.strip_suffix("/64")).find(
        |address| matches!(address.parse(), Ok(IpAddr::V6(address)) if address.is_unicast_link_local()),
    );
    for address in ["fd07::2", "fd07::1", link_local.unwrap()] {
        let arguments = ["ping", "--link", &link, "-c", "2", "-i", "0.05", "-s", "3000", address];
        let outcome = run(&arguments, b"");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.text().contains("2 packets transmitted, 2 received"), "{}", outcome.text());
        assert!(outcome.text().contains(&format!("3008 bytes from {address}: icmp_seq=1 ttl=64")));
    }

    let log = {
        let log = server.process.stderr();
        assert_eq!(server.stop().code(), Some(0));
        log
    };
    assert!(log.contains("local=[fd07::2]:9528 peer=[fd07::"), "{log}");
}

#[test]
fn a_server_of_ipv6_alone() {
    let lan = Lan::new();
    let server = lan.serve(&["--address", "fd07::42/64"]);
    let published: SocketAddr = server.published();
    assert!(published.is_ipv4());
    // What is published by IPv4 is carried by the family that the services have.
    exchange(&mut server.call(), b"from IPv4 to IPv6");
    let link = lan.link();
    let outcome = run(&["connect", "--link", &link, "[fd07::42]:9528"], b"x");
    assert!(outcome.is_quiet_success() && outcome.text() == "x", "{outcome:?}");
    let nobody = run(&["connect", "--link", &link, "[fd07::42]:9"], b"");
    assert_eq!((nobody.code, nobody.stderr.lines().count()), (Some(1), 1), "{nobody:?}");
    assert!(nobody.stderr.contains("[fd07::42]:9 refused the call"), "{nobody:?}");
    let nowhere = run(&["connect", "--link", &link, "--wait", "20", "[fd07::99]:9528"], b"");
    assert_eq!((nowhere.code, nowhere.stderr.lines().count()), (Some(1), 1), "{nowhere:?}");
    assert!(nowhere.stderr.contains("fd07::99 is not reachable"), "{nowhere:?}");
    let nobody = run(&["ping", "--link", &link, "-c", "1", "-W", "0.2", "fd07::99"], b"");
    assert_eq!((nobody.code, nobody.stderr.lines().count()), (Some(1), 1), "{nobody:?}");
    // Both families at once are another's network here.
    let outcome = run(&["connect", "--link", &link, "--address", "10.7.0.9", "[fd07::42]:9528"], b"");
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{outcome:?}");
    assert!(outcome.stderr.contains("no route leads to fd07::42"), "{outcome:?}");
    let taken = run(&["connect", "--link", &link, "--address", "fd07::42/64", "[fd07::1]:9"], b"");
    assert_eq!((taken.code, taken.stderr.lines().count()), (Some(1), 1), "{taken:?}");
    assert!(taken.stderr.contains("fd07::42 is in use by "), "{taken:?}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn wrong_addresses_of_ipv6_get_one_line_and_the_code_of_wrong_usage() {
    let wrong: [&[&str]; 16] = [
        &["connect", "[fd07::2:9528"],
        &["connect", "[fd07::2]9528"],
        &["connect", "[fd07:::2]:9528"],
        &["connect", "fd07::2::3"],
        &["connect", "[10.7.0.2]:9528"],
        &["connect", "[fd07::2]:0"],
        &["connect", "[fd07::2]:65536"],
        &["connect", "[]:9528"],
        &["connect", "[ff02::1]:9528"],
        &["ping", "fd07::g"],
        &["ping", "[fd07::2]"],
        &["ping", "ff02::1"],
        &["serve", "--address", "fd07::2/129"],
        &["serve", "--address", "::1"],
        &["serve", "--publish", "::1:9528=9528"],
        &["serve", "--address", "fd07::2", "--gateway-address", "fd07::2"],
    ];
    for arguments in wrong {
        let outcome = run(arguments, b"");
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{arguments:?}: {}", outcome.stderr);
    }
    let lan = Lan::new();
    let families = ["serve", "--link", &lan.link(), "--no-web", "--gateway-address", "10.7.0.1"];
    let outcome = run(&[&families[..], &["--address", "fd07::2"]].concat(), b"");
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{outcome:?}");
    assert!(outcome.stderr.contains("speaks IPv4 alone"), "{outcome:?}");
}
