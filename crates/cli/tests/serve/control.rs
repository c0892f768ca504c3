//! What a server tells of itself, and where it is asked.

use crate::common::{Lan, exchange, run, status, until};

#[test]
fn a_server_tells_its_connections() {
    let lan = Lan::new();
    let control = lan.file("it.control");
    let server = lan.serve(&["--control", control.to_str().unwrap(), "--backlog", "10"]);
    let mut call = server.call();
    exchange(&mut call, b"twelve bytes");

    let report = status(&control);
    assert_eq!(report["program"]["pid"], server.process.pid());
    assert_eq!(report["program"]["link"], lan.link());
    assert_eq!(report["services"][0]["address"], "10.7.0.2:9528");
    assert_eq!(report["services"][0]["published"][0], server.published().to_string());
    let host = &report["hosts"][0];
    assert_eq!(
        (&host["listeners"][0]["local"], &host["listeners"][0]["backlog"]),
        (&"10.7.0.2:9528".into(), &10.into())
    );
    let connection = &host["connections"][0];
    assert_eq!(
        (&connection["state"], &connection["local"]),
        (&"ESTABLISHED".into(), &"10.7.0.2:9528".into())
    );
    let inside = &connection["inside"];
    assert_eq!((&inside["bytes_received"], &inside["bytes_sent"]), (&12.into(), &12.into()));
    assert_eq!(inside["receive_queue"], 0);
    for positive in ["rtt_us", "rto_us", "congestion_window", "segment_size", "send_window", "receive_window"]
    {
        assert!(inside[positive].as_u64().unwrap() > 0, "{positive} of {inside}");
    }
    assert_eq!(
        (&report["calls"][0]["service"], &report["calls"][0]["received"]),
        (&"talk".into(), &12.into())
    );
    assert_eq!(report["carried"][0]["local"], server.published().to_string());

    let text = run(&["status", "--control", control.to_str().unwrap()], b"");
    for part in ["ESTABLISHED", "LISTEN", "10.7.0.2:9528", "cwnd:", "rtt:", "retrans:0", "calls held: 1"] {
        assert!(text.text().contains(part), "{part} in {}", text.text());
    }
    drop(call);
    until("an empty table", || status(&control)["calls"].as_array().unwrap().is_empty());
    drop(server);
    let outcome = run(&["status", "--control", lan.file("none").to_str().unwrap()], b"");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("no server is running") && outcome.stderr.contains("serve`"),
        "{outcome:?}"
    );
}

#[test]
fn a_control_socket_that_was_asked_for_must_be_had() {
    let lan = Lan::new();
    let (file, control) = (lan.file("precious"), lan.file("control"));
    std::fs::write(&file, "precious").unwrap();
    let server = lan.serve(&["--control", control.to_str().unwrap()]);
    for (path, cause) in [(&control, "another server answers there"), (&file, "is not a socket lies there")] {
        let path = path.to_str().unwrap();
        let outcome = run(&["serve", "--no-publish", "--link", &lan.link(), "--control", path], b"");
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{outcome:?}");
        assert!(outcome.stderr.contains(cause), "{outcome:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    assert!(!lan.file("precious.lock").exists());
    assert_eq!(status(&control)["program"]["pid"], server.process.pid());
}

#[test]
fn a_control_socket_whose_path_is_too_long_is_told_in_one_line() {
    let lan = Lan::new();
    // The LAN's own path is just short enough, and the control socket's beside it is not.
    let longest = 107;
    let name = "x".repeat(longest - lan.file("").as_os_str().len() - ".sock".len()) + ".sock";
    let link = format!("lan:{}", lan.file(&name).display());
    let asked = run(&["status", "--link", &link], b"");
    let named = lan.file(&format!("made/{}", "y".repeat(longest)));
    let served = run(&["serve", "--link", &lan.link(), "--control", named.to_str().unwrap()], b"");
    for (outcome, length) in [(asked, longest + 3), (served, named.as_os_str().len())] {
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1), "{outcome:?}");
        let why = format!("its {length} bytes are more than the path of a socket can have");
        assert!(outcome.stderr.contains(&why) && outcome.stderr.contains("--control"), "{outcome:?}");
    }
    assert!(!lan.file("made").exists());
}
