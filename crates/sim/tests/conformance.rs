//! CONFORMANCE.md and the pages it names tell the truth: what a row names exists, and no requirement of RFC 9293 is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 3] = ["CONFORMANCE.md", "docs/conformance-tcp.md", "docs/conformance-ip.md"];
const HEAD: &str = "| Requirement | Source | Where | Proof |";
/// What may stand in place of a proof.
const KINDS: [&str; 3] = ["Deviates", "Not built", "Not proven"];
/// The last number of each kind in RFC 9293, Appendix B.
const NUMBERED: [(&str, u32); 3] = [("MUST", 69), ("SHLD", 31), ("MAY", 18)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

struct Row {
    place: String,
    source: String,
    location: String,
    proof: String,
}

/// All rows of a page. A table has our head, and four cells a row.
fn rows(page: &str) -> Vec<Row> {
    let text = text(page).unwrap_or_else(|error| panic!("{error}"));
    let lines: Vec<&str> = text.lines().collect();
    let mut rows = Vec::new();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with('|')) {
        let place = format!("{page}:{}", number + 1);
        if !lines[number - 1].starts_with('|') {
            assert_eq!(*line, HEAD, "{place}: a table begins with another head");
            assert_eq!(lines[number + 1], "|---|---|---|---|", "{place}");
            continue;
        }
        if line.starts_with("|---") {
            continue;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", requirement, source, location, proof, ""] = cells[..] else {
            panic!("{place}: a row has four cells")
        };
        assert!(!requirement.is_empty() && !source.is_empty(), "{place}: an empty cell");
        rows.push(Row { place, source: source.into(), location: location.into(), proof: proof.into() });
    }
    rows
}

/// `word` between backticks, and nothing else.
fn quoted(text: &str) -> Result<&str, String> {
    text.strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .filter(|word| !word.is_empty() && !word.contains('`'))
        .ok_or_else(|| format!("{text:?} is not one word in backticks"))
}

/// `` `file` (`name`, `name`) ``: the file's path below `crates/`, and the names.
fn file_and_names(entry: &str) -> Result<(&str, Vec<&str>), String> {
    let (file, names) = entry.split_once(" (").ok_or_else(|| format!("{entry:?} names no function"))?;
    let names = names.strip_suffix(')').ok_or_else(|| format!("{entry:?} does not end in `)`"))?;
    Ok((quoted(file)?, names.split(", ").map(quoted).collect::<Result<_, _>>()?))
}

/// The line of `fn name` in `text`, counted from 0.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let begins = |rest: &str| rest.starts_with(['(', '<']);
    text.lines().position(|line| {
        line.split_once(&format!("fn {name}")).is_some_and(|(before, rest)| {
            begins(rest) && (before.is_empty() || before.ends_with([' ', '\t'])) && !before.contains("//")
        })
    })
}

fn has_function(file: &str, name: &str) -> Result<(), String> {
    let text = text(&format!("crates/{file}"))?;
    line_of(&text, name).map(|_| ()).ok_or_else(|| format!("{file} has no function {name}"))
}

fn has_test(file: &str, name: &str) -> Result<(), String> {
    let text = text(&format!("crates/{file}"))?;
    let lines: Vec<&str> = text.lines().collect();
    let at = line_of(&text, name).ok_or_else(|| format!("{file} has no function {name}"))?;
    let marked = lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.trim().starts_with("#["))
        .any(|line| line.trim() == "#[test]");
    if marked { Ok(()) } else { Err(format!("{name} in {file} is no test")) }
}

fn has_script(name: &str) -> Result<(), String> {
    text(&format!("crates/sim/scripts/tcp/{name}.pkt")).map(|_| ())
}

fn check_location(row: &Row, kind: Option<&str>) -> Result<(), String> {
    if row.location == "–" {
        return if kind == Some("Not built") {
            Ok(())
        } else {
            Err("it is nowhere, yet not `Not built:`".into())
        };
    }
    for entry in row.location.split("; ") {
        let (file, names) = file_and_names(entry)?;
        names.iter().try_for_each(|name| has_function(file, name))?;
    }
    Ok(())
}

