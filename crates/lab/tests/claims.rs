//! `docs/claims.md` and its Chinese twin: every link leads somewhere, and every experiment has its row and its test.

use std::path::Path;

const DOCUMENTS: [&str; 2] = ["claims.md", "claims.zh-CN.md"];

fn read(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for name in DOCUMENTS {
        let text = read(name);
        let links: Vec<&str> = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        assert!(links.len() > 60, "{name}: {} links", links.len());
        for link in links {
            assert!(folder.join(link).exists(), "{name}: {link} leads nowhere");
        }
    }
}

#[test]
fn every_experiment_has_its_row_and_its_test() {
    let tests = include_str!("experiments.rs");
    for name in DOCUMENTS {
        let text = read(name);
        for experiment in netstrata_lab::catalogue() {
            let function = experiment.name.replace('-', "_");
            let row = format!("[`{}`](../crates/lab/src/experiments/{function}.rs)", experiment.name);
            assert!(text.contains(&row), "{name}: no row for {}", experiment.name);
            assert!(text.contains(&format!("| `{function}` |")), "{name}: no test for {}", experiment.name);
            assert!(tests.contains(&format!("{function} \"{}\"", experiment.name)), "no test {function}");
            for claim in experiment.claims {
                assert!(
                    text.lines().any(|line| line.starts_with(&format!("| {claim} |")) && line.contains(&row))
                );
            }
        }
    }
}
