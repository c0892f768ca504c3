//! Runs packet scripts: one line a file, and how many passed; each by the family that it
//! says or IPv4, or by the families that are asked for.

use netstrata_sim::script::{Failure, Family, Setup, read_file, run};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: pkt [--family=4|6|mapped|all] FILE...";

fn main() -> ExitCode {
    let mut families = vec![None];
    let mut files = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.strip_prefix("--family=") {
            Some("4") => families = vec![Some(Family::V4)],
            Some("6") => families = vec![Some(Family::V6)],
            Some("mapped") => families = vec![Some(Family::Mapped)],
            Some("all") => families = Family::ALL.map(Some).to_vec(),
            Some(_) => return usage(),
            None => files.push(argument),
        }
    }
    if files.is_empty() {
        return usage();
    }
    let (mut passed, mut failed) = (0, 0);
    for family in families {
        for file in &files {
            match play(Path::new(file), family) {
                Ok(true) => {
                    passed += 1;
                    println!("{file}{}: passed", word(family));
                }
                Ok(false) => println!("{file}{}: not for this family", word(family)),
                Err(failure) => {
                    failed += 1;
                    println!("{file}{}:{failure}", word(family));
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn word(family: Option<Family>) -> &'static str {
    match family {
        None | Some(Family::V4) => "",
        Some(Family::V6) => " (IPv6)",
        Some(Family::Mapped) => " (mapped)",
    }
}

/// False if the family cannot play the script.
fn play(file: &Path, family: Option<Family>) -> Result<bool, Failure> {
    let script = read_file(file)?;
    let family = family.unwrap_or(script.family());
    if !script.can_be_played_by(family) {
        return Ok(false);
    }
    run(&script, Setup { family, ..Setup::default() })?;
    Ok(true)
}
