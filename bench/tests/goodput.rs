//! A corner of the goodput matrix, for a second each. What comes out is looked at for its shape alone.
#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
#[ignore = "needs root and /dev/net/tun"]
fn every_pairing_gets_its_bytes_across_and_is_reported_in_every_way() {
    let folder = std::env::temp_dir().join(format!("netstrata-goodput-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (json, svg, markdown) = (file("figures.json"), file("figures.svg"), file("figures.md"));
    let slice =
        ["goodput", "--rtt", "20", "--loss", "0,1", "--reordering", "5", "--seconds", "1", "--rounds", "1"];
    let bench = |more: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_bench")).args(slice).args(more).output().expect("it was built");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(&json).unwrap()).unwrap()
    };
    let report = bench(&["--jobs", "2", "--json", &json, "--svg", &svg, "--markdown", &markdown]);
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 8, "two cells of four pairings");
    for one in figures {
        let sample = &one["samples"][0];
        assert!(sample["megabits"].as_f64() > Some(0.1), "{one}");
        let lost = sample["path"]["lost"].as_u64().unwrap() > 0;
        assert!(!lost || one["cell"]["loss"] == 1.0, "{one}");
    }
    assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    let text = std::fs::read_to_string(&markdown).unwrap();
    assert!(text.contains("figures.svg"), "{text}");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| 5 % | 20 ms | 1 % |")).collect();
    assert_eq!(rows.len(), 3, "goodput, repetitions, what was taken back: {text}");
    assert!(!rows[2].contains('?'), "both stacks count it: {}", rows[2]);

    // One pairing anew: the others stay as they were.
    let again = bench(&["--pairing", "ours-to-ours", "--seed", "9", "--keep", &json, "--json", &json]);
    let seeds: Vec<u64> = again["figures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["samples"][0]["seed"].as_u64().unwrap())
        .collect();
    assert_eq!(seeds, [9, 1, 1, 1, 9, 1, 1, 1]);
    std::fs::remove_dir_all(folder).unwrap();
}