fn check_proof(row: &Row, kind: Option<&str>) -> Result<(), String> {
    if kind.is_some() {
        // What a reason names as a script is one.
        let named = row.proof.split('`').skip(1).step_by(2);
        return named.filter(|word| word.contains('/') && !word.contains('.')).try_for_each(has_script);
    }
    for entry in row.proof.split("; ") {
        if entry.contains(" (") {
            let (file, names) = file_and_names(entry)?;
            names.iter().try_for_each(|name| has_test(file, name))?;
        } else {
            has_script(quoted(entry)?)?;
        }
    }
    Ok(())
}

fn kind_of(row: &Row) -> Result<Option<&'static str>, String> {
    let Some((word, reason)) = row.proof.split_once(": ").filter(|(word, _)| !word.contains('`')) else {
        return Ok(None);
    };
    let kind = KINDS.into_iter().find(|kind| *kind == word);
    let kind = kind.ok_or_else(|| format!("`{word}:` is none of {KINDS:?}"))?;
    if reason.trim().is_empty() { Err(format!("`{kind}:` without a reason")) } else { Ok(Some(kind)) }
}

#[test]
fn what_the_rows_name_exists() {
    let mut counts = BTreeMap::new();
    let mut faults = Vec::new();
    for row in PAGES.iter().flat_map(|page| rows(page)) {
        let checked = kind_of(&row).and_then(|kind| {
            *counts.entry(kind.unwrap_or("Kept")).or_insert(0) += 1;
            check_location(&row, kind).and_then(|()| check_proof(&row, kind))
        });
        faults.extend(checked.err().map(|fault| format!("{}: {fault}", row.place)));
    }
    println!("{counts:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(counts.values().sum::<i32>() > 200, "rows were lost: {counts:?}");
}

#[test]
fn every_number_of_rfc_9293_stands_once() {
    let mut seen = BTreeMap::new();
    for row in rows(PAGES[0]) {
        for word in row.source.split(", ") {
            *seen.entry(word.to_owned()).or_insert(0) += 1;
        }
    }
    for (kind, last) in NUMBERED {
        for number in 1..=last {
            let name = format!("{kind}-{number}");
            assert_eq!(seen.get(&name), Some(&1), "{name}");
        }
    }
}

#[test]
fn every_deviation_marked_in_the_code_is_told() {
    let told = text("ARCHITECTURE.md").unwrap();
    let told: Vec<&str> = told.lines().filter(|line| line.starts_with('|')).collect();
    let mut marked = 0;
    let mut untold = Vec::new();
    let mut directories = vec![root().join("crates")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with("node_modules") && !path.ends_with("tests") {
                    directories.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && fs::read_to_string(&path).unwrap().contains("Deviates:")
            {
                marked += 1;
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                if !told.iter().any(|line| line.contains(&format!("`{name}`"))) {
                    untold.push(name);
                }
            }
        }
    }
    assert!(marked > 5, "nothing was looked at");
    assert!(untold.is_empty(), "not in ARCHITECTURE.md: {untold:?}");
}

#[test]
fn what_is_wrong_is_found() {
    assert!(has_script("closing/passive-close").is_ok() && has_script("closing/no-such-script").is_err());
    let file = "tcp/src/connection/throttle.rs";
    assert!(has_function(file, "allow").is_ok() && has_function(file, "allo").is_err());
    assert!(has_test(file, "one_answer_in_half_a_second").is_ok() && has_test(file, "allow").is_err());
    assert!(file_and_names("`a.rs` (`b`, `c`)").is_ok());
    for entry in ["`a.rs`", "`a.rs` (b)", "a.rs (`b`)", "`a.rs` (`b`"] {
        assert!(file_and_names(entry).is_err(), "{entry}");
    }
}
