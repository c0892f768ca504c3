//! ARCHITECTURE.md's table "Every bound" tells the truth: each row names what tests it, and that exists.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All Rust code of the workspace, for its names of functions.
fn code() -> String {
    let mut all = String::new();
    let mut directories = vec![root().join("crates"), root().join("bench")];
    while let Some(directory) = directories.pop() {
        // What cannot be read has no test in it.
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    all
}

/// The first and the last cell of each row.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let table =
        page.split("## Every bound").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| What |"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let ["", what, .., proof, ""] = cells[..] else { panic!("no row: {row}") };
        (what, proof)
    })
    .collect()
}

fn exists(name: &str, code: &str) -> bool {
    if name.ends_with(".pkt") {
        root().join("crates/sim/scripts/tcp").join(name).is_file()
    } else if name.ends_with(".rs") {
        root().join(name).is_file()
    } else {
        code.contains(&format!("fn {name}("))
    }
}

#[test]
fn every_row_names_a_test_that_exists() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (rows, code) = (rows(&page), code());
    assert!(rows.len() > 140, "rows were lost: {}", rows.len());
    let mut faults = Vec::new();
    for (what, proof) in &rows {
        for name in proof.split(", ") {
            let word = name.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            if !word.is_some_and(|word| exists(word, &code)) {
                faults.push(format!("{what}: {name} does not exist"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(!exists("no_such_test", &code) && !exists("handshake/no-such-script.pkt", &code));
}
