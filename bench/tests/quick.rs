//! Every work of every subject once, every byte verified. Times are not looked at.

use std::process::Command;

fn bench(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(arguments).output().expect("it was built");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn every_work_is_done_and_reported_in_every_way() {
    let folder = std::env::temp_dir().join(format!("netstrata-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (json, svg, markdown) = (file("figures.json"), file("figures.svg"), file("figures.md"));
    let (success, text) = bench(&["--quick", "--json", &json, "--svg", &svg, "--markdown", &markdown]);
    assert!(success, "{text}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let measured = report["measured"].as_array().unwrap();
    assert_eq!(measured.len(), 11, "{text}");
    for case in measured {
        let subjects: Vec<_> =
            case["outcomes"].as_array().unwrap().iter().map(|outcome| &outcome["subject"]).collect();
        assert!(subjects.starts_with(&[&"ours".into(), &"smoltcp".into()]), "{case}");
        assert!(
            case["outcomes"].as_array().unwrap().iter().all(|outcome| outcome["median"].as_f64() > Some(0.0))
        );
    }
    assert!(report["memory"]["established"].as_f64() > Some(0.0), "{text}");
    let markdown = std::fs::read_to_string(markdown).unwrap();
    assert!(markdown.contains("| bulk mtu=1500 idle=0 | Gbit/s |") && markdown.contains("(figures.svg)"));
    assert!(std::fs::read_to_string(svg).unwrap().contains("calls mtu=65535 idle=0"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn shards_carry_every_byte_on_one_core_and_on_several() {
    let arguments = ["shards", "--checked", "--rounds", "1", "--time", "50", "--shards", "3"];
    let (success, text) = bench(&arguments);
    assert!(success, "{text}");
    for case in [
        "| one shard | 1 |",
        "| flows stay on their core | 3 |",
        "| each host places flows by a key of its own | 3 |",
    ] {
        assert!(text.contains(case), "{text}");
    }
}

#[test]
fn a_name_that_nothing_has_is_an_error() {
    let (success, text) = bench(&["--quick", "--only", "nothing-is-called-this"]);
    assert!(!success && text.contains("nothing is called that: nothing-is-called-this"), "{text}");
}

#[test]
fn a_counted_work_says_how_much_was_done() {
    let (success, text) = bench(&["--count", "calls", "--subject", "smoltcp"]);
    assert!(success && text.contains("smoltcp: 20000 of calls"), "{text}");
}
