//! Runs packet scripts: one line a file, and how many passed.

use netstrata_sim::script::{Setup, run_file};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: pkt FILE...");
        return ExitCode::from(2);
    }
    let mut failed = 0;
    for file in &files {
        match run_file(Path::new(file), Setup::default()) {
            Ok(_) => println!("{file}: passed"),
            Err(failure) => {
                failed += 1;
                println!("{file}:{failure}");
            }
        }
    }
    println!("{} passed, {failed} failed", files.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
