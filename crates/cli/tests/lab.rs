//! `netstrata lab`: the list, one experiment in every shape, all of them, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::process::Command;

#[derive(Debug)]
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(arguments: &[&str], input: &[u8]) -> Outcome {
    let common::Outcome { code, stdout, stderr } = common::run(arguments, input);
    Outcome { code, stdout: String::from_utf8(stdout).unwrap(), stderr }
}

#[test]
fn without_a_name_all_are_listed() {
    let outcome = run(&["lab"], b"");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for line in ["handshake ", "    delay ", "congestion ", "[cubic newreno]"] {
        assert!(outcome.stdout.contains(line), "{line}: {}", outcome.stdout);
    }
}

#[test]
fn the_ladder_shows_what_a_rule_does() {
    let outcome = run(&["lab", "handshake", "--rule", "drop server SYN,ACK #1", "--set", "delay=20"], b"");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for part in ["(dropped by a rule)", "(again)", "ESTABLISHED", "RFC 6298", "✓ both ends reach ESTABLISHED"]
    {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    // No terminal, no colours.
    assert!(!outcome.stdout.contains('\x1b'));
}

#[test]
fn chinese_is_chinese_to_the_last_word() {
    let output = common::netstrata()
        .args(["lab", "handshake", "--rule", "drop server SYN,ACK #1"])
        .env("LC_ALL", "zh_CN.UTF-8")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["(被规则丢弃)", "(重发)", "✓ 两端都进入 ESTABLISHED：客户端 ESTABLISHED"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("dropped by") && !text.contains("again"), "{text}");
}

#[test]
fn a_check_that_fails_is_exit_code_one() {
    let outcome = run(&["lab", "handshake", "--rule", "drop server any"], b"");
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("✗ both ends reach ESTABLISHED"));
}

#[test]
fn json_is_json_and_the_same_every_time() {
    let outcome = run(&["lab", "loss", "--json", "--seed", "7"], b"");
    let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let trace = &answer["trace"];
    assert_eq!((trace["experiment"].as_str(), trace["seed"].as_u64()), (Some("loss"), Some(7)));
    assert_eq!(trace["passed"].as_bool(), Some(true));
    let frames = trace["frames"].as_array().unwrap().len();
    assert!(trace["events"].as_array().unwrap().iter().all(|event| {
        event["frame"].as_u64().is_none_or(|frame| (frame as usize) < frames) && event["kind"].is_string()
    }));
    assert_eq!(run(&["lab", "loss", "--json", "--seed", "7"], b"").stdout, outcome.stdout);
    let catalogue: serde_json::Value = serde_json::from_str(&run(&["lab", "--json"], b"").stdout).unwrap();
    assert!(catalogue["experiments"].as_array().unwrap().len() > 20);
}

#[test]
fn the_drawing_is_well_formed() {
    let directory = tempfile::tempdir().unwrap();
    for experiment in ["handshake", "close", "router", "loopback"] {
        let file = directory.path().join("ladder.svg");
        let outcome = run(&["lab", experiment, "--svg", file.to_str().unwrap()], b"");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let text = std::fs::read_to_string(&file).unwrap();
        well_formed(&text);
        assert!(text.starts_with("<svg ") && text.contains("</text>"));
    }
}

/// Every element is closed by its own end, no attribute is left open, and nothing but markup has angle brackets.
fn well_formed(text: &str) {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find('<') {
        assert!(!rest[..begin].contains('>'), "a stray bracket in {:?}", &rest[..begin]);
        let end = begin + rest[begin..].find('>').expect("an element ends");
        let tag = &rest[begin + 1..end];
        assert!(tag.matches('"').count().is_multiple_of(2) && !tag.contains('<'), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    for entity in text.split('&').skip(1) {
        assert!(
            ["lt;", "gt;", "amp;", "quot;"].iter().any(|known| entity.starts_with(known)),
            "{entity:.10}"
        );
    }
}

#[test]
fn all_of_them_hold() {
    let outcome = run(&["lab", "--all"], b"");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!outcome.stdout.contains("FAIL") && outcome.stdout.lines().count() > 20);
}

#[test]
fn what_there_is_not_is_one_line_with_the_nearest_and_exit_code_two() {
    let table: &[(&[&str], &str)] = &[
        (&["lab", "hanshake"], "there is no experiment \"hanshake\"; did you mean \"handshake\"?"),
        (&["lab", "handshake", "--set", "dely=5"], "did you mean \"delay\"?"),
        (&["lab", "handshake", "--set", "delay=99999"], "it takes 0 to 5000 ms; did you mean \"5000\"?"),
        (&["lab", "handshake", "--set", "delay"], "write PARAMETER=VALUE"),
        (&["lab", "close", "--set", "way=tree"], "did you mean \"three\"?"),
        (&["lab", "handshake", "--rule", "drop sever SYN"], "did you mean \"server\"?"),
        (&["lab", "handshake", "--rule", "dorp server SYN"], "did you mean \"drop\"?"),
        (&["lab", "nothing-like-it"], "; there are talk, around-the-clock, "),
        (&["lab", "handshake", "--set", "colour=5"], "there is no parameter \"colour\"; there are delay"),
        (&["lab", "handshake", "--seed", "-1"], "a seed is a whole number from 0 to 18446744073709551615"),
        (&["lab", "handshake", "--rule", "delay 25h server SYN"], "a time up to a day"),
        (&["lab", "two-way-handshake", "--rule", "drop client SYN"], "a model without a network"),
        (&["lab", "--all", "--svg", "x"], "cannot be used with"),
        (&["lab", "--rule", "drop server SYN"], "required"),
    ];
    for (arguments, expected) in table {
        let outcome = run(arguments, b"");
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        let line = outcome.stderr.trim_end();
        assert!(line.starts_with("netstrata: ") && !line.contains('\n'), "{arguments:?}: {line}");
        assert!(line.contains(expected), "{arguments:?}: {line}");
    }
}

#[test]
#[ignore = "needs tshark"]
fn captures_are_read_without_malformed_packets() {
    let directory = tempfile::tempdir().unwrap();
    let catalogue: serde_json::Value = serde_json::from_str(&run(&["lab", "--json"], b"").stdout).unwrap();
    for experiment in catalogue["experiments"].as_array().unwrap() {
        let name = experiment["name"].as_str().unwrap();
        let file = directory.path().join(format!("{name}.pcapng"));
        let outcome = run(&["lab", name, "--pcapng", file.to_str().unwrap()], b"");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let tshark = |filter: &str| {
            let output = Command::new("tshark").arg("-r").arg(&file).args(["-Y", filter]).output().unwrap();
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).lines().count()
        };
        let frames = tshark("frame");
        assert_eq!(tshark("_ws.malformed"), 0, "{name}");
        assert_eq!(tshark("frame.comment"), frames, "{name}: a frame without its comment");
    }
}
