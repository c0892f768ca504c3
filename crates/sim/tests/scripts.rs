//! Every script under `scripts/`, each as a test of its own name, run with sequence numbers that begin, wrap and pass the
//! sign bit at various places, on both sides. And each once more by IPv6, and by IPv6 sockets with mapped addresses.

use libtest_mimic::{Arguments, Trial};
use netstrata_sim::script::{Failure, Family, Setup, read_file, run_file};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Added to the peers' numbers, which usually begin with 0; and what this host's begin with.
const BEGINNINGS: [u32; 5] = [0, u32::MAX - 1_500, u32::MAX - 1, u32::MAX, (1 << 31) - 3_000];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut files = Vec::new();
    if let Err(error) = collect(&root, &mut files) {
        eprintln!("{}: {error}", root.display());
        return ExitCode::FAILURE;
    }
    files.sort();
    let mut trials = Vec::new();
    for (family, word) in
        [(Family::V4, " by IPv4"), (Family::V6, " by IPv6"), (Family::Mapped, " by mapped addresses")]
    {
        let able: Vec<_> = files.iter().filter(|file| can_play(file, family)).cloned().collect();
        println!("{} of {} scripts can be played{word}", able.len(), files.len());
        trials.extend(able.into_iter().map(|file| {
            let name = file.strip_prefix(&root).unwrap_or(&file).with_extension("").display().to_string();
            let name = if family == Family::V4 { name } else { format!("{name}{word}") };
            Trial::test(name, move || {
                let tell =
                    |(failure, setup): (Failure, Setup)| format!("{}:{failure} ({setup:?})", file.display());
                Ok(run_all(&file, family).map_err(tell)?)
            })
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A script that cannot be read is played, and fails.
fn can_play(file: &Path, family: Family) -> bool {
    read_file(file).map_or(true, |script| script.can_be_played_by(family))
}

fn run_all(file: &Path, family: Family) -> Result<(), (Failure, Setup)> {
    let run = |setup| run_file(file, setup).map_err(|failure| (failure, setup));
    let setup = Setup { family, ..Setup::default() };
    let usual = run(setup)?.first_number;
    for beginning in BEGINNINGS {
        let setup = Setup { remote_offset: beginning, ..setup };
        run(setup)?;
        if let Some(usual) = usual {
            let report = run(setup.with_first_number(usual, beginning))?;
            assert_eq!(report.first_number, Some(beginning), "numbers grow by one every 4 microseconds");
        }
    }
    Ok(())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            files.push(path);
        }
    }
    Ok(())
}
